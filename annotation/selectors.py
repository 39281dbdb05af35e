"""Reads about tickets, labels and the queue. Upper layers read annotation through these functions only."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from django.db.models import Case, Count, F, Max, OuterRef, Q, QuerySet, Subquery, Value, When
from django.utils import timezone

from accounts.models import User
from annotation.models import (
    WEAK_SOURCES,
    Annotation,
    AnnotationKind,
    Mode,
    QueueItem,
    ScoreGeneration,
    Service,
    Ticket,
    TicketOrigin,
    TicketStatus,
)
from annotation.written import written_left_out

LONGEST_NAME = 80  # of a service
WRITTEN = "written"  # the origin of a label that an expert gave with the text
IMPORT_WEIGHT = 0.5  # a label that came with the data is weaker evidence than a person's decision here


@dataclass(frozen=True)
class TrainingLabel:
    """One label a model may learn from. ``text`` is masked; ``code`` is the service's; ``origin`` is who said so."""

    ticket_id: int
    text: str
    text_hash: str
    group: str
    code: str
    origin: str

    @property
    def weight(self) -> float:
        """How much it counts in a training."""
        return weight_of(self.origin)


def weight_of(origin: str) -> float:
    """How much a label of this origin counts in a training."""
    return IMPORT_WEIGHT if origin in WEAK_SOURCES else 1.0


def services_active() -> QuerySet[Service]:
    """Services that can be chosen, in their order."""
    return Service.objects.filter(is_active=True)


def services_with_counts() -> QuerySet[Service]:
    """All services in their order with ``label_count``: tickets that carry their label now."""
    return Service.objects.annotate(label_count=Count("tickets")).order_by("position", "id")


def service_is_used(service: Service) -> bool:
    """Whether anybody ever gave a ticket this service, taken back or not."""
    named = Annotation.objects.filter(Q(service=service) | Q(second_service=service))
    return named.exists() or Ticket.objects.filter(label=service).exists()


def services_by_code() -> dict[str, Service]:
    """Every service, switched off ones too, by its code."""
    return {service.code: service for service in Service.objects.all()}


def service_key(label: str) -> str:
    """What a service is found by: its name as far as one is kept, without regard to case."""
    return label[:LONGEST_NAME].strip().casefold()


def services_by_any_name() -> dict[str, Service]:
    """Services by code, name and French name, each as ``service_key`` makes it."""
    names: dict[str, Service] = {}
    for service in Service.objects.all():
        for name in (service.name_fr, service.name, service.code):
            if name:
                names[service_key(name)] = service
    return names


def newest_annotation_id() -> int:
    """The id of the newest annotation, 0 before the first."""
    return Annotation.objects.aggregate(newest=Max("id"))["newest"] or 0


def labels_for_training() -> Iterator[TrainingLabel]:
    """Stream every label that may train, by ticket id: never an audit label, never of a service switched off.

    Written tickets are among them, each service's within its share (``annotation.written``), their origin "written".
    """
    is_written = Q(origin=TicketOrigin.WRITTEN)
    rows = (
        Ticket.objects.filter(status=TicketStatus.LABELLED, is_audit=False, label__is_active=True)
        .exclude(pk__in=written_left_out())
        .annotate(said_by=Case(When(is_written, then=Value(WRITTEN)), default=F("label_source")))
        .order_by("id")
        .values_list("id", "text", "text_hash", "group", F("label__code"), "said_by")
    )
    for row in rows.iterator(chunk_size=2000):
        yield TrainingLabel(*row)


def texts_unlabelled(*, limit: int) -> Iterator[tuple[int, str]]:
    """At most `limit` open tickets as (id, masked text): one a near-duplicate group, never an audit ticket.

    By the hash that names the group, so any number of them is an even spread.
    """
    rows = (
        Ticket.objects.filter(status=TicketStatus.OPEN, is_audit=False)
        .order_by("group", "id")
        .distinct("group")
        .values_list("id", "text")[:limit]
    )
    yield from rows.iterator(chunk_size=2000)


