"""What inference does when a lower layer tells it something. Losing a signal only costs time."""

from typing import Any

from django.dispatch import receiver

from annotation.signals import labels_changed, services_changed, tickets_ingested
from inference import nudges
from training.signals import model_registered


@receiver(labels_changed)
@receiver(services_changed)
def rank_again(**_: Any) -> None:
    """Labels or services changed: the learner refits."""
    nudges.learner()


@receiver(tickets_ingested)
@receiver(model_registered)
def look_for_work(**_: Any) -> None:
    """New tickets need vectors; a new version needs its evaluation."""
    nudges.work()
