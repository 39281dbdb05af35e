"""App configuration."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = "People"

    def ready(self) -> None:
        """Let the API's schema know our ways of signing in."""
        from accounts import schema  # noqa: F401
