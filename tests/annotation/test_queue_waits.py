"""A claim never waits for a re-rank: real connections, a push stopped at every one of its statements."""

import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection

from annotation import actions
from annotation.actions import Answer, NewItem, NewScore
from annotation.models import QueueItem
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)
LONGEST_WAIT = "100ms"
"""Of a lock, not of a machine: a claim that waits for another transaction's lock at all fails by this."""


@pytest.fixture
def desk() -> Iterator[Callable[..., Any]]:
    """Runs something on an annotator's own connection, where waiting for a lock is an error."""
    with ThreadPoolExecutor(1) as pool:

        def run(work: Callable[[], Any]) -> Any:
            return pool.submit(work).result(20)

        def prepare() -> None:
            with connection.cursor() as cursor:
                cursor.execute(f"SET lock_timeout = '{LONGEST_WAIT}'")

        run(prepare)
        try:
            yield run
        finally:
            run(lambda: connection.close())  # of that thread


@contextmanager
def after_each_statement(act: Callable[[str], None]) -> Iterator[None]:
    """Do something while the transaction of this thread stands still after each of its statements."""

    def pause(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        found = execute(sql, params, many, context)
        act(sql)
        return found

    with connection.execute_wrapper(pause):
        yield


def items(ids: list[int]) -> list[NewItem]:
    return [NewItem(pk, "teach", float(place), "exploit") for place, pk in enumerate(ids)]


def test_a_claim_gets_a_ticket_at_any_moment_of_a_push_without_waiting(desk: Any) -> None:
    alice, order = factories.person("alice"), [ticket.pk for ticket in factories.tickets(60)]
    actions.queue_replace(items=items(order), generation=1)
    served: list[int] = []
    held: list[uuid.UUID] = []
    seen: list[str] = []

    def claim(sql: str) -> None:
        seen.append(sql)
        for item in desk(lambda: actions.queue_claim(annotator=alice, mode="teach", holding=held)):
            served.append(item.ticket_id)
            held.append(item.lease)

    with after_each_statement(claim):
        actions.queue_replace(items=items(order[::-1]), generation=2)
    assert sum("DELETE" in sql for sql in seen) == 2, "the push replaces its rows in two transactions"
    assert len(served) == len(set(served)) == len(seen)
    left = list(QueueItem.objects.filter(lease=None).order_by("position").values_list("ticket_id", flat=True))
    assert left == [pk for pk in order[::-1] if pk not in served], "the new order, less what was served"


def test_an_answer_does_not_wait_for_a_push_of_the_ticket_it_is_about(desk: Any) -> None:
    alice, service = factories.person("alice"), factories.service("Delivery")
    order = [ticket.pk for ticket in factories.tickets(40)]
    actions.queue_replace(items=items(order), generation=1)
    held = actions.queue_claim(annotator=alice, mode="teach", count=5)
    waiting = list(held)

    def submit(sql: str) -> None:
        if waiting:
            answer = Answer(uuid.uuid4(), waiting.pop().lease, "label", service_id=service.pk)
            desk(lambda: actions.queue_submit(annotator=alice, answer=answer))

    with after_each_statement(submit):
        actions.queue_replace(items=items(order[::-1]), generation=2)
    assert not waiting
    assert not QueueItem.objects.filter(ticket__status="labelled").exists(), "nothing decided is served again"
    assert QueueItem.objects.count() == 35


def test_a_claim_does_not_wait_for_the_swap_of_the_score_table(desk: Any) -> None:
    alice, order = factories.person("alice"), [ticket.pk for ticket in factories.tickets(30)]
    actions.queue_replace(items=items(order), generation=1)
    claims: list[list[QueueItem]] = []

    def claim(sql: str) -> None:
        held = [item.lease for found in claims for item in found]
        claims.append(desk(lambda: actions.queue_claim(annotator=alice, mode="teach", holding=held)))

    with after_each_statement(claim):
        for generation in (1, 2):
            actions.scores_replace(
                rows=[NewScore(pk, 0.5, 0.5) for pk in order],
                labels_used=1,
                last_annotation_id=generation,
                encoder="e" * 16,
                seconds=0.1,
            )
    assert len(claims) > 8 and all(claims)


def test_claims_that_take_all_a_push_left_them_wait_for_it_and_get_the_new_order(desk: Any) -> None:
    alice, order = factories.person("alice"), [ticket.pk for ticket in factories.tickets(4)]
    actions.queue_replace(items=items(order), generation=1)
    begun, found = threading.Event(), []

    def claim_all() -> None:
        begun.wait(10)
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = 0")
        held: list[uuid.UUID] = []
        while len(found) < 4:
            for item in actions.queue_claim(annotator=alice, mode="teach", count=2, holding=held):
                assert item.lease is not None
                held.append(item.lease)
                found.append(item.ticket_id)

    claiming = threading.Thread(target=lambda: desk(claim_all))
    claiming.start()
    with after_each_statement(lambda sql: "DELETE" in sql and (begun.set(), claiming.join(0.3))):
        actions.queue_replace(items=items(order[::-1]), generation=2)
    claiming.join(20)
    assert sorted(found) == sorted(order)
