"""HTTP API of inference."""
