"""Reads about tickets that experts wrote: how many may train, which of them, and what real ticket comes near a text."""

from collections import Counter, defaultdict
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet

from annotation.likeness import Words, likeness, words
from annotation.models import Service, Ticket, TicketOrigin, TicketStatus

ALWAYS_ALLOWED = 20
"""Written tickets that train for a service however few real ones it has: a new service has none at first."""
MOST_COMPARED = 20_000


def written_tickets() -> QuerySet[Ticket]:
    """All of them, newest first."""
    return Ticket.objects.filter(origin=TicketOrigin.WRITTEN).order_by("-id")


def real_labelled() -> QuerySet[Ticket]:
    """Customers' tickets whose label may train."""
    return Ticket.objects.filter(
        origin=TicketOrigin.CUSTOMER, status=TicketStatus.LABELLED, is_audit=False, label__is_active=True
    )


def written_allowed(real: int) -> int:
    """How many written tickets of a service may train beside its real ones."""
    share = settings.WRITTEN_SHARE
    return max(ALWAYS_ALLOWED if share > 0 else 0, int(real * share / (1 - share)))


def written_left_out() -> list[int]:
    """Written tickets that do not train now: those past their service's share, and those that say what a control says.

    Which of too many are left out depends on their texts alone, so the others stay from one training to the next.
    """
    control = Ticket.objects.filter(is_audit=True, group=OuterRef("group"))
    rows = (
        written_tickets()
        .filter(status=TicketStatus.LABELLED)
        .annotate(is_said_by_control=Exists(control))
        .order_by("text_hash", "id")
    )
    left_out: list[int] = []
    by_service: dict[int, list[int]] = defaultdict(list)
    for pk, service, is_said in rows.values_list("pk", "label_id", "is_said_by_control"):
        (left_out if is_said else by_service[service]).append(pk)
    if by_service:
        real = Counter(real_labelled().filter(label__in=by_service).values_list("label_id", flat=True))
        for service, members in by_service.items():
            left_out += members[written_allowed(real[service]) :]
    return left_out


@dataclass(frozen=True)
class Near:
    """A real ticket that shares words with a text; ``likeness`` 0..1. ``is_control`` is never shown to anybody."""

    ticket_id: int
    service_id: int | None
    excerpt: str
    likeness: float
    is_control: bool


class RealTickets:
    """The words of the newest labelled tickets of customers, controls among them, read once for many questions."""

    def __init__(self) -> None:
        rows = Ticket.objects.filter(origin=TicketOrigin.CUSTOMER, status=TicketStatus.LABELLED)
        newest = rows.order_by("-id").only("id", "text", "label_id", "is_audit")[:MOST_COMPARED]
        self._tickets: list[tuple[Words, Ticket]] = [(words(ticket.text), ticket) for ticket in newest]

    def nearest(self, text: str, count: int) -> list[Near]:
        """The tickets that share most words with a text, the nearest first; none that shares no word."""
        asked = words(text)
        found = [(likeness(asked, theirs), ticket) for theirs, ticket in self._tickets if asked & theirs]
        found.sort(key=lambda pair: -pair[0])
        return [
            Near(ticket.pk, ticket.label_id, ticket.excerpt, round(share, 3), ticket.is_audit)
            for share, ticket in found[:count]
        ]


def examples(service: Service, count: int) -> list[Ticket]:
    """Some real tickets of a service, the ones people labelled last first."""
    return list(real_labelled().filter(label=service).order_by("-labelled_at", "-id")[:count])
