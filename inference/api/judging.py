"""Judging pairs blind, over HTTP. Nothing here says which answer is the candidate's."""

import uuid
from typing import Any

from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import User
from accounts.permissions import IsReviewer
from inference import actions
from inference.comparison import current, pairs
from inference.models import Judgement, MirroredTicket, Observation

CHOICES = ["first", "second", "both", "neither", "unclear"]


class PairSerializer(serializers.Serializer):
    """A ticket and two answers to it, in an order drawn once. A null service: a person is asked.

    ``are_same``: both answers are the same; then only both, neither and unclear make sense.
    """

    id = serializers.IntegerField()
    lease = serializers.UUIDField()
    lease_expires_at = serializers.DateTimeField()
    ticket_id = serializers.IntegerField()
    external_id = serializers.CharField()
    text = serializers.CharField()
    channel = serializers.CharField(allow_blank=True)
    language = serializers.CharField(allow_blank=True)
    received_at = serializers.DateTimeField()
    first_service_id = serializers.IntegerField(allow_null=True)
    second_service_id = serializers.IntegerField(allow_null=True)
    are_same = serializers.BooleanField()


class JudgedCountsSerializer(serializers.Serializer):
    """``left``: pairs that wait now. ``mine``: those this person judged. ``more``: about how many more decide it."""

    left = serializers.IntegerField()
    judged = serializers.IntegerField()
    mine = serializers.IntegerField()
    more = serializers.IntegerField(allow_null=True)


JudgingClaim = inline_serializer(
    "JudgingClaim",
    {
        "pair": PairSerializer(allow_null=True),
        "counts": JudgedCountsSerializer(allow_null=True),
        "reason": serializers.ChoiceField(["no_observation", "nothing_waits", "all_held"], allow_null=True),
    },
)


class JudgeRequest(serializers.Serializer):
    """A judgement. ``service_id`` goes with neither: the right service, null for none of them."""

    key = serializers.UUIDField()
    lease = serializers.UUIDField()
    choice = serializers.ChoiceField(CHOICES)
    service_id = serializers.IntegerField(required=False, allow_null=True, default=None)
    duration_ms = serializers.IntegerField(min_value=0, required=False, allow_null=True, default=None)


class JudgementSerializer(serializers.Serializer):
    """What was said, for the line that offers to take it back."""

    id = serializers.IntegerField()
    pair_id = serializers.IntegerField()
    ticket_id = serializers.IntegerField()
    choice = serializers.ChoiceField(CHOICES)
    service_id = serializers.IntegerField(allow_null=True)
    is_label = serializers.BooleanField(help_text="It gave the ticket a label.")
    created_at = serializers.DateTimeField()


Judged = inline_serializer("Judged", {"judgement": JudgementSerializer(), "counts": JudgedCountsSerializer()})
Unjudged = inline_serializer(
    "Unjudged", {"pair": PairSerializer(allow_null=True), "counts": JudgedCountsSerializer()}
)


class JudgingClaimView(APIView):
    """Lease the next pair."""

    permission_classes = [IsReviewer]

    @extend_schema(operation_id="judging_claim", request=None, responses=JudgingClaim)
    def post(self, request: Request) -> Response:
        observation = current.observation()
        if observation is None:
            return Response({"pair": None, "counts": None, "reason": "no_observation"})
        pair = actions.pair_claim(observation=observation, reviewer=request.user)
        counts = _counts(observation, request.user)
        reason = None if pair else ("all_held" if counts["left"] else "nothing_waits")
        return Response({"pair": pair and _pair_shape(pair), "counts": counts, "reason": reason})


class JudgingView(APIView):
    """Judge a pair one holds, or give it back."""

    permission_classes = [IsReviewer]

    @extend_schema(operation_id="judging_judge", request=JudgeRequest, responses=Judged)
    def post(self, request: Request, pk: int) -> Response:
        data = JudgeRequest(data=request.data)
        data.is_valid(raise_exception=True)
        row = actions.pair_judge(
            mirrored_id=pk, reviewer=request.user, said=actions.Said(**data.validated_data)
        )
        counts = _counts(row.mirrored.observation, request.user)
        return Response({"judgement": _judgement_shape(row), "counts": counts})


class JudgingReleaseRequest(serializers.Serializer):
    """The lease to give back."""

    lease = serializers.UUIDField()


class JudgingReleaseView(APIView):
    """Give a pair back unjudged."""

    permission_classes = [IsReviewer]

    @extend_schema(
        operation_id="judging_release",
        request=JudgingReleaseRequest,
        responses=inline_serializer("JudgingReleased", {"released": serializers.BooleanField()}),
    )
    def post(self, request: Request, pk: int) -> Response:
        data = JudgingReleaseRequest(data=request.data)
        data.is_valid(raise_exception=True)
        lease: uuid.UUID = data.validated_data["lease"]
        return Response(
            {"released": actions.pair_release(mirrored_id=pk, lease=lease, reviewer=request.user)}
        )


class JudgingUndoRequest(serializers.Serializer):
    """Which judgement to take back."""

    judgement_id = serializers.IntegerField()


class JudgingUndoView(APIView):
    """Take one's own judgement back; the pair is one's own again."""

    permission_classes = [IsReviewer]

    @extend_schema(operation_id="judging_undo", request=JudgingUndoRequest, responses=Unjudged)
    def post(self, request: Request) -> Response:
        data = JudgingUndoRequest(data=request.data)
        data.is_valid(raise_exception=True)
        pair = actions.pair_undo(reviewer=request.user, **data.validated_data)
        counts = _counts(pair.observation, request.user)
        is_mine = pair.lease is not None and pair.leased_by_id == request.user.pk
        return Response({"pair": _pair_shape(pair) if is_mine else None, "counts": counts})


def _counts(observation: Observation, reviewer: User) -> dict[str, Any]:
    due = pairs.due_counts(observation)
    judged = due["disagreements_judged"] + due["agreements_judged"]
    mine = Judgement.objects.filter(
        mirrored__observation=observation, reviewer=reviewer, undone_by=None
    ).exclude(choice="undo")
    observation.refresh_from_db(fields=["verdict"])
    return {
        "left": due["disagreements"] + due["agreements"] - judged,
        "judged": judged,
        "mine": mine.count(),
        "more": observation.verdict.get("more"),
    }


def _pair_shape(pair: MirroredTicket) -> dict[str, Any]:
    first, second = pair.answers
    ticket = pair.ticket
    return {
        "id": pair.pk,
        "lease": pair.lease,
        "lease_expires_at": pair.leased_until,
        "ticket_id": ticket.pk,
        "external_id": ticket.external_id,
        "text": ticket.text,
        "channel": ticket.channel,
        "language": ticket.language,
        "received_at": ticket.received_at,
        "first_service_id": first,
        "second_service_id": second,
        "are_same": pair.agrees,
    }


def _judgement_shape(row: Judgement) -> dict[str, Any]:
    return {
        "id": row.pk,
        "pair_id": row.mirrored_id,
        "ticket_id": row.mirrored.ticket_id,
        "choice": row.choice,
        "service_id": row.service_id,
        "is_label": row.annotation_id is not None,
        "created_at": row.created_at,
    }
