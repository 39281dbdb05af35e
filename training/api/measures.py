"""What was measured of a version, typed as ``ml.metrics.evaluate`` reports it."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from ml import metrics
from training.models import Evaluation

NOTHING_MEASURED = metrics.evaluate([], [], None, [])


class IntervalField(serializers.ListField):
    """A Wilson interval at 95 %: [low, high]; null where nothing was counted."""

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
    precision = serializers.FloatField(allow_null=True)
    precision_interval = IntervalField()
    recall = serializers.FloatField(allow_null=True)
    recall_interval = IntervalField()
    f1 = serializers.FloatField(allow_null=True)


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


class MetricsSerializer(serializers.Serializer):
    """The whole report. Macro averages go over the services that occur among the control tickets.

    ``coverage_at_precision_95`` was seen on these very tickets: an optimistic figure, no promise.
    """

    n = serializers.IntegerField()
    accuracy = serializers.FloatField(allow_null=True)
    accuracy_interval = IntervalField()
    macro_precision = serializers.FloatField(allow_null=True)
    macro_recall = serializers.FloatField(allow_null=True)
    macro_f1 = serializers.FloatField(allow_null=True)
    ece = serializers.FloatField(allow_null=True)
    coverage_at_precision_95 = serializers.FloatField(allow_null=True)
    risk_coverage = RiskCoverageSerializer(many=True)
    per_service = ServiceMeasureSerializer(many=True)
    confusion = ConfusionSerializer()
    unseen_labels = serializers.ListField(child=serializers.CharField())


def report_of(evaluation: Evaluation) -> dict[str, Any]:
    """The stored report, whole: what an older one lacks counts as not measured."""
    return NOTHING_MEASURED | evaluation.metrics


class EvaluationSerializer(serializers.ModelSerializer):
    """What was measured on labels that never trained the version, in short."""

    accuracy_interval = serializers.SerializerMethodField()
    macro_precision = serializers.SerializerMethodField()
    ece = serializers.SerializerMethodField()
    coverage_at_precision_95 = serializers.SerializerMethodField()

    class Meta:
        model = Evaluation
        fields = [
            "id", "data", "n", "accuracy", "accuracy_interval", "macro_precision", "macro_f1", "ece",
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
