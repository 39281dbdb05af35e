"""Brings a new demo installation to the middle of its story, through the same actions that people use."""

from inference.demo.story import go_on, seed

__all__ = ["go_on", "seed"]
