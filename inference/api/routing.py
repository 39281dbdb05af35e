"""Live tickets over HTTP, for the desk's machine: route, ask again, and tell how it ended."""

import time
from dataclasses import asdict
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone
from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.errors import Refused
from accounts.permissions import IsMachine
from annotation.api.shapes import BANDS, ReasonSerializer
from annotation.reading import RowProblem
from compute.registry import backend
from inference import actions
from inference.actions import Recorded, RouteCall, Routed, Told
from inference.actions.outcomes import MOST_AT_ONCE as MOST_OUTCOMES
from inference.actions.routing import MOST_AT_ONCE
from inference.api.throttles import TicketThrottle
from inference.models import EscalationReason, EscalationState
from inference.routing import reading
from inference.routing.gathering import Gathering
from inference.routing.reading import Decision


class LiveTicketSerializer(serializers.Serializer):
    """A ticket to route. ``external_id`` is the desk's own: sent again, it gets the same decision."""

    external_id = serializers.CharField(max_length=200)
    text = serializers.CharField()
    received_at = serializers.CharField(required=False)
    channel = serializers.CharField(required=False)
    language = serializers.CharField(required=False)
    metadata = serializers.DictField(required=False)
    baseline = serializers.CharField(
        required=False, help_text="Code of the service that another router chose, where that is the baseline."
    )


class LiveTicketsSerializer(serializers.Serializer):
    """Several at once: one call to the model for all, and each is checked by itself."""

    tickets = LiveTicketSerializer(many=True)


class PersonsAnswerSerializer(serializers.Serializer):
    """What a person decided. ``label``: a service; ``two``: two of them; ``none``: none of ours."""

    kind = serializers.ChoiceField(["label", "two", "none"])
    service = serializers.CharField(allow_null=True)
    second_service = serializers.CharField(allow_null=True)
    answered_at = serializers.DateTimeField()
    seconds = serializers.FloatField(help_text="From the escalation to the decision.")
    revision = serializers.IntegerField(help_text="Grows when the person corrects themselves.")


class RouteAnswerSerializer(serializers.Serializer):
    """A decision: either ``service`` with ``confidence`` and ``band``, or ``escalate`` with the reason.

    ``state``: routed; waiting for a person; answered by one (see ``answer``); closed, as the desk decided by itself.
    """

    external_id = serializers.CharField()
    state = serializers.ChoiceField(["routed", *EscalationState.values])
    service = serializers.CharField(allow_null=True)
    confidence = serializers.FloatField(allow_null=True)
    band = serializers.ChoiceField(BANDS, allow_null=True)
    escalate = serializers.ChoiceField(EscalationReason.choices, allow_null=True)
    reasons = serializers.ListField(child=serializers.CharField())
    answer = PersonsAnswerSerializer(allow_null=True)
    model_version = serializers.IntegerField(allow_null=True)
    decided_at = serializers.DateTimeField()
    repeated = serializers.BooleanField(help_text="This external id was decided about before.")


class RouteResultSerializer(serializers.Serializer):
    """Of each ticket the decision, or what is wrong with it."""

    decision = RouteAnswerSerializer(allow_null=True)
    error = ReasonSerializer(allow_null=True)


class RouteResultsSerializer(serializers.Serializer):
    """In the order of the call."""

    results = RouteResultSerializer(many=True)


class OutcomeSerializer(serializers.Serializer):
    """Where a ticket ended up: the service's code, and when the desk settled that (now, unless said)."""

    external_id = serializers.CharField(max_length=200)
    service = serializers.CharField(max_length=64)
    decided_at = serializers.DateTimeField(required=False)


class OutcomesSerializer(serializers.Serializer):
    """Several at once."""

    outcomes = OutcomeSerializer(many=True, allow_empty=False, max_length=MOST_OUTCOMES)


class OutcomeResultSerializer(serializers.Serializer):
    """``moved``: it ended elsewhere than it had been sent. ``news``: false for what was known already."""

    external_id = serializers.CharField()
    recorded = serializers.BooleanField()
    news = serializers.BooleanField()
    moved = serializers.BooleanField()
    error = serializers.CharField(allow_null=True)


class OutcomeResultsSerializer(serializers.Serializer):
    """In the order of the call."""

    results = OutcomeResultSerializer(many=True)


def decision_shape(row: Decision, is_repeat: bool) -> dict[str, Any]:
    """A decision as the desk gets it. What the model would have guessed is not part of it."""
    return {
        "external_id": row.external_id,
        "state": row.state,
        "service": row.service,
        "confidence": row.confidence if row.service else None,
        "band": (row.band or None) if row.service else None,
        "escalate": row.reason or None,
        "reasons": row.reasons,
        "answer": asdict(row.answer) if row.answer else None,
        "model_version": row.model_version,
        "decided_at": row.decided_at,
        "repeated": is_repeat,
    }


