"""Ten people at once, each on a connection of their own: nothing is served twice and the order is kept."""

import itertools
import random
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from accounts.errors import Refused
from annotation import actions
from annotation.actions import Answer, NewItem
from annotation.models import Annotation, QueueItem, Ticket
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)
PEOPLE = 10


def with_own_connection(work: Callable[..., Any]) -> Callable[..., Any]:
    def run(*args: Any) -> Any:
        try:
            return work(*args)
        finally:
            connection.close()

    return run


def all_at_once(work: Callable[[Any], Any], people: list[Any]) -> list[Any]:
    with ThreadPoolExecutor(len(people)) as pool:
        return list(pool.map(with_own_connection(work), people))


@pytest.fixture
def people() -> list[Any]:
    return [factories.person(f"annotator{n}") for n in range(PEOPLE)]


def fill(count: int) -> list[int]:
    """A queue whose order has nothing to do with the order of the ids."""
    ids = [ticket.pk for ticket in factories.tickets(count)]
    random.Random(7).shuffle(ids)
    items = [NewItem(pk, "teach", float(place), "exploit") for place, pk in enumerate(ids)]
    actions.queue_replace(items=items, generation=1)
    return ids


@dataclass(frozen=True)
class Claim:
    """What one claim took (places in the queue, 0 the first), and the moments before it was asked and after it
    answered.
    """

    places: list[int]
    asked: float
    answered: float


def test_ten_people_claiming_at_once_get_each_ticket_once_and_in_order(people: list[Any]) -> None:
    order = fill(120)
    place = {pk: n for n, pk in enumerate(order)}

    def claim_all(person: Any) -> list[Claim]:
        holding: list[uuid.UUID] = []
        claims: list[Claim] = []
        while True:
            asked = time.monotonic()
            items = actions.queue_claim(annotator=person, mode="teach", count=2, holding=holding)
            answered = time.monotonic()
            if not items:
                return claims
            claims.append(Claim([place[item.ticket_id] for item in items], asked, answered))
            for item in items:
                assert item.leased_until is not None
                holding.append(item.lease)

    served = all_at_once(claim_all, people)
    everything = [claim for own in served for claim in own]
    taken = [at for claim in everything for at in claim.places]
    assert sorted(taken) == list(range(len(order))), "each ticket exactly once"
    for own in served:
        seen = [at for claim in own for at in claim.places]
        assert seen == sorted(seen), "each person sees the order"
    passed_by = [
        (early, late)
        for early, late in itertools.permutations(everything, 2)
        if early.answered < late.asked and min(late.places) < max(early.places)
    ]
    assert not passed_by, "nobody is given a ticket while a better one is free"


def test_ten_people_answer_skip_and_lose_leases_and_no_ticket_is_answered_twice(people: list[Any]) -> None:
    fill(80)
    service = factories.service("Delivery")
    refused: list[str] = []

    def work(person: Any) -> None:
        chance = random.Random(person.pk)
        for _ in range(60):
            items = actions.queue_claim(annotator=person, mode="teach", count=1)
            if not items:
                return
            act = chance.random()
            if act < 0.15:  # the time runs out while they read, and they answer all the same
                QueueItem.objects.filter(lease=items[0].lease).update(
                    leased_until=timezone.now() - timedelta(hours=1)
                )
                time.sleep(chance.random() / 100)
            kind = "skip" if act > 0.9 else "label"
            answer = Answer(
                uuid.uuid4(), items[0].lease, kind, service_id=service.pk if kind == "label" else None
            )
            try:
                first = actions.queue_submit(annotator=person, answer=answer)
                assert actions.queue_submit(annotator=person, answer=answer).pk == first.pk
            except Refused as error:
                refused.append(error.code)

    all_at_once(work, people)
    for person in people:  # what the last one skipped after the others had found nothing left
        work(person)
    assert set(refused) <= {"lease_expired", "already_answered"}
    labels = Annotation.objects.filter(kind="label")
    assert labels.count() == labels.values("ticket").distinct().count() == 80
    assert Ticket.objects.filter(status="labelled").count() == 80


