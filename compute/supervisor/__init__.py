"""The local-compute supervisor: the one process that owns the training and serving programs of a spool."""
