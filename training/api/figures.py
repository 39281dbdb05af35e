"""The dashboard's figures: versions over time, thresholds, comparisons, effort."""

from dataclasses import asdict
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from ml.judging import Compared
from ml.mcnemar import Paired
from training.api.measures import EvaluationDetailSerializer, EvaluationSerializer, IntervalField
from training.api.promises import CertificateSerializer
from training.models import ModelVersion


class HeadlineSerializer(serializers.ModelSerializer):
    """A version at a glance. ``coverage``, ``recall`` and ``certified`` are its newest certificate's; ``passed``: the
    gate's newest verdict (null: not judged yet), ``stopping``: the codes in its way."""

    version = serializers.IntegerField(source="number")
    rows = serializers.IntegerField(source="run.snapshot.rows", default=None, allow_null=True)
    evaluation = serializers.SerializerMethodField()
    certificate_state = serializers.SerializerMethodField()
    certified = serializers.SerializerMethodField()
    coverage = serializers.SerializerMethodField()
    recall = serializers.SerializerMethodField()
    passed = serializers.SerializerMethodField()
    stopping = serializers.SerializerMethodField()

    class Meta:
        model = ModelVersion
        fields = [
            "version", "created_at", "rows", "evaluation", "certificate_state", "certified", "coverage", "recall",
            "passed", "stopping",
        ]  # fmt: skip
        read_only_fields = fields

    @staticmethod
    def _newest(version: ModelVersion, name: str) -> Any:
        return next(iter(getattr(version, name).all()), None)

    @extend_schema_field(EvaluationSerializer(allow_null=True))
    def get_evaluation(self, version: ModelVersion) -> Any:
        newest = self._newest(version, "evaluations")
        return EvaluationSerializer(newest).data if newest else None

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_certificate_state(self, version: ModelVersion) -> str | None:
        row = self._newest(version, "certificates")
        return row.state if row else None

    @extend_schema_field(serializers.FloatField(allow_null=True))
    def get_certified(self, version: ModelVersion) -> float | None:
        row = self._newest(version, "certificates")
        return row.precision if row and row.state == "certified" else None

    @extend_schema_field(serializers.FloatField(allow_null=True))
    def get_coverage(self, version: ModelVersion) -> float | None:
        row = self._newest(version, "certificates")
        return row.payload.get("coverage") if row else None

    @extend_schema_field(serializers.FloatField(allow_null=True))
    def get_recall(self, version: ModelVersion) -> float | None:
        row = self._newest(version, "certificates")
        return row.payload.get("recall") if row else None

    @extend_schema_field(serializers.BooleanField(allow_null=True))
    def get_passed(self, version: ModelVersion) -> bool | None:
        verdict = self._newest(version, "verdicts")
        return verdict.passed if verdict else None

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_stopping(self, version: ModelVersion) -> list[str]:
        verdict = self._newest(version, "verdicts")
        return verdict.stopping if verdict else []


class HeadlinesSerializer(serializers.Serializer):
    """All versions, oldest first."""

    results = HeadlineSerializer(many=True)


class VersionReportSerializer(serializers.Serializer):
    """One version's evaluation in full. ``evaluation`` null: not evaluated yet, or no control ticket has its label."""

    version = serializers.IntegerField()
    labels = serializers.ListField(child=serializers.CharField())
    evaluation = EvaluationDetailSerializer(allow_null=True)
    certificate = CertificateSerializer(allow_null=True)
    has_tickets = serializers.BooleanField(help_text="Whether the tickets behind the figures can be opened.")


class StepsSerializer(serializers.Serializer):
    """Three columns of one length, from strict to loose: routing from ``threshold`` on routes ``routed`` of the ``n``
    tickets, ``right`` of them rightly. ``in_scope``: tickets that belong to a service."""

    n = serializers.IntegerField()
    in_scope = serializers.IntegerField()
    threshold = serializers.ListField(child=serializers.FloatField())
    routed = serializers.ListField(child=serializers.IntegerField())
    right = serializers.ListField(child=serializers.IntegerField())


class DaySerializer(serializers.Serializer):
    """A day's work: tickets that come, minutes to route one by hand, minutes a misroute costs people."""

    tickets = serializers.FloatField()
    minutes_escalation = serializers.FloatField()
    minutes_misroute = serializers.FloatField()


class OutcomeSerializer(serializers.Serializer):
    """What a threshold means: shares of the control tickets, and a day's escalations, misroutes and minutes saved."""

    threshold = serializers.FloatField()
    routed = serializers.IntegerField()
    right = serializers.IntegerField()
    coverage = serializers.FloatField()
    coverage_interval = IntervalField()
    precision = serializers.FloatField(allow_null=True)
    precision_interval = IntervalField()
    recall = serializers.FloatField(allow_null=True)
    escalations = serializers.FloatField()
    misroutes = serializers.FloatField()
    minutes_saved = serializers.FloatField()


