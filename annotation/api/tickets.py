"""Tickets over HTTP: the table, one ticket, bulk ingest, relabel, reopen."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.errors import Refused
from accounts.models import Role
from accounts.permissions import IsAnnotator, IsMachine, IsReviewer
from annotation import actions, selectors, tables
from annotation.api import shapes
from annotation.api.decisions import annotation_shape
from annotation.ingest import ImportOptions, ingest_records
from annotation.models import Ticket, TicketStatus

MOST_AT_ONCE = 5000


class FilterSerializer(serializers.Serializer):
    """What the table shows."""

    q = serializers.CharField(required=False, allow_blank=True, max_length=200, default="")
    status = serializers.CharField(required=False, allow_blank=True, max_length=12, default="")
    service = serializers.IntegerField(required=False, allow_null=True, default=None)
    predicted = serializers.IntegerField(required=False, allow_null=True, default=None)
    language = serializers.CharField(required=False, allow_blank=True, max_length=8, default="")
    channel = serializers.CharField(required=False, allow_blank=True, max_length=32, default="")
    audit = serializers.BooleanField(
        required=False, allow_null=True, default=None, help_text="Only or no random controls; for leads."
    )
    sort = serializers.CharField(required=False, max_length=20, default="-received_at")


class NewTicketSerializer(serializers.Serializer):
    """A ticket to take in."""

    text = serializers.CharField()
    external_id = serializers.CharField(required=False)
    received_at = serializers.CharField(required=False)
    channel = serializers.CharField(required=False)
    language = serializers.CharField(required=False)
    label = serializers.CharField(required=False)
    metadata = serializers.DictField(required=False)


class BulkSerializer(serializers.Serializer):
    """Tickets to take in; each is checked by itself, good ones are kept."""

    tickets = serializers.ListField(min_length=1, max_length=MOST_AT_ONCE)
    service_from_labels = serializers.BooleanField(default=False)


class RelabelSerializer(serializers.Serializer):
    """A decision from a ticket's page; ``key`` makes sending it twice the same as once."""

    service_id = serializers.IntegerField()
    key = serializers.UUIDField(required=False)


Bulk = inline_serializer(
    "BulkTickets",
    {
        "tickets": NewTicketSerializer(many=True),
        "service_from_labels": serializers.BooleanField(default=False),
    },
)
TicketPage = inline_serializer(
    "TicketPage",
    {
        "results": shapes.TicketRowSerializer(many=True),
        "next": serializers.CharField(allow_null=True),
        "total": serializers.IntegerField(
            allow_null=True, help_text="How many match, exact to 1,000; null on later pages."
        ),
        "and_more": serializers.BooleanField(help_text="Whether more than `total` match."),
    },
)
Facets = inline_serializer(
    "TicketFacets",
    {
        "channels": serializers.ListField(child=serializers.CharField()),
        "languages": serializers.ListField(child=serializers.CharField()),
    },
)
SimilarList = inline_serializer("SimilarList", {"results": shapes.SimilarSerializer(many=True)})


def _may_know_audit(request: Request) -> bool:
    return request.user.has_role(Role.LEAD)


def _row_shape(row: dict[str, Any], sizes: dict[str, int], knows: bool) -> dict[str, Any]:
    # What a model says of a random control is kept from everybody until a person has decided.
    hidden = row["is_audit"] and row["status"] != TicketStatus.LABELLED
    return {
        "id": row["id"],
        "external_id": row["external_id"],
        "excerpt": Ticket(text=row["head"]).excerpt,
        "channel": row["channel"],
        "language": row["language"],
        "received_at": row["received_at"],
        "status": row["status"],
        "label": {"service_id": row["label_id"], "source": row["label_source"]} if row["label_id"] else None,
        "prediction": None
        if hidden
        else shapes.suggestion(row["service_id"], row["probability"], row["second_probability"]),
        "uncertainty": None if hidden else row["uncertainty"],
        "outlier": None if hidden else row["outlier"],
        "group_size": sizes.get(row["group"], 1),
        "is_audit": row["is_audit"] if knows else None,
    }


def _candidates(row: dict[str, Any]) -> list[dict[str, Any]]:
    """The head's two best services."""
    pairs = [
        (row["service_id"], row["probability"]),
        (row["second_service_id"], row["second_probability"]),
    ]
    return [{"service_id": pk, "probability": p} for pk, p in pairs if pk is not None and p is not None]


def _slot() -> int:
    generation = selectors.current_generation()
    return generation.slot if generation else 0


