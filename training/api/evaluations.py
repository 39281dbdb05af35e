"""The dashboard over HTTP: views parse, authorise, make one call, serialise."""

from django.conf import settings
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.errors import Refused
from accounts.permissions import IsAnnotator, IsLead
from training import selectors
from training.api import figures as f
from training.models import ModelVersion

PAGE = 30
GROUP = OpenApiParameter("group", str, description="Of a group of services with a threshold of its own.")
TEST_SET = OpenApiParameter("test_set", int, description="Of this test set; without: of the control tickets.")


def version_or_refused(number: int) -> ModelVersion:
    """The classifier of that number. Raises ``Refused("not_found")``."""
    version = selectors.version_numbered(number)
    if version is None:
        raise Refused("not_found", "There is no such model version.", status=404)
    return version


def _headline(number: int) -> ModelVersion:
    version = selectors.headlines().filter(number=number).first()
    return version or version_or_refused(number)


class TestSetQuery(serializers.Serializer):
    """Which data."""

    __test__ = False
    test_set = serializers.IntegerField(required=False, default=None, min_value=1)


class ThresholdQuery(TestSetQuery):
    """Which threshold."""

    threshold = serializers.FloatField(required=False, default=None, min_value=0.0, max_value=1.0)
    group = serializers.CharField(required=False, default=None)


class TicketsQuery(TestSetQuery):
    """Which answers. Empty ``truth``: tickets of none of the services."""

    truth = serializers.CharField(required=False, default=None, allow_blank=True)
    guess = serializers.CharField(required=False, default=None, allow_blank=True)
    is_right = serializers.BooleanField(required=False, default=None, allow_null=True)
    least = serializers.FloatField(required=False, default=None)
    below = serializers.FloatField(required=False, default=None)
    sure_from = serializers.FloatField(required=False, default=None)
    sure_below = serializers.FloatField(required=False, default=None)
    language = serializers.CharField(required=False, default=None, allow_blank=True)
    group = serializers.CharField(required=False, default=None)
    cursor = serializers.IntegerField(required=False, default=0, min_value=0)


class CompareQuery(serializers.Serializer):
    """Which two versions."""

    first = serializers.IntegerField(min_value=0)
    second = serializers.IntegerField(min_value=0)


class HeadlinesView(APIView):
    """Versions over time."""

    permission_classes = [IsAnnotator]

    @extend_schema(operation_id="evaluation_headlines", responses=f.HeadlinesSerializer)
    def get(self, request: Request) -> Response:
        return Response(f.HeadlinesSerializer({"results": selectors.headlines().order_by("number")}).data)


class VersionReportView(APIView):
    """One version's evaluation in full."""

    permission_classes = [IsAnnotator]

    @extend_schema(
        operation_id="model_evaluation", parameters=[TEST_SET], responses=f.VersionReportSerializer
    )
    def get(self, request: Request, number: int) -> Response:
        query = TestSetQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        version = version_or_refused(number)
        evaluation = selectors.latest_evaluation(version, query.validated_data["test_set"])
        found = {
            "version": version.number,
            "labels": version.labels,
            "evaluation": evaluation,
            "certificate": selectors.certificate_on_trial(version),
            "has_tickets": selectors.sheet_of(evaluation) is not None,
        }
        return Response(f.VersionReportSerializer(found).data)


class OutlookView(APIView):
    """What thresholds of a version would mean."""

    permission_classes = [IsAnnotator]

    @extend_schema(
        operation_id="model_threshold",
        parameters=[
            TEST_SET,
            GROUP,
            OpenApiParameter("threshold", float, description="Default: the certified one."),
        ],
        responses=f.OutlookSerializer,
    )
    def get(self, request: Request, number: int) -> Response:
        query = ThresholdQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        asked = query.validated_data
        found = selectors.outlook(
            version_or_refused(number), asked["threshold"], asked["test_set"], asked["group"]
        )
        if found is None:
            raise Refused("not_evaluated", "This version has not been evaluated on these tickets yet.")
        return Response(f.OutlookSerializer(found).data)


class AnsweredView(APIView):
    """The tickets behind a cell of the confusion matrix, or a point of a curve."""

    permission_classes = [IsLead]

    @extend_schema(
        operation_id="model_tickets", parameters=[TicketsQuery], responses=f.JudgedTicketListSerializer
    )
    def get(self, request: Request, number: int) -> Response:
        query = TicketsQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        asked = dict(query.validated_data)
        test_set, start, group = (asked.pop(name) for name in ("test_set", "cursor", "group"))
        found = selectors.scored(version_or_refused(number), test_set)
        if found is None:
            raise Refused("not_evaluated", "This version has not been evaluated on these tickets yet.")
        services = selectors.group_of(found, group).services if group else None
        wanted = selectors.Wanted(**asked, services=services)
        rows, total = selectors.answered(found, wanted, start=start, count=PAGE)
        following = str(start + PAGE) if start + PAGE < total else None
        return Response(
            f.JudgedTicketListSerializer({"total": total, "results": rows, "next": following}).data
        )


class CompareView(APIView):
    """Two versions on the control tickets both answered."""

    permission_classes = [IsAnnotator]

    @extend_schema(
        operation_id="model_compare", parameters=[CompareQuery], responses=f.VersionComparisonSerializer
    )
    def get(self, request: Request) -> Response:
        query = CompareQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        first, second = (_headline(query.validated_data[name]) for name in ("first", "second"))
        found = selectors.versions_compared(first, second)
        return Response(f.VersionComparisonSerializer(f.comparison_shape(first, second, found)).data)


class EffortView(APIView):
    """What people put in, and what it brought."""

    permission_classes = [IsAnnotator]

    @extend_schema(operation_id="evaluation_effort", responses=f.EffortSerializer)
    def get(self, request: Request) -> Response:
        found = {
            "balance": selectors.class_balance(),
            "efficiency": selectors.label_efficiency(),
            "weeks": selectors.weeks(settings.INSTALLATION_TIME_ZONE),
            "cycles": selectors.cycles(),
            "day": selectors.day_of(selectors.gate_settings()),
        }
        return Response(f.EffortSerializer(found).data)
