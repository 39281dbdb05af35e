"""The triage inbox over HTTP: tickets no other is like, and what becomes of each."""

from dataclasses import asdict
from typing import Any

from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.permissions import IsReviewer
from annotation import actions as annotation
from annotation.api.decisions import AnnotationSerializer, annotation_shape
from inference import triage
from inference.api.serializers import NeighbourSerializer


class StrangeSerializer(serializers.Serializer):
    """A ticket no other is like. ``outlier``: share of the pool that is more ordinary."""

    ticket_id = serializers.IntegerField()
    external_id = serializers.CharField(allow_null=True)
    text = serializers.CharField()
    channel = serializers.CharField()
    language = serializers.CharField()
    received_at = serializers.DateTimeField()
    outlier = serializers.FloatField()
    uncertainty = serializers.FloatField()
    nearest = NeighbourSerializer(many=True, help_text="The labelled tickets nearest to it.")


TriageInbox = inline_serializer(
    "TriageInbox",
    {
        "ready": serializers.BooleanField(help_text="False before the learner's first look at the pool."),
        "total": serializers.IntegerField(),
        "results": StrangeSerializer(many=True, help_text="The first twenty, the most alone first."),
    },
)


class TriageRequest(serializers.Serializer):
    """A decision; ``key`` makes sending it twice the same as once. ``service_id`` goes with ``label``."""

    kind = serializers.ChoiceField(["label", "none", "flag"])
    service_id = serializers.IntegerField(required=False, allow_null=True, default=None)
    key = serializers.UUIDField()


class TriageView(APIView):
    """What waits."""

    permission_classes = [IsReviewer]

    @extend_schema(operation_id="triage_list", responses=TriageInbox)
    def get(self, request: Request) -> Response:
        found = triage.inbox()
        results = [_shape(one) for one in found.results]
        return Response({"ready": found.is_ready, "total": found.total, "results": results})


class TriageTicketView(APIView):
    """Label it, set it aside, or flag it."""

    permission_classes = [IsReviewer]

    @extend_schema(operation_id="triage_decide", request=TriageRequest, responses=AnnotationSerializer)
    def post(self, request: Request, pk: int) -> Response:
        data = TriageRequest(data=request.data)
        data.is_valid(raise_exception=True)
        row = annotation.ticket_triage(ticket_id=pk, annotator=request.user, **data.validated_data)
        return Response(annotation_shape(row))


def _shape(one: triage.Strange) -> dict[str, Any]:
    ticket = one.ticket
    return {
        "ticket_id": ticket.pk,
        "external_id": ticket.external_id,
        "text": ticket.text,
        "channel": ticket.channel,
        "language": ticket.language,
        "received_at": ticket.received_at,
        "outlier": one.outlier,
        "uncertainty": one.uncertainty,
        "nearest": [asdict(neighbour) for neighbour in one.nearest],
    }
