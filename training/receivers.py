"""What training does when annotation tells it something. Losing a signal only costs time: beat asks again."""

from typing import Any

from celery import current_app
from django.core.cache import cache
from django.dispatch import receiver

from annotation.signals import labels_changed
from training.signals import run_changed

DEBOUNCE_SECONDS = 2


@receiver(labels_changed)
def ask_the_policy(sender: Any, **kwargs: Any) -> None:
    """Labels came or went: ask the policy soon, once for many labels."""
    if cache.add("training:policy-asked", 1, timeout=DEBOUNCE_SECONDS):
        current_app.send_task("training.tasks.policy_check", countdown=DEBOUNCE_SECONDS / 2)


@receiver(run_changed)
def go_on(sender: Any, run_id: int, **kwargs: Any) -> None:
    """A run changed its state: take its next step at once rather than at the next beat."""
    current_app.send_task("training.tasks.run_advance", args=[run_id], countdown=0.2)
