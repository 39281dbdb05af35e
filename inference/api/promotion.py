"""Promotion, rollback and the history over HTTP. For leads; reviewers may read."""

from typing import Any

from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.permissions import IsLead, IsReviewer
from inference import actions, selectors
from inference.api.observation import WhySerializer
from inference.api.watch import WatchSerializer
from inference.comparison import current
from inference.models import HistoryEntry, HistoryKind, Promotion, PromotionState
from inference.watch import watched

PAGE = 50


class PromotionSerializer(serializers.ModelSerializer):
    """A promotion under way. ``former``: what a rollback goes back to; null: everything goes to people."""

    version = serializers.IntegerField(source="version.number")
    former = serializers.IntegerField(source="former.number", allow_null=True, default=None)
    state = serializers.ChoiceField(PromotionState.choices)
    requested_by = serializers.CharField(allow_null=True, default=None)
    may_approve = serializers.SerializerMethodField()

    class Meta:
        model = Promotion
        fields = [
            "id", "version", "former", "state", "why", "requested_by", "requested_at", "rehearsed_at", "trouble",
            "may_approve", "canary_share",
        ]  # fmt: skip

    def get_may_approve(self, promotion: Promotion) -> bool:
        """Whether the asking person may approve it now."""
        user = self.context["user"]
        is_other = promotion.requested_by_id != user.pk or not current.four_eyes()
        return promotion.state == PromotionState.READY and user.has_role("lead") and is_other


class HistorySerializer(serializers.ModelSerializer):
    """One line of the history. A null ``by``: the machine did it."""

    kind = serializers.ChoiceField(HistoryKind.choices)
    by = serializers.CharField(allow_null=True, default=None)
    version = serializers.IntegerField(source="version.number", allow_null=True, default=None)

    class Meta:
        model = HistoryEntry
        fields = ["id", "kind", "by", "why", "version", "params", "at"]


class RoutingVersionSerializer(serializers.Serializer):
    """What routes now, and what a rollback goes back to. Null: people."""

    version = serializers.IntegerField(allow_null=True)
    since = serializers.DateTimeField(allow_null=True)
    state = serializers.CharField()
    way_back = serializers.IntegerField(allow_null=True)
    four_eyes = serializers.BooleanField()


ProductionAnswer = inline_serializer(
    "ProductionAnswer",
    {
        "production": RoutingVersionSerializer(),
        "promotion": PromotionSerializer(allow_null=True),
        "watch": WatchSerializer(allow_null=True),
        "alarm": WatchSerializer(allow_null=True),
    },
)
HistoryAnswer = inline_serializer(
    "HistoryAnswer",
    {"results": HistorySerializer(many=True), "next_before": serializers.IntegerField(allow_null=True)},
)


def _answer(request: Request) -> Response:
    live, back, promotion = selectors.production(), current.way_back(), current.promotion()
    production = {
        "version": live.model_version.number if live else None,
        "since": live.started_at if live else None,
        "state": live.state if live else "absent",
        "way_back": back.number if back else None,
        "four_eyes": current.four_eyes(),
    }
    shape = PromotionSerializer(promotion, context={"user": request.user}).data if promotion else None
    watch, alarm = watched.under_way(), watched.unread()
    return Response(
        {
            "production": production,
            "promotion": shape,
            "watch": WatchSerializer(watch).data if watch else None,
            "alarm": WatchSerializer(alarm).data if alarm else None,
        }
    )


class ProductionView(APIView):
    """What routes, and the promotion under way."""

    permission_classes = [IsReviewer]

    @extend_schema(operation_id="production_read", responses=ProductionAnswer)
    def get(self, request: Request) -> Response:
        return _answer(request)


class PromotionRequestView(APIView):
    """Ask that the sufficient candidate of an observation routes."""

    permission_classes = [IsLead]

    @extend_schema(operation_id="promotion_request", request=WhySerializer, responses=ProductionAnswer)
    def post(self, request: Request, pk: int) -> Response:
        data = WhySerializer(data=request.data)
        data.is_valid(raise_exception=True)
        actions.promotion_request(observation_id=pk, by=request.user, **data.validated_data)
        return _answer(request)


class PromotionApproveView(APIView):
    """Let it route."""

    permission_classes = [IsLead]

    @extend_schema(operation_id="promotion_approve", request=None, responses=ProductionAnswer)
    def post(self, request: Request, pk: int) -> Response:
        actions.promotion_approve(promotion_id=pk, by=request.user)
        return _answer(request)


class PromotionWithdrawView(APIView):
    """Take it back, or turn it down."""

    permission_classes = [IsLead]

    @extend_schema(operation_id="promotion_withdraw", request=WhySerializer, responses=ProductionAnswer)
    def post(self, request: Request, pk: int) -> Response:
        data = WhySerializer(data=request.data)
        data.is_valid(raise_exception=True)
        actions.promotion_withdraw(promotion_id=pk, by=request.user, **data.validated_data)
        return _answer(request)


class RollbackView(APIView):
    """Go back in one step."""

    permission_classes = [IsLead]

    @extend_schema(operation_id="production_rollback", request=WhySerializer, responses=ProductionAnswer)
    def post(self, request: Request) -> Response:
        data = WhySerializer(data=request.data)
        data.is_valid(raise_exception=True)
        actions.production_rollback(by=request.user, **data.validated_data)
        return _answer(request)


class WatchReadView(APIView):
    """A lead has read what the watch did."""

    permission_classes = [IsLead]

    @extend_schema(operation_id="watch_read", request=None, responses=ProductionAnswer)
    def post(self, request: Request, pk: int) -> Response:
        actions.watch_read(watch_id=pk, by=request.user)
        return _answer(request)


class HistoryQuery(serializers.Serializer):
    """Lines before this id."""

    before = serializers.IntegerField(required=False, min_value=1)


class HistoryView(APIView):
    """Who let what route, when and why; newest first."""

    permission_classes = [IsReviewer]

    @extend_schema(operation_id="history_read", parameters=[HistoryQuery], responses=HistoryAnswer)
    def get(self, request: Request) -> Response:
        asked = HistoryQuery(data=request.query_params)
        asked.is_valid(raise_exception=True)
        rows = HistoryEntry.objects.select_related("by", "version")
        if before := asked.validated_data.get("before"):
            rows = rows.filter(pk__lt=before)
        page = list(rows[: PAGE + 1])
        results: list[Any] = list(HistorySerializer(page[:PAGE], many=True).data)
        return Response({"results": results, "next_before": page[PAGE - 1].pk if len(page) > PAGE else None})