class OutlookSerializer(serializers.Serializer):
    """For the threshold slider. ``threshold``: the certified one (null: none), ``choices``: every certified one.

    With s = ``steps``, at a place i: coverage = routed[i] / n; escalations a day = tickets * (1 - coverage);
    misroutes a day = tickets * (routed[i] - right[i]) / n; minutes saved a day = tickets * coverage *
    minutes_escalation - misroutes * minutes_misroute. ``outcome`` is that for the threshold asked about.

    Where groups of services have thresholds of their own, ``threshold`` and ``choices`` are those of the ``group``
    asked for; without one they are empty, and ``outcome`` is that of all groups, each at its own.
    """

    evaluation = EvaluationSerializer()
    steps = StepsSerializer()
    day = DaySerializer()
    threshold = serializers.FloatField(allow_null=True)
    choices = serializers.ListField(child=serializers.FloatField())
    outcome = OutcomeSerializer(allow_null=True)


class JudgedTicketSerializer(serializers.Serializer):
    """A control ticket and what the version said of it. ``truth`` null: none of the services. ``text`` null: erased.

    ``score``: what is held against a threshold; null where it could not be routed at all.
    """

    id = serializers.IntegerField()
    external_id = serializers.CharField(allow_null=True)
    text = serializers.CharField(allow_null=True)
    truth = serializers.CharField(allow_null=True)
    guess = serializers.CharField(allow_null=True)
    confidence = serializers.FloatField(allow_null=True)
    outlier = serializers.FloatField(allow_null=True)
    score = serializers.FloatField(allow_null=True)
    language = serializers.CharField(allow_blank=True)


class JudgedTicketListSerializer(serializers.Serializer):
    """A page, the surest first; ``next``: the cursor of the following one."""

    total = serializers.IntegerField()
    results = JudgedTicketSerializer(many=True)
    next = serializers.CharField(allow_null=True)


class PairedSerializer(serializers.Serializer):
    """Tickets both versions answered: who had them right. ``difference``: accuracy of the first less the second's, with
    its 95 % interval; ``p_value``: how likely a split this uneven is by chance (exact McNemar test)."""

    n = serializers.IntegerField()
    both = serializers.IntegerField()
    only_first = serializers.IntegerField()
    only_second = serializers.IntegerField()
    neither = serializers.IntegerField()
    difference = serializers.FloatField(allow_null=True)
    interval = IntervalField()
    p_value = serializers.FloatField(allow_null=True)


class PairedServiceSerializer(PairedSerializer):
    """The same, of the tickets of one service."""

    service = serializers.CharField()


class VersionComparisonSerializer(serializers.Serializer):
    """Two versions side by side; ``overall`` is null until both were evaluated. ``only_*_knows``: services that one of
    them was never taught."""

    first = HeadlineSerializer()
    second = HeadlineSerializer()
    overall = PairedSerializer(allow_null=True)
    services = PairedServiceSerializer(many=True)
    only_first_knows = serializers.ListField(child=serializers.CharField())
    only_second_knows = serializers.ListField(child=serializers.CharField())


def paired_shape(one: Paired) -> dict[str, Any]:
    return asdict(one) | {
        "n": one.n,
        "difference": one.difference,
        "interval": one.interval,
        "p_value": one.p_value,
    }


def comparison_shape(first: ModelVersion, second: ModelVersion, found: Compared | None) -> dict[str, Any]:
    services = found.services.items() if found else ()
    return {
        "first": first,
        "second": second,
        "overall": paired_shape(found.overall) if found else None,
        "services": [{"service": code, **paired_shape(one)} for code, one in services],
        "only_first_knows": found.only_first_knows if found else [],
        "only_second_knows": found.only_second_knows if found else [],
    }


class BalanceSerializer(serializers.Serializer):
    """Labels of one service: that may train, of control tickets, and that the newest version was taught."""

    service = serializers.CharField()
    labels = serializers.IntegerField()
    controls = serializers.IntegerField()
    taught = serializers.IntegerField()


class EfficiencyPointSerializer(serializers.Serializer):
    """Accuracy on control tickets after so many labels. ``version`` null: a head between two trainings."""

    labels = serializers.IntegerField()
    accuracy = serializers.FloatField()
    interval = IntervalField()
    version = serializers.IntegerField(allow_null=True)
    at = serializers.DateTimeField(allow_null=True)


class WeekSerializer(serializers.Serializer):
    """A week's work. ``offered``: tickets checked with a suggestion; ``taken``: where people agreed with it."""

    monday = serializers.DateField()
    decisions = serializers.IntegerField()
    offered = serializers.IntegerField()
    taken = serializers.IntegerField()
    seconds = serializers.FloatField(allow_null=True)


class CycleSerializer(serializers.Serializer):
    """Hours from the first label that only this version learned from, to the version. Null: it had none."""

    version = serializers.IntegerField()
    started_at = serializers.DateTimeField(allow_null=True)
    ready_at = serializers.DateTimeField()
    hours = serializers.FloatField(allow_null=True)


class EffortSerializer(serializers.Serializer):
    """What people put in, and what it brought."""

    balance = BalanceSerializer(many=True)
    efficiency = EfficiencyPointSerializer(many=True)
    weeks = WeekSerializer(many=True)
    cycles = CycleSerializer(many=True)
    day = DaySerializer()
