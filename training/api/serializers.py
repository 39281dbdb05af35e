"""What goes in and out."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from training.models import DatasetSnapshot, Evaluation, ModelVersion, RetrainPolicy, TrainingRun


class SnapshotSerializer(serializers.ModelSerializer):
    """A dataset snapshot in short."""

    class Meta:
        model = DatasetSnapshot
        fields = ["id", "fingerprint", "rows", "services", "created_at"]
        read_only_fields = fields


class RunAbilitiesSerializer(serializers.Serializer):
    """What can be done with a run now."""

    cancel = serializers.BooleanField()
    retry = serializers.BooleanField()


class MetricPointSerializer(serializers.Serializer):
    """One point of a curve."""

    step = serializers.IntegerField()
    name = serializers.CharField()
    value = serializers.FloatField()


class RunSerializer(serializers.ModelSerializer):
    """A training run in a list."""

    snapshot = SnapshotSerializer(allow_null=True, read_only=True)
    labels = serializers.IntegerField(source="snapshot.rows", default=None, read_only=True, allow_null=True)
    model_version = serializers.SerializerMethodField()
    requested_by = serializers.CharField(
        source="requested_by.username", default=None, read_only=True, allow_null=True
    )
    can = serializers.SerializerMethodField()

    class Meta:
        model = TrainingRun
        fields = [
            "id", "state", "sub_state", "phase", "progress", "attempt", "reason", "labels", "snapshot",
            "hyperparameters", "requested_by", "failure_code", "failure_reason", "created_at", "started_at",
            "ended_at", "cancel_requested_at", "model_version", "can",
        ]  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(serializers.IntegerField(allow_null=True))
    def get_model_version(self, run: TrainingRun) -> int | None:
        version = getattr(run, "model_version", None)
        return version.number if version else None

    @extend_schema_field(RunAbilitiesSerializer)
    def get_can(self, run: TrainingRun) -> dict[str, bool]:
        return {"cancel": run.can_cancel, "retry": run.can_retry}


class RunDetailSerializer(RunSerializer):
    """A training run on its page: with its curves and the end of its log."""

    metrics = serializers.SerializerMethodField()

    class Meta(RunSerializer.Meta):
        fields = [*RunSerializer.Meta.fields, "metrics", "log_tail"]

    @extend_schema_field(MetricPointSerializer(many=True))
    def get_metrics(self, run: TrainingRun) -> list[dict[str, Any]]:
        return list(
            run.metrics.filter(attempt=run.attempt).order_by("step", "name").values("step", "name", "value")
        )


class EvaluationSerializer(serializers.ModelSerializer):
    """What was measured on labels that never trained the version."""

    class Meta:
        model = Evaluation
        fields = ["id", "data", "n", "accuracy", "macro_f1", "metrics", "fingerprint", "created_at"]
        read_only_fields = fields


class ModelVersionSerializer(serializers.ModelSerializer):
    """A model version with its newest evaluation."""

    version = serializers.IntegerField(source="number", read_only=True)
    run_id = serializers.IntegerField(read_only=True, allow_null=True)
    evaluation = serializers.SerializerMethodField()
    is_current = serializers.SerializerMethodField()

    class Meta:
        model = ModelVersion
        fields = ["version", "created_at", "labels", "encoder", "dim", "run_id", "evaluation", "is_current"]
        read_only_fields = fields

    @extend_schema_field(EvaluationSerializer(allow_null=True))
    def get_evaluation(self, version: ModelVersion) -> Any:
        newest = next(iter(version.evaluations.all()), None)
        return EvaluationSerializer(newest).data if newest else None

    @extend_schema_field(serializers.BooleanField())
    def get_is_current(self, version: ModelVersion) -> bool:
        return version.number == self.context.get("current")


class PolicySerializer(serializers.ModelSerializer):
    """The retrain policy."""

    class Meta:
        model = RetrainPolicy
        fields = [
            "is_active", "min_new_labels", "minimum_labels", "max_age_hours", "cron", "cooldown_minutes",
            "max_seconds", "epochs", "max_failures", "updated_at",
        ]  # fmt: skip
        read_only_fields = ["updated_at"]


class RunListSerializer(serializers.Serializer):
    """Runs, newest first; ``next`` is the cursor of the following page."""

    results = RunSerializer(many=True)
    next = serializers.CharField(allow_null=True)


class ModelVersionListSerializer(serializers.Serializer):
    """All versions, newest first."""

    results = ModelVersionSerializer(many=True)
