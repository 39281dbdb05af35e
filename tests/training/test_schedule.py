"""When a training starts by itself, and what it says when it does not."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.schedule import BadSchedule, Facts, Veto, cron_due_since, cron_next, decide

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
VETO = Veto("gain_below_noise", 80, {"gain": 0.002, "noise": 0.01})
CALM = Facts(
    now=NOW,
    is_active=True,
    is_running=False,
    labels=400,
    new_labels=10,
    services=12,
    minimum_labels=40,
    min_new_labels=50,
    max_age_hours=168,
    cron="",
    cooldown_minutes=10,
    failures=0,
    max_failures=3,
    last_ended_at=NOW - timedelta(hours=5),
    last_started_at=NOW - timedelta(hours=5, minutes=4),
    last_success_at=NOW - timedelta(hours=5),
)


@pytest.mark.parametrize(
    ("change", "starts", "code"),
    [
        ({}, False, "counting"),
        ({"new_labels": 50}, True, "enough_labels"),
        ({"new_labels": 50, "is_active": False}, False, "policy_off"),
        ({"new_labels": 50, "is_running": True}, False, "running"),
        ({"new_labels": 50, "last_ended_at": NOW - timedelta(minutes=9)}, False, "cooling_down"),
        ({"new_labels": 50, "failures": 3}, False, "waiting_for_a_person"),
        ({"new_labels": 50, "spent": 20.0, "monthly_cap": 20}, False, "cost_cap"),
        ({"new_labels": 50, "spent": 19.9, "monthly_cap": 20}, True, "enough_labels"),
        ({"new_labels": 50, "spent": 900.0}, True, "enough_labels"),
        ({"new_labels": 50, "veto": VETO}, False, "advised_against"),
        ({"new_labels": 49, "veto": VETO}, False, "counting"),
        ({"cron": "0 11 * * *", "veto": VETO}, False, "advised_against"),
        ({"new_labels": 80, "veto": VETO}, True, "enough_labels"),
        ({"new_labels": 300, "veto": replace(VETO, worth_from=None)}, True, "enough_labels"),
        ({"new_labels": 199, "veto": replace(VETO, worth_from=None)}, False, "advised_against"),
        ({"new_labels": 200, "veto": replace(VETO, worth_from=None)}, True, "enough_labels"),
        ({"new_labels": 50, "veto": VETO, "unknown_services": 1}, True, "enough_labels"),
        ({"new_labels": 50, "veto": VETO, "last_success_at": None}, True, "first_training"),
        ({"new_labels": 50, "veto": VETO, "last_success_at": NOW - timedelta(days=7)}, True, "too_old"),
        (
            {"new_labels": 50, "veto": VETO, "last_success_at": NOW - timedelta(days=13), "max_age_hours": 0},
            False,
            "advised_against",
        ),
        (
            {"new_labels": 50, "veto": VETO, "last_success_at": NOW - timedelta(days=14), "max_age_hours": 0},
            True,
            "enough_labels",
        ),
        ({"labels": 39, "new_labels": 39, "last_success_at": None}, False, "too_few_labels"),
        ({"labels": 40, "new_labels": 40, "last_success_at": None}, True, "first_training"),
        ({"services": 1, "new_labels": 50}, False, "too_few_services"),
        ({"last_success_at": NOW - timedelta(days=7)}, True, "too_old"),
        ({"last_success_at": NOW - timedelta(days=7), "new_labels": 0}, False, "nothing_new"),
        ({"last_success_at": NOW - timedelta(days=99), "max_age_hours": 0}, False, "counting"),
        ({"cron": "0 11 * * *"}, True, "schedule"),
        ({"cron": "0 13 * * *"}, False, "counting"),
    ],
)
def test_the_policy_starts_or_waits_with_the_right_reason(change, starts, code):
    decision = decide(replace(CALM, **change))
    assert (decision.starts, decision.code) == (starts, code)


def test_the_reason_carries_the_figures_a_page_shows():
    assert decide(CALM).params == {"new": 10, "needed": 50}


def test_the_clock_is_read_in_the_installations_zone():
    """13:00 in Paris is 12:00 UTC in winter."""
    since = NOW - timedelta(hours=2)
    assert cron_due_since("30 12 * * *", since, NOW, "Europe/Paris")
    assert not cron_due_since("30 12 * * *", since, NOW, "UTC")


def test_the_next_moments_of_a_crontab_line_come_in_order_and_keep_to_the_zone():
    """The clocks in Paris go forward on 29 March 2026: six o'clock stays six o'clock."""
    moments = cron_next("0 6 * * 0", NOW, "Europe/Paris", 3)
    assert [m.astimezone(UTC).strftime("%d %H:%M") for m in moments] == ["15 05:00", "22 05:00", "29 04:00"]


@pytest.mark.parametrize("line", ["every day", "* * *", "61 * * * *", "0 25 * * *", "0 0 30 2 *"])
def test_a_crontab_line_that_cannot_be_read_says_so(line):
    with pytest.raises(BadSchedule, match="crontab"):
        cron_due_since(line, NOW, NOW, "UTC")


@given(
    new=st.integers(0, 1000),
    labels=st.integers(0, 1000),
    services=st.integers(0, 5),
    running=st.booleans(),
    failures=st.integers(0, 5),
    minutes=st.integers(0, 100),
)
def test_nothing_starts_twice_at_once_too_early_or_with_nothing_new(
    new, labels, services, running, failures, minutes
):
    ended = NOW - timedelta(minutes=minutes)
    facts = replace(
        CALM,
        new_labels=new,
        labels=labels,
        services=services,
        is_running=running,
        failures=failures,
        last_ended_at=ended,
    )
    if decide(facts).starts:
        assert not running and new > 0 and minutes >= facts.cooldown_minutes
        assert labels >= facts.minimum_labels and services >= 2 and failures < facts.max_failures


@given(
    new=st.integers(0, 1000),
    labels=st.integers(0, 1000),
    unknown=st.integers(0, 3),
    days=st.integers(0, 30),
    age=st.sampled_from([0, 24, 168]),
    worth=st.none() | st.integers(1, 500),
    cron=st.sampled_from(["", "0 11 * * *"]),
)
def test_advice_only_ever_holds_back_and_never_what_it_may_not(new, labels, unknown, days, age, worth, cron):
    success = NOW - timedelta(days=days)
    facts = replace(
        CALM,
        new_labels=min(new, labels),
        labels=labels,
        unknown_services=unknown,
        max_age_hours=age,
        cron=cron,
        last_success_at=success,
        last_started_at=success,
        last_ended_at=success,
        veto=Veto("gain_below_noise", worth),
    )
    plain, advised = decide(replace(facts, veto=None)), decide(facts)
    assert plain.starts or not advised.starts
    if not plain.starts:
        assert advised == plain
    elif not advised.starts:
        assert advised.code == "advised_against" and plain.code in ("enough_labels", "schedule")
        assert not unknown and days < 14 and (not age or days * 24 < age)
        assert facts.new_labels < labels - facts.new_labels
        assert worth is None or facts.new_labels < worth
