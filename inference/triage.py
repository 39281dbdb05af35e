"""The triage inbox: tickets no other is like, beside the labelled tickets nearest to them."""

from dataclasses import dataclass

from annotation import selectors as annotation
from annotation.models import Ticket, TicketStatus
from inference import selectors
from inference.models import Embedding, LoneTicket
from inference.selectors import Neighbour

AT_ONCE = 20
NEAREST = 3


@dataclass(frozen=True)
class Strange:
    """One of them, with its two scores."""

    ticket: Ticket
    outlier: float
    uncertainty: float
    nearest: list[Neighbour]


@dataclass(frozen=True)
class Inbox:
    """The first AT_ONCE of ``total``. ``is_ready`` is False before the first look at the pool."""

    is_ready: bool
    total: int
    results: list[Strange]


def inbox() -> Inbox:
    """Open tickets alone: one that was decided leaves at once. Random controls are never among them."""
    waiting = LoneTicket.objects.filter(ticket__status=TicketStatus.OPEN, ticket__is_audit=False)
    first = list(waiting.select_related("ticket").order_by("place")[:AT_ONCE])
    encoder = selectors.current_encoder()
    vectors = {}
    if encoder is not None:
        rows = Embedding.objects.filter(encoder=encoder, ticket__in=[one.ticket_id for one in first])
        vectors = {row.ticket_id: row.vector for row in rows.exclude(vector=None)}
    results = []
    for one in first:
        vector = vectors.get(one.ticket_id)
        near: list[Neighbour] = []
        if encoder is not None and vector is not None:
            near = selectors.nearest_labelled(encoder, list(map(float, vector)), n=NEAREST)
        results.append(Strange(one.ticket, one.outlier, one.uncertainty, near))
    return Inbox(annotation.current_generation() is not None, waiting.count(), results)
