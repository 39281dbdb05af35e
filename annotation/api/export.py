"""The export of labels over HTTP."""

from django.http import StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.permissions import IsLead
from annotation import exports
from annotation.models import TicketStatus


class ExportSerializer(serializers.Serializer):
    """Which tickets are exported."""

    status = serializers.ChoiceField(
        choices=["all", *TicketStatus.values], required=False, default=TicketStatus.LABELLED.value
    )
    service = serializers.IntegerField(required=False, allow_null=True, default=None)


class ExportView(APIView):
    """Labels as CSV, streamed."""

    permission_classes = [IsLead]

    @extend_schema(
        operation_id="ticket_export",
        parameters=[ExportSerializer],
        responses={(200, "text/csv"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        data = ExportSerializer(data={k: v for k, v in request.query_params.items() if v != ""})
        data.is_valid(raise_exception=True)
        rows = exports.labels_csv(**data.validated_data)
        response = StreamingHttpResponse(rows, content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="tickets-{timezone.now():%Y-%m-%d}.csv"'
        return response