class TicketsView(APIView):
    """The table of tickets, and bulk ingest."""

    def get_permissions(self) -> list[BasePermission]:
        return [IsMachine() if self.request.method == "POST" else IsAnnotator()]

    @extend_schema(
        operation_id="ticket_list",
        parameters=[FilterSerializer, OpenApiParameter("cursor", str), OpenApiParameter("limit", int)],
        responses=TicketPage,
    )
    def get(self, request: Request) -> Response:
        data = FilterSerializer(data={k: v for k, v in request.query_params.items() if v != ""})
        data.is_valid(raise_exception=True)
        filters, knows = tables.Filters(**data.validated_data), _may_know_audit(request)
        if filters.audit is not None and not knows:
            raise PermissionDenied("Only leads may tell random controls from other tickets.")
        limit = request.query_params.get("limit", "")
        if limit and not limit.isdecimal():
            raise Refused("bad_limit", "The limit is a whole number.", status=400, limit=limit[:20])
        page = tables.page(
            filters,
            slot=_slot(),
            cursor=request.query_params.get("cursor", ""),
            limit=int(limit[:6]) if limit else tables.PAGE,
        )
        sizes = selectors.group_sizes([row["group"] for row in page.rows])
        return Response(
            {
                "results": [_row_shape(row, sizes, knows) for row in page.rows],
                "next": page.following,
                "total": page.total,
                "and_more": page.and_more,
            }
        )

    @extend_schema(operation_id="ticket_ingest", request=Bulk, responses=shapes.ImportReportSerializer)
    def post(self, request: Request) -> Response:
        data = BulkSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        options = ImportOptions(
            label_column="label",
            external_id_column="external_id",
            received_at_column="received_at",
            channel_column="channel",
            language_column="language",
            metadata_columns=("metadata",),
            service_from_labels=data.validated_data["service_from_labels"]
            and request.user.has_role(Role.LEAD),
        )
        report = ingest_records(data.validated_data["tickets"], options)
        values = {name: report.values()[name] for name in shapes.REPORT_FIELDS}
        state = {
            "id": None,
            "state": "done",
            "filename": "",
            "failure": None,
            "progress": 1.0,
            "seconds": 0.0,
        }
        return Response({**values, **state, "created_at": None})


def _ticket(pk: int) -> Ticket:
    ticket = Ticket.objects.filter(pk=pk).first()
    if ticket is None:
        raise Refused("ticket_gone", "This ticket is no longer there.", status=404, ticket_id=pk)
    return ticket


_OWN = (
    "id", "external_id", "channel", "language", "received_at", "status", "label_id", "label_source", "is_audit",
    "group",
)  # fmt: skip
_SCORE = (
    "uncertainty", "outlier", "service_id", "probability", "second_service_id", "second_probability",
)  # fmt: skip


def _detail(request: Request, pk: int) -> dict[str, Any]:
    ticket = _ticket(pk)
    score = ticket.scores.filter(slot=_slot()).first()
    row: dict[str, Any] = {name: getattr(ticket, name) for name in _OWN}
    row |= {name: getattr(score, name, None) for name in _SCORE}
    row["head"] = ticket.text[:400]
    shape = _row_shape(row, selectors.group_sizes([ticket.group]), _may_know_audit(request))
    return {
        **shape,
        "text": ticket.text,
        "metadata": ticket.metadata,
        "round": ticket.round,
        "masked": ticket.masked,
        "labelled_at": ticket.labelled_at,
        "candidates": _candidates(row) if shape["prediction"] else [],
        "history": [annotation_shape(a) for a in selectors.history(ticket)[:200]],
        "similar": [shapes.similar_shape(other) for other in selectors.similar_to(ticket)[:50]],
    }


class FacetsView(APIView):
    """What the table can be filtered by."""

    permission_classes = [IsAnnotator]

    @extend_schema(operation_id="ticket_facets", responses=Facets)
    def get(self, request: Request) -> Response:
        return Response(tables.facets())


class TicketView(APIView):
    """One ticket with its history."""

    @extend_schema(operation_id="ticket_read", responses=shapes.TicketDetailSerializer)
    def get(self, request: Request, pk: int) -> Response:
        return Response(_detail(request, pk))


class SimilarView(APIView):
    """The near-duplicate group of a ticket."""

    @extend_schema(operation_id="ticket_similar", responses=SimilarList)
    def get(self, request: Request, pk: int) -> Response:
        return Response(
            {"results": [shapes.similar_shape(t) for t in selectors.similar_to(_ticket(pk))[:200]]}
        )


class RelabelView(APIView):
    """Decide about a ticket from its page."""

    permission_classes = [IsReviewer]

    @extend_schema(
        operation_id="ticket_relabel", request=RelabelSerializer, responses=shapes.TicketDetailSerializer
    )
    def post(self, request: Request, pk: int) -> Response:
        data = RelabelSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        actions.ticket_relabel(ticket_id=pk, annotator=request.user, **data.validated_data)
        return Response(_detail(request, pk))


class ReopenView(APIView):
    """Put a ticket to people anew."""

    permission_classes = [IsReviewer]

    @extend_schema(operation_id="ticket_reopen", request=None, responses=shapes.TicketDetailSerializer)
    def post(self, request: Request, pk: int) -> Response:
        actions.ticket_reopen(ticket_id=pk)
        return Response(_detail(request, pk))
