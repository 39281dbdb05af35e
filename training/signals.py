"""What training tells the layers above it, on commit, by id."""

from django.dispatch import Signal

#: kwargs: ``model_version_id: int``. A verified artifact became a model version.
model_registered = Signal()

#: kwargs: ``run_id: int``. A training run changed its state.
run_changed = Signal()

#: kwargs: ``test_set_id: int``. A test set waits for the answers of the versions.
test_set_uploaded = Signal()
