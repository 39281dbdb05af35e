"""Runs and the retrain policy: what goes in and out."""

from typing import Any

from django.conf import settings
from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from training import costs, schedule, selectors
from training.api.advice import AdviceSerializer
from training.api.snapshots import SnapshotSerializer
from training.models import JobCost, RetrainDecision, RetrainPolicy, TrainingRun


class RunReasonSerializer(serializers.Serializer):
    """Why: a code the page puts into words, with figures."""

    code = serializers.CharField()
    params = serializers.DictField()


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
    reason = serializers.SerializerMethodField()
    hyperparameters = serializers.DictField(child=serializers.CharField(), read_only=True)
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

    @extend_schema_field(RunReasonSerializer())
    def get_reason(self, run: TrainingRun) -> dict[str, Any]:
        return {"code": run.reason.get("code", "asked_for"), "params": run.reason.get("params", {})}

    @extend_schema_field(RunAbilitiesSerializer)
    def get_can(self, run: TrainingRun) -> dict[str, bool]:
        return {"cancel": run.can_cancel, "retry": run.can_retry}


class CostSerializer(serializers.ModelSerializer):
    """What one attempt cost: billed seconds of a machine, and money where its price is known."""

    amount = serializers.FloatField(allow_null=True, read_only=True)

    class Meta:
        model = JobCost
        fields = ["job_name", "instance_type", "seconds", "amount"]
        read_only_fields = fields


class RunDetailSerializer(RunSerializer):
    """A training run on its page: with its curves, the end of its log and what its attempts cost."""

    metrics = serializers.SerializerMethodField()
    costs = CostSerializer(many=True, read_only=True)

    class Meta(RunSerializer.Meta):
        fields = [
            *RunSerializer.Meta.fields,
            "base_model",
            "observed_at",
            "metrics",
            "log_tail",
            "log_url",
            "costs",
        ]
        read_only_fields = fields

    @extend_schema_field(MetricPointSerializer(many=True))
    def get_metrics(self, run: TrainingRun) -> list[dict[str, Any]]:
        return list(
            run.metrics.filter(attempt=run.attempt).order_by("step", "name").values("step", "name", "value")
        )


class RunListSerializer(serializers.Serializer):
    """Runs, newest first; ``next`` is the cursor of the following page."""

    results = RunSerializer(many=True)
    next = serializers.CharField(allow_null=True)


class DecisionSerializer(serializers.ModelSerializer):
    """What the policy last said, and since when it says so."""

    params = serializers.DictField(read_only=True)

    class Meta:
        model = RetrainDecision
        fields = ["starts", "code", "params", "created_at"]
        read_only_fields = fields


class MonthCostSerializer(serializers.Serializer):
    """What this month's jobs cost; ``amount`` leaves out the seconds of machines without a price."""

    amount = serializers.FloatField()
    seconds = serializers.IntegerField()
    unpriced_seconds = serializers.IntegerField()


class AuditSerializer(serializers.Serializer):
    """Control tickets: labelled so far, in all, and what the current model got right of them."""

    labelled = serializers.IntegerField()
    reserve = serializers.IntegerField()
    accuracy = serializers.FloatField(allow_null=True)


class PolicySerializer(serializers.ModelSerializer):
    """The retrain policy; ``next_at``: when its crontab line next falls due in ``zone``."""

    zone = serializers.SerializerMethodField()
    next_at = serializers.SerializerMethodField()
    decision = serializers.SerializerMethodField()
    advice = serializers.SerializerMethodField()
    audit = serializers.SerializerMethodField()
    month_cost = serializers.SerializerMethodField()

    class Meta:
        model = RetrainPolicy
        fields = [
            "is_active", "min_new_labels", "minimum_labels", "max_age_hours", "cron", "cooldown_minutes",
            "max_seconds", "epochs", "max_failures", "monthly_cap", "advisor_may_veto", "audit_target", "updated_at",
            "zone", "next_at", "decision", "advice", "audit", "month_cost",
        ]  # fmt: skip
        read_only_fields = ["updated_at"]

    @extend_schema_field(serializers.CharField())
    def get_zone(self, policy: RetrainPolicy) -> str:
        return settings.INSTALLATION_TIME_ZONE

    @extend_schema_field(serializers.DateTimeField(allow_null=True))
    def get_next_at(self, policy: RetrainPolicy) -> Any:
        if not policy.cron:
            return None
        try:
            moments = schedule.cron_next(policy.cron, timezone.now(), settings.INSTALLATION_TIME_ZONE, 1)
        except schedule.BadSchedule:
            return None
        return moments[0] if moments else None

    @extend_schema_field(DecisionSerializer(allow_null=True))
    def get_decision(self, policy: RetrainPolicy) -> Any:
        decision = selectors.last_decision()
        return DecisionSerializer(decision).data if decision else None

    @extend_schema_field(AdviceSerializer(allow_null=True))
    def get_advice(self, policy: RetrainPolicy) -> Any:
        advice = selectors.last_advice()
        return AdviceSerializer(advice).data if advice else None

    @extend_schema_field(MonthCostSerializer())
    def get_month_cost(self, policy: RetrainPolicy) -> Any:
        return MonthCostSerializer(costs.month_cost(timezone.now())).data

    @extend_schema_field(AuditSerializer())
    def get_audit(self, policy: RetrainPolicy) -> Any:
        return AuditSerializer(selectors.audit_standing()).data


class ScheduleSerializer(serializers.Serializer):
    """When a crontab line falls due next, in the installation's zone."""

    cron = serializers.CharField()
    zone = serializers.CharField()
    next = serializers.ListField(child=serializers.DateTimeField())