def audit_labelled() -> QuerySet[Ticket]:
    """Audit tickets with their label, in hash order."""
    return Ticket.objects.filter(is_audit=True, status=TicketStatus.LABELLED).order_by("audit_rank")


def audit_of_no_service() -> QuerySet[Ticket, int]:
    """Ids of audit tickets that people set aside because they belong to none of the services."""
    newest = (
        Annotation.objects.filter(ticket=OuterRef("pk"), undone_by=None, annotator__isnull=False)
        .exclude(kind__in=[AnnotationKind.SKIP, AnnotationKind.UNDO])
        .order_by("-id")
        .values("kind")[:1]
    )
    rows = Ticket.objects.filter(is_audit=True, status=TicketStatus.SET_ASIDE).annotate(
        decision=Subquery(newest)
    )
    return rows.filter(decision=AnnotationKind.NONE).order_by().values_list("pk", flat=True)


def tickets_left() -> dict[str, int]:
    """How many items wait in each mode."""
    counts = dict(QueueItem.objects.order_by().values_list("mode").annotate(n=Count("id")))
    return {Mode.TEACH.value: counts.get(Mode.TEACH, 0), Mode.CHECK.value: counts.get(Mode.CHECK, 0)}


def attention() -> dict[str, int]:
    """Tickets that wait for a lead's eye. Told with every answer, so it reads the index of these states alone."""
    rare = [TicketStatus.FLAGGED, TicketStatus.SET_ASIDE]
    rows = Ticket.objects.filter(status__in=rare).order_by().values_list("status").annotate(n=Count("id"))
    counts = dict(rows)
    return {state.value: counts.get(state.value, 0) for state in rare}


def deciding() -> QuerySet[Annotation]:
    """Annotations of people that decide a ticket: a service, two, or none of them.

    Skips and flags decide nothing; what was taken back or said of an earlier text does not count.
    """
    return Annotation.objects.filter(
        kind__in=[AnnotationKind.LABEL, AnnotationKind.NONE, AnnotationKind.TWO],
        undone_by=None,
        round__gte=F("ticket__reopened_at_round"),
    ).exclude(annotator=None)


def decisions_on(ticket_ids: Collection[int]) -> dict[int, Annotation]:
    """What people last decided about these tickets, by ticket id."""
    rows = deciding().filter(ticket_id__in=ticket_ids).order_by("ticket_id", "-id").distinct("ticket_id")
    return {row.ticket_id: row for row in rows}


def history(ticket: Ticket) -> QuerySet[Annotation]:
    """Everything people decided about a ticket, newest first."""
    rows = ticket.annotations.select_related("ticket", "annotator", "undone_by", "source_annotation")
    return rows.annotate(propagated=Count("copies")).order_by("-id")


def similar_to(ticket: Ticket) -> QuerySet[Ticket]:
    """The other tickets of the near-duplicate group."""
    return Ticket.objects.filter(group=ticket.group).exclude(pk=ticket.pk).order_by("id")


def current_generation() -> ScoreGeneration | None:
    """The ranking whose scores are shown."""
    return ScoreGeneration.objects.filter(is_current=True).first()


def why_nothing(user: User, mode: str) -> str | None:
    """Why a claim came back empty: a code the page explains. None if there may be something after all."""
    if not services_active().exists():
        return "no_services"
    if not Ticket.objects.exists():
        return "no_tickets"
    items = QueueItem.objects.filter(mode=mode)
    if items.filter(leased_until__gt=timezone.now()).exclude(leased_by=user).exists():
        return "held_by_others"
    if mode == Mode.CHECK:
        return "nothing_to_check"
    if not Ticket.objects.filter(status=TicketStatus.OPEN).exists():
        return "all_labelled"
    return "all_seen" if items.exists() else "preparing"


def group_sizes(groups: list[str]) -> dict[str, int]:
    """How many tickets each near-duplicate group has."""
    counted = Ticket.objects.filter(group__in=groups).order_by().values_list("group").annotate(n=Count("id"))
    return dict(counted)
