"""The escalation inbox over HTTP."""

from typing import Any

from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.permissions import IsAnnotator
from annotation.api.shapes import CandidateSerializer
from inference.models import Escalation, EscalationReason
from inference.routing import inbox


class WaitingSerializer(serializers.Serializer):
    """A customer who waits. Of a random control nothing is shown that the model thinks."""

    ticket_id = serializers.IntegerField()
    external_id = serializers.CharField()
    excerpt = serializers.CharField()
    channel = serializers.CharField()
    language = serializers.CharField()
    waiting_since = serializers.DateTimeField()
    reason = serializers.ChoiceField(EscalationReason.choices)
    candidates = CandidateSerializer(many=True)
    standing = serializers.ChoiceField(["free", "held", "flagged"])


class PersonAnswerSerializer(serializers.Serializer):
    """A wait that ended with a person's decision."""

    ticket_id = serializers.IntegerField()
    excerpt = serializers.CharField()
    kind = serializers.ChoiceField(["label", "two", "none"])
    service_id = serializers.IntegerField(allow_null=True)
    answered_at = serializers.DateTimeField()
    seconds = serializers.FloatField()


EscalationInbox = inline_serializer(
    "EscalationInbox",
    {
        "total": serializers.IntegerField(),
        "waiting": WaitingSerializer(many=True, help_text="At most fifty, the longest wait first."),
        "answered": serializers.IntegerField(help_text="In the last 24 hours."),
        "median_seconds": serializers.FloatField(allow_null=True),
        "recent": PersonAnswerSerializer(many=True),
    },
)


class EscalationsView(APIView):
    """Who waits, and how fast they are answered."""

    permission_classes = [IsAnnotator]

    @extend_schema(operation_id="escalation_list", responses=EscalationInbox)
    def get(self, request: Request) -> Response:
        found = inbox.inbox()
        return Response(
            {
                "total": found.total,
                "waiting": [_waiting(row) for row in found.waiting],
                "answered": found.answered,
                "median_seconds": found.median_seconds,
                "recent": [_answered(row) for row in found.recent],
            }
        )


def _waiting(row: Escalation) -> dict[str, Any]:
    decision, ticket = row.decision, row.decision.ticket
    shown = [] if ticket.is_audit else decision.candidates[:2]
    return {
        "ticket_id": ticket.pk,
        "external_id": ticket.external_id,
        "excerpt": ticket.excerpt,
        "channel": ticket.channel,
        "language": ticket.language,
        "waiting_since": row.opened_at,
        "reason": decision.reason,
        "candidates": [{"service_id": pk, "probability": p} for pk, p in shown],
        "standing": inbox.standing_of(row),
    }


def _answered(row: Escalation) -> dict[str, Any]:
    assert row.answered_at is not None
    return {
        "ticket_id": row.decision.ticket_id,
        "excerpt": row.decision.ticket.excerpt,
        "kind": row.kind,
        "service_id": row.service_id,
        "answered_at": row.answered_at,
        "seconds": round((row.answered_at - row.opened_at).total_seconds(), 1),
    }
