"""From a sufficient candidate to production and back: who may, what is rehearsed, what is kept of it."""

from __future__ import annotations

from typing import Any

import pytest

from inference import actions
from inference.models import (
    Deployment,
    HistoryEntry,
    Observation,
    Promotion,
    PromotionSettings,
)
from ml.certificate import Promise
from tests.compute.conftest import until
from tests.inference.desk import CERTIFICATE, Desk
from tests.inference.observed import Reviewer
from training import actions as training
from training.models import GateVerdict, ModelVersion, PrecisionCertificate, RegistryEntry

pytestmark = pytest.mark.django_db


class Promoting:
    """A desk whose observed candidate is sufficient, and two leads."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.backend = desk, desk.house.backend
        self.chloe, self.dan = Reviewer("chloe", "lead"), Reviewer("dan", "lead")
        self.candidate: ModelVersion = desk.make_version(2, "second")
        training.certificate_record(
            model_version=self.candidate, certificate=CERTIFICATE, promise=Promise(), tickets=[], fingerprint="data",
            is_spent=True,
        )  # fmt: skip
        self.observation = actions.observation_start(candidate=self.candidate, started_by=self.chloe.user)
        Observation.objects.update(state="sufficient")

    def ask(self, who: Reviewer | None = None) -> Any:
        path = f"observation/{self.observation.pk}/promotion/"
        return (who or self.chloe).post(path, {"why": "right twice as often"})

    def approve(self, who: Reviewer | None = None) -> Any:
        return (who or self.dan).post(f"promotions/{Promotion.objects.latest('pk').pk}/approve/")

    def rehearsed(self) -> None:
        self.ask()

        def ready() -> bool:
            actions.promotions_drive(backend=self.backend)
            return Promotion.objects.latest("pk").state == "ready"

        until(ready, "the rehearsal")

    def drive(self, state: str) -> None:
        def there() -> bool:
            actions.promotions_drive(backend=self.backend)
            return Promotion.objects.latest("pk").state == state

        until(there, state)

    def production(self) -> str | None:
        seen = self.backend.observe_endpoint("production")
        return seen.artifact_uri if seen.state == "in_service" else None


@pytest.fixture
def promoting(desk: Desk) -> Promoting:
    return Promoting(desk)


def kinds() -> list[str]:
    return list(HistoryEntry.objects.order_by("pk").values_list("kind", flat=True))


def test_a_candidate_is_rehearsed_approved_by_a_second_lead_and_routes(promoting: Promoting) -> None:
    asked = promoting.ask().json()
    assert asked["promotion"]["state"] == "rehearsing" and asked["promotion"]["former"] == 1
    early = promoting.approve()
    assert (early.status_code, early.json()["error"]["code"]) == (409, "rollback_not_rehearsed")
    RegistryEntry.objects.create(model_version=promoting.candidate, address="arn:x")
    promoting.drive("ready")
    assert promoting.chloe.get("production/")["promotion"]["may_approve"] is False
    assert promoting.dan.get("production/")["promotion"]["may_approve"] is True
    assert promoting.approve().status_code == 200
    promoting.drive("done")
    live = Deployment.objects.get(role="production", ended_at=None)
    assert (live.model_version, live.started_by) == (promoting.candidate, promoting.dan.user)
    assert promoting.production() == promoting.candidate.artifact_uri
    assert promoting.desk.route("after", "delivery")["model_version"] == 2
    assert Observation.objects.get().state == "promoted"
    assert kinds() == [
        "observation_started", "promotion_requested", "rollback_rehearsed", "promotion_approved", "promoted",
    ]  # fmt: skip
    entry = RegistryEntry.objects.get()
    assert (entry.approval, entry.decided_by) == ("approved", promoting.dan.user)
    assert entry.reason == "promotion asked for by chloe: right twice as often"
    line = promoting.dan.get("history/")["results"][0]
    assert (line["kind"], line["by"], line["why"], line["version"]) == (
        "promoted", "dan", "right twice as often", 2,
    )  # fmt: skip
    until(
        lambda: (
            promoting.backend.observe_endpoint("rehearsal").state == "absent"
            or actions.promotions_drive(backend=promoting.backend)
        ),
        "the end of the rehearsal",
    )


def test_who_asked_may_not_approve_unless_four_eyes_are_switched_off_and_that_is_kept(
    promoting: Promoting,
) -> None:
    promoting.rehearsed()
    refused = promoting.approve(promoting.chloe)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "needs_second_person")
    PromotionSettings.objects.create(pk=1, four_eyes=False)
    assert promoting.approve(promoting.chloe).status_code == 200
    assert Promotion.objects.get().was_four_eyes is False
    kept = HistoryEntry.objects.get(kind="promotion_approved").params
    assert kept == {"four_eyes": False, "promotion": Promotion.objects.get().pk}


def test_a_way_back_that_cannot_start_stops_the_promotion(promoting: Promoting) -> None:
    ModelVersion.objects.filter(number=1).update(artifact_uri="file:///nowhere/model.tar.gz")
    promoting.ask()
    promoting.drive("failed")
    failed = Promotion.objects.get()
    assert failed.trouble and "promotion_failed" in kinds()
    assert promoting.approve().json()["error"]["code"] == "promotion_over"
    assert Deployment.objects.get(role="production", ended_at=None).model_version.number == 1


def test_a_version_whose_certificate_is_refused_at_its_promotion_is_not_promoted_and_that_is_kept(
    promoting: Promoting,
) -> None:
    PrecisionCertificate.objects.filter(model_version=promoting.candidate).update(is_spent=False)
    promoting.rehearsed()
    assert promoting.approve().json()["promotion"] is None
    assert (Promotion.objects.get().state, Promotion.objects.get().trouble) == ("failed", "not certified")
    line = HistoryEntry.objects.latest("pk")
    assert (line.kind, line.by, line.why) == ("promotion_failed", promoting.dan.user, "not certified")


def test_a_version_that_the_gate_stopped_meanwhile_is_neither_asked_for_nor_approved(
    promoting: Promoting,
) -> None:
    promoting.rehearsed()
    GateVerdict.objects.update(passed=False)
    refused = promoting.approve()
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "gate_in_the_way")


def test_a_verdict_taken_back_meanwhile_stops_the_approval(promoting: Promoting) -> None:
    promoting.rehearsed()
    Observation.objects.update(state="running")
    assert promoting.approve().json()["error"]["code"] == "not_sufficient"
    assert promoting.ask().json()["error"]["code"] == "not_sufficient"


def test_only_one_promotion_is_under_way_and_a_withdrawn_one_makes_room(promoting: Promoting) -> None:
    promoting.ask()
    assert promoting.ask(promoting.dan).json()["error"]["code"] == "promotion_under_way"
    made = Promotion.objects.get()
    assert (
        promoting.dan.post(f"promotions/{made.pk}/withdraw/", {"why": "not on a Friday"}).status_code == 200
    )
    assert promoting.ask(promoting.dan).status_code == 200


def test_a_reason_is_always_asked_for(promoting: Promoting) -> None:
    path = f"observation/{promoting.observation.pk}/promotion/"
    assert promoting.chloe.post(path, {"why": "  "}).status_code == 400
    assert promoting.chloe.post("production/rollback/", {}).status_code == 400


@pytest.mark.parametrize("role", ["annotator", "reviewer"])
def test_only_leads_promote_and_go_back(promoting: Promoting, role: str) -> None:
    other = Reviewer(role, role)
    assert promoting.ask(other).status_code == 403
    assert other.post("production/rollback/", {"why": "no"}).status_code == 403
    assert other.client.get("/api/history/").status_code == (200 if role == "reviewer" else 403)


def test_a_rollback_is_one_step_and_routes_with_the_former_version_again(promoting: Promoting) -> None:
    promoting.rehearsed()
    promoting.approve()
    promoting.drive("done")
    RegistryEntry.objects.create(model_version=promoting.candidate, address="arn:x", approval="approved")
    back = promoting.dan.post("production/rollback/", {"why": "misroutes since noon"})
    assert RegistryEntry.objects.get().reason == "rolled back: misroutes since noon"
    assert RegistryEntry.objects.get().approval == "rejected"
    assert (back.status_code, back.json()["production"]["version"]) == (200, 1)
    at_once = promoting.desk.route("at once", "delivery")
    assert at_once["state"] == "waiting" and at_once["escalate"] == "model_unavailable"

    def is_back() -> bool:
        actions.promotions_drive(backend=promoting.backend)
        return promoting.production() == promoting.desk.version.artifact_uri

    until(is_back, "the former version")
    assert promoting.desk.route("later", "delivery")["model_version"] == 1
    assert HistoryEntry.objects.latest("pk").params == {"back_to": 1}
    assert HistoryEntry.objects.latest("pk").why == "misroutes since noon"


def test_a_first_version_goes_back_to_people(desk: Desk) -> None:
    lead = Reviewer("chloe", "lead")
    assert lead.get("production/")["production"]["way_back"] is None
    assert lead.post("production/rollback/", {"why": "too many misroutes"}).status_code == 200
    assert desk.route("T-1", "delivery")["escalate"] == "model_unavailable"
    assert (
        lead.post("production/rollback/", {"why": "again"}).json()["error"]["code"] == "nothing_in_production"
    )


def test_the_history_is_paged_and_never_changes(promoting: Promoting) -> None:
    for number in range(60):
        actions.observation_share(
            observation_id=promoting.observation.pk, share=number / 100, by=promoting.chloe.user
        )
    first = promoting.chloe.get("history/")
    second = promoting.chloe.get(f"history/?before={first['next_before']}")
    ids = [line["id"] for line in first["results"] + second["results"]]
    assert len(ids) == len(set(ids)) == HistoryEntry.objects.count() and second["next_before"] is None
