"""Reads of what was measured: newest evaluations, their answers, versions compared."""

from collections.abc import Iterable
from datetime import timedelta

from django.db.models import Max, Min, Prefetch, QuerySet
from django.utils import timezone

from annotation.models import Ticket
from ml.judging import Compared, Sheet, compare
from ml.outlook import Day
from training.models import Evaluation, GateSettings, GateVerdict, ModelVersion, PrecisionCertificate

LATELY = timedelta(days=28)


def evaluations_of(data: str = "audit") -> Prefetch:
    """The evaluations of versions on one kind of data, newest first."""
    return Prefetch("evaluations", queryset=Evaluation.objects.filter(data=data))


def versions() -> QuerySet[ModelVersion]:
    """All classifier versions, newest first, with their evaluations on control tickets."""
    return (
        ModelVersion.objects.filter(kind="classifier")
        .select_related("run")
        .prefetch_related(evaluations_of())
    )


def headlines() -> QuerySet[ModelVersion]:
    """All classifier versions with their evaluations, certificates and verdicts, each newest first."""
    light = PrecisionCertificate.objects.defer("tickets", "promise")
    rows = versions().select_related("run__snapshot").defer("run__log_tail", "manifest")
    return rows.prefetch_related(
        Prefetch("certificates", queryset=light),
        Prefetch("verdicts", queryset=GateVerdict.objects.defer("figures")),
    )


def version_numbered(number: int) -> ModelVersion | None:
    """The classifier of that number."""
    return (
        ModelVersion.objects.filter(kind="classifier", number=number).select_related("run__snapshot").first()
    )


def latest_evaluation(model_version: ModelVersion, test_set_id: int | None = None) -> Evaluation | None:
    """The newest evaluation of a version: on control tickets, or on a test set."""
    rows = model_version.evaluations.select_related("sheet")
    return rows.filter(test_set_id=test_set_id, data="test" if test_set_id else "audit").first()


def sheet_of(evaluation: Evaluation | None) -> Sheet | None:
    """The answers an evaluation was counted from; None for one that is older than sheets."""
    row = getattr(evaluation, "sheet", None) if evaluation else None
    return row.sheet if row else None


def versions_compared(first: ModelVersion, second: ModelVersion) -> Compared | None:
    """Two versions on the control tickets both answered; None while one of them was not evaluated."""
    mine, theirs = (sheet_of(latest_evaluation(one)) for one in (first, second))
    if mine is None or theirs is None:
        return None
    return compare(mine, theirs, first.labels, second.labels)


def tickets_named(ids: Iterable[int]) -> dict[int, Ticket]:
    """Those of these tickets that are still there, by id."""
    return Ticket.objects.in_bulk(list(ids))


def tickets_a_day() -> float | None:
    """How many tickets came a day over the last four weeks that brought any; None before the first ticket.

    Counted back from the newest arrival, so that an imported history has its pace too, however old it is.
    """
    newest = Ticket.objects.filter(received_at__lte=timezone.now()).aggregate(at=Max("received_at"))["at"]
    if newest is None:
        return None
    lately = Ticket.objects.filter(received_at__gt=newest - LATELY, received_at__lte=newest)
    first = lately.aggregate(at=Min("received_at"))["at"]
    days = max((newest - first).total_seconds() / 86_400.0, 1.0)
    return float(lately.count() / days)


def day_of(settings: GateSettings) -> Day:
    """A day's work as the settings and the arrivals say."""
    return Day(tickets_a_day() or 0.0, settings.minutes_escalation, settings.minutes_misroute)
