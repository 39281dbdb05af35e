"""What the learner reads of the world at each turn: a mark that tells whether anything changed, and the labels."""

import hashlib
from dataclasses import dataclass

import numpy as np
from django.db import connection
from django.db.models import F
from numpy.typing import NDArray

from annotation.models import (
    WEAK_SOURCES,
    Annotation,
    LabelSource,
    Lane,
    Mode,
    Service,
    Ticket,
    TicketStatus,
)
from annotation.written import written_left_out
from inference import selectors
from inference.comparison import current
from training import selectors as training

Ints = NDArray[np.int64]
SERVED_LATELY = 100
KEYWORD_TICKETS = 50
IMPORT_WEIGHT = 0.5


@dataclass(frozen=True)
class Mark:
    """Equal marks: nothing happened that could change the ranking."""

    encoder: int | None
    annotations: tuple[int, int]
    vectors: tuple[int, int]
    services: str
    is_queued: bool
    audit_target: int

    @property
    def newest_annotation(self) -> int:
        return self.annotations[0]


def mark() -> Mark:
    """Read the mark. The counts beside the highest ids catch rows whose transaction ended late, and erasures."""
    encoder = selectors.current_encoder()
    services = list(Service.objects.order_by("pk").values_list("pk", "code", "is_active", "keywords"))
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT coalesce((SELECT max(id) FROM annotation_annotation), 0),
                      (SELECT count(*) FROM annotation_annotation),
                      (SELECT count(*) FROM inference_embedding WHERE encoder_id = %(encoder)s),
                      coalesce((SELECT max(id) FROM inference_embedding WHERE encoder_id = %(encoder)s), 0),
                      EXISTS (SELECT 1 FROM annotation_queueitem WHERE mode = 'teach')""",
            {"encoder": encoder.pk if encoder else None},
        )
        newest, annotations, vectors, feed, is_queued = cursor.fetchone()
    return Mark(
        encoder=encoder.pk if encoder else None,
        annotations=(newest, annotations),
        vectors=(vectors, feed),
        services=hashlib.sha256(repr(services).encode()).hexdigest()[:16],
        is_queued=is_queued,
        audit_target=audit_target(),
    )


@dataclass(frozen=True)
class Labels:
    """Labels that may train: audit labels and those of services switched off are not among them.

    All of length m. Of one near-duplicate group with one label only the first ticket is kept.
    """

    ids: Ints
    codes: NDArray[np.str_]
    groups: Ints
    is_import: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def weights(self) -> NDArray[np.float32]:
        """Imported labels weigh less than what a person of the house decided."""
        return np.where(self.is_import, IMPORT_WEIGHT, 1.0).astype(np.float32)

    def of(self, places: NDArray[np.bool_] | Ints) -> "Labels":
        """Some of them."""
        return Labels(self.ids[places], self.codes[places], self.groups[places], self.is_import[places])


def labels() -> Labels:
    """Read the labels, in the order they were given."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT * FROM (
                   SELECT DISTINCT ON (t."group", t.label_id) t.id, s.code, hashtextextended(t."group", 0),
                          t.label_source IN ('import', 'outcome'), t.labelled_at
                   FROM annotation_ticket t JOIN annotation_service s ON s.id = t.label_id
                   WHERE t.status = 'labelled' AND NOT t.is_audit AND s.is_active AND t.id <> ALL(%s)
                   ORDER BY t."group", t.label_id, t.label_source IN ('import', 'outcome'), t.id
               ) one_a_group ORDER BY labelled_at, id""",
            [written_left_out()],
        )
        rows = cursor.fetchall()
    return Labels(
        ids=np.asarray([row[0] for row in rows], np.int64),
        codes=np.asarray([row[1] for row in rows], np.str_),
        groups=np.asarray([row[2] for row in rows], np.int64),
        is_import=np.asarray([row[3] for row in rows], np.bool_),
    )


def closed_tickets() -> Ints:
    """Tickets that nobody is to be asked about now: labelled, flagged, set aside."""
    closed = Ticket.objects.exclude(status=TicketStatus.OPEN).order_by()
    return np.fromiter(closed.values_list("pk", flat=True).iterator(chunk_size=10_000), np.int64)


def weak_tickets() -> Ints:
    """Tickets whose only label came with the data, or from the desk."""
    weak = Ticket.objects.filter(status=TicketStatus.LABELLED, label_source__in=WEAK_SOURCES).order_by()
    return np.fromiter(weak.values_list("pk", flat=True).iterator(chunk_size=10_000), np.int64)


def moved_tickets() -> dict[int, int]:
    """Ticket -> the service the desk moved it to, where nobody of the house has said so too; the newest first.

    Either that is the ticket's weak label, or a person's label says something else. Controls are never among them.
    """
    moved = (
        Annotation.objects.filter(
            lane=Lane.OUTCOME,
            annotator=None,
            ticket__is_audit=False,
            round__gte=F("ticket__reopened_at_round"),
        )
        .exclude(
            ticket__label_source__in=[LabelSource.PERSON, LabelSource.SIMILAR], service=F("ticket__label")
        )
        .order_by("id")
    )
    newest = {
        ticket: (pk, service) for pk, ticket, service in moved.values_list("pk", "ticket_id", "service_id")
    }
    return {ticket: service for ticket, (_, service) in sorted(newest.items(), key=lambda one: -one[1][0])}


def checked_tickets() -> Ints:
    """Tickets whose label somebody has looked at in Check."""
    checked = Annotation.objects.filter(mode=Mode.CHECK).exclude(kind="undo").order_by()
    return np.fromiter(checked.values_list("ticket_id", flat=True).distinct().iterator(), np.int64)


def audit_target() -> int:
    """How many audit labels the lead asks for."""
    return int(training.policy_current().audit_target)


def audit_labels() -> int:
    """How many audit tickets have their label."""
    return selectors.audit_labelled().count()


def audit_answers() -> tuple[Ints, NDArray[np.str_]]:
    """Audit tickets with their label's code: they set how sure the head may sound, and never train."""
    answers = list(selectors.audit_labelled().filter(label__is_active=True).values_list("pk", "label__code"))
    return (
        np.asarray([ticket for ticket, _ in answers], np.int64),
        np.asarray([code for _, code in answers], np.str_),
    )


