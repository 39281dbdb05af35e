"""The policy over real rows: what starts a training, what holds it back, and what is kept of the decision."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.utils import timezone

from annotation import actions as annotation
from annotation.models import Annotation, Ticket
from ml.container import Hyperparameters
from tests import factories
from tests.training.workshop import Workshop, waiting
from training import actions, nudges, selectors, tasks
from training.models import RetrainAdvice, RetrainDecision, RetrainPolicy, RunState, TrainingRun

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def taught(trained: Workshop) -> Workshop:
    """A policy of two new labels, after a first training on four."""
    actions.policy_update(min_new_labels=2, minimum_labels=4, cooldown_minutes=0, max_age_hours=0)
    trained.until(trained.plan(), "succeeded")
    return trained


def codes() -> list[str]:
    return list(RetrainDecision.objects.order_by("pk").values_list("code", flat=True))


def advise_against(**changes: Any) -> None:
    """Advice that a training would gain .2 points, below a noise of 1.1, on what is known of the current version."""
    model = selectors.current_model()
    assert model is not None
    figures = {"version": model.number, "gain": 0.002, "noise": 0.011, "new": 2, "worth_from": 3, **changes}
    actions.advice_push(code="label_on", params={"training": figures}, vetoes_training=True)


def ago(**span: float) -> Any:
    return timezone.now() - timedelta(**span)


def test_the_first_training_starts_with_the_label_that_makes_the_minimum(workshop: Workshop) -> None:
    actions.policy_update(minimum_labels=5)
    decision = actions.policy_apply()
    assert (decision.starts, decision.code, decision.params) == (
        False,
        "too_few_labels",
        {"have": 4, "needed": 5},
    )
    workshop.label(workshop.tickets[4], 0)
    decision = actions.policy_apply()
    assert (decision.starts, decision.code) == (True, "first_training")
    assert decision.run == selectors.live_run()
    assert decision.run.reason == {"code": "first_training", "params": {"have": 5, "needed": 5}}


def test_a_training_starts_when_enough_labels_are_new_to_the_last_snapshot(taught: Workshop) -> None:
    taught.label(taught.tickets[4], 0)
    assert actions.policy_apply().code == "counting"
    taught.label(taught.tickets[5], 1)
    decision = actions.policy_apply()
    assert (decision.starts, decision.code, decision.params) == (
        True,
        "enough_labels",
        {"new": 2, "needed": 2},
    )


def test_a_corrected_label_is_new_and_one_taken_back_and_given_again_is_not(taught: Workshop) -> None:
    ada, ticket = factories.person("ada", "lead"), taught.tickets[0]
    annotation.ticket_relabel(ticket_id=ticket.pk, service_id=taught.services[1].pk, annotator=ada)
    assert selectors.label_counts().since_last == 1
    annotation.ticket_relabel(ticket_id=ticket.pk, service_id=taught.services[0].pk, annotator=ada)
    assert selectors.label_counts().since_last == 0


def test_audit_labels_start_no_training(taught: Workshop) -> None:
    for _ in range(3):
        taught.label(factories.ticket(audit=True), 0)
    assert Ticket.objects.filter(is_audit=True, status="labelled").count() == 3
    assert actions.policy_apply().code == "nothing_new"


def test_a_model_that_is_too_old_is_trained_again_once_one_label_is_new(taught: Workshop) -> None:
    actions.policy_update(min_new_labels=50, max_age_hours=24)
    TrainingRun.objects.update(created_at=ago(hours=25), ended_at=ago(hours=24.9))
    assert actions.policy_apply().code == "nothing_new"
    taught.label(taught.tickets[4], 0)
    decision = actions.policy_apply()
    assert (decision.starts, decision.code) == (True, "too_old")


def test_a_crontab_line_starts_a_training_when_its_moment_has_passed(taught: Workshop, settings: Any) -> None:
    settings.INSTALLATION_TIME_ZONE = "UTC"
    taught.label(taught.tickets[4], 0)
    past, following = ago(hours=1), timezone.now() + timedelta(hours=1)
    TrainingRun.objects.update(created_at=ago(hours=2), ended_at=ago(hours=2))
    actions.policy_update(min_new_labels=50, cron=f"{following.minute} {following.hour} * * *")
    assert actions.policy_apply().code == "counting"
    actions.policy_update(cron=f"{past.minute} {past.hour} * * *")
    decision = actions.policy_apply()
    assert (decision.starts, decision.code) == (True, "schedule")


def test_after_a_run_it_cools_down_whichever_run_ended_last(taught: Workshop) -> None:
    actions.policy_update(cooldown_minutes=10)
    taught.label(taught.tickets[4], 0)
    taught.label(taught.tickets[5], 1)
    assert actions.policy_apply().code == "cooling_down"
    TrainingRun.objects.update(ended_at=ago(minutes=11))
    # An older run that was tried again ended a moment ago.
    TrainingRun.objects.create(pk=1, state=RunState.FAILED, ended_at=ago(minutes=1))
    assert actions.policy_apply().code == "cooling_down"
    TrainingRun.objects.filter(pk=1).update(ended_at=ago(minutes=11))
    assert actions.policy_apply().starts


def test_after_failures_in_a_row_it_waits_for_a_person_whose_success_lets_it_go_on(
    taught: Workshop,
) -> None:
    actions.policy_update(max_failures=2)
    taught.label(taught.tickets[4], 0)
    taught.label(taught.tickets[5], 1)
    for _ in range(2):
        run = actions.policy_apply().run
        taught.tell(run, "complain")
        taught.until(run, "failed")
    decision = actions.policy_apply()
    assert (decision.code, decision.params) == ("waiting_for_a_person", {"failures": 2})
    actions.run_retry(run_id=run.pk)
    run.refresh_from_db()
    taught.tell(run, "learn")
    taught.until(run, "succeeded")
    assert actions.policy_apply().code == "nothing_new"


def test_advice_against_a_training_holds_it_back_and_is_named_in_what_is_kept(taught: Workshop) -> None:
    taught.label(taught.tickets[4], 0)
    taught.label(taught.tickets[5], 1)
    advise_against()
    decision = actions.policy_apply()
    assert (decision.starts, decision.code) == (False, "advised_against")
    figures = {"gain": 0.002, "noise": 0.011, "worth_from": 3}
    assert decision.params == {"advice": "gain_below_noise", "new": 2, "needed": 2, **figures}
    assert selectors.last_decision() == decision and selectors.live_run() is None
    actions.advice_push(code="label_on", params={})
    assert actions.policy_apply().starts


def test_advice_against_a_training_ends_with_the_labels_it_names_though_none_came_since(
    taught: Workshop,
) -> None:
    taught.label(taught.tickets[4], 0)
    taught.label(taught.tickets[5], 1)
    advise_against(worth_from=2)
    assert actions.policy_apply().code == "enough_labels"


def test_advice_about_another_version_holds_nothing_back(taught: Workshop) -> None:
    taught.label(taught.tickets[4], 0)
    taught.label(taught.tickets[5], 1)
    advise_against(version=99)
    assert actions.policy_apply().starts


def test_a_lead_can_have_the_advisor_advise_only_and_can_always_train_by_hand(taught: Workshop) -> None:
    taught.label(taught.tickets[4], 0)
    taught.label(taught.tickets[5], 1)
    advise_against()
    assert actions.policy_apply().code == "advised_against"
    run = actions.run_start(reason={"code": "asked_for", "params": {}})
    actions.run_cancel(run_id=run.pk)
    taught.until(run, "cancelled", "stopped", "failed", "succeeded")
    actions.policy_update(advisor_may_veto=False, max_failures=9)
    assert actions.policy_apply().starts


def test_a_service_that_the_model_does_not_know_is_trained_against_all_advice(taught: Workshop) -> None:
    other = factories.service("Another service")
    taught.label(taught.tickets[4], 0)
    advise_against()
    taught.label(taught.tickets[5], other)
    assert actions.policy_apply().code == "enough_labels"


def test_the_same_advice_again_refreshes_the_row_and_other_advice_makes_a_new_one(db: None) -> None:
    actions.advice_push(code="label_on", params={"labels": 100})
    actions.advice_push(code="label_on", params={"labels": 125})
    assert [(row.code, row.params) for row in RetrainAdvice.objects.all()] == [("label_on", {"labels": 125})]
    actions.advice_push(code="label_on", params={"labels": 150}, vetoes_training=True)
    actions.advice_push(code="stop", params={"labels": 175}, vetoes_training=True)
    assert list(RetrainAdvice.objects.values_list("code", "vetoes_training")) == [
        ("stop", True), ("label_on", True), ("label_on", False),
    ]  # fmt: skip


def test_the_same_advice_pushed_by_many_at_once_is_one_row(db: None) -> None:
    start = threading.Barrier(6)

    def push(labels: int) -> None:
        start.wait(30)
        actions.advice_push(code="stop", params={"labels": labels})
        connection.close()

    threads = [threading.Thread(target=push, args=(labels,)) for labels in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert RetrainAdvice.objects.count() == 1


def test_a_decision_is_kept_once_until_it_changes_with_its_newest_figures(workshop: Workshop) -> None:
    actions.policy_update(minimum_labels=9)
    actions.policy_apply()
    workshop.label(workshop.tickets[4], 0)
    actions.policy_apply()
    assert codes() == ["too_few_labels"]
    assert selectors.last_decision().params == {"have": 5, "needed": 9}
    actions.policy_update(minimum_labels=5)
    actions.policy_apply()
    actions.policy_apply()
    assert codes() == ["too_few_labels", "first_training", "running"]
    assert TrainingRun.objects.count() == 1


def test_a_policy_that_is_off_starts_nothing(workshop: Workshop) -> None:
    actions.policy_update(minimum_labels=2, is_active=False)
    assert actions.policy_apply().code == "policy_off"
    assert not TrainingRun.objects.exists()


# The signal hastens, and only hastens


def test_many_labels_at_once_ask_the_policy_once_and_a_later_one_again(workshop: Workshop) -> None:
    cache.clear()
    before = waiting(nudges.POLICY)
    workshop.label(workshop.tickets[4], 0)
    workshop.label(workshop.tickets[5], 1)
    assert waiting(nudges.POLICY) == before + 1
    tasks.policy_check()
    workshop.label(factories.ticket("one more"), 1)
    assert waiting(nudges.POLICY) == before + 2


def test_a_label_is_kept_without_an_error_while_the_broker_is_away(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*args: Any, **kwargs: Any) -> None:
        raise nudges.OperationalError("no broker")

    cache.clear()
    monkeypatch.setattr(nudges.current_app, "send_task", away)
    workshop.label(workshop.tickets[4], 0)
    assert Annotation.objects.filter(ticket=workshop.tickets[4]).count() == 1
    actions.policy_update(minimum_labels=5)
    tasks.policy_check()
    run = selectors.live_run()
    assert run is not None and run.reason["code"] == "first_training"


def test_noise_is_told_to_a_training_only_where_the_installation_asks_for_it(settings: Any) -> None:
    plain = actions.hyperparameters_of(RetrainPolicy())
    assert not {"noise_share", "rare_floor", "class_balance"} & set(plain)
    settings.TRAIN_NOISE = {"noise_share": 0.5, "rare_floor": 30, "class_balance": 0.0}
    told = actions.hyperparameters_of(RetrainPolicy())
    assert told == plain | {"noise_share": "0.5", "rare_floor": "30"}
    assert Hyperparameters.from_strings(told).rare_floor == 30, "the container takes them"
