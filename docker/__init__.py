"""The images of an installation, and a way to take their steps without an engine."""
