"""Judging two answers blind: who sees what, and what a judgement means."""

from __future__ import annotations

import threading
import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from annotation.models import Annotation, Ticket
from inference import actions
from inference.comparison import pairs
from inference.models import Judgement, MirroredTicket
from tests.inference.observed import PERSON, Observed, Reviewer, side

pytestmark = pytest.mark.django_db


# What is shown


def test_a_pair_is_shown_in_its_stored_order_and_nothing_says_which_answer_is_the_candidates(
    observed: Observed, rose: Reviewer
) -> None:
    candidate_first, baseline_first = observed.pairs("delivery", "billing", 2)
    delivery, billing = observed.services["delivery"].pk, observed.services["billing"].pk
    shown = rose.next()
    assert (shown["id"], shown["first_service_id"], shown["second_service_id"]) == (
        candidate_first.pk, delivery, billing,
    )  # fmt: skip
    assert rose.next() == shown | {"lease_expires_at": rose.next()["lease_expires_at"]}
    rose.judge(shown, "unclear")
    other = rose.next()
    assert (other["id"], other["first_service_id"]) == (baseline_first.pk, billing)
    assert not {"candidate", "baseline", "probability", "confidence", "candidate_first"} & set(shown)


def test_disagreements_come_before_drawn_agreements_and_agreements_not_drawn_never(
    observed: Observed, rose: Reviewer
) -> None:
    observed.pairs("billing", "billing", 2, drawn=False)
    (agreement,) = observed.pairs("billing", "billing")
    disagreements = observed.pairs("billing", PERSON, 2)
    order = []
    while pair := rose.next():
        order.append(pair["id"])
        assert pair["are_same"] == (pair["id"] == agreement.pk)
        rose.judge(pair, "both" if pair["are_same"] else "first")
    assert order == [*(one.pk for one in disagreements), agreement.pk]
    assert rose.claim()["reason"] == "nothing_waits"


def test_two_reviewers_never_hold_the_same_pair_and_an_abandoned_one_comes_back(
    observed: Observed, rose: Reviewer
) -> None:
    observed.pairs("delivery", "billing", 1)
    held, sam = rose.next(), Reviewer("sam")
    assert (sam.next(), sam.claim()["reason"]) == (None, "all_held")
    MirroredTicket.objects.update(leased_until=timezone.now() - timedelta(hours=1))
    taken = sam.next()
    assert taken["id"] == held["id"] and taken["lease"] != held["lease"]
    late = rose.judge(held, "first")
    assert (late.status_code, late.json()["error"]["code"]) == (409, "lease_lost")
    assert not Judgement.objects.exists()


def test_a_pair_that_is_given_back_is_free_at_once(observed: Observed, rose: Reviewer) -> None:
    observed.pairs("delivery", "billing")
    pair = rose.next()
    assert (
        not Reviewer("sam")
        .post(f"judging/{pair['id']}/release/", {"lease": pair["lease"]})
        .json()["released"]
    )
    assert rose.post(f"judging/{pair['id']}/release/", {"lease": pair["lease"]}).json()["released"]
    assert Reviewer("sam").next()["id"] == pair["id"]


def test_without_an_observation_the_page_is_told_so(rose: Reviewer) -> None:
    assert rose.claim() == {"pair": None, "counts": None, "reason": "no_observation"}


@pytest.mark.parametrize("role", ["annotator", "machine"])
def test_judging_is_for_reviewers(observed: Observed, role: str) -> None:
    other = Reviewer(role, role)
    assert other.post("judging/claim/").status_code == 403
    assert other.undo(1).status_code == 403


# What a judgement means


@pytest.mark.parametrize(
    ("choice", "rights", "truth"),
    [
        ("candidate", (True, False), "delivery"),
        ("baseline", (False, True), "billing"),
        ("both", (True, True), None),
        ("unclear", (False, False), None),
    ],
)
def test_a_judgement_says_who_is_right_whatever_the_order(
    observed: Observed, rose: Reviewer, choice: str, rights: tuple[bool, bool], truth: str | None
) -> None:
    for made in observed.pairs("delivery", "billing", 2):
        pair = rose.next()
        answers = {"candidate": observed.services["delivery"], "baseline": observed.services["billing"]}
        rose.judge(pair, side(pair, answers[choice]) if choice in answers else choice)
        made.refresh_from_db()
        assert (made.candidate_is_right, made.baseline_is_right) == rights
        assert made.truth == (observed.services[truth] if truth else None)


def test_both_right_where_one_asks_a_person_names_the_service_of_the_other(
    observed: Observed, rose: Reviewer
) -> None:
    (made,) = observed.pairs("delivery", PERSON)
    rose.judge(rose.next(), "both")
    made.refresh_from_db()
    assert (made.candidate_is_right, made.truth) == (True, observed.services["delivery"])


def test_a_ticket_better_left_to_a_person_was_misrouted_by_the_other(
    observed: Observed, rose: Reviewer
) -> None:
    (made,) = observed.pairs("delivery", PERSON)
    pair = rose.next()
    rose.judge(pair, side(pair, PERSON))
    made.refresh_from_db()
    assert (made.candidate_is_right, made.baseline_is_right, made.truth) == (False, True, None)
    (settled,) = pairs.settled_pairs(observed.observation)
    assert settled.difference(observed.observation.costs) == 9.0


