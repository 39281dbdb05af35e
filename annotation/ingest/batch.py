"""Writes a batch of ready rows in one transaction: tickets, imported labels, answer keys."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import F, OuterRef, Subquery
from django.utils import timezone

from accounts.errors import Refused
from annotation import selectors
from annotation.actions.resolution import tell, ticket_resolve
from annotation.actions.services import service_create
from annotation.ingest.checking import ReadyRow
from annotation.ingest.options import ImportOptions
from annotation.ingest.report import Report
from annotation.ingest.updating import tickets_update
from annotation.ingest.writing import rows_insert
from annotation.models import (
    Annotation,
    AnnotationKind,
    AnswerKey,
    LabelSource,
    LabelUse,
    Mode,
    Service,
    Ticket,
    TicketStatus,
)
from annotation.reading import RowProblem
from annotation.signals import tickets_ingested

MOST_SERVICES = 1000
NONE_OF_THEM = "none"  # in an answer key


TICKET = (
    *("external_id", "text", "original_text", "text_hash", "group"),
    *("audit_rank", "is_audit", "received_at", "channel", "language"),
    *("metadata", "masked", "is_demo", "created_at"),
    *("status", "label_source", "round", "reopened_at_round"),
)
ANNOTATION = ("ticket", "service", "round", "is_demo", "kind", "mode", "note", "lane", "created_at")


@transaction.atomic
def ingest_batch(rows: Sequence[ReadyRow], options: ImportOptions, report: Report) -> None:
    """Write rows, each of an external id of its own."""
    by_name = {row.external_id: row for row in rows}
    stored = Ticket.objects.select_for_update().filter(external_id__in=by_name).order_by("id")
    known = {ticket.external_id: ticket for ticket in stored}
    fresh = [row for row in rows if row.external_id not in known]
    _count_duplicates(fresh, report)
    rows_insert(Ticket, TICKET, [ticket_values(row, options) for row in fresh], skip_known=True)
    changed = tickets_update(known, by_name)
    tickets = dict(Ticket.objects.filter(external_id__in=by_name).values_list("external_id", "id"))
    ids = [tickets[row.external_id] for row in fresh if row.external_id in tickets]
    report.created += len(ids)
    report.updated += len(changed)
    report.unchanged += len(known) - len(changed)
    for row in [*fresh, *(by_name[ticket.external_id] for ticket in changed)]:
        report.masked.update(row.masked)
    if options.label_column and options.label_as != LabelUse.IGNORE:
        _labels(list(rows), tickets, options, report)
    ids += [ticket.pk for ticket in changed]
    if ids and not options.is_live:
        transaction.on_commit(lambda: tickets_ingested.send(sender=Ticket, ticket_ids=ids))


def ticket_values(row: ReadyRow, options: ImportOptions) -> tuple[Any, ...]:
    """The values of ``TICKET`` for a new ticket."""
    now = timezone.now()
    return (
        *(row.external_id, row.text, row.original_text, row.text_hash, row.group),
        *(row.audit_rank, row.is_audit, row.received_at or now, row.channel or "", row.language or ""),
        *(row.metadata or {}, row.masked, options.is_demo, now),
        *(TicketStatus.OPEN.value, "", 0, 0),
    )


def _count_duplicates(fresh: Sequence[ReadyRow], report: Report) -> None:
    hashes = Counter(row.text_hash for row in fresh)
    known = set(Ticket.objects.filter(text_hash__in=hashes).values_list("text_hash", flat=True).distinct())
    report.duplicates += sum(n if h in known else n - 1 for h, n in hashes.items())


def _labels(rows: list[ReadyRow], tickets: dict[str, int], options: ImportOptions, report: Report) -> None:
    named = [(row, tickets[row.external_id]) for row in rows if row.external_id in tickets]
    if options.service_from_labels:
        _make_services([row.label for row, _ in named if row.label], options, report)
    services = selectors.services_by_any_name()
    wanted: dict[int, Service] = {}
    for row, ticket_id in named:
        if not row.label:
            continue
        service = services.get(selectors.service_key(row.label))
        if service is not None:
            wanted[ticket_id] = service
        elif options.label_as == LabelUse.LABELS or row.label.casefold() != NONE_OF_THEM:
            params: dict[str, Any] = {"label": row.label[: selectors.LONGEST_NAME], "ticket_kept": True}
            if options.service_from_labels and len(services) >= MOST_SERVICES:
                report.note(RowProblem(row.line, "too_many_services", {**params, "limit": MOST_SERVICES}))
            else:
                report.note(RowProblem(row.line, "unknown_service", params))
    if options.label_as == LabelUse.ANSWER_KEY:
        _answer_keys(named, wanted)
    else:
        _annotations(wanted)


def _make_services(labels: list[str], options: ImportOptions, report: Report) -> None:
    """Make the missing services; never past the limit, as a wrong label column holds thousands of values."""
    known = selectors.services_by_any_name()
    for label in dict.fromkeys(labels):
        if selectors.service_key(label) in known or len(known) >= MOST_SERVICES:
            continue
        try:
            service = service_create(name=label[: selectors.LONGEST_NAME], is_demo=options.is_demo)
        except Refused:  # told apart by us, not by the database: the row's label is reported as unknown
            continue
        known[selectors.service_key(label)] = service
        report.services_created.append(service.code)


def _answer_keys(named: list[tuple[ReadyRow, int]], wanted: dict[int, Service]) -> None:
    """Keep the known answers apart from the labels; a label that names no service means none of them."""
    AnswerKey.objects.bulk_create(
        [
            AnswerKey(ticket_id=pk, code=wanted[pk].code if pk in wanted else "")
            for pk in dict.fromkeys(pk for _, pk in named)
        ],
        update_conflicts=True,
        unique_fields=["ticket"],
        update_fields=["code"],
    )


def _annotations(wanted: dict[int, Service]) -> None:
    """Write imported labels as annotations of nobody; the same label again writes nothing."""
    last: dict[int, int] = {}
    imported = Annotation.objects.filter(
        ticket_id__in=wanted,
        annotator=None,
        kind=AnnotationKind.LABEL,
        round__gte=F("ticket__reopened_at_round"),  # a label of an earlier text says nothing about this one
    )
    for ticket_id, service_id in imported.order_by("id").values_list("ticket_id", "service_id"):
        last[ticket_id] = service_id
    new = {pk: service for pk, service in wanted.items() if last.get(pk) != service.pk}
    locked = Ticket.objects.select_for_update().filter(pk__in=new).order_by("pk")
    tickets = list(locked.values_list("pk", "round", "is_demo", "is_audit"))
    said = (AnnotationKind.LABEL.value, Mode.IMPORT.value, "", "", timezone.now())
    rows_insert(
        Annotation,
        ANNOTATION,
        [(pk, new[pk].pk, round, is_demo, *said) for pk, round, is_demo, _ in tickets],
    )
    _label_open({pk: is_audit for pk, _, _, is_audit in tickets})
    tell(new)


def _label_open(tickets: dict[int, bool]) -> None:
    """Set the newest imported labels on tickets (id -> whether audit) nobody decided about; audit tickets stay open
    for people."""
    decided = Annotation.objects.filter(ticket_id__in=tickets).exclude(annotator=None)
    by_person = set(decided.values_list("ticket_id", flat=True))
    for ticket in Ticket.objects.filter(pk__in=by_person):
        ticket_resolve(ticket)
    imported = Annotation.objects.filter(
        ticket=OuterRef("pk"), annotator=None, kind=AnnotationKind.LABEL, undone_by=None
    ).order_by("-id")
    plain = [pk for pk, is_audit in tickets.items() if not is_audit and pk not in by_person]
    Ticket.objects.filter(pk__in=plain).update(
        status=TicketStatus.LABELLED,
        label_id=Subquery(imported.values("service_id")[:1]),
        label_source=LabelSource.IMPORT,
        labelled_at=Subquery(imported.values("created_at")[:1]),
    )
