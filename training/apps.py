"""App configuration: connects the receivers of the lower layers' signals."""

from django.apps import AppConfig


class TrainingConfig(AppConfig):
    name = "training"
    verbose_name = "Training"

    def ready(self) -> None:
        from training import receivers  # noqa: F401
