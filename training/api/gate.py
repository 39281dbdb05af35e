"""The gate over HTTP: its settings, a version's verdict, an override by name."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.permissions import IsAnnotator, IsLead
from training import actions, selectors
from training.api import promises as p
from training.api.evaluations import version_or_refused
from training.models import ModelVersion


class GateView(APIView):
    """What the gate asks for."""

    def get_permissions(self) -> list[BasePermission]:
        return [IsAnnotator() if self.request.method in ("GET", "HEAD", "OPTIONS") else IsLead()]

    @extend_schema(operation_id="gate_read", responses=p.GateSettingsSerializer)
    def get(self, request: Request) -> Response:
        return Response(p.GateSettingsSerializer(selectors.gate_settings()).data)

    @extend_schema(
        operation_id="gate_update", request=p.GateSettingsSerializer, responses=p.GateSettingsSerializer
    )
    def patch(self, request: Request) -> Response:
        data = p.GateSettingsSerializer(selectors.gate_settings(), data=request.data, partial=True)
        data.is_valid(raise_exception=True)
        row = actions.gate_settings_update(by=request.user, **data.validated_data)
        return Response(p.GateSettingsSerializer(row).data)


def _standing(version: ModelVersion) -> dict[str, Any]:
    return {
        "verdict": selectors.verdict_of(version),
        "observe": selectors.may_be_observed(version),
        "promote": selectors.may_be_promoted(version),
        "overrides": selectors.overrides_of(version),
        "certificate": selectors.certificate_on_trial(version),
        "in_force": selectors.certificate_in_force(version),
    }


class VersionGateView(APIView):
    """A version before the gate."""

    @extend_schema(operation_id="model_gate", responses=p.VersionGateSerializer)
    def get(self, request: Request, number: int) -> Response:
        return Response(p.VersionGateSerializer(_standing(version_or_refused(number))).data)


class OverrideView(APIView):
    """Let a version go on against the verdict."""

    permission_classes = [IsLead]

    @extend_schema(
        operation_id="model_gate_override",
        request=p.OverrideRequest,
        responses={201: p.VersionGateSerializer},
    )
    def post(self, request: Request, number: int) -> Response:
        data = p.OverrideRequest(data=request.data)
        data.is_valid(raise_exception=True)
        version = version_or_refused(number)
        actions.gate_override(model_version=version, by=request.user, **data.validated_data)
        return Response(p.VersionGateSerializer(_standing(version)).data, status=201)