def served_lately() -> dict[str, int]:
    """By lane, the last hundred tickets answered in Teach and those in people's hands."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT lane, count(*) FROM (
                   (SELECT lane FROM annotation_annotation
                    WHERE mode = %s AND kind <> 'undo' AND source_annotation_id IS NULL AND lane <> ''
                    ORDER BY id DESC LIMIT %s)
                   UNION ALL
                   SELECT lane FROM annotation_queueitem WHERE mode = %s AND leased_until > now()
               ) served GROUP BY lane""",
            [Mode.TEACH, SERVED_LATELY, Mode.TEACH],
        )
        counted = dict(cursor.fetchall())
    counted[Lane.EXPLOIT] = counted.get(Lane.EXPLOIT, 0) + counted.pop(Lane.START, 0)
    return counted


def services() -> dict[str, int]:
    """Code -> id of the services that are switched on."""
    return dict(Service.objects.filter(is_active=True).values_list("code", "pk"))


def keyword_tickets(known: NDArray[np.int64]) -> dict[str, list[int]]:
    """For each service with expected words, some tickets of the pool that hold one of them (cold start only)."""
    found: dict[str, list[int]] = {}
    pool = set(known.tolist())
    for service in Service.objects.filter(is_active=True).exclude(keywords=[]):
        words = [str(word).strip() for word in service.keywords if str(word).strip()][:20]
        tickets = Ticket.objects.filter(status=TicketStatus.OPEN, is_audit=False).order_by("audit_rank")
        held: list[int] = []
        for word in words:
            held += tickets.filter(text__icontains=word).values_list("pk", flat=True)[:KEYWORD_TICKETS]
        found[service.code] = [pk for pk in dict.fromkeys(held) if pk in pool]
    return found


def look_alikes(known: Ints) -> list[int]:
    """Rows (places in ``known``) of open tickets that are like a candidate's failures, the most alike first."""
    wanted = current.look_alikes()
    if not wanted:
        return []
    row_of = {int(ticket): row for row, ticket in enumerate(known)}
    return [row_of[ticket] for ticket in wanted if ticket in row_of]
