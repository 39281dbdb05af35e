"""The observation over HTTP: what is observed, how it stands, and who changes it."""

from dataclasses import asdict
from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_field, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.errors import Refused
from accounts.permissions import IsLead, IsReviewer
from inference import actions
from inference.comparison import current
from inference.comparison.figures import figures
from inference.models import BaselineKind, Observation, ObservationState
from ml.verdict import Terms
from training import selectors as training


class IntervalSerializer(serializers.Serializer):
    """A confidence sequence: it may be looked at as often as one likes."""

    low = serializers.FloatField()
    high = serializers.FloatField()


class SequenceSerializer(serializers.Serializer):
    """An estimate, of so many tickets, so many of them judged. Null: nothing to go by yet."""

    value = serializers.FloatField(allow_null=True)
    interval = IntervalSerializer()
    tickets = serializers.IntegerField()
    judged = serializers.IntegerField()


class VerdictReasonSerializer(serializers.Serializer):
    """A code and its figures; the page puts them into words."""

    code = serializers.CharField()
    params = serializers.DictField()


class VerdictSerializer(serializers.Serializer):
    """What ``ml.verdict`` says. ``cost``: minutes more per ticket; ``coverage``: how much larger a share is routed.

    ``more``: about how many more judgements decide it.
    """

    state = serializers.ChoiceField(["sufficient", "insufficient", "undecided"])
    reasons = VerdictReasonSerializer(many=True)
    cost = SequenceSerializer()
    coverage = SequenceSerializer()
    more = serializers.IntegerField(allow_null=True)


class SideSerializer(serializers.Serializer):
    """One of the two: the share it routes, and the share of right ones among what it routes."""

    coverage = SequenceSerializer()
    precision = SequenceSerializer()


class ObserverErrorSerializer(serializers.Serializer):
    """Tickets on which the candidate failed, by what went wrong."""

    code = serializers.CharField()
    count = serializers.IntegerField()


class DifferenceSerializer(serializers.Serializer):
    """One kind of disagreement. A null service: a person is asked."""

    baseline_service_id = serializers.IntegerField(allow_null=True)
    candidate_service_id = serializers.IntegerField(allow_null=True)
    count = serializers.IntegerField()
    judged = serializers.IntegerField()
    candidate_right = serializers.IntegerField()
    baseline_right = serializers.IntegerField()


class DueSerializer(serializers.Serializer):
    """Pairs to be judged, and those that were."""

    disagreements = serializers.IntegerField()
    disagreements_judged = serializers.IntegerField()
    agreements = serializers.IntegerField()
    agreements_judged = serializers.IntegerField()


class FiguresSerializer(serializers.Serializer):
    """Mirrored tickets by state, agreement, both sides, latency in milliseconds."""

    waiting = serializers.IntegerField()
    compared = serializers.IntegerField()
    failed = serializers.IntegerField()
    agreement = serializers.FloatField(allow_null=True)
    candidate = SideSerializer()
    baseline = SideSerializer()
    latency_p50 = serializers.FloatField(allow_null=True)
    latency_p95 = serializers.FloatField(allow_null=True)
    errors = ObserverErrorSerializer(many=True)
    differences = DifferenceSerializer(many=True)
    due = DueSerializer()


class TermsSerializer(serializers.Serializer):
    """What is asked of the candidate; see ``ml.verdict.Terms``."""

    precision = serializers.FloatField(default=Terms.precision)
    cost_margin = serializers.FloatField(default=Terms.cost_margin, min_value=0)
    coverage_margin = serializers.FloatField(default=Terms.coverage_margin, min_value=0, max_value=1)
    resolution = serializers.FloatField(default=Terms.resolution)
    most_judgements = serializers.IntegerField(default=Terms.most_judgements, min_value=1, max_value=100_000)
    alpha = serializers.FloatField(default=Terms.alpha)

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        try:
            Terms(**values)
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from error
        return values


