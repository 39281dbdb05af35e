"""What an insufficient candidate got wrong comes back to Teach as open tickets that are like it."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from django.utils import timezone

from annotation.models import QueueItem, Ticket
from inference import actions, loading
from inference.learner.worker import Resident
from inference.models import Encoder, HistoryEntry, LookAlike, MirroredTicket, Observation
from ml.schema import TransformOutput
from tests.inference.cast import label, make_tickets
from tests.inference.observed import Observed, Reviewer, side
from training.models import ModelVersion

pytestmark = pytest.mark.django_db(transaction=True)
DIM = 8


def embed(tickets: list[Ticket], clouds: int) -> None:
    """Vectors in so many tight clouds, by turns."""
    version = ModelVersion.objects.create(
        number=0, kind="encoder", artifact_uri="file:///none", manifest_hash="0", encoder="a" * 16, dim=DIM
    )
    Encoder.objects.create(fingerprint=version.encoder, dim=DIM, model_version=version, is_current=True)
    rng, axes = np.random.default_rng(0), np.eye(DIM, dtype=np.float32)
    answers = []
    for number, ticket in enumerate(tickets):
        vector = axes[number % clouds] + rng.normal(scale=0.02, size=DIM)
        line = loading.line_id(ticket.pk, ticket.text_hash)
        answers.append(
            TransformOutput(line, version.encoder, "m", (vector / np.linalg.norm(vector)).astype(np.float32))
        )
    loading.load(version, answers)


def judged_insufficient(observed: Observed) -> MirroredTicket:
    """One failure of the candidate, and a verdict that has stood for a while."""
    (failure,) = observed.pairs("delivery", "billing")
    rose = Reviewer("rose")
    pair = rose.next()
    rose.judge(pair, side(pair, observed.services["billing"]))
    long_ago = timezone.now() - timedelta(minutes=5)
    assert Observation.objects.get().state == "insufficient"
    Observation.objects.update(decided_at=long_ago)
    return MirroredTicket.objects.get(pk=failure.pk)


def test_failures_send_their_look_alikes_to_teach_and_close_the_observation() -> None:
    observed = Observed(most_judgements=1)
    failure = judged_insufficient(observed)
    others = make_tickets(40)
    embed([failure.ticket, *others], clouds=2)
    audit = others[1]  # in the failure's cloud
    Ticket.objects.filter(pk=audit.pk).update(is_audit=True)
    for ticket in others[2:8]:
        label(ticket, observed.services["billing" if ticket.pk % 2 else "returns"])
    actions.observation_settle(observation=observed.observation)
    alike = {one.pk for place, one in enumerate(others, start=1) if place % 2 == 0}
    found = set(LookAlike.objects.values_list("ticket_id", flat=True))
    assert len(found) == 5 and found < alike and audit.pk not in found
    over = observed.again()
    assert (over.state, over.ended_at is not None) == ("insufficient", True)
    assert HistoryEntry.objects.get(kind="back_to_teach").params == {"look_alikes": 5}

    Resident().turn()
    first = list(QueueItem.objects.filter(mode="teach").order_by("position")[:10])
    assert {item.ticket_id for item in first if item.lane == "failure"} == found
    assert Ticket.objects.filter(pk__in=found, status="open").count() == 5


def test_a_verdict_of_a_moment_ago_closes_nothing_yet() -> None:
    observed = Observed(most_judgements=1)
    judged_insufficient(observed)
    Observation.objects.update(decided_at=timezone.now())
    actions.observation_settle(observation=observed.observation)
    assert observed.again().ended_at is None


def test_a_look_alike_that_people_decided_about_is_not_asked_again() -> None:
    observed = Observed(most_judgements=1)
    failure = judged_insufficient(observed)
    others = make_tickets(12)
    embed([failure.ticket, *others], clouds=1)
    actions.observation_settle(observation=observed.observation)
    decided = Ticket.objects.get(pk=LookAlike.objects.earliest("similarity").ticket_id)
    label(decided, observed.services["billing"])
    label(others[-1], observed.services["returns"])
    Resident().turn()
    queued = set(QueueItem.objects.filter(lane="failure").values_list("ticket_id", flat=True))
    assert queued and decided.pk not in queued


def test_without_a_space_nothing_is_sent_and_the_observation_ends_all_the_same() -> None:
    observed = Observed(most_judgements=1)
    judged_insufficient(observed)
    actions.observation_settle(observation=observed.observation)
    assert not LookAlike.objects.exists() and observed.again().ended_at is not None
