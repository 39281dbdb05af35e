"""What was measured of a version, typed as ``ml.judging.judge`` reports it."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from ml.judging import Sheet, judge
from training.models import Evaluation

NOTHING_MEASURED = judge(Sheet([], [], [], [], [], []), [], []) | {"state": "judged"}
SHARE: dict[str, Any] = {"allow_null": True}


class IntervalField(serializers.ListField):
    """An interval at 95 %: [low, high]; null where nothing was counted."""

    child = serializers.FloatField()

    def __init__(self, **options: Any) -> None:
        super().__init__(min_length=2, max_length=2, allow_null=True, **options)


class ServiceMeasureSerializer(serializers.Serializer):
    """One service. ``support``: control tickets of it; ``predicted``: control tickets sent to it.

    Null: nothing to divide by.
    """

    label = serializers.CharField()
    support = serializers.IntegerField()
    predicted = serializers.IntegerField()
    precision = serializers.FloatField(**SHARE)
    precision_interval = IntervalField()
    recall = serializers.FloatField(**SHARE)
    recall_interval = IntervalField()
    f1 = serializers.FloatField(**SHARE)


class ConfusionSerializer(serializers.Serializer):
    """Counts: row = the true service, column = the predicted one, both in the order of ``labels``."""

    labels = serializers.ListField(child=serializers.CharField())
    rows_true_columns_predicted = serializers.ListField(
        child=serializers.ListField(child=serializers.IntegerField())
    )


class RiskCoverageSerializer(serializers.Serializer):
    """Accepting all answers of at least this confidence: the share accepted and the errors among them."""

    coverage = serializers.FloatField()
    risk = serializers.FloatField()
    threshold = serializers.FloatField()


class ReliabilitySerializer(serializers.Serializer):
    """Answers whose confidence lies from ``low`` to ``high``: their mean confidence, and the share that was right."""

    low = serializers.FloatField()
    high = serializers.FloatField()
    n = serializers.IntegerField()
    confidence = serializers.FloatField()
    accuracy = serializers.FloatField()
    accuracy_interval = IntervalField()


class OutOfScopeSerializer(serializers.Serializer):
    """Tickets of none of the services, and how well they are told from the others.

    ``auroc_*``: the chance that such a ticket looks stranger (or less sure) than one of a service. ``passed_at_95``:
    the share of them that passes a gate which lets 95 % of the others pass. Null: no such tickets, or no ranks.
    """

    tickets = serializers.IntegerField()
    auroc_outlier = serializers.FloatField(**SHARE)
    auroc_confidence = serializers.FloatField(**SHARE)
    passed_at_95 = serializers.FloatField(**SHARE)


class LanguageMeasureSerializer(serializers.Serializer):
    """Accuracy in one language; "" where it is not known."""

    language = serializers.CharField(allow_blank=True)
    n = serializers.IntegerField()
    accuracy = serializers.FloatField()
    accuracy_interval = IntervalField()


class MetricsSerializer(serializers.Serializer):
    """The whole report. Macro averages go over the services that occur among the control tickets.

    ``state``: judged, or what keeps the figures from meaning much. ``n``: tickets of a service with a usable answer;
    ``tickets``: all, ``unusable``: without one. ``coverage_at_precision_95`` was seen on these very tickets: an
    optimistic figure, no promise. ``unheard``: services without a control ticket. ``unseen_labels``: services of
    control tickets the version was never taught. ``unknown_here``: services it knows that are not in use.
    """

    state = serializers.ChoiceField(["judged", "no_labels", "one_service", "unusable_probabilities"])
    n = serializers.IntegerField()
    tickets = serializers.IntegerField()
    unusable = serializers.IntegerField()
    accuracy = serializers.FloatField(**SHARE)
    accuracy_interval = IntervalField()
    macro_precision = serializers.FloatField(**SHARE)
    macro_precision_interval = IntervalField()
    macro_recall = serializers.FloatField(**SHARE)
    macro_recall_interval = IntervalField()
    macro_f1 = serializers.FloatField(**SHARE)
    macro_f1_interval = IntervalField()
    ece = serializers.FloatField(**SHARE)
    coverage_at_precision_95 = serializers.FloatField(**SHARE)
    risk_coverage = RiskCoverageSerializer(many=True)
    reliability = ReliabilitySerializer(many=True)
    per_service = ServiceMeasureSerializer(many=True)
    confusion = ConfusionSerializer()
    out_of_scope = OutOfScopeSerializer()
    languages = LanguageMeasureSerializer(many=True)
    unseen_labels = serializers.ListField(child=serializers.CharField())
    unheard = serializers.ListField(child=serializers.CharField())
    unknown_here = serializers.ListField(child=serializers.CharField())


def report_of(evaluation: Evaluation) -> dict[str, Any]:
    """The stored report, whole: what an older one lacks counts as not measured."""
    return NOTHING_MEASURED | {"n": evaluation.n, "tickets": evaluation.n} | evaluation.metrics


class EvaluationSerializer(serializers.ModelSerializer):
    """What was measured on labels that never trained the version, in short."""

    accuracy_interval = serializers.SerializerMethodField()
    macro_precision = serializers.SerializerMethodField()
    ece = serializers.SerializerMethodField()
    coverage_at_precision_95 = serializers.SerializerMethodField()

    class Meta:
        model = Evaluation
        fields = [
            "id", "data", "test_set_id", "n", "accuracy", "accuracy_interval", "macro_precision", "macro_f1", "ece",
            "coverage_at_precision_95", "fingerprint", "created_at",
        ]  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(IntervalField())
    def get_accuracy_interval(self, evaluation: Evaluation) -> list[float] | None:
        return report_of(evaluation)["accuracy_interval"]

    @extend_schema_field(serializers.FloatField(allow_null=True))
    def get_macro_precision(self, evaluation: Evaluation) -> float | None:
        return report_of(evaluation)["macro_precision"]

    @extend_schema_field(serializers.FloatField(allow_null=True))
    def get_ece(self, evaluation: Evaluation) -> float | None:
        return report_of(evaluation)["ece"]

    @extend_schema_field(serializers.FloatField(allow_null=True))
    def get_coverage_at_precision_95(self, evaluation: Evaluation) -> float | None:
        return report_of(evaluation)["coverage_at_precision_95"]


class EvaluationDetailSerializer(EvaluationSerializer):
    """An evaluation with its whole report."""

    metrics = serializers.SerializerMethodField()

    class Meta(EvaluationSerializer.Meta):
        fields = [*EvaluationSerializer.Meta.fields, "metrics"]
        read_only_fields = fields

    @extend_schema_field(MetricsSerializer())
    def get_metrics(self, evaluation: Evaluation) -> Any:
        return MetricsSerializer(report_of(evaluation)).data
