"""Tickets, services and people for benchmarks, written fast: texts of the demo corpus, each made unique."""

from __future__ import annotations

from typing import Any

TEXTS = 2000
PEOPLE = 10


def spelled(number: int) -> str:
    """A number in letters: digits would be masked, and texts that differ in digits alone fall in one group."""
    return "".join("abcdefghij"[int(digit)] for digit in str(number))


def make_services() -> list[Any]:
    """The demo's twelve services."""
    from annotation import actions
    from annotation.demo.services import services

    return [actions.service_create(name=service.name) for service in services()]


def make_people(password: str, count: int = PEOPLE) -> list[Any]:
    """Annotators who can sign in."""
    from django.contrib.auth.hashers import make_password

    from accounts.models import User

    hashed = make_password(password)
    return User.objects.bulk_create(
        User(username=f"annotator{number}", password=hashed) for number in range(count)
    )


def make_tickets(count: int, *, first: int = 0) -> list[int]:
    """Write ``count`` open tickets as ingest would, numbered from ``first``; returns their ids in that order."""
    from django.conf import settings
    from django.utils import timezone

    from annotation.demo.corpus import generate
    from annotation.models import Ticket
    from ml.text import audit_rank, group_key, text_hash

    texts = [ticket.text for ticket in generate(TEXTS)]
    edge = settings.AUDIT_RESERVE_SHARE * 2**63

    def one(number: int) -> Ticket:
        text = f"{texts[number % TEXTS]} {spelled(number)}"
        group = group_key(text)
        rank = audit_rank(settings.AUDIT_SALT, group)
        return Ticket(
            external_id=f"B-{number}",
            text=text,
            text_hash=text_hash(text),
            group=group,
            audit_rank=rank,
            is_audit=rank < edge,
            received_at=timezone.now(),
            channel="email",
            language="en",
        )

    ids: list[int] = []
    for start in range(first, first + count, 5000):
        rows = Ticket.objects.bulk_create(one(n) for n in range(start, min(first + count, start + 5000)))
        ids += [row.pk for row in rows]
    _analyze()
    return ids


def make_labels(ids: list[int], people: list[Any], services: list[Any]) -> None:
    """Label these tickets as answers in Teach left them, in turn by everybody and of every service."""
    from django.utils import timezone

    from annotation.models import Annotation, Ticket

    now = timezone.now()
    tickets = list(Ticket.objects.filter(pk__in=ids).order_by("pk"))
    for number, ticket in enumerate(tickets):
        ticket.status, ticket.label_source, ticket.labelled_at = "labelled", "person", now
        ticket.label = services[number % len(services)]
    Ticket.objects.bulk_update(tickets, ["status", "label", "label_source", "labelled_at"], batch_size=1000)
    Annotation.objects.bulk_create(
        Annotation(
            ticket=ticket,
            annotator=people[number % len(people)],
            kind="label",
            service=ticket.label,
            mode="teach",
            lane="audit" if ticket.is_audit else "exploit",
            duration_ms=2000,
        )
        for number, ticket in enumerate(tickets)
    )
    _analyze()


def _analyze() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
