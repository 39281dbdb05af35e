"""Views: parse, authorise, one call, serialise."""

from dataclasses import asdict
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import Role
from accounts.permissions import IsAnnotator
from annotation.api.decisions import progress_shape
from compute.registry import backend
from inference import actions, loop
from inference.api import serializers as s


class TryView(APIView):
    """Try a ticket."""

    permission_classes = [IsAnnotator]

    @extend_schema(operation_id="ticket_try", request=s.TryRequest, responses=s.TrySerializer)
    def post(self, request: Request) -> Response:
        data = s.TryRequest(data=request.data)
        data.is_valid(raise_exception=True)
        trial = actions.ticket_try(text=data.validated_data["text"], backend=backend())
        return Response(s.TrySerializer(_trial_shape(trial)).data)


def _trial_shape(trial: actions.Trial) -> dict[str, Any]:
    probabilities = [{"service_id": pk, "probability": p} for pk, p in trial.probabilities]
    return {
        "state": trial.state,
        "masked_text": trial.masked_text,
        "masked": trial.masked,
        "prediction": {**probabilities[0], "band": trial.band} if probabilities else None,
        "probabilities": probabilities,
        "uncertainty": trial.uncertainty,
        "outlier": trial.outlier,
        "unlike": trial.unlike,
        "nearest": [asdict(neighbour) for neighbour in trial.nearest],
        "model": trial.model,
    }


class LoopView(APIView):
    """The improvement loop."""

    permission_classes = [IsAnnotator]

    @extend_schema(operation_id="loop_read", responses=s.LoopSerializer)
    def get(self, request: Request) -> Response:
        return Response(s.LoopSerializer(loop.loop()).data)


class HomeView(APIView):
    """A person's home page."""

    permission_classes = [IsAnnotator]

    @extend_schema(operation_id="home_read", responses=s.HomeSerializer)
    def get(self, request: Request) -> Response:
        home = {
            "loop": loop.loop(),
            "progress": progress_shape(request.user),
            "needs": loop.needs(
                is_lead=request.user.has_role(Role.LEAD), is_reviewer=request.user.has_role(Role.REVIEWER)
            ),
        }
        return Response(s.HomeSerializer(home).data)