class ObservationSerializer(serializers.ModelSerializer):
    """An observation, how it stands, and its figures. ``verdict`` is null before the first compared ticket."""

    candidate = serializers.IntegerField(source="candidate.number")
    baseline_version = serializers.IntegerField(
        source="baseline_version.number", allow_null=True, default=None
    )
    started_by = serializers.CharField(allow_null=True, default=None)
    terms = TermsSerializer()
    state = serializers.ChoiceField(ObservationState.choices)
    baseline = serializers.ChoiceField(BaselineKind.choices)
    verdict = serializers.SerializerMethodField()
    figures = serializers.SerializerMethodField()
    observer = serializers.SerializerMethodField()
    baseline_holds = serializers.SerializerMethodField()

    class Meta:
        model = Observation
        fields = [
            "id", "candidate", "baseline", "baseline_version", "share", "slice", "terms", "escalation_minutes",
            "misroute_minutes", "state", "verdict", "figures", "observer", "baseline_holds", "started_by", "started_at",
            "decided_at", "ended_at",
        ]  # fmt: skip

    def get_baseline_holds(self, observation: Observation) -> bool:
        """Whether what routes today is still the baseline; else no new ticket is compared."""
        return observation.ended_at is not None or current.baseline_holds(observation)

    @extend_schema_field(VerdictSerializer(allow_null=True))
    def get_verdict(self, observation: Observation) -> Any:
        return observation.verdict or None

    @extend_schema_field(FiguresSerializer())
    def get_figures(self, observation: Observation) -> Any:
        return FiguresSerializer(asdict(figures(observation))).data

    @extend_schema_field(
        serializers.CharField(help_text="Its endpoint: absent, creating, in_service, failed.")
    )
    def get_observer(self, observation: Observation) -> str:
        serving = current.deployment("observer")
        is_its = serving is not None and serving.model_version_id == observation.candidate_id
        return serving.state if serving is not None and is_its else "absent"


class ObservationStart(serializers.Serializer):
    """Which version, and on what terms."""

    candidate = serializers.IntegerField(help_text="The version's number.")
    share = serializers.FloatField(default=0.1, min_value=0.0, max_value=1.0)
    slice = serializers.FloatField(default=0.1, min_value=0.0, max_value=1.0)
    escalation_minutes = serializers.FloatField(
        default=None, allow_null=True, min_value=0.0, help_text="Null: what the gate's settings say."
    )
    misroute_minutes = serializers.FloatField(default=None, allow_null=True, min_value=0.0)
    terms = TermsSerializer(required=False)


class ShareSerializer(serializers.Serializer):
    """Of the routed tickets, mirrored to the candidate."""

    share = serializers.FloatField(min_value=0.0, max_value=1.0)


class WhySerializer(serializers.Serializer):
    """Why; it is kept in the history."""

    why = serializers.CharField(max_length=1000)


ObservationAnswer = inline_serializer(
    "ObservationAnswer", {"observation": ObservationSerializer(allow_null=True)}
)


def _answer(observation: Observation | None) -> Response:
    shape = ObservationSerializer(observation).data if observation else None
    return Response({"observation": shape})


class ObservationView(APIView):
    """The observation under way, else the last one; starting one."""

    def get_permissions(self) -> list[Any]:
        return [IsReviewer() if self.request.method == "GET" else IsLead()]

    @extend_schema(operation_id="observation_read", responses=ObservationAnswer)
    def get(self, request: Request) -> Response:
        return _answer(current.observation_last())

    @extend_schema(operation_id="observation_start", request=ObservationStart, responses=ObservationAnswer)
    def post(self, request: Request) -> Response:
        data = ObservationStart(data=request.data)
        data.is_valid(raise_exception=True)
        values = dict(data.validated_data)
        candidate = training.versions().filter(number=values.pop("candidate")).first()
        if candidate is None:
            raise Refused("not_found", "There is no such version.", status=404)
        terms = Terms(**values.pop("terms", {}))
        actions.observation_start(candidate=candidate, started_by=request.user, terms=terms, **values)
        return _answer(current.observation())


class ObservationShareView(APIView):
    """Another share from now on."""

    permission_classes = [IsLead]

    @extend_schema(operation_id="observation_share", request=ShareSerializer, responses=ObservationAnswer)
    def patch(self, request: Request, pk: int) -> Response:
        data = ShareSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        return _answer(actions.observation_share(observation_id=pk, by=request.user, **data.validated_data))


class ObservationStopView(APIView):
    """The end without a verdict."""

    permission_classes = [IsLead]

    @extend_schema(operation_id="observation_stop", request=WhySerializer, responses=ObservationAnswer)
    def post(self, request: Request, pk: int) -> Response:
        data = WhySerializer(data=request.data)
        data.is_valid(raise_exception=True)
        return _answer(actions.observation_stop(observation_id=pk, by=request.user, **data.validated_data))
