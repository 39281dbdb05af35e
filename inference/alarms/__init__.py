"""Telling people outside the pages that something is wrong; ``inference.actions.alarms`` keeps what is to be told."""
