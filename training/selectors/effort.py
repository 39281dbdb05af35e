"""Reads about the effort people put in, and what it brought: labels against accuracy, acceptance, time to a model."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime

from django.db import connection
from django.db.models import Count, Min, Q

from annotation.models import Annotation, AnnotationKind, Mode, Service, TicketStatus
from training.models import ModelVersion
from training.selectors.evaluations import versions
from training.selectors.standing import last_advice

WEEKS = 26


@dataclass(frozen=True)
class Balance:
    """Tickets of one service: labels that may train, control labels, and those of the newest version's snapshot."""

    service: str
    labels: int
    controls: int
    taught: int


def class_balance() -> list[Balance]:
    """Every service in use, in its order."""
    newest = versions().select_related("run__snapshot").first()
    snapshot = newest.run.snapshot if newest is not None and newest.run is not None else None
    taught = Counter(snapshot.services if snapshot else {})
    is_labelled = Q(tickets__status=TicketStatus.LABELLED)
    rows = Service.objects.filter(is_active=True).annotate(
        labels=Count("tickets", filter=is_labelled & Q(tickets__is_audit=False)),
        controls=Count("tickets", filter=is_labelled & Q(tickets__is_audit=True)),
    )
    return [
        Balance(row.code, row.labels, row.controls, taught[row.code])
        for row in rows.order_by("position", "id")
    ]


@dataclass(frozen=True)
class EfficiencyPoint:
    """Accuracy on control tickets after so many labels. `version`: a trained one; None: a head on the way."""

    labels: int
    accuracy: float
    interval: list[float] | None
    version: int | None
    at: datetime | None


def label_efficiency() -> list[EfficiencyPoint]:
    """What each number of labels reached here, by number of labels: trained versions, and the learner's heads between
    them as the advisor measured them."""
    found = []
    for version in versions().select_related("run__snapshot"):
        newest = next(iter(version.evaluations.all()), None)
        snapshot = version.run.snapshot if version.run else None
        if newest is None or newest.accuracy is None or snapshot is None:
            continue
        interval = newest.metrics.get("accuracy_interval")
        found.append(
            EfficiencyPoint(snapshot.rows, newest.accuracy, interval, version.number, version.created_at)
        )
    advice = last_advice()
    for point in (advice.params.get("points") or []) if advice else []:
        found.append(EfficiencyPoint(point["labels"], point["accuracy"], None, None, None))
    return sorted(found, key=lambda point: (point.labels, point.version or 0))


@dataclass(frozen=True)
class Week:
    """A week's work, from its Monday in the installation's zone. `offered`: tickets checked with a suggestion, `taken`:
    of those, where people agreed. `seconds`: the usual time of a decision, None where none was timed."""

    monday: date
    decisions: int
    offered: int
    taken: int
    seconds: float | None


def weeks(zone: str) -> list[Week]:
    """The last weeks in which anybody decided anything, oldest first. Copies and decisions taken back do not count."""
    with connection.cursor() as cursor:
        cursor.execute(
            _WEEKS, {"zone": zone, "check": Mode.CHECK, "weeks": WEEKS, "undo": AnnotationKind.UNDO}
        )
        rows = cursor.fetchall()
    return [Week(monday, n, offered, taken, seconds) for monday, n, offered, taken, seconds in reversed(rows)]


_WEEKS = """
SELECT date_trunc('week', a.created_at AT TIME ZONE %(zone)s)::date AS monday, count(*),
    count(*) FILTER (WHERE a.mode = %(check)s AND a.suggested_service_id IS NOT NULL),
    count(*) FILTER (WHERE a.mode = %(check)s AND a.kind = 'label' AND a.suggested_service_id = a.service_id),
    (percentile_cont(0.5) WITHIN GROUP (ORDER BY a.duration_ms) / 1000.0)::float8
FROM annotation_annotation a
WHERE a.annotator_id IS NOT NULL AND a.source_annotation_id IS NULL AND a.kind <> %(undo)s
    AND NOT EXISTS (SELECT 1 FROM annotation_annotation u WHERE u.undoes_id = a.id)
GROUP BY monday ORDER BY monday DESC LIMIT %(weeks)s"""


@dataclass(frozen=True)
class Cycle:
    """From the first label a version was the first to learn from, to the version; hours. None: it has no such label."""

    version: int
    started_at: datetime | None
    ready_at: datetime
    hours: float | None


def cycles() -> list[Cycle]:
    """Every version's, oldest first."""
    found, seen = [], 0
    for version in _trained():
        snapshot = version.run.snapshot if version.run else None
        if snapshot is None:
            continue
        new = Annotation.objects.filter(
            pk__gt=seen,
            pk__lte=snapshot.last_annotation_id,
            kind=AnnotationKind.LABEL,
            annotator__isnull=False,
        )
        started = new.aggregate(at=Min("created_at"))["at"]
        hours = (version.created_at - started).total_seconds() / 3600.0 if started else None
        found.append(Cycle(version.number, started, version.created_at, hours))
        seen = max(seen, snapshot.last_annotation_id)
    return found


def _trained() -> list[ModelVersion]:
    rows = ModelVersion.objects.filter(kind="classifier").select_related("run__snapshot")
    return list(rows.order_by("number"))
