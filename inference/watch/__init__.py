"""What is known about the version that routes; ``inference.actions.watching`` acts on it."""