def test_one_submit_sent_ten_times_at_once_writes_one_row(people: list[Any]) -> None:
    fill(1)
    service = factories.service("Delivery")
    item = actions.queue_claim(annotator=people[0], mode="teach")[0]
    answer = Answer(uuid.uuid4(), item.lease, "label", service_id=service.pk)
    rows = all_at_once(lambda _: actions.queue_submit(annotator=people[0], answer=answer), people)
    assert len({row.pk for row in rows}) == 1
    assert Annotation.objects.count() == 1


def test_people_who_answer_equal_texts_at_once_do_not_block_each_other(people: list[Any]) -> None:
    service = factories.service("Delivery")
    for turn in range(5):
        twins = [factories.ticket(f"Where is it, {factories.spelled(turn)}?") for _ in people]
        items = [NewItem(t.pk, "teach", float(n), "exploit") for n, t in enumerate(twins)]
        actions.queue_replace(items=items, generation=turn)
        held = [actions.queue_claim(annotator=person, mode="teach")[0].lease for person in people]
        QueueItem.objects.update(
            leased_until=timezone.now() - timedelta(seconds=1)
        )  # so that each copies to all
        answers = [Answer(uuid.uuid4(), lease, "label", service_id=service.pk) for lease in held]

        def say(pair: Any) -> str:
            try:
                actions.queue_submit(annotator=pair[0], answer=pair[1])
            except Refused as error:
                return error.code
            return "saved"

        said = all_at_once(say, list(zip(people, answers, strict=True)))
        assert "saved" in said and set(said) <= {"saved", "already_answered"}
        assert not Ticket.objects.filter(status="open").exists()


def test_a_claim_during_a_push_gets_a_ticket(people: list[Any]) -> None:
    order = fill(30)
    locked, go_on = threading.Event(), threading.Event()

    def push(_: Any) -> None:
        with transaction.atomic():
            items = [NewItem(pk, "teach", float(n), "exploit") for n, pk in enumerate(reversed(order))]
            actions.queue_replace(items=items, generation=2)
            locked.set()
            go_on.wait(10)

    def claim(person: Any) -> list[int]:
        locked.wait(10)
        threading.Timer(0.2, go_on.set).start()
        return [item.ticket_id for item in actions.queue_claim(annotator=person, mode="teach", count=2)]

    with ThreadPoolExecutor(2) as pool:
        pushing = pool.submit(with_own_connection(push), None)
        claiming = pool.submit(with_own_connection(claim), people[0])
        assert claiming.result() == order[::-1][:2]
        pushing.result()


def test_pushes_claims_and_answers_at_once_lose_and_double_nothing(people: list[Any]) -> None:
    order = fill(150)
    service = factories.service("Delivery")
    done = threading.Event()
    served: list[tuple[int, int]] = []

    def push(_: Any) -> int:
        generation = 2
        while not done.is_set():
            random.Random(generation).shuffle(order)
            items = [NewItem(pk, "teach", float(n), "exploit") for n, pk in enumerate(order)]
            actions.queue_replace(items=items, generation=generation)
            generation += 1
        return generation

    def work(person: Any) -> None:
        while items := actions.queue_claim(annotator=person, mode="teach", count=3):
            for item in items:
                served.append((item.ticket_id, person.pk))
                answer = Answer(uuid.uuid4(), item.lease, "label", service_id=service.pk)
                actions.queue_submit(annotator=person, answer=answer)

    with ThreadPoolExecutor(1) as pushing:
        pusher = pushing.submit(with_own_connection(push), None)
        try:
            all_at_once(work, people)
        finally:
            done.set()
        assert pusher.result() > 2
    assert len(served) == len({pk for pk, _ in served}) == 150
    assert Ticket.objects.filter(status="open").count() == 0
    assert not QueueItem.objects.exists()
