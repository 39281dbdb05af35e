"""What those who know the pool advise, with the figures behind it. None: not known yet."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from training.models import RetrainAdvice

NONE: dict[str, Any] = {"allow_null": True, "default": None, "read_only": True}


class EstimateSerializer(serializers.Serializer):
    """A share with its 90 % band: 0.004 is 0.4 points."""

    value = serializers.FloatField()
    low = serializers.FloatField()
    high = serializers.FloatField()


class CurvePointSerializer(serializers.Serializer):
    """Accuracy on control tickets at a number of labels; measured points have no band."""

    labels = serializers.IntegerField()
    accuracy = serializers.FloatField()
    low = serializers.FloatField(**NONE)
    high = serializers.FloatField(**NONE)


class TrainingWorthSerializer(serializers.Serializer):
    """What a training now would gain over ``version``, against the noise of the controls (one standard error).

    ``new``: labels it does not know; ``worth_from``: how many of them make a training worth it, null when the
    curve never says so.
    """

    version = serializers.IntegerField()
    gain = serializers.FloatField()
    noise = serializers.FloatField()
    new = serializers.IntegerField()
    worth_from = serializers.IntegerField(**NONE)


class AdviceFiguresSerializer(serializers.Serializer):
    """``gain``: what the next ``step`` labels add to accuracy; ``noise``: one standard error of it.

    ``kappas``: agreement of successive heads, newest last. ``uncertain``: share of unlabelled tickets the learner is
    not sure of. ``controls_missing``, ``rounds_missing``: what is needed to know more. ``scarce``: codes of services
    that need tickets.
    """

    labels = serializers.IntegerField(default=0, read_only=True)
    step = serializers.IntegerField(default=100, read_only=True)
    kappas = serializers.ListField(child=serializers.FloatField(), default=list, read_only=True)
    is_stable = serializers.BooleanField(default=False, read_only=True)
    uncertain = serializers.FloatField(**NONE)
    uncertain_tickets = serializers.IntegerField(**NONE)
    coverage = serializers.FloatField(**NONE)
    coverage_gain = serializers.FloatField(**NONE)
    controls = serializers.IntegerField(default=0, read_only=True)
    controls_missing = serializers.IntegerField(default=0, read_only=True)
    rounds_missing = serializers.IntegerField(default=0, read_only=True)
    accuracy = serializers.FloatField(**NONE)
    noise = serializers.FloatField(**NONE)
    gain = EstimateSerializer(**NONE)
    scarce = serializers.ListField(child=serializers.CharField(), default=list, read_only=True)
    training = TrainingWorthSerializer(**NONE)
    points = CurvePointSerializer(many=True, default=list, read_only=True)
    forecast = CurvePointSerializer(many=True, default=list, read_only=True)


class AdviceSerializer(serializers.ModelSerializer):
    """To label on, to get other tickets, or to stop; and whether a training now is held back."""

    code = serializers.ChoiceField(["label_on", "ask_for_tickets", "stop"], read_only=True)
    figures = serializers.SerializerMethodField()

    class Meta:
        model = RetrainAdvice
        fields = ["code", "figures", "vetoes_training", "created_at"]
        read_only_fields = fields

    @extend_schema_field(AdviceFiguresSerializer())
    def get_figures(self, advice: RetrainAdvice) -> Any:
        return AdviceFiguresSerializer(advice.params).data
