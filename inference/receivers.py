"""What inference does when a lower layer tells it something. Losing a signal only costs time."""

import logging
from typing import Any

from django.db import DatabaseError
from django.dispatch import receiver

from annotation.signals import labels_changed, services_changed, tickets_ingested
from inference import actions, nudges
from training.signals import model_registered, test_set_uploaded

log = logging.getLogger(__name__)


@receiver(labels_changed)
@receiver(services_changed)
def rank_again(**_: Any) -> None:
    """Labels or services changed: the learner refits."""
    nudges.learner()


@receiver(labels_changed)
def answer_the_desk(ticket_ids: list[int], **_: Any) -> None:
    """People decided about tickets: whoever waits for one of them has the answer. What fails here beat does later."""
    try:
        actions.escalations_settle(ticket_ids=ticket_ids)
    except DatabaseError:
        log.exception("an answer to the desk is left to beat")


@receiver(tickets_ingested)
@receiver(model_registered)
@receiver(test_set_uploaded)
def look_for_work(**_: Any) -> None:
    """New tickets need vectors; a new version needs its evaluation, a new test set its answers."""
    nudges.work()