def _result_shape(one: Routed) -> dict[str, Any]:
    error = {"code": one.problem.code, "params": one.problem.params} if one.problem else None
    return {
        "decision": decision_shape(one.decision, one.is_repeat) if one.decision else None,
        "error": error,
    }


ROUNDS = 2
"""Of single tickets that are decided together, at a time and process: one waits for the model, another is written."""
_gathering: Gathering[RouteCall, list[Routed]] = Gathering(
    lambda calls: actions.calls_route(calls, backend()), rounds=ROUNDS, most=MOST_AT_ONCE
)


class RouteView(APIView):
    """Route one ticket, or several."""

    permission_classes = [IsMachine]
    throttle_classes = [TicketThrottle]
    arrived = 0.0

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.arrived = time.monotonic() - request.META.get("aiguilleur.waited", 0.0)
        return super().dispatch(request, *args, **kwargs)

    def tickets_of(self, request: Request) -> int:
        """How many tickets a call counts for."""
        several = request.data.get("tickets") if isinstance(request.data, dict) else None
        return len(several) if isinstance(several, list) and several else 1

    @extend_schema(
        operation_id="ticket_route",
        request=PolymorphicProxySerializer(
            "RouteBody", [LiveTicketSerializer, LiveTicketsSerializer], resource_type_field_name=None
        ),
        responses=PolymorphicProxySerializer(
            "RouteReply", [RouteAnswerSerializer, RouteResultsSerializer], resource_type_field_name=None
        ),
    )
    def post(self, request: Request) -> Response:
        records, is_one = _records(request.data)
        call = RouteCall(records, request.user, self.arrived)
        routed = _gathering.ask(call) if is_one else actions.calls_route([call], backend())[0]
        if not is_one:
            return Response({"results": [_result_shape(one) for one in routed]})
        (only,) = routed
        if only.decision is None:
            raise _refusal(only.problem)
        return Response(decision_shape(only.decision, only.is_repeat))


def _records(data: Any) -> tuple[list[Any], bool]:
    """The records of a body, and whether it is one ticket by itself."""
    if not isinstance(data, dict):
        raise Refused("not_an_object", "Send one ticket, or an object with tickets.", status=400)
    if "tickets" not in data:
        return [data], True
    several = data["tickets"]
    if not isinstance(several, list) or not 0 < len(several) <= MOST_AT_ONCE:
        raise Refused(
            "bad_count", f"Send a list of 1 to {MOST_AT_ONCE} tickets.", status=400, limit=MOST_AT_ONCE
        )
    return several, False


def _refusal(problem: RowProblem | None) -> Refused:
    assert problem is not None
    words = problem.code.replace("_", " ")
    return Refused(problem.code, f"This ticket cannot be routed: {words}.", status=400, **problem.params)


class RoutedView(APIView):
    """Ask again what became of a ticket: the way to a person's decision where no webhook is set."""

    permission_classes = [IsMachine]

    @extend_schema(operation_id="ticket_routed", responses=RouteAnswerSerializer)
    def get(self, request: Request, external_id: str) -> Response:
        row = reading.stored([external_id]).get(external_id)
        if row is None:
            raise Refused("not_found", "No ticket of this external id was routed.", status=404)
        return Response(decision_shape(row, is_repeat=True))


class OutcomesView(APIView):
    """Tell where tickets ended up."""

    permission_classes = [IsMachine]
    throttle_classes = [TicketThrottle]

    def tickets_of(self, request: Request) -> int:
        """How many tickets a call counts for."""
        several = request.data.get("outcomes") if isinstance(request.data, dict) else None
        return len(several) if isinstance(several, list) and several else 1

    @extend_schema(
        operation_id="outcomes_record",
        request=PolymorphicProxySerializer(
            "OutcomeBody", [OutcomeSerializer, OutcomesSerializer], resource_type_field_name=None
        ),
        responses=OutcomeResultsSerializer,
    )
    def post(self, request: Request) -> Response:
        body = request.data
        is_several = isinstance(body, dict) and "outcomes" in body
        data = OutcomesSerializer(data=body if is_several else {"outcomes": [body]})
        data.is_valid(raise_exception=True)
        now = timezone.now()
        told = [
            Told(one["external_id"], one["service"], min(one.get("decided_at") or now, now))
            for one in data.validated_data["outcomes"]
        ]
        recorded = actions.outcomes_record(told=told, told_by=request.user)
        return Response({"results": [_outcome_shape(one) for one in recorded]})


def _outcome_shape(one: Recorded) -> dict[str, Any]:
    return {
        "external_id": one.external_id,
        "recorded": one.outcome is not None,
        "news": one.is_news,
        "moved": one.outcome.is_moved if one.outcome else False,
        "error": one.code or None,
    }
