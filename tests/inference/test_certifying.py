"""From predictions and control labels to evaluation, certificate and verdict: what looking and what promoting costs."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
import pytest
from django.db import connection
from django.utils import timezone

from accounts.errors import Refused
from annotation.models import Annotation, Service, Ticket
from inference import actions, selectors
from inference.models import Deployment, DeploymentRole, Encoder, Observation, Prediction, RoutingDecision
from ml.policy import decide
from ml.text import text_hash
from tests import factories
from tests.inference.cast import make_services, someone
from training import actions as training
from training import selectors as measured
from training.models import Evaluation, GateVerdict, ModelVersion, PrecisionCertificate

pytestmark = pytest.mark.django_db

LABELS = ["card", "parcel", "refund"]
AUDIT, POOL = 200, 200


def tickets(count: int, *, is_audit: bool, first: int = 0) -> list[Ticket]:
    return Ticket.objects.bulk_create(
        Ticket(
            external_id=f"{is_audit} {number}", text=f"text {number}", text_hash=text_hash(f"{is_audit} {number}"),
            group=f"{is_audit} {number}", received_at=timezone.now(), is_audit=is_audit, audit_rank=number,
            language="fr" if number % 2 else "en",
        )
        for number in range(first, first + count)
    )  # fmt: skip


def decided(members: Sequence[Ticket], services: Sequence[Service]) -> None:
    """People give the services in turn."""
    for number, ticket in enumerate(members):
        ticket.status, ticket.label = "labelled", services[number % len(services)]
        ticket.labelled_at = timezone.now()
    Ticket.objects.bulk_update(members, ["status", "label", "labelled_at"])


def of_no_service(ticket: Ticket, kind: str = "none") -> None:
    others = list(Service.objects.all()[:2]) if kind == "two" else [None, None]
    Annotation.objects.create(
        ticket=ticket,
        kind=kind,
        mode="teach",
        annotator=someone(),
        service=others[0],
        second_service=others[1],
    )
    Ticket.objects.filter(pk=ticket.pk).update(status="set_aside", label=None, labelled_at=None)


def version(number: int = 1) -> ModelVersion:
    made = ModelVersion.objects.create(
        number=number, kind="classifier", artifact_uri="file:///x", manifest_hash=str(number), encoder="e" * 16, dim=8,
        labels=LABELS,
    )  # fmt: skip
    Encoder.objects.get_or_create(fingerprint=made.encoder, defaults={"dim": 8, "model_version": made})
    return made


def answered(by: ModelVersion, members: Sequence[Ticket], wrong: int = 0, sure: float = 0.98) -> None:
    """The version answers in turn; the first `wrong` of them with the next service, and less sure."""
    rows = []
    for number, ticket in enumerate(members):
        is_wrong = number < wrong
        place = (number + is_wrong) % len(LABELS)
        chances = np.full(len(LABELS), (1 - (0.5 if is_wrong else sure)) / 2, "<f4")
        chances[place] = 0.5 if is_wrong else sure
        rows.append(
            Prediction(
                ticket=ticket, model_version=by, probability=float(chances[place]), probabilities=chances.tobytes(),
                outlier=0.1,
            )
        )  # fmt: skip
    Prediction.objects.bulk_create(rows)


@pytest.fixture
def desk(db: None) -> tuple[list[Ticket], list[Ticket]]:
    """Control tickets with their labels, and a pool without."""
    audit = tickets(AUDIT, is_audit=True)
    decided(audit, make_services(*LABELS))
    return audit, tickets(POOL, is_audit=False)


def judged(desk: tuple[list[Ticket], list[Ticket]], number: int = 1, wrong: int = 4) -> ModelVersion:
    made = version(number)
    answered(made, desk[0], wrong)
    answered(made, desk[1], 4)
    actions.verdict_refresh(model_version=made)
    return made


Desk = tuple[list[Ticket], list[Ticket]]


def test_groups_that_a_lead_named_are_certified_and_obeyed_each_by_itself(desk: Desk) -> None:
    groups = [{"name": "Money", "services": ["card", "refund"], "precision": 0.95}]
    training.gate_settings_update(service_groups=groups, precision=0.9, groups=3)
    new = judged(desk, wrong=0)
    row = measured.certificate_on_trial(new)
    assert row is not None and row.state == "certified"
    assert [(one.name, one.services, one.wanted) for one in row.certificate.groups] == [
        ("Money", ("card", "refund"), 0.95),
        ("others", ("parcel",), 0.9),
    ]
    held = row.certificate.threshold_for("card")
    assert decide(LABELS, [0.98, 0.01, 0.01], 0.1, row.certificate).threshold == held is not None


def test_a_version_is_evaluated_certified_on_trial_and_judged_and_nothing_is_spent(desk: Desk) -> None:
    new = judged(desk)
    evaluation = measured.latest_evaluation(new)
    assert evaluation is not None and (evaluation.n, evaluation.accuracy) == (AUDIT, 0.98)
    assert [one["language"] for one in evaluation.metrics["languages"]] == ["en", "fr"]
    row = measured.certificate_on_trial(new)
    assert row is not None and (row.state, row.is_fresh, row.is_spent) == ("certified", True, False)
    assert row.window_from == row.window_to == timezone.now().date()
    assert measured.certificate_of(new) is None
    assert measured.may_be_promoted(new).allowed
    before = [model.objects.count() for model in (Evaluation, PrecisionCertificate, GateVerdict)]
    actions.verdict_refresh(model_version=new)
    assert [model.objects.count() for model in (Evaluation, PrecisionCertificate, GateVerdict)] == before


def test_a_promotion_spends_delta_and_the_next_version_is_tested_at_less(desk: Desk) -> None:
    first = judged(desk)
    spent = actions.certificate_spend(model_version=first, by=someone("lea"))
    assert spent is not None and (spent.use, spent.level) == (None, 0.05)
    certificate = measured.certificate_of(first)
    assert decide(LABELS, [0.99, 0.005, 0.005], 0.1, certificate).service == "card"
    second = judged(desk, 2)
    looked = measured.certificate_on_trial(second)
    assert looked is not None and looked.use == 2 and looked.level < 0.05 / 4
    assert actions.certificate_spend(model_version=first) == spent


def test_with_enough_control_labels_never_asked_only_those_are_asked_at_the_whole_delta(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = judged(desk)
    actions.certificate_spend(model_version=first)
    more = tickets(AUDIT, is_audit=True, first=1000)
    decided(more, list(Service.objects.order_by("position")))
    second = version(2)
    answered(second, [*desk[0], *more], 4)
    answered(second, desk[1])
    monkeypatch.setattr("inference.actions.evaluations.FRESH_ENOUGH", AUDIT)
    row = actions.certificate_try(model_version=second)
    assert row is not None and row.is_fresh and row.level == 0.05
    assert row.tickets == sorted(ticket.pk for ticket in more)


def test_a_model_that_errs_too_often_is_not_certified_and_says_so(desk: Desk) -> None:
    new = version()
    answered(new, desk[0], wrong=120)
    answered(new, desk[1])
    Prediction.objects.filter(model_version=new).update(
        probabilities=np.asarray([0.98, 0.01, 0.01], "<f4").tobytes(), probability=0.98
    )
    actions.verdict_refresh(model_version=new)
    row = actions.certificate_spend(model_version=new)
    assert row is not None and row.state == "too_many_errors"
    assert decide(LABELS, [0.98, 0.01, 0.01], 0.1, measured.certificate_of(new)).reason == "not_certified"
    assert "not_certified" in measured.may_be_promoted(new).params["codes"]


def test_tickets_of_no_service_are_controls_too_and_count_against_what_is_routed(desk: Desk) -> None:
    for ticket in desk[0][:5]:
        of_no_service(ticket)
    of_no_service(desk[0][5], kind="two")
    new = judged(desk, wrong=0)
    evaluation = measured.latest_evaluation(new)
    assert evaluation is not None and (evaluation.n, evaluation.metrics["tickets"]) == (AUDIT - 6, AUDIT - 1)
    assert evaluation.metrics["out_of_scope"]["tickets"] == 5
    row = measured.certificate_on_trial(new)
    assert row is not None and row.certificate.tests[0].errors == 5


def test_without_a_control_label_there_is_nothing_to_judge(db: None) -> None:
    make_services(*LABELS)
    new = version()
    answered(new, tickets(3, is_audit=True))
    assert actions.verdict_refresh(model_version=new) is None
    assert measured.may_be_observed(new).code == "not_judged"


def test_before_the_pool_was_answered_no_certificate_is_asked(desk: Desk) -> None:
    new = version()
    answered(new, desk[0])
    verdict = actions.verdict_refresh(model_version=new)
    assert actions.certificate_try(model_version=new) is None
    assert verdict is not None and "not_certified" in verdict.stopping
    answered(new, desk[1])
    later = actions.verdict_refresh(model_version=new)
    assert later is not None and "not_certified" not in later.stopping


def test_answers_that_are_no_numbers_stop_the_version_and_are_routed_by_nobody(desk: Desk) -> None:
    new = version()
    answered(new, desk[0])
    answered(new, desk[1])
    broken = np.full(len(LABELS), np.nan, "<f4").tobytes()
    Prediction.objects.filter(model_version=new, ticket=desk[0][0]).update(probabilities=broken)
    verdict = actions.verdict_refresh(model_version=new)
    assert verdict is not None and verdict.stopping == ["unusable_answers"]
    Prediction.objects.filter(model_version=new).update(probabilities=broken)
    row = actions.certificate_try(model_version=new)
    assert row is not None and row.state == "unusable_probabilities"


def test_a_service_that_was_switched_off_and_one_without_a_control_are_named(desk: Desk) -> None:
    Ticket.objects.filter(label__code="refund").update(status="open", label=None, labelled_at=None)
    Service.objects.filter(code="card").update(is_active=False)
    new = judged(desk, wrong=0)
    evaluation = measured.latest_evaluation(new)
    assert evaluation is not None
    assert (evaluation.metrics["unknown_here"], evaluation.metrics["unheard"]) == (["card"], ["refund"])
    row = measured.certificate_on_trial(new)
    assert row is not None and row.certificate.known == ("parcel", "refund")
    assert row.certificate.unheard == ("refund",)
    assert decide(LABELS, [0.98, 0.01, 0.01], 0.1, row.certificate).reason == "not_certified"


def test_one_more_control_label_is_no_news_but_a_tenth_more_is(desk: Desk) -> None:
    new = judged(desk)
    more = tickets(21, is_audit=True, first=1000)
    answered(new, more)
    decided(more[:1], list(Service.objects.all()))
    actions.verdict_refresh(model_version=new)
    assert Evaluation.objects.count() == 1
    decided(more, list(Service.objects.order_by("position")))
    actions.verdict_refresh(model_version=new)
    assert (Evaluation.objects.count(), measured.certificate_on_trial(new).audit_labels) == (2, 221)  # type: ignore[union-attr]


def test_a_new_promise_is_tried_and_judged_at_the_next_look(desk: Desk) -> None:
    new = judged(desk)
    training.gate_settings_update(precision=0.999)
    assert measured.may_be_promoted(new).params["codes"] == ["not_certified"]
    actions.verdict_refresh(model_version=new)
    row = measured.certificate_on_trial(new)
    assert row is not None and (row.precision, row.state) == (0.999, "too_few_labels")


def test_versions_at_work_stay_measured_and_keep_their_space(desk: Desk) -> None:
    old = judged(desk)
    Deployment.objects.create(model_version=old, role=DeploymentRole.PRODUCTION, endpoint_name="production")
    assert selectors.versions_at_work() == [old]
    assert not selectors.stale_encoders().filter(fingerprint=old.encoder).exists()
    newest = judged(desk, 2)
    verdict = measured.verdict_of(newest)
    assert verdict is not None and verdict.production == old
    assert verdict.figures["services"]["card"]["both"] > 0


def test_a_version_that_answers_live_tickets_is_timed(desk: Desk) -> None:
    new = judged(desk)
    assert selectors.latency_of(new) is None
    RoutingDecision.objects.bulk_create(
        RoutingDecision(
            ticket=ticket, model_version=new, reason="uncertain", reasons=["uncertain"], latency_ms=milliseconds,
            decided_at=timezone.now(),
        )
        for milliseconds, ticket in enumerate(desk[1][:100], start=901)
    )  # fmt: skip
    assert selectors.latency_of(new) == 995.0
    verdict = actions.verdict_refresh(model_version=new)
    assert verdict is not None and verdict.stopping == ["slow"]


def test_what_the_gate_stops_is_not_observed_until_a_lead_overrides_it_by_name(desk: Desk) -> None:
    lea = factories.person("lea", "lead")
    new = version()
    for code in ("not_judged", "stopped_by_gate"):
        with pytest.raises(Refused) as refused:
            actions.observation_start(candidate=new, started_by=lea)
        assert (refused.value.code, refused.value.params["why"]) == ("gate_in_the_way", code)
        if code == "not_judged":
            answered(new, desk[0], wrong=120)
            answered(new, desk[1])
            actions.verdict_refresh(model_version=new)
    training.gate_override(model_version=new, purpose="observe", reason="To see what it does live.", by=lea)
    observation = actions.observation_start(candidate=new, started_by=lea)
    Observation.objects.update(state="sufficient")
    with pytest.raises(Refused) as refused:
        actions.promotion_request(observation_id=observation.pk, by=lea, why="It looks fine.")
    assert refused.value.params["why"] == "stopped_by_gate"


@pytest.mark.django_db(transaction=True)
def test_two_promotions_at_once_never_both_ask_fresh_labels() -> None:
    audit = tickets(AUDIT, is_audit=True)
    decided(audit, make_services(*LABELS))
    desk = (audit, tickets(POOL, is_audit=False))
    both = [judged(desk, 1), judged(desk, 2)]
    barrier = threading.Barrier(2)

    def spend(one: ModelVersion) -> None:
        try:
            barrier.wait(20)
            actions.certificate_spend(model_version=one)
        finally:
            connection.close()

    threads = [threading.Thread(target=spend, args=(one,)) for one in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(row.use or 0 for row in measured.certificates_spent()) == [0, 2]
