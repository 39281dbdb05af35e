"""The queue over HTTP: claim, heartbeat, release, submit, undo, progress."""

from typing import Any

from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation import actions, selectors
from annotation.api import decisions, shapes
from annotation.models import QueueItem

MOST_HELD = 1000
"""Leases named in one request: the page names those of answers not saved yet too, and an outage lets these grow."""


class ClaimSerializer(serializers.Serializer):
    """Ask for work."""

    mode = serializers.ChoiceField(choices=["teach", "check"])
    count = serializers.IntegerField(min_value=1, max_value=5, default=1)
    holding = serializers.ListField(child=serializers.UUIDField(), max_length=MOST_HELD, default=list)


class LeasesSerializer(serializers.Serializer):
    """Leases one holds."""

    leases = serializers.ListField(child=serializers.UUIDField(), max_length=MOST_HELD)


class SubmitSerializer(serializers.Serializer):
    """A decision."""

    key = serializers.UUIDField()
    lease = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=["label", "none", "two", "skip", "flag"])
    service_id = serializers.IntegerField(required=False, allow_null=True, default=None)
    second_service_id = serializers.IntegerField(required=False, allow_null=True, default=None)
    note = serializers.CharField(max_length=1000, required=False, allow_blank=True, default="")
    duration_ms = serializers.IntegerField(min_value=0, required=False, allow_null=True, default=None)
    include_similar = serializers.BooleanField(default=True)
    except_ticket_ids = serializers.ListField(child=serializers.IntegerField(), max_length=1000, default=list)


class UndoSerializer(serializers.Serializer):
    """Which decision to take back."""

    annotation_id = serializers.IntegerField()


ClaimResult = inline_serializer(
    "ClaimResult",
    {
        "items": shapes.ItemSerializer(many=True),
        "left": serializers.IntegerField(),
        "reason": serializers.CharField(allow_null=True),
    },
)
HeartbeatResult = inline_serializer(
    "HeartbeatResult",
    {
        "leases": shapes.LeaseSerializer(many=True),
        "lost": serializers.ListField(child=serializers.UUIDField()),
    },
)
ReleaseResult = inline_serializer("ReleaseResult", {"released": serializers.IntegerField()})
SubmitResult = inline_serializer(
    "SubmitResult",
    {"annotation": decisions.AnnotationSerializer(), "progress": decisions.ProgressSerializer()},
)
UndoResult = inline_serializer(
    "UndoResult",
    {
        "undone": decisions.AnnotationSerializer(),
        "item": shapes.ItemSerializer(allow_null=True),
        "progress": decisions.ProgressSerializer(),
    },
)


def _items(items: list[QueueItem], sizes: dict[str, int]) -> list[dict[str, Any]]:
    return [shapes.item_shape(item, sizes[item.ticket.group] - 1) for item in items]


class ClaimView(APIView):
    """Lease the next tickets."""

    @extend_schema(operation_id="queue_claim", request=ClaimSerializer, responses=ClaimResult)
    def post(self, request: Request) -> Response:
        data = ClaimSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        served = actions.queue_serve(annotator=request.user, **data.validated_data)
        mode = data.validated_data["mode"]
        left = selectors.tickets_left()[mode] if served.left is None else served.left
        reason = None if served.items else selectors.why_nothing(request.user, mode)
        return Response({"items": _items(served.items, served.group_sizes), "left": left, "reason": reason})


class HeartbeatView(APIView):
    """Keep one's leases."""

    @extend_schema(operation_id="queue_heartbeat", request=LeasesSerializer, responses=HeartbeatResult)
    def post(self, request: Request) -> Response:
        data = LeasesSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        beat = actions.queue_heartbeat(annotator=request.user, **data.validated_data)
        leases = [{"token": token, "expires_at": until} for token, until in beat.kept.items()]
        return Response({"leases": leases, "lost": beat.lost})


class ReleaseView(APIView):
    """Give leases back."""

    @extend_schema(operation_id="queue_release", request=LeasesSerializer, responses=ReleaseResult)
    def post(self, request: Request) -> Response:
        data = LeasesSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        return Response({"released": actions.queue_release(annotator=request.user, **data.validated_data)})


class SubmitView(APIView):
    """Answer a ticket one holds."""

    @extend_schema(operation_id="queue_submit", request=SubmitSerializer, responses=SubmitResult)
    def post(self, request: Request) -> Response:
        data = SubmitSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        values = {**data.validated_data, "except_ticket_ids": tuple(data.validated_data["except_ticket_ids"])}
        row = actions.queue_submit(annotator=request.user, answer=actions.Answer(**values))
        getting_on = decisions.progress_shape(request.user)
        shown = next((one for one in getting_on["recent"] if one["id"] == row.pk), None)
        if shown is None:  # sent again, long after it was saved
            row.propagated = row.copies.count()
            shown = decisions.annotation_shape(row)
        return Response({"annotation": shown, "progress": getting_on})


class UndoView(APIView):
    """Take a decision back."""

    @extend_schema(operation_id="queue_undo", request=UndoSerializer, responses=UndoResult)
    def post(self, request: Request) -> Response:
        data = UndoSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        row, item = actions.queue_undo(annotator=request.user, **data.validated_data)
        body = {
            "undone": {**decisions.annotation_shape(row), "undone": True},
            "item": _items([item], selectors.group_sizes([item.ticket.group]))[0] if item else None,
            "progress": decisions.progress_shape(request.user),
        }
        return Response(body)


class ProgressView(APIView):
    """How one is getting on."""

    @extend_schema(operation_id="queue_progress", responses=decisions.ProgressSerializer)
    def get(self, request: Request) -> Response:
        return Response(decisions.progress_shape(request.user))
