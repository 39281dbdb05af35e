"""Views: parse, authorise, one call, serialise."""

from django.conf import settings
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.errors import Refused
from accounts.permissions import IsAnnotator, IsLead
from training import actions, registry, schedule, selectors
from training.api import serializers as s
from training.api import versions as v
from training.models import ModelVersion, TrainingRun

PAGE = 30
MOMENTS = 3


def _run(pk: int) -> TrainingRun:
    run = selectors.runs().filter(pk=pk).first()
    if run is None:
        raise Refused("not_found", "There is no such run.", status=404)
    return run


class ReadForAllWriteForLeads(APIView):
    """Everybody may look at runs and models; leads act on them."""

    def get_permissions(self) -> list[BasePermission]:
        return [IsAnnotator() if self.request.method in ("GET", "HEAD", "OPTIONS") else IsLead()]


class RunsView(ReadForAllWriteForLeads):
    """Training runs."""

    @extend_schema(
        operation_id="run_list",
        parameters=[OpenApiParameter("cursor", int, description="Runs older than this id.")],
        responses=s.RunListSerializer,
    )
    def get(self, request: Request) -> Response:
        rows = selectors.runs()
        cursor = request.query_params.get("cursor", "")
        if cursor:
            if not cursor.isdecimal():
                raise Refused("bad_cursor", status=400)
            rows = rows.filter(pk__lt=int(cursor))
        page = list(rows[: PAGE + 1])
        following = str(page[PAGE - 1].pk) if len(page) > PAGE else None
        return Response({"results": s.RunSerializer(page[:PAGE], many=True).data, "next": following})

    @extend_schema(operation_id="run_start", request=None, responses={201: s.RunDetailSerializer})
    def post(self, request: Request) -> Response:
        run = actions.run_start(reason={"code": "asked_for", "params": {}}, requested_by=request.user)
        return Response(s.RunDetailSerializer(run).data, status=201)


class RunView(ReadForAllWriteForLeads):
    """One run."""

    @extend_schema(operation_id="run_read", responses=s.RunDetailSerializer)
    def get(self, request: Request, pk: int) -> Response:
        return Response(s.RunDetailSerializer(_run(pk)).data)


class RunCancelView(APIView):
    """Stop a run."""

    permission_classes = [IsLead]

    @extend_schema(operation_id="run_cancel", request=None, responses=s.RunDetailSerializer)
    def post(self, request: Request, pk: int) -> Response:
        actions.run_cancel(run_id=pk)
        return Response(s.RunDetailSerializer(_run(pk)).data)


class RunRetryView(APIView):
    """Try an ended run again."""

    permission_classes = [IsLead]

    @extend_schema(operation_id="run_retry", request=None, responses=s.RunDetailSerializer)
    def post(self, request: Request, pk: int) -> Response:
        actions.run_retry(run_id=pk, requested_by=request.user)
        return Response(s.RunDetailSerializer(_run(pk)).data)


def _current() -> int | None:
    current = selectors.current_model()
    return current.number if current else None


class ModelsView(APIView):
    """Model versions."""

    @extend_schema(operation_id="model_list", responses=v.ModelVersionListSerializer)
    def get(self, request: Request) -> Response:
        rows = selectors.versions().select_related("run__snapshot")
        context = {"current": _current()}
        return Response({"results": v.ModelVersionSerializer(rows, many=True, context=context).data})


class ModelView(APIView):
    """One model version."""

    @extend_schema(operation_id="model_read", responses=v.ModelVersionDetailSerializer)
    def get(self, request: Request, number: int) -> Response:
        rows = selectors.versions().select_related("run__snapshot", "registry_entry__decided_by")
        version: ModelVersion | None = rows.filter(number=number).first()
        if version is None:
            raise Refused("not_found", "There is no such model version.", status=404)
        context = {"current": _current(), "previous": rows.filter(number__lt=number).first()}
        return Response(v.ModelVersionDetailSerializer(version, context=context).data)


class ModelApprovalView(APIView):
    """Approve or reject a version in the model registry."""

    permission_classes = [IsLead]

    @extend_schema(
        operation_id="model_approval", request=v.ApprovalSerializer, responses=v.RegistrySerializer
    )
    def post(self, request: Request, number: int) -> Response:
        told = v.ApprovalSerializer(data=request.data)
        told.is_valid(raise_exception=True)
        entry = registry.approval_decide(number=number, by=request.user, **told.validated_data)
        return Response(v.RegistrySerializer(entry).data)


class PolicyView(APIView):
    """The retrain policy."""

    permission_classes = [IsLead]

    @extend_schema(operation_id="policy_read", responses=s.PolicySerializer)
    def get(self, request: Request) -> Response:
        return Response(s.PolicySerializer(selectors.policy_current()).data)

    @extend_schema(operation_id="policy_update", request=s.PolicySerializer, responses=s.PolicySerializer)
    def patch(self, request: Request) -> Response:
        data = s.PolicySerializer(selectors.policy_current(), data=request.data, partial=True)
        data.is_valid(raise_exception=True)
        return Response(s.PolicySerializer(actions.policy_update(**data.validated_data)).data)


class ScheduleView(APIView):
    """A crontab line tried before it is saved."""

    permission_classes = [IsLead]

    @extend_schema(
        operation_id="policy_schedule",
        parameters=[OpenApiParameter("cron", str, required=True, description="Five fields.")],
        responses=s.ScheduleSerializer,
    )
    def get(self, request: Request) -> Response:
        cron = request.query_params.get("cron", "").strip()
        zone = settings.INSTALLATION_TIME_ZONE
        try:
            moments = schedule.cron_next(cron, timezone.now(), zone, MOMENTS)
        except schedule.BadSchedule as error:
            raise Refused("bad_schedule", str(error), status=400, cron=cron) from error
        return Response(s.ScheduleSerializer({"cron": cron, "zone": zone, "next": moments}).data)
