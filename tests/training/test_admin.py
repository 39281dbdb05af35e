"""Runs, the policy and schedules in the admin: asked first, by the same actions as the API."""

import pytest
from celery import current_app
from django.test import Client
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

from tests import factories
from training.models import RetrainPolicy, TrainingRun

pytestmark = pytest.mark.django_db
RUNS, TASKS = "/admin/training/trainingrun/", "/admin/django_celery_beat/periodictask/"
POLICY = "/admin/training/retrainpolicy/1/change/"


@pytest.fixture
def ada() -> Client:
    client = Client()
    client.force_login(factories.person("ada", "admin"))
    return client


def told(answer) -> list[str]:
    return [str(message) for message in answer.context["messages"]]


def run(state: str) -> TrainingRun:
    return TrainingRun.objects.create(state=state, reason={}, failure_reason="the container said no")


def test_cancelling_asks_first_and_a_link_alone_does_nothing(ada: Client) -> None:
    live = run("running")
    assert "cancel/" in ada.get(f"{RUNS}{live.pk}/change/").content.decode()
    assert ada.get(f"{RUNS}{live.pk}/cancel/").status_code == 200
    live.refresh_from_db()
    assert live.cancel_requested_at is None
    assert told(ada.post(f"{RUNS}{live.pk}/cancel/", follow=True)) == ["The run is being stopped."]
    live.refresh_from_db()
    assert live.cancel_requested_at is not None


def test_a_confirmation_without_its_csrf_token_does_nothing(ada: Client) -> None:
    live, browser = run("running"), Client(enforce_csrf_checks=True)
    browser.force_login(factories.person("ada", "admin"))
    assert browser.post(f"{RUNS}{live.pk}/cancel/").status_code == 403
    live.refresh_from_db()
    assert live.cancel_requested_at is None


def test_a_failed_run_is_tried_again_by_name_of_who_asked(ada: Client) -> None:
    failed = run("failed")
    ada.post(f"{RUNS}{failed.pk}/retry/")
    failed.refresh_from_db()
    assert (failed.state, failed.attempt, str(failed.requested_by)) == ("planned", 2, "ada")


def test_what_the_actions_refuse_is_a_message(ada: Client) -> None:
    ended, live = run("succeeded"), run("running")
    assert told(ada.post(f"{RUNS}{ended.pk}/cancel/", follow=True)) == ["This run has already ended."]
    said = told(ada.post(f"{RUNS}{ended.pk}/retry/", follow=True))
    assert said == ["Only a failed or stopped run can be tried again."]
    failed = run("failed")
    said = told(ada.post(f"{RUNS}{failed.pk}/retry/", follow=True))
    assert said == ["A training is under way; only one runs at a time."]
    assert told(ada.post(f"{RUNS}start/", follow=True)) == ["A training needs labels of two services."]
    assert TrainingRun.objects.filter(state="planned").count() == 0 and live.pk


def test_a_run_offers_only_what_can_be_done_with_it(ada: Client) -> None:
    for state, offered in [("running", {"cancel"}), ("failed", {"retry"}), ("succeeded", set())]:
        one = run(state)
        html = ada.get(f"{RUNS}{one.pk}/change/").content.decode()
        assert {verb for verb in ("cancel", "retry") if f"{RUNS}{one.pk}/{verb}/" in html} == offered
        one.delete()


def test_a_run_shows_why_it_failed(ada: Client) -> None:
    assert "the container said no" in ada.get(f"{RUNS}{run('failed').pk}/change/").content.decode()


def test_a_training_is_started_when_there_is_something_to_learn(ada: Client) -> None:
    for name in ("Delivery", "Billing"):
        factories.labelled(factories.ticket(), factories.service(name))
    assert ada.get(f"{RUNS}start/").status_code == 200 and not TrainingRun.objects.exists()
    ada.post(f"{RUNS}start/")
    assert str(TrainingRun.objects.get().requested_by) == "ada"


def policy_fields(**changes) -> dict[str, object]:
    values = {
        "is_active": "on", "min_new_labels": 50, "minimum_labels": 40, "max_age_hours": 168, "cron": "",
        "cooldown_minutes": 10, "max_seconds": 900, "epochs": 6, "max_failures": 3, "monthly_cap": 0,
        "audit_target": 800,
    }  # fmt: skip
    return {**values, **changes}


def test_the_policy_is_edited_by_the_rules_of_the_api(ada: Client) -> None:
    assert ada.get("/admin/training/retrainpolicy/", follow=True).status_code == 200
    page = ada.post(POLICY, policy_fields(cron="every day"))
    assert list(page.context["adminform"].form.errors) == ["cron"]
    assert list(ada.post(POLICY, policy_fields(minimum_labels=1)).context["adminform"].form.errors)
    ada.post(POLICY, policy_fields(cron="0 3 * * *", min_new_labels=75, is_active="", advisor_may_veto=""))
    policy = RetrainPolicy.objects.get()
    assert (policy.cron, policy.min_new_labels, policy.is_active) == ("0 3 * * *", 75, False)
    assert (policy.audit_target, policy.advisor_may_veto) == (800, False)


def built_in() -> PeriodicTask:
    name = next(iter(current_app.conf.beat_schedule))
    rhythm = IntervalSchedule.objects.create(every=5, period="seconds")
    return PeriodicTask.objects.create(name=name, task="training.tasks.runs_drive", interval=rhythm)


def test_a_built_in_schedule_can_be_neither_edited_switched_off_nor_deleted(ada: Client) -> None:
    row = built_in()
    assert ada.post(f"{TASKS}{row.pk}/change/", {"name": "x"}).status_code == 403
    assert ada.post(f"{TASKS}{row.pk}/delete/", {"post": "yes"}).status_code == 403
    rhythm = f"/admin/django_celery_beat/intervalschedule/{row.interval_id}"
    assert ada.post(f"{rhythm}/delete/", {"post": "yes"}).status_code == 403
    assert ada.post(f"{rhythm}/change/", {"every": 500, "period": "days"}).status_code == 403
    ada.post(TASKS, {"action": "disable_tasks", "_selected_action": [row.pk]})
    row.refresh_from_db()
    assert row.enabled and row.name != "x" and row.interval.every == 5


def test_a_schedule_of_ones_own_is_made_switched_off_and_deleted(ada: Client) -> None:
    clock = {"minute": "0", "hour": "3", "day_of_month": "*", "month_of_year": "*", "day_of_week": "*"}
    wrong = ada.post("/admin/django_celery_beat/crontabschedule/add/", {**clock, "timezone": "Mars/Olympus"})
    assert list(wrong.context["adminform"].form.errors) == ["timezone"]
    ada.post("/admin/django_celery_beat/crontabschedule/add/", {**clock, "timezone": "Europe/Paris"})
    nightly = CrontabSchedule.objects.get()
    assert str(nightly.timezone) == "Europe/Paris"
    ada.post(
        f"{TASKS}add/",
        {
            "name": "nightly look", "regtask": "training.tasks.policy_check", "task": "", "enabled": "on",
            "crontab": nightly.pk, "args": "[]", "kwargs": "{}",
        },
    )  # fmt: skip
    row = PeriodicTask.objects.get()
    assert (row.task, row.crontab) == ("training.tasks.policy_check", nightly)
    ada.post(TASKS, {"action": "disable_tasks", "_selected_action": [row.pk]})
    row.refresh_from_db()
    assert not row.enabled
    ada.post(f"{TASKS}{row.pk}/delete/", {"post": "yes"})
    assert not PeriodicTask.objects.exists()
