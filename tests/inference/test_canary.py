"""A canary: an approved version routes a share first; what is wrong with it reaches no more than that share."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from annotation.models import Ticket
from inference import actions
from inference.actions.canary import canary_step
from inference.comparison.drawing import CANARY, drawn
from inference.models import Deployment, HistoryEntry, Outcome, Promotion, RoutingDecision, WatchSettings
from inference.routing.standing import standing
from tests import factories
from tests.compute.conftest import until
from tests.inference.desk import Desk, forget
from tests.inference.test_promotions import Promoting

pytestmark = pytest.mark.django_db
SHARE = 0.5


class Careful(Promoting):
    """A house that lets a new version route half of the tickets first."""

    def __init__(self, desk: Desk, **chosen: Any) -> None:
        super().__init__(desk)
        for name in ("canary", "rehearsal"):  # a test before this one may have left them
            self.backend.delete_endpoint(name)
            until(lambda name=name: self.backend.observe_endpoint(name).state == "absent", "a fresh start")  # type: ignore[misc]
        given = {"canary_share": SHARE, "canary_tickets": 30, "canary_minutes": 60} | chosen
        WatchSettings.objects.update_or_create(pk=1, defaults=given)

    def begun(self) -> Deployment:
        """Approved, and its canary routes."""
        self.rehearsed()
        assert self.approve().json()["promotion"]["state"] == "canary"

        def routes() -> bool:
            actions.promotions_drive(backend=self.backend)
            return Deployment.objects.filter(role="canary", ended_at=None).exists()

        until(routes, "the canary")
        return Deployment.objects.get(role="canary", ended_at=None)

    def route(self, count: int, text: str = "delivery of a parcel") -> dict[str, RoutingDecision]:
        """So many different tickets; their decisions by external id."""
        first = Ticket.objects.count()
        names = [f"C-{number}" for number in range(first, first + count)]
        for name in names:
            self.desk.route(name, f"{text} {factories.spelled(int(name[2:]))}")
        rows = RoutingDecision.objects.select_related("ticket", "model_version")
        return {row.ticket.external_id: row for row in rows.filter(ticket__external_id__in=names)}

    def step(self) -> Promotion:
        canary_step(Promotion.objects.latest("pk"))
        return Promotion.objects.latest("pk")


@pytest.fixture
def careful(desk: Desk) -> Careful:
    forget()
    return Careful(desk)


def test_a_share_drawn_by_their_ids_goes_to_the_new_version_the_rest_to_the_former_then_all_of_them(
    careful: Careful, settings: Any
) -> None:
    canary = careful.begun()
    rows = careful.route(24)
    salt = f"{settings.AUDIT_SALT}:{canary.pk}"
    for name, row in rows.items():
        assert row.model_version.number == (2 if drawn(salt, CANARY, name) < SHARE else 1)
        assert row.service == careful.desk.services["delivery"]
    mine = [row for row in rows.values() if row.deployment == canary]
    assert 0 < len(mine) < len(rows)
    assert careful.step().state == "canary" and careful.production() == careful.desk.version.artifact_uri
    WatchSettings.objects.update(canary_tickets=len(mine))
    careful.drive("done")
    assert careful.production() == careful.candidate.artifact_uri and standing().canary is None
    assert {row.model_version.number for row in careful.route(3).values()} == {2}
    kinds = list(HistoryEntry.objects.order_by("pk").values_list("kind", flat=True))
    assert kinds[-3:] == ["promotion_approved", "canary_started", "promoted"]
    until(
        lambda: (
            careful.backend.observe_endpoint("canary").state == "absent"
            or actions.promotions_drive(backend=careful.backend)
        ),
        "the end of the canary's endpoint",
    )


def test_several_tickets_in_one_call_are_each_answered_by_the_version_they_are_drawn_for(
    careful: Careful,
) -> None:
    careful.begun()
    sent = [
        {"external_id": f"B-{number}", "text": f"returns {factories.spelled(number)}"} for number in range(12)
    ]
    answers = careful.desk.routed(*sent)
    assert [one["decision"]["external_id"] for one in answers] == [one["external_id"] for one in sent]
    assert {one["decision"]["service"] for one in answers} == {"returns"}
    assert {one["decision"]["model_version"] for one in answers} == {1, 2}


def test_a_canary_whose_tickets_end_elsewhere_ends_the_promotion_and_the_former_has_routed_all_the_time(
    careful: Careful, told: Any
) -> None:
    canary = careful.begun()
    WatchSettings.objects.update(fewest=5, canary_tickets=1000)
    mine = [row for row in careful.route(24).values() if row.deployment == canary]
    Outcome.objects.bulk_create(
        Outcome(
            ticket=row.ticket, service=careful.desk.services["returns"], sent_to=row.service, is_moved=True,
            decided_at=timezone.now(), told_at=timezone.now(),
        )
        for row in mine
    )  # fmt: skip
    for _ in range(2):
        done = careful.step()
    assert done.state == "failed" and "routed tickets were right" in done.trouble
    line = HistoryEntry.objects.get(kind="promotion_failed")
    assert line.by is None and line.params["found"]["code"] == "precision_below"
    assert told() == [("canary_stopped", {"version": 2, "found": [line.params["found"]]})]
    assert {row.model_version.number for row in careful.route(6).values()} == {1}
    assert Deployment.objects.get(role="canary").ended_at is not None


def test_a_canary_that_does_not_answer_ends_the_promotion(careful: Careful) -> None:
    canary = careful.begun()
    WatchSettings.objects.update(canary_tickets=1000)
    rows = careful.route(40)
    mine = [row.pk for row in rows.values() if row.deployment == canary]
    RoutingDecision.objects.filter(pk__in=mine).update(
        service=None, reason="model_unavailable", reasons=["model_unavailable"], detail="too_late"
    )
    done = careful.step()
    assert done.state == "failed" and "got no answer" in done.trouble
    assert HistoryEntry.objects.get(kind="promotion_failed").params["found"]["code"] == "unavailable"


def test_time_ends_a_canary_too_if_nothing_was_wrong(careful: Careful) -> None:
    canary = careful.begun()
    Deployment.objects.filter(pk=canary.pk).update(started_at=timezone.now() - timedelta(minutes=61))
    assert careful.step().state == "deploying"


def test_a_lead_may_end_a_canary_and_a_rollback_ends_it_too(careful: Careful) -> None:
    careful.begun()
    made = Promotion.objects.latest("pk")
    assert careful.chloe.post(f"promotions/{made.pk}/withdraw/", {"why": "not today"}).status_code == 200
    assert standing().canary is None and Deployment.objects.get(role="canary").ended_at is not None
    careful.begun()
    assert careful.chloe.post("production/rollback/", {"why": "misroutes"}).status_code == 200
    assert Promotion.objects.latest("pk").state == "failed" and standing().canary is None


def test_a_first_version_has_nothing_that_could_take_the_rest_so_it_needs_no_canary(careful: Careful) -> None:
    careful.rehearsed()
    Deployment.objects.filter(role="production").update(ended_at=timezone.now())
    assert careful.approve().json()["promotion"]["state"] == "deploying"


@pytest.mark.django_db(transaction=True)
def test_workers_that_look_at_the_same_moment_begin_one_canary(desk: Desk) -> None:
    careful = Careful(desk)
    careful.rehearsed()
    careful.approve()
    promotion, start = Promotion.objects.latest("pk"), threading.Barrier(3)

    def look() -> None:
        start.wait(30)
        canary_step(promotion)
        connection.close()

    workers = [threading.Thread(target=look) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert Deployment.objects.filter(role="canary").count() == 1
    assert HistoryEntry.objects.filter(kind="canary_started").count() == 1
