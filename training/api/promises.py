"""Certificates, the gate's verdicts and overrides: what goes in and out."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from training.actions import GATE_FIELDS
from training.api.measures import IntervalField
from training.models import GateOverride, GateSettings, GateVerdict, OverridePurpose, PrecisionCertificate
from training.models.certificates import STATES

NULL: dict[str, Any] = {"allow_null": True, "default": None, "read_only": True}


class TestedSerializer(serializers.Serializer):
    """One promise that was tested: overall, or of a group of services. ``more_labels``: about how many more control
    labels it takes; 0 when certified, null when no number would do."""

    name = serializers.CharField()
    services = serializers.ListField(child=serializers.CharField())
    wanted = serializers.FloatField()
    accepted = serializers.IntegerField()
    errors = serializers.IntegerField()
    certified = serializers.FloatField(allow_null=True)
    more_labels = serializers.IntegerField(allow_null=True)
    threshold = serializers.FloatField(**NULL, help_text="Of a group: its own.")


class CertificateSerializer(serializers.ModelSerializer):
    """A certificate. ``is_spent``: in force since a promotion, else it only shows what one would say now.

    ``use``: how manyth asking of these labels; null: fresh ones, tested at ``delta``, else at ``level``.
    ``choices``: all certified thresholds, any of which keeps the promise. ``escalated``: services whose group is not
    certified; ``unheard``: services without a control label. ``outlier_weight``, ``surest`` and ``gate`` shape the
    score.
    """

    state = serializers.ChoiceField(list(STATES))
    is_fresh = serializers.BooleanField()
    gate = serializers.FloatField(source="payload.gate", **NULL)
    outlier_weight = serializers.FloatField(source="payload.outlier_weight", default=0.0, read_only=True)
    surest = serializers.FloatField(source="payload.surest", default=1.0, read_only=True)
    coverage = serializers.FloatField(source="payload.coverage", **NULL)
    coverage_interval = IntervalField(source="payload.coverage_interval", default=None, read_only=True)
    recall = serializers.FloatField(source="payload.recall", **NULL)
    recall_interval = IntervalField(source="payload.recall_interval", default=None, read_only=True)
    choices = serializers.ListField(
        source="payload.choices", child=serializers.FloatField(), default=list, read_only=True
    )
    escalated = serializers.ListField(
        source="payload.escalated", child=serializers.CharField(), default=list, read_only=True
    )
    unheard = serializers.ListField(
        source="payload.unheard", child=serializers.CharField(), default=list, read_only=True
    )
    tests = TestedSerializer(source="payload.tests", many=True, default=list, read_only=True)
    more_labels = serializers.SerializerMethodField()

    class Meta:
        model = PrecisionCertificate
        fields = [
            "id", "is_spent", "state", "precision", "delta", "level", "use", "is_fresh", "threshold", "gate",
            "outlier_weight", "surest", "audit_labels", "window_from", "window_to", "coverage", "coverage_interval",
            "recall", "recall_interval", "choices", "escalated", "unheard", "tests", "more_labels", "created_at",
        ]  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(serializers.IntegerField(allow_null=True))
    def get_more_labels(self, row: PrecisionCertificate) -> int | None:
        return row.certificate.more_labels


class GateReasonSerializer(serializers.Serializer):
    """Why: a code the page puts into words, with figures. ``stops``: it keeps the version from passing."""

    code = serializers.CharField()
    params = serializers.DictField()
    stops = serializers.BooleanField()


class OverrideSerializer(serializers.ModelSerializer):
    """Who let a version go on against the verdict, for what, and why."""

    by = serializers.CharField(source="by.username")
    codes = serializers.ListField(child=serializers.CharField())

    class Meta:
        model = GateOverride
        fields = ["id", "purpose", "codes", "reason", "by", "created_at"]
        read_only_fields = fields


class OverrideRequest(serializers.Serializer):
    """To let a version go on against the verdict. The reason is kept with your name."""

    purpose = serializers.ChoiceField(OverridePurpose.choices)
    reason = serializers.CharField(max_length=1000)


class GateVerdictSerializer(serializers.ModelSerializer):
    """What the gate said, compared with the version in production then (null: none was)."""

    reasons = GateReasonSerializer(many=True)
    production = serializers.IntegerField(source="production.number", **NULL)
    limits = serializers.DictField(child=serializers.FloatField(allow_null=True))

    class Meta:
        model = GateVerdict
        fields = ["id", "passed", "reasons", "limits", "production", "created_at"]
        read_only_fields = fields


class PermitSerializer(serializers.Serializer):
    """Whether a version may go on, and why or why not."""

    allowed = serializers.BooleanField()
    code = serializers.ChoiceField(["passed", "overridden", "not_judged", "stopped_by_gate"])
    params = serializers.DictField()


class VersionGateSerializer(serializers.Serializer):
    """A version before the gate; ``verdict`` is null before it was judged."""

    verdict = GateVerdictSerializer(allow_null=True)
    observe = PermitSerializer()
    promote = PermitSerializer()
    overrides = OverrideSerializer(many=True)
    certificate = CertificateSerializer(
        allow_null=True, help_text="What it says now, or said at the promotion."
    )
    in_force = CertificateSerializer(allow_null=True, help_text="What routes; null before a promotion.")


class ServiceGroupSerializer(serializers.Serializer):
    """Services, by code, with a threshold and a promise of their own; ``precision`` null: as much as overall."""

    name = serializers.CharField(max_length=60)
    services = serializers.ListField(child=serializers.CharField(max_length=64), allow_empty=False)
    precision = serializers.FloatField(allow_null=True, default=None)


class GateSettingsSerializer(serializers.ModelSerializer):
    """What is promised of routed tickets, what a version must show (null: not asked), and people's minutes."""

    updated_by = serializers.CharField(source="updated_by.username", **NULL)
    service_groups = ServiceGroupSerializer(many=True, required=False)

    class Meta:
        model = GateSettings
        fields = [*GATE_FIELDS, "updated_at", "updated_by"]
        read_only_fields = ["updated_at"]
