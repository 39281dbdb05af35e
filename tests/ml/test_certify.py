"""The promise of precision: certified only when the audit labels prove it, and obeyed by the one place that routes."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ml.answers import Answers, answers
from ml.certificate import MOST_GROUPS, Group, Promise, from_dict
from ml.certify import Costs, certify, groups_by_size
from ml.policy import decide
from ml.score import OUTLIER_WEIGHT, surest_for

LABELS = ("card", "parcel", "refund")
PROMISE = Promise(precision=0.9, delta=0.1)


def asked(
    n: int, seed: int, honesty: float = 1.0, strange: float | None = None
) -> tuple[Answers, list[str | None]]:
    """A model's answers to n tickets, and the truths: a probability p is right with a chance of p ** (1 / honesty).

    With `strange` it says how strange a ticket is, and a share of them are of no service, mostly strange ones.
    """
    rng = np.random.default_rng(seed)
    top = 0.4 + 0.6 * rng.beta(4, 1, n)
    best = rng.integers(0, 3, n)
    chances = np.repeat((1 - top)[:, None] / 2, 3, axis=1)
    chances[np.arange(n), best] = top
    is_right = rng.random(n) < top ** (1 / honesty)
    truth: list[str | None] = [LABELS[at] for at in np.where(is_right, best, (best + 1) % 3)]
    if strange is None:
        return answers(LABELS, chances), truth
    outside = rng.random(n) < strange
    ranks = np.where(outside, rng.beta(30, 1, n), rng.random(n))
    return answers(LABELS, chances, ranks), [
        None if out else one for out, one in zip(outside, truth, strict=True)
    ]


def pool(seed: int = 99, strange: float | None = None) -> Answers:
    return asked(2000, seed, strange=strange)[0]


# The certificate


def test_a_good_model_is_certified_and_says_what_it_covers() -> None:
    audit, truth = asked(600, 1)
    found = certify(audit, truth, pool(), PROMISE, window=("2026-01-01", "2026-03-31"))
    assert found.state == "certified" and found.lower_bound == 0.9
    assert (
        found.coverage is not None and found.recall is not None and 0.5 < found.recall < found.coverage <= 1
    )
    assert found.coverage_interval is not None and found.coverage_interval[0] < found.coverage
    assert found.audit_labels == 600 and found.fresh and found.window == ("2026-01-01", "2026-03-31")
    assert found.tests[0].seen is not None and found.tests[0].seen > 0.9
    assert found.words().startswith("Certified: at least 90%")


def test_the_promise_is_broken_as_seldom_as_it_says() -> None:
    """300 audits of one model whose probabilities are honest: the true precision at the threshold is known."""
    everything, truth = asked(40_000, 7)
    right = everything.service == np.asarray(truth)
    unlabelled, broken, certified = pool(), 0, 0
    rng = np.random.default_rng(3)
    for _ in range(300):
        rows = rng.choice(len(everything), 500, replace=False)
        found = certify(everything.of(rows), [truth[at] for at in rows], unlabelled, PROMISE)
        if found.threshold is not None:
            certified += 1
            broken += right[everything.confidence >= found.threshold].mean() < PROMISE.precision
    assert certified > 280
    assert broken <= 0.1 * 300 + 2 * math.sqrt(300 * 0.1 * 0.9)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 400), st.floats(0.2, 1.0))
def test_no_certificate_stands_on_more_errors_than_it_promises(seed: int, n: int, honesty: float) -> None:
    audit, truth = asked(n, seed, honesty)
    found = certify(audit, truth, pool(), PROMISE)
    if found.threshold is None:
        assert found.lower_bound is None and found.coverage is None
        return
    routed = audit.confidence >= found.threshold
    errors = sum(
        one != said for one, said in zip(np.asarray(truth)[routed], audit.service[routed], strict=True)
    )
    assert errors <= 0.1 * routed.sum()


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 60))
def test_more_errors_never_certify_what_fewer_did_not(seed: int, spoilt: int) -> None:
    audit, truth = asked(300, seed, 3.0)
    worse = ["nobody's" if at < spoilt else one for at, one in enumerate(truth)]
    before, after = (certify(audit, one, pool(), PROMISE) for one in (truth, worse))
    if after.threshold is not None:
        assert before.threshold is not None and before.threshold <= after.threshold


def test_labels_asked_before_count_for_less() -> None:
    audit, truth = asked(600, 1)
    found = certify(audit, truth, pool(), PROMISE, use=3)
    assert not found.fresh and found.use == 3 and found.level < PROMISE.delta


def test_a_gate_escalates_what_is_strange_and_a_missing_outlier_rank_is_strange() -> None:
    audit, truth = asked(600, 1, strange=0.0)
    gated = replace(PROMISE, gate=0.8, outlier_weight=0.0)
    found = certify(audit, truth, pool(strange=0.0), gated)
    assert found.coverage is not None and found.coverage < 0.85
    blind = replace(audit, outlier=np.full(600, math.nan))
    assert certify(blind, truth, pool(), gated).state == "nothing_routable"


def test_tickets_of_untaught_services_are_kept_out_by_their_strangeness_where_confidence_cannot() -> None:
    audit, truth = asked(1000, 1, honesty=3.0, strange=0.3)
    unlabelled = pool(strange=0.3)
    by_confidence = certify(audit, truth, unlabelled, replace(PROMISE, outlier_weight=0.0))
    assert by_confidence.state == "too_many_errors"
    found = certify(audit, truth, unlabelled, PROMISE)
    assert found.state == "certified" and found.outlier_weight == OUTLIER_WEIGHT
    assert found.surest == surest_for(PROMISE.precision)
    assert found.recall is not None and found.recall > 0.4


def test_a_model_that_says_nothing_of_strangeness_is_weighed_by_its_confidence() -> None:
    audit, truth = asked(600, 1)
    found = certify(audit, truth, pool(), PROMISE)
    assert (found.outlier_weight, found.surest) == (0.0, 1.0)
    assert found == certify(audit, truth, pool(), replace(PROMISE, outlier_weight=0.0))


def test_a_ticket_without_a_rank_is_not_routed_by_a_certificate_that_counts_ranks() -> None:
    audit, truth = asked(1000, 1, strange=0.1)
    patched = replace(audit, outlier=np.where(np.arange(1000) < 100, math.nan, audit.outlier))
    found = certify(patched, truth, pool(strange=0.1), PROMISE)
    assert found.state == "certified" and found.coverage is not None and found.coverage <= 0.9
    assert decide(LABELS, [0.999, 0.0005, 0.0005], None, found).reason == "out_of_scope"


def test_tickets_of_no_service_are_errors_where_they_are_routed() -> None:
    audit, truth = asked(600, 1)
    half: list[str | None] = [None if at % 2 else one for at, one in enumerate(truth)]
    assert certify(audit, half, pool(), PROMISE).state == "too_many_errors"


def test_groups_of_services_have_promises_of_their_own_and_a_bad_one_is_escalated() -> None:
    audit, truth = asked(1500, 1)
    bad = [
        "card" if said == "refund" and at % 3 else one
        for at, (said, one) in enumerate(zip(audit.service, truth, strict=True))
    ]
    groups = (Group("things", ("card", "parcel")), Group("money", ("refund",)))
    found = certify(audit, bad, pool(), replace(PROMISE, groups=groups))
    assert found.state == "certified" and found.escalated == ("refund",)
    assert [one.certified for one in found.tests] == [0.9, 0.9, None]


def test_groups_come_from_how_often_the_pool_is_answered_with_each_service() -> None:
    groups = groups_by_size(pool(), 2)
    assert len(groups) == 2 and sorted(one for group in groups for one in group.services) == list(LABELS)


def test_costs_choose_among_what_is_certified() -> None:
    audit, truth = asked(1500, 1)
    loose = certify(audit, truth, pool(), PROMISE, costs=Costs(escalation=10.0, misroute=1.0))
    strict = certify(audit, truth, pool(), PROMISE, costs=Costs(escalation=0.01, misroute=100.0))
    assert loose.threshold is not None and strict.threshold is not None and loose.minutes is not None
    assert strict.threshold > loose.threshold and set(strict.choices) == set(loose.choices)
    assert Costs(matrix={("card", "refund"): 60.0}).of("card", "refund") == 60.0


# Bad cases


def test_without_audit_labels_it_says_how_many_it_takes() -> None:
    audit, _ = asked(10, 1)
    found = certify(audit.of(np.arange(0)), [], pool(), Promise())
    assert found.state == "no_audit_labels" and found.more_labels == 59
    assert "59 more audit labels of all services" in found.words()


def test_with_too_few_it_says_about_how_many_more() -> None:
    audit, truth = asked(12, 1, 20.0)
    found = certify(audit, truth, pool(), PROMISE)
    assert found.state == "too_few_labels" and found.more_labels and "more audit labels" in found.words()


def test_one_service_alone_promises_nothing() -> None:
    audit = answers(["card"], np.ones((50, 1)))
    assert certify(audit, ["card"] * 50, audit, PROMISE).state == "one_service"


def test_a_model_that_is_always_wrong_is_not_helped_by_more_labels() -> None:
    audit, _ = asked(200, 1)
    wrong: list[str | None] = ["refund" if one == "card" else "card" for one in audit.service]
    found = certify(audit, wrong, pool(), PROMISE)
    assert found.state == "too_many_errors" and found.more_labels is None


def test_probabilities_that_are_none_are_never_routed() -> None:
    broken = answers(LABELS, np.full((40, 3), math.nan))
    assert certify(broken, ["card"] * 40, pool(), PROMISE).state == "unusable_probabilities"
    audit, truth = asked(600, 1)
    patched = replace(audit, confidence=np.where(np.arange(600) < 30, math.nan, audit.confidence))
    found = certify(patched, truth, pool(), PROMISE)
    assert found.unusable == 30 and found.coverage is not None and found.coverage <= 0.95


def test_a_service_without_an_audit_label_and_one_that_is_gone_are_named_or_escalated() -> None:
    audit, truth = asked(900, 1)
    rows = [
        at
        for at, (said, one) in enumerate(zip(audit.service, truth, strict=True))
        if "refund" not in (said, one)
    ]
    found = certify(audit.of(np.asarray(rows)), [truth[at] for at in rows], pool(), PROMISE)
    assert found.unheard == ("refund",)
    gone = certify(audit, truth, pool(), PROMISE, known=("card", "parcel", "invoice"))
    assert "refund" in gone.labels and "refund" not in gone.known
    assert decide(LABELS, [0.0, 0.0, 1.0], 0.1, gone).reason == "not_certified"


def test_answers_of_a_model_with_other_labels_are_refused() -> None:
    audit, truth = asked(60, 1)
    other = answers(("card", "parcel"), np.full((10, 2), 0.5))
    with pytest.raises(ValueError, match="other labels"):
        certify(audit, truth, other, PROMISE)
    with pytest.raises(ValueError, match="60 answers but 59 truths"):
        certify(audit, truth[:-1], pool(), PROMISE)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"precision": 1.0}, "precision must lie between"),
        ({"delta": 0.0}, "delta must lie between"),
        ({"gate": math.nan}, "gate must be a number"),
        ({"outlier_weight": -1.0}, "outlier_weight must be 0 or more"),
        ({"groups": tuple(Group(str(at), (str(at),)) for at in range(MOST_GROUPS + 1))}, "at most 5 groups"),
        ({"groups": (Group("a", ("x",)), Group("b", ("x",)))}, "share no service"),
        ({"groups": (Group("a", ("x",)), Group("a", ("y",)))}, "names of their own"),
        ({"groups": (Group("others", ("x",)),)}, "names of their own"),
        ({"groups": (Group("a", ("x",), 0.5),)}, "less than all"),
        ({"groups": (Group("a", ("x",), 1.0),)}, "the precision of a must lie between"),
    ],
)
def test_a_promise_that_cannot_be_kept_is_refused(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Promise(**wrong)


def test_answers_refuse_what_does_not_fit() -> None:
    with pytest.raises(ValueError, match="distinct"):
        answers(["a", "a"], np.ones((1, 2)))
    with pytest.raises(ValueError, match=r"must be \(n, 2\)"):
        answers(["a", "b"], np.ones((1, 3)))
    odd: NDArray[np.float64] = np.array([[0.5, 0.2], [0.7, 0.3], [1.2, -0.2]])
    assert np.isfinite(answers(["a", "b"], odd).confidence).tolist() == [False, True, False]


def test_a_certificate_survives_json() -> None:
    audit, truth = asked(600, 1)
    groups = (Group("all but one", ("card", "parcel")),)
    found = certify(
        audit, truth, pool(), replace(PROMISE, groups=groups), window=("2026-01-01", "2026-02-01")
    )
    assert from_dict(json.loads(json.dumps(found.to_dict()))) == found
    with pytest.raises(ValueError, match="not a certificate"):
        from_dict({"state": "certified"})


# Route or escalate


def test_routing_follows_the_certificate_and_names_its_reason() -> None:
    audit, truth = asked(600, 1, strange=0.0)
    found = certify(audit, truth, pool(strange=0.0), replace(PROMISE, gate=0.9))
    assert found.threshold is not None
    sure = [0.999, 0.0005, 0.0005]
    assert decide(LABELS, sure, 0.1, found).service == "card"
    reasons = {
        "uncertain": decide(LABELS, [0.34, 0.33, 0.33], 0.1, found),
        "out_of_scope": decide(LABELS, sure, 0.95, found),
        "not_certified": decide(LABELS, sure, 0.1, None),
    }
    assert {name: one.reason for name, one in reasons.items()} == {name: name for name in reasons}
    assert not any(one.is_routed for one in reasons.values())
    assert decide(LABELS, sure, None, found).reason == "out_of_scope"
    assert decide(LABELS[::-1], sure, 0.1, found).reason == "not_certified"
    assert decide(LABELS, [math.nan, 0.5, 0.5], 0.1, found).reason == "uncertain"
    assert decide(LABELS, sure, 0.1, found, services=["parcel"]).reason == "not_certified"
    with pytest.raises(ValueError, match="3 labels but 2"):
        decide(LABELS, [0.5, 0.5], 0.1, found)


@given(st.lists(st.floats(0, 1), min_size=3, max_size=3), st.floats(0, 1))
def test_nothing_is_ever_routed_below_the_threshold_or_beyond_the_gate(
    chances: list[float], outlier: float
) -> None:
    certificate = CERTIFIED
    found = decide(LABELS, chances, outlier, certificate)
    if found.is_routed:
        assert certificate.threshold is not None and certificate.gate is not None
        assert max(chances) >= certificate.threshold and outlier <= certificate.gate


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_what_decides_routes_exactly_the_tickets_that_the_certificate_counted(seed: int) -> None:
    audit, truth = asked(400, seed, strange=0.1)
    found = certify(audit, truth, pool(strange=0.1), replace(PROMISE, gate=0.95))
    if found.coverage is None:
        return
    routed = 0
    for service, confidence, outlier in zip(audit.service, audit.confidence, audit.outlier, strict=True):
        chances = [confidence if label == service else (1 - confidence) / 2 for label in LABELS]
        routed += decide(LABELS, chances, float(outlier), found).is_routed
    assert routed == round(found.coverage * 400)


CERTIFIED = certify(*asked(600, 1, strange=0.0), pool(strange=0.0), replace(PROMISE, gate=0.9))
