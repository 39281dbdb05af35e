"""Groups of services, each with a threshold and a promise of its own, in one certificate."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ml.answers import Answers
from ml.certificate import OTHERS, OVERALL, Certificate, Group, Promise, from_dict
from ml.certify import Costs, certify
from ml.policy import decide
from tests.ml.test_certify import LABELS, asked, pool

GOODS, MONEY = Group("goods", ("card", "parcel")), Group("money", ("refund",))
PROMISE = Promise(precision=0.9, delta=0.1, groups=(GOODS, MONEY))
Bools = NDArray[np.bool_]


def routed(audit: Answers, certificate: Certificate) -> Bools:
    """Which tickets the certificate routes, each by the threshold of its group."""
    reached = np.zeros(len(audit.service), np.bool_)
    for service in np.unique(audit.service):
        limit = certificate.threshold_for(str(service))
        if limit is not None and service not in certificate.escalated:
            reached |= (audit.service == service) & (audit.confidence >= limit)
    return reached


def spoilt(audit: Answers, truth: list[str | None], service: str, every: int) -> list[str | None]:
    """Truths of which every so manyth answer with that service is wrong."""
    return [
        "nobody's" if said == service and at % every == 0 else one
        for at, (said, one) in enumerate(zip(audit.service, truth, strict=True))
    ]


def test_a_group_that_errs_more_is_held_to_a_stricter_threshold_and_does_not_hold_the_others_back() -> None:
    audit, truth = asked(3000, 1, honesty=2.0)
    doubtful = np.where(audit.confidence < 0.93, audit.service, "")
    worse = [
        "nobody's" if said == "refund" and at % 2 else one
        for at, (said, one) in enumerate(zip(doubtful, truth, strict=True))
    ]
    found = certify(audit, worse, pool(), PROMISE)
    goods, money = found.threshold_for("parcel"), found.threshold_for("refund")
    assert found.state == "certified" and goods is not None and money is not None
    assert goods < money and found.threshold == goods
    assert [one.name for one in found.tests] == [OVERALL, "goods", "money"]
    together = certify(audit, worse, pool(), replace(PROMISE, groups=()))
    assert together.threshold is not None and goods <= together.threshold


def test_services_of_no_group_are_promised_among_themselves() -> None:
    audit, truth = asked(2000, 1)
    found = certify(audit, truth, pool(), replace(PROMISE, groups=(MONEY,)))
    assert [(one.name, one.services) for one in found.groups] == [
        ("money", ("refund",)),
        (OTHERS, ("card", "parcel")),
    ]


def test_a_group_may_be_promised_more_than_all_services_together() -> None:
    audit, truth = asked(6000, 1)
    careful = replace(PROMISE, groups=(GOODS, replace(MONEY, precision=0.94)))
    plain, strict = (certify(audit, truth, pool(), promise) for promise in (PROMISE, careful))
    before, after = plain.threshold_for("refund"), strict.threshold_for("refund")
    assert before is not None and after is not None and after > before
    assert strict.groups[1].certified == 0.94 and strict.lower_bound == 0.9


def test_each_ticket_is_held_against_the_threshold_of_its_group() -> None:
    audit, truth = asked(3000, 1)
    found = certify(audit, truth, pool(), PROMISE)
    apart = replace(found, tests=tuple(
        replace(one, threshold={"goods": 0.6, "money": 0.9}.get(one.name)) for one in found.tests
    ))  # fmt: skip
    likely = {label: [0.8 if one == label else 0.1 for one in LABELS] for label in LABELS}
    assert decide(LABELS, likely["card"], None, apart).service == "card"
    refused = decide(LABELS, likely["refund"], None, apart)
    assert (refused.reason, refused.threshold) == ("uncertain", 0.9)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 900), st.floats(0.2, 2.0))
def test_no_group_is_certified_on_more_errors_than_it_is_promised(seed: int, n: int, honesty: float) -> None:
    audit, truth = asked(n, seed, honesty)
    found = certify(audit, truth, pool(), PROMISE)
    mine = routed(audit, found)
    wrong = mine & (audit.service != np.asarray(truth, dtype=object))
    assert wrong.sum() <= 0.1 * mine.sum()
    for test in found.groups:
        inside = np.isin(audit.service, test.services)
        if test.certified is None:
            assert test.threshold is None and not mine[inside].any()
        else:
            assert wrong[inside].sum() <= 0.1 * mine[inside].sum()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 12), st.sampled_from(LABELS))
def test_more_errors_in_a_group_never_loosen_it_and_leave_the_others_alone(
    seed: int, every: int, service: str
) -> None:
    audit, truth = asked(900, seed, 3.0)
    before = certify(audit, truth, pool(), PROMISE)
    after = certify(audit, spoilt(audit, truth, service, every), pool(), PROMISE)
    for one, other in zip(before.groups, after.groups, strict=True):
        if service not in one.services:
            assert (one.threshold, one.choices) == (other.threshold, other.choices)
        elif other.threshold is not None:
            assert one.threshold is not None and one.threshold <= other.threshold


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.integers(200, 1200))
def test_what_decides_routes_exactly_the_tickets_that_the_groups_counted(seed: int, n: int) -> None:
    audit, truth = asked(n, seed, 1.5, strange=0.1)
    found = certify(audit, truth, pool(strange=0.1), replace(PROMISE, gate=0.95))
    count = 0
    for service, sure, strange in zip(audit.service, audit.confidence, audit.outlier, strict=True):
        chances = [sure if label == service else (1 - sure) / 2 for label in LABELS]
        count += decide(LABELS, chances, float(strange), found).is_routed
    assert count == round((found.coverage or 0.0) * n)


def test_the_chance_that_any_group_breaks_its_promise_is_kept_for_all_of_them_together() -> None:
    """300 audits of one model whose true precision, group by group and threshold by threshold, is known."""
    everything, truth = asked(40_000, 7)
    right = everything.service == np.asarray(truth)
    unlabelled, rng, broken, certified = pool(), np.random.default_rng(3), 0, 0
    for _ in range(300):
        rows = rng.choice(len(everything), 700, replace=False)
        found = certify(everything.of(rows), [truth[at] for at in rows], unlabelled, PROMISE)
        mine = routed(everything, found)
        parts = [mine & np.isin(everything.service, one.services) for one in found.groups]
        certified += sum(bool(part.any()) for part in parts)
        broken += any(part.any() and right[part].mean() < 0.9 for part in parts)
        broken += bool(
            mine.any() and right[mine].mean() < 0.9 and all(right[one].mean() >= 0.9 for one in parts)
        )
    assert certified > 400
    assert broken <= 0.1 * 300 + 2 * math.sqrt(300 * 0.1 * 0.9)


def test_costs_choose_for_each_group_by_itself() -> None:
    audit, truth = asked(3000, 1)
    dear = Costs(escalation=1.0, misroute=1.0, matrix={(one, "refund"): 500.0 for one in LABELS})
    found = certify(audit, truth, pool(), PROMISE, costs=dear)
    goods, money = found.groups
    plain = certify(audit, truth, pool(), PROMISE)
    assert goods == plain.groups[0] and money.threshold in money.choices
    assert money.threshold > (plain.threshold_for("refund") or 1.0)
    assert found.minutes is not None and plain.minutes is None


def test_groups_without_enough_labels_say_how_many_more_and_the_least_of_it_overall() -> None:
    audit, truth = asked(40, 1, 50.0)
    found = certify(audit, truth, pool(), PROMISE)
    assert found.state == "too_few_labels"
    needed = [one.more_labels for one in found.groups]
    assert all(needed) and found.more_labels == min(one for one in needed if one)


def test_a_certificate_with_groups_survives_json_and_one_from_before_groups_had_thresholds_is_read() -> None:
    audit, truth = asked(2000, 1)
    found = certify(audit, truth, pool(), PROMISE)
    assert from_dict(json.loads(json.dumps(found.to_dict()))) == found
    older = json.loads(json.dumps(found.to_dict()))
    for test in older["tests"]:
        del test["threshold"], test["choices"]
    assert from_dict(older).threshold_for("refund") == found.threshold
