"""HTTP for runs, model versions and the retrain policy."""
