"""State machines of inference's jobs."""

from inference.runs.transform import advance

__all__ = ["advance"]
