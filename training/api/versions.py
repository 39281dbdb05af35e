"""Model versions, in a list and on their page."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from training.api.measures import EvaluationDetailSerializer, EvaluationSerializer
from training.api.snapshots import SnapshotSerializer
from training.models import ModelVersion, RegistryEntry


def _newest(version: ModelVersion) -> Any:
    return next(iter(version.evaluations.all()), None)


class ModelVersionSerializer(serializers.ModelSerializer):
    """A model version with its newest evaluation. ``labels``: the codes of its services."""

    version = serializers.IntegerField(source="number", read_only=True)
    run_id = serializers.IntegerField(read_only=True, allow_null=True)
    rows = serializers.IntegerField(
        source="run.snapshot.rows",
        default=None,
        read_only=True,
        allow_null=True,
        help_text="Tickets it learned from.",
    )
    labels = serializers.ListField(child=serializers.CharField(), read_only=True)
    evaluation = serializers.SerializerMethodField()
    is_current = serializers.SerializerMethodField()

    class Meta:
        model = ModelVersion
        fields = [
            "version", "created_at", "labels", "encoder", "dim", "run_id", "rows", "evaluation", "is_current",
        ]  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(EvaluationSerializer(allow_null=True))
    def get_evaluation(self, version: ModelVersion) -> Any:
        newest = _newest(version)
        return EvaluationSerializer(newest).data if newest else None

    @extend_schema_field(serializers.BooleanField())
    def get_is_current(self, version: ModelVersion) -> bool:
        return version.number == self.context.get("current")


class ModelVersionListSerializer(serializers.Serializer):
    """All versions, newest first."""

    results = ModelVersionSerializer(many=True)


class TrainingFiguresSerializer(serializers.Serializer):
    """What the training program noted while it chose. Measured on rows it held back, not on control tickets.

    ``chosen``: ``finetune``, or ``probe`` when the linear head on the base encoder was not beaten.
    """

    chosen = serializers.CharField(allow_null=True, default=None)
    n_rows = serializers.IntegerField(allow_null=True, default=None)
    n_taught = serializers.IntegerField(allow_null=True, default=None)
    n_validation = serializers.IntegerField(allow_null=True, default=None)
    probe_accuracy = serializers.FloatField(allow_null=True, default=None)
    validation_accuracy = serializers.FloatField(allow_null=True, default=None)
    validation_loss = serializers.FloatField(allow_null=True, default=None)


class PreviousSerializer(serializers.Serializer):
    """The version before, to compare with."""

    version = serializers.IntegerField()
    evaluation = EvaluationSerializer(allow_null=True)


class RegistrySerializer(serializers.ModelSerializer):
    """The version in the account's model registry, and what a person decided about it.

    ``is_told``: the registry has taken the decision. ``problem``: why the last try failed; it is tried again.
    """

    decided_by = serializers.CharField(
        source="decided_by.username", default=None, read_only=True, allow_null=True
    )
    is_told = serializers.SerializerMethodField()

    class Meta:
        model = RegistryEntry
        fields = [
            "address", "approval", "is_told", "status", "reason", "decided_by", "decided_at", "problem", "asked_at",
        ]  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(serializers.BooleanField())
    def get_is_told(self, entry: RegistryEntry) -> bool:
        return bool(entry.address) and entry.approval == entry.told


class ApprovalSerializer(serializers.Serializer):
    """A lead's word on a version."""

    approved = serializers.BooleanField()
    reason = serializers.CharField(max_length=900, trim_whitespace=True)


class ModelVersionDetailSerializer(ModelVersionSerializer):
    """A version on its page: all that was measured, and where it comes from."""

    base_model = serializers.CharField(source="manifest.base_model", default="", read_only=True)
    temperature = serializers.FloatField(
        source="manifest.temperature", default=None, read_only=True, allow_null=True
    )
    snapshot = SnapshotSerializer(source="run.snapshot", default=None, read_only=True, allow_null=True)
    hyperparameters = serializers.DictField(
        source="manifest.hyperparameters", default=dict, child=serializers.CharField(), read_only=True
    )
    training = serializers.SerializerMethodField()
    evaluations = EvaluationSerializer(many=True, read_only=True)
    previous = serializers.SerializerMethodField()
    code_version = serializers.CharField(
        source="manifest.created_by",
        default="",
        read_only=True,
        help_text="The program that made the artifact.",
    )
    attempt = serializers.IntegerField(source="run.attempt", default=None, read_only=True, allow_null=True)
    registry = RegistrySerializer(
        source="registry_entry", default=None, read_only=True, allow_null=True,
        help_text="Null where jobs run without a model registry.",
    )  # fmt: skip

    class Meta(ModelVersionSerializer.Meta):
        fields = [
            *ModelVersionSerializer.Meta.fields, "base_model", "temperature", "manifest_hash", "snapshot",
            "hyperparameters", "training", "evaluations", "previous",
            "artifact_uri", "code_version", "attempt", "registry",
        ]  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(EvaluationDetailSerializer(allow_null=True))
    def get_evaluation(self, version: ModelVersion) -> Any:
        newest = _newest(version)
        return EvaluationDetailSerializer(newest).data if newest else None

    @extend_schema_field(TrainingFiguresSerializer())
    def get_training(self, version: ModelVersion) -> Any:
        return TrainingFiguresSerializer(version.manifest.get("metrics") or {}).data

    @extend_schema_field(PreviousSerializer(allow_null=True))
    def get_previous(self, version: ModelVersion) -> Any:
        before = self.context.get("previous")
        return (
            PreviousSerializer({"version": before.number, "evaluation": _newest(before)}).data
            if before
            else None
        )
