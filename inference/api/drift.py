"""Drift and holds over HTTP."""

from datetime import timedelta
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.errors import Refused
from accounts.permissions import IsAnnotator, IsLead
from annotation.models import Service
from inference import actions
from inference.models import DriftKind, DriftReading, RoutingHold

LONGEST_DAYS = 400


class DriftReadingSerializer(serializers.ModelSerializer):
    """One reading. ``code`` with ``params`` says what was found; for an alarm the page says what to do about it.

    ``value`` and ``reference`` are in the kind's own measure: *input* a squared discrepancy (about 0 unmoved), *unlike*
    a cosine distance, *mix* the share that moved, *escalation* and *precision* shares.
    """

    kind = serializers.ChoiceField(DriftKind.choices)
    service_id = serializers.IntegerField(allow_null=True)
    hold_id = serializers.IntegerField(allow_null=True)
    params = serializers.DictField()

    class Meta:
        model = DriftReading
        fields = [
            "kind", "service_id", "value", "reference", "p", "n", "n_reference", "is_alarm", "code", "params",
            "hold_id", "read_at",
        ]  # fmt: skip


class HoldSerializer(serializers.ModelSerializer):
    """A hold that lasts; ``service_id`` null: everything. ``started_by`` empty: an alarm did it."""

    service_id = serializers.IntegerField(allow_null=True)
    started_by = serializers.SerializerMethodField()

    class Meta:
        model = RoutingHold
        fields = ["id", "service_id", "reason", "started_by", "started_at"]

    def get_started_by(self, hold: RoutingHold) -> str:
        return hold.started_by.username if hold.started_by else ""


Drift = inline_serializer(
    "Drift",
    {
        "read_at": serializers.DateTimeField(
            allow_null=True, help_text="The last check; null before the first."
        ),
        "version": serializers.IntegerField(allow_null=True, help_text="The version it speaks of."),
        "readings": DriftReadingSerializer(many=True),
        "holds": HoldSerializer(many=True),
    },
)


class DriftPointSerializer(serializers.Serializer):
    """One reading in the course of time."""

    read_at = serializers.DateTimeField()
    value = serializers.FloatField(allow_null=True)
    reference = serializers.FloatField(allow_null=True)
    is_alarm = serializers.BooleanField()
    version = serializers.IntegerField(allow_null=True)


DriftSeries = inline_serializer(
    "DriftSeries", {"kind": serializers.CharField(), "points": DriftPointSerializer(many=True)}
)


class HoldWriteSerializer(serializers.Serializer):
    """What to hold back, and why."""

    service_id = serializers.IntegerField(allow_null=True)
    reason = serializers.CharField(max_length=300)


def _shape() -> dict[str, Any]:
    newest = DriftReading.objects.select_related("model_version").first()
    rows = DriftReading.objects.filter(read_at=newest.read_at) if newest else DriftReading.objects.none()
    holds = RoutingHold.objects.filter(ended_at=None).select_related("started_by")
    version = newest.model_version if newest else None
    return {
        "read_at": newest.read_at if newest else None,
        "version": version.number if version else None,
        "readings": DriftReadingSerializer(rows, many=True).data,
        "holds": HoldSerializer(holds, many=True).data,
    }


class DriftView(APIView):
    """What the last check found, and what is held back; a lead may have it checked now."""

    def get_permissions(self) -> list[BasePermission]:
        return [IsLead() if self.request.method == "POST" else IsAnnotator()]

    @extend_schema(operation_id="drift_read", responses=Drift)
    def get(self, request: Request) -> Response:
        return Response(_shape())

    @extend_schema(operation_id="drift_check", request=None, responses=Drift)
    def post(self, request: Request) -> Response:
        if not actions.drift_check():
            raise Refused("drift_busy", "Drift is being read at this moment.")
        return Response(_shape())


class DriftSeriesView(APIView):
    """One kind over time, the oldest first; rows of one service alone are left out."""

    permission_classes = [IsAnnotator]

    @extend_schema(
        operation_id="drift_series",
        parameters=[
            OpenApiParameter("kind", str, OpenApiParameter.PATH, enum=DriftKind.values),
            OpenApiParameter("days", int, description="So many days back; 90 unless told otherwise."),
        ],
        responses=DriftSeries,
    )
    def get(self, request: Request, kind: str) -> Response:
        days = request.query_params.get("days", "90")
        if kind not in DriftKind.values:
            raise Refused("not_found", "There is no such kind of drift.", status=404)
        if not days.isdecimal() or not 0 < int(days[:6]) <= LONGEST_DAYS:
            raise Refused("bad_days", f"Days: 1 to {LONGEST_DAYS}.", status=400, most=LONGEST_DAYS)
        since = timezone.now() - timedelta(days=int(days))
        rows = DriftReading.objects.filter(kind=kind, service=None, read_at__gte=since).order_by(
            "read_at", "id"
        )
        names = ("read_at", "value", "reference", "is_alarm", "model_version__number")
        points = [
            {"read_at": at, "value": value, "reference": reference, "is_alarm": is_alarm, "version": version}
            for at, value, reference, is_alarm, version in rows.values_list(*names)
        ]
        return Response({"kind": kind, "points": points})


class HoldsView(APIView):
    """Hold a service, or everything, back: people route it until the hold ends."""

    permission_classes = [IsLead]

    @extend_schema(operation_id="hold_start", request=HoldWriteSerializer, responses={201: HoldSerializer})
    def post(self, request: Request) -> Response:
        data = HoldWriteSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        service = data.validated_data["service_id"]
        if service is not None and not Service.objects.filter(pk=service).exists():
            raise Refused("not_found", "There is no such service.", status=404)
        hold = actions.hold_start(
            service_id=service, reason=data.validated_data["reason"], started_by=request.user
        )
        return Response(HoldSerializer(hold).data, status=201)


class HoldView(APIView):
    """End a hold: what is sure enough is routed again."""

    permission_classes = [IsLead]

    @extend_schema(operation_id="hold_end", responses={204: None})
    def delete(self, request: Request, pk: int) -> Response:
        actions.hold_end(hold_id=pk)
        return Response(status=204)
