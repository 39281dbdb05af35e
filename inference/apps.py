"""App configuration: connects the receivers of the lower layers' signals."""

from django.apps import AppConfig


class InferenceConfig(AppConfig):
    name = "inference"
    verbose_name = "Inference"

    def ready(self) -> None:
        from inference import receivers  # noqa: F401
