"""What training does when annotation tells it something. Losing a signal only costs time: beat asks again."""

from typing import Any

from django.dispatch import receiver

from annotation.signals import labels_changed, tickets_erased
from training import nudges
from training.signals import model_registered, run_changed


@receiver(labels_changed)
def ask_the_policy(sender: Any, **kwargs: Any) -> None:
    """Labels came or went: perhaps enough of them for a training."""
    nudges.policy()


@receiver(tickets_erased)
def forget_them(sender: Any, **kwargs: Any) -> None:
    """Tickets were erased: no snapshot keeps their text."""
    nudges.forget()


@receiver(model_registered)
def tell_the_registry(sender: Any, **kwargs: Any) -> None:
    """A new version: the account's model registry is to know it."""
    nudges.registry()


@receiver(run_changed)
def go_on(sender: Any, run_id: int, **kwargs: Any) -> None:
    """A run changed its state: it may have a next step to take."""
    nudges.advance(run_id)
