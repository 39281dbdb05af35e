"""Reads of uploaded test sets."""

from django.db.models import Prefetch, Q, QuerySet

from annotation.models import Ticket, TicketStatus
from training.models import Evaluation, SnapshotRow, TestSet


def test_sets() -> QuerySet[TestSet]:
    """All of them, newest first, with what was measured on them."""
    measured = Evaluation.objects.select_related("model_version").defer("metrics")
    return TestSet.objects.select_related("uploaded_by").prefetch_related(
        Prefetch("evaluations", queryset=measured)
    )


def groups_that_teach(groups: set[str]) -> set[str]:
    """Those of these near-duplicate groups in which a ticket has taught a model, or may: labelled, and no control."""
    taught = SnapshotRow.objects.filter(ticket__isnull=False).values("ticket")
    teaches = Q(status=TicketStatus.LABELLED, is_audit=False) | Q(pk__in=taught)
    rows = Ticket.objects.filter(teaches, group__in=groups)
    return set(rows.order_by().values_list("group", flat=True).distinct())