def test_neither_takes_the_right_service_or_none_of_them(observed: Observed, rose: Reviewer) -> None:
    observed.pairs("delivery", "billing", 2)
    returns = observed.services["returns"]
    assert rose.judge(rose.next(), "neither", service_id=returns.pk).status_code == 200
    assert rose.judge(rose.next(), "neither").status_code == 200
    first, second = Ticket.objects.order_by("pk")
    assert (first.label, first.label_source) == (returns, "person")
    assert second.status == "set_aside"


def test_answers_that_make_no_sense_are_refused_and_nothing_is_kept(
    observed: Observed, rose: Reviewer
) -> None:
    observed.pairs("delivery", "billing")
    pair = rose.next()
    for fields, code in (
        ({"choice": "neither", "service_id": observed.services["billing"].pk}, "answer_was_shown"),
        ({"choice": "neither", "service_id": 999_999}, "unknown_service"),
        ({"choice": "undo"}, "invalid"),
        ({"choice": "first", "lease": str(uuid.uuid4())}, "lease_lost"),
    ):
        refused = rose.judge(pair, **fields)
        assert refused.json()["error"]["code"] == code
    assert not Judgement.objects.exists() and not Annotation.objects.exists()


def test_of_two_same_answers_neither_can_be_preferred(observed: Observed, rose: Reviewer) -> None:
    observed.pairs("delivery", "delivery")
    assert rose.judge(rose.next(), "first").json()["error"]["code"] == "same_answer"


def test_a_judgement_becomes_a_label_that_trains_and_is_marked_by_its_judgement(
    observed: Observed, rose: Reviewer
) -> None:
    (made,) = observed.pairs("delivery", "billing")
    said = rose.judge(rose.next(), "first").json()["judgement"]
    ticket = Ticket.objects.get(pk=made.ticket_id)
    assert (ticket.label, ticket.trains, ticket.is_audit) == (observed.services["delivery"], True, False)
    assert said["is_label"] and ticket.annotations.get().judgement.pk == said["id"]


def test_an_audit_ticket_is_never_labelled_by_a_judgement(observed: Observed, rose: Reviewer) -> None:
    observed.pairs("delivery", "billing")
    Ticket.objects.update(is_audit=True)
    assert not rose.judge(rose.next(), "first").json()["judgement"]["is_label"]
    assert not Annotation.objects.exists()


def test_what_people_have_decided_about_the_ticket_stands(observed: Observed, rose: Reviewer) -> None:
    (made,) = observed.pairs("delivery", "billing")
    returns = observed.services["returns"]
    actions_ticket = Ticket.objects.get(pk=made.ticket_id)
    from annotation import actions as annotation

    annotation.ticket_relabel(ticket_id=actions_ticket.pk, service_id=returns.pk, annotator=observed.lead)
    said = rose.judge(rose.next(), "first").json()["judgement"]
    actions_ticket.refresh_from_db()
    assert (actions_ticket.label, said["is_label"]) == (returns, False)


# Once, undone, at once


def test_sent_twice_is_judged_once_and_the_key_is_not_good_for_another_answer(
    observed: Observed, rose: Reviewer
) -> None:
    observed.pairs("delivery", "billing")
    pair, key = rose.next(), str(uuid.uuid4())
    ids = {rose.judge(pair, "first", key=key).json()["judgement"]["id"] for _ in range(2)}
    assert len(ids) == Judgement.objects.count() == 1
    other = rose.judge(pair, "second", key=key)
    assert (other.status_code, other.json()["error"]["code"]) == (409, "key_reused")


def test_an_undone_judgement_counts_no_more_and_the_pair_is_ones_own_again(
    observed: Observed, rose: Reviewer
) -> None:
    (made,) = observed.pairs("delivery", "billing")
    said = rose.judge(rose.next(), "first").json()["judgement"]
    back = rose.undo(said["id"]).json()
    assert (back["pair"]["id"], back["counts"]["mine"], back["counts"]["left"]) == (made.pk, 0, 1)
    made.refresh_from_db()
    assert (made.judged_at, made.candidate_is_right, made.truth) == (None, None, None)
    assert Ticket.objects.get(pk=made.ticket_id).status == "open"
    assert rose.undo(said["id"]).json()["counts"] == back["counts"]
    assert Judgement.objects.filter(choice="undo").count() == 1
    assert rose.judge(back["pair"], "second").status_code == 200
    made.refresh_from_db()
    assert made.baseline_is_right


def test_nobody_undoes_what_somebody_else_said(observed: Observed, rose: Reviewer) -> None:
    observed.pairs("delivery", "billing")
    said = rose.judge(rose.next(), "first").json()["judgement"]
    assert Reviewer("sam").undo(said["id"]).status_code == 404
    assert Judgement.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_ten_reviewers_at_once_get_ten_different_pairs(observed: Observed) -> None:
    observed.pairs("delivery", "billing", 12)
    reviewers = [Reviewer(f"reviewer-{number}").user for number in range(10)]
    found: list[int] = []

    def claim(at: int) -> None:
        pair = actions.pair_claim(observation=observed.observation, reviewer=reviewers[at])
        found.append(pair.pk if pair else -1)
        connection.close()

    threads = [threading.Thread(target=claim, args=(at,)) for at in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 10 and -1 not in found
