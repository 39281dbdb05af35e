"""Where the desk says tickets ended up: kept, and a moved one comes back as a weak label for Check."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from annotation import selectors as annotation
from annotation.models import Annotation, QueueItem, Ticket
from inference import loading
from inference.learner.worker import Resident
from inference.models import Encoder, Outcome
from ml.schema import TransformOutput
from tests import factories
from tests.inference.cast import label as labelled
from tests.inference.cast import make_tickets
from tests.inference.desk import Desk
from training.models import ModelVersion

pytestmark = pytest.mark.django_db


def test_a_ticket_that_stays_where_it_was_routed_is_kept_and_no_label(desk: Desk) -> None:
    desk.route("A-1", "delivery")
    said = desk.tell("A-1", "delivery")
    assert (said["recorded"], said["news"], said["moved"], said["error"]) == (True, True, False, None)
    assert Outcome.objects.get().sent_to == desk.services["delivery"] and not Annotation.objects.exists()


def test_a_moved_ticket_is_a_weak_label_marked_as_the_desks(desk: Desk) -> None:
    desk.route("A-1", "delivery")
    assert desk.tell("A-1", "returns")["moved"]
    ticket = Ticket.objects.get()
    assert (ticket.label, ticket.label_source) == (desk.services["returns"], "outcome")
    (label,) = annotation.labels_for_training()
    assert (label.weight, label.code) == (annotation.IMPORT_WEIGHT, "returns")
    row = Annotation.objects.get()
    assert (row.annotator, row.lane, row.mode) == (None, "outcome", "import")


def test_the_same_told_twice_or_late_changes_nothing_and_a_newer_word_counts(desk: Desk) -> None:
    desk.route("A-1", "delivery")
    now = timezone.now()
    desk.tell("A-1", "returns", decided_at=(now - timedelta(hours=1)).isoformat())
    assert not desk.tell("A-1", "returns")["news"]
    assert not desk.tell("A-1", "billing", decided_at=(now - timedelta(hours=2)).isoformat())["news"]
    assert Ticket.objects.get().label == desk.services["returns"]
    assert desk.tell("A-1", "delivery")["news"], "moved back"
    assert Ticket.objects.get().label == desk.services["delivery"]
    assert Outcome.objects.count() == 1 and Annotation.objects.count() == 2


def test_a_control_never_gets_the_desks_label(desk: Desk) -> None:
    desk.route("A-1", "delivery")
    Ticket.objects.update(is_audit=True)
    assert desk.tell("A-1", "returns")["moved"]
    ticket = Ticket.objects.get()
    assert (ticket.status, ticket.label) == ("open", None) and not Annotation.objects.exists()


def test_a_persons_label_stands_above_the_desks(desk: Desk) -> None:
    desk.route("A-1", "delivery")
    ticket = Ticket.objects.get()
    factories.labelled(ticket, desk.services["billing"])
    desk.tell("A-1", "returns")
    ticket.refresh_from_db()
    assert (ticket.label, ticket.label_source) == (desk.services["billing"], "person")


def test_the_desk_that_decides_by_itself_ends_the_wait(desk: Desk) -> None:
    desk.route("A-1", "perhaps delivery")
    desk.tell("A-1", "returns")
    assert desk.ask("A-1")["state"] == "closed" and not QueueItem.objects.exists()
    assert Ticket.objects.get().label_source == "outcome"
    assert not Outcome.objects.get().is_moved, "nobody had sent it anywhere"


def test_a_ticket_sent_by_a_person_and_moved_since_counts_as_moved(desk: Desk) -> None:
    desk.route("A-1", "perhaps delivery")
    QueueItem.objects.all().delete()
    factories.labelled(Ticket.objects.get(), desk.services["delivery"])
    assert desk.tell("A-1", "returns")["moved"]


def test_several_are_told_at_once_and_bad_ones_harm_no_other(desk: Desk) -> None:
    desk.route("A-1", "delivery")
    told = [("A-1", "returns"), ("A-1", "no-such"), ("A-9", "returns")]
    body = {"outcomes": [{"external_id": name, "service": code} for name, code in told]}
    results = desk.post("outcomes/", body)["results"]
    assert [one["error"] for one in results] == [None, "unknown_service", "unknown_ticket"]
    assert Outcome.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_check_asks_about_moved_tickets_and_about_labels_the_desk_contradicts(desk: Desk) -> None:
    space = ModelVersion.objects.create(
        number=0, kind="encoder", artifact_uri="file:///none", manifest_hash="0", encoder="a" * 16, dim=4
    )
    Encoder.objects.create(fingerprint=space.encoder, dim=4, model_version=space, is_current=True)
    services = list(desk.services.values())
    pool = make_tickets(12)
    for number, one in enumerate(pool[:6]):
        labelled(one, services[number % 2])
    moved, disputed, agreed = pool[6], pool[0], pool[1]
    for one, code in ((moved, "returns"), (disputed, "returns"), (agreed, "delivery")):
        desk.tell(one.external_id, code)
    embed(space, pool)
    Resident().refresh()
    asked = dict(QueueItem.objects.filter(lane="outcome").values_list("ticket_id", "suggested_service"))
    assert asked == {moved.pk: desk.services["returns"].pk, disputed.pk: desk.services["returns"].pk}
    bob = factories.person("bob")
    item = next(one for one in claim_checks(bob) if one["ticket"]["id"] == moved.pk)
    wanted = {"code": "moved_by_desk", "params": {"service_id": desk.services["returns"].pk}}
    assert item["why"] == wanted and item["suggestion"] is None


def claim_checks(who: Any) -> list[Any]:
    from django.test import Client

    client = Client()
    client.force_login(who)
    body = {"mode": "check", "count": 5}
    return list(client.post("/api/queue/claim/", body, "application/json").json()["items"])


def embed(space: ModelVersion, tickets: list[Ticket]) -> None:
    import numpy as np

    axes = np.eye(4, dtype=np.float32)
    lines = [(loading.line_id(one.pk, one.text_hash), axes[number % 2]) for number, one in enumerate(tickets)]
    loading.load(space, [TransformOutput(line, space.encoder, "m", vector) for line, vector in lines])
