"""The dossier of a promotion over HTTP: one sheet, for whoever has to answer for it later."""

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.errors import Refused
from accounts.permissions import IsReviewer
from inference.api.drift import DriftReadingSerializer
from inference.api.observation import ObservationSerializer
from inference.api.watch import WatchSerializer
from inference.comparison.dossier import Dossier, dossier
from inference.models import PromotionState
from training.models import GateOverride, GateVerdict

NULL: dict[str, Any] = {"allow_null": True, "default": None}


class DossierReasonSerializer(serializers.Serializer):
    """What the gate said; ``stops``: it stood in the way."""

    code = serializers.CharField()
    params = serializers.DictField()
    stops = serializers.BooleanField()


class DossierGateSerializer(serializers.ModelSerializer):
    """The verdict, and what it was given on."""

    reasons = DossierReasonSerializer(many=True)
    limits = serializers.DictField(child=serializers.FloatField(allow_null=True))

    class Meta:
        model = GateVerdict
        fields = ["passed", "reasons", "limits", "fingerprint", "created_at"]


class DossierOverrideSerializer(serializers.ModelSerializer):
    """Who let it go on against the gate, and why."""

    by = serializers.CharField(source="by.username")
    codes = serializers.ListField(child=serializers.CharField())

    class Meta:
        model = GateOverride
        fields = ["by", "reason", "codes", "created_at"]


class DossierGroupSerializer(serializers.Serializer):
    """A group of services (``others``: those of none) with its own promise, and threshold where it is certified."""

    name = serializers.CharField()
    services = serializers.ListField(child=serializers.CharField())
    wanted = serializers.FloatField()
    threshold = serializers.FloatField(allow_null=True)


class DossierCertificateSerializer(serializers.Serializer):
    """The promise and the thresholds it routes by. ``is_spent``: it was asked at the promotion, and is in force."""

    state = serializers.CharField()
    is_spent = serializers.BooleanField()
    precision = serializers.FloatField()
    level = serializers.FloatField()
    threshold = serializers.FloatField(allow_null=True)
    gate = serializers.FloatField(source="certificate.gate", **NULL)
    outlier_weight = serializers.FloatField(source="certificate.outlier_weight")
    surest = serializers.FloatField(source="certificate.surest")
    coverage = serializers.FloatField(source="certificate.coverage", **NULL)
    recall = serializers.FloatField(source="certificate.recall", **NULL)
    groups = DossierGroupSerializer(source="certificate.groups", many=True)
    escalated = serializers.ListField(source="certificate.escalated", child=serializers.CharField())
    audit_labels = serializers.IntegerField()
    window_from = serializers.DateField(allow_null=True)
    window_to = serializers.DateField(allow_null=True)
    fingerprint = serializers.CharField()
    created_at = serializers.DateTimeField()


class DossierDataSerializer(serializers.Serializer):
    """What it learned from, and what it was measured on; null where there was none."""

    snapshot = serializers.CharField(source="snapshot.fingerprint", **NULL)
    rows = serializers.IntegerField(source="snapshot.rows", **NULL)
    services = serializers.DictField(source="snapshot.services", child=serializers.IntegerField(), **NULL)
    taken_at = serializers.DateTimeField(source="snapshot.created_at", **NULL)
    evaluation = serializers.CharField(source="evaluation.fingerprint", **NULL)
    controls = serializers.IntegerField(source="evaluation.n", **NULL)
    accuracy = serializers.FloatField(source="evaluation.accuracy", **NULL)
    macro_f1 = serializers.FloatField(source="evaluation.macro_f1", **NULL)


class DossierLineageSerializer(serializers.Serializer):
    """Which artifact it is, and how it was made."""

    manifest_hash = serializers.CharField(source="promotion.version.manifest_hash")
    artifact_uri = serializers.CharField(source="promotion.version.artifact_uri")
    encoder = serializers.CharField(source="promotion.version.encoder")
    made_at = serializers.DateTimeField(source="promotion.version.created_at")
    run = serializers.IntegerField(source="run.pk", **NULL)
    base_model = serializers.CharField(source="run.base_model", **NULL)
    hyperparameters = serializers.DictField(source="run.hyperparameters", **NULL)
    registry = serializers.CharField(source="registry.address", **NULL)


class DossierCostSerializer(serializers.Serializer):
    """The training's time and money; people's minutes are the observation's."""

    seconds = serializers.IntegerField(allow_null=True)
    billed_seconds = serializers.IntegerField()
    amount = serializers.FloatField(allow_null=True)


class DossierSerializer(serializers.Serializer):
    """Everything a promotion was decided on, as it stood at ``moment``, and what came of it (``watches``)."""

    id = serializers.IntegerField(source="promotion.pk")
    version = serializers.IntegerField(source="promotion.version.number")
    former = serializers.IntegerField(source="promotion.former.number", **NULL)
    state = serializers.ChoiceField(PromotionState.choices, source="promotion.state")
    why = serializers.CharField(source="promotion.why")
    trouble = serializers.CharField(source="promotion.trouble")
    requested_by = serializers.CharField(source="promotion.requested_by.username", **NULL)
    requested_at = serializers.DateTimeField(source="promotion.requested_at")
    rehearsed_at = serializers.DateTimeField(source="promotion.rehearsed_at", allow_null=True)
    approved_by = serializers.CharField(source="promotion.approved_by.username", **NULL)
    approved_at = serializers.DateTimeField(source="promotion.approved_at", allow_null=True)
    was_four_eyes = serializers.BooleanField(source="promotion.was_four_eyes", allow_null=True)
    canary_share = serializers.FloatField(source="promotion.canary_share", allow_null=True)
    canary_passed_at = serializers.DateTimeField(source="promotion.canary_passed_at", allow_null=True)
    ended_at = serializers.DateTimeField(source="promotion.ended_at", allow_null=True)
    moment = serializers.DateTimeField()
    gate = DossierGateSerializer(source="verdict", allow_null=True)
    override = DossierOverrideSerializer(allow_null=True)
    certificate = DossierCertificateSerializer(allow_null=True)
    observation = ObservationSerializer(source="promotion.observation")
    data = serializers.SerializerMethodField()
    lineage = serializers.SerializerMethodField()
    drift = DriftReadingSerializer(many=True)
    cost = DossierCostSerializer()
    watches = WatchSerializer(many=True)

    @extend_schema_field(DossierDataSerializer())
    def get_data(self, found: Dossier) -> Any:
        return DossierDataSerializer(found).data

    @extend_schema_field(DossierLineageSerializer())
    def get_lineage(self, found: Dossier) -> Any:
        return DossierLineageSerializer(found).data


class DossierView(APIView):
    """What a promotion was decided on."""

    permission_classes = [IsReviewer]

    @extend_schema(operation_id="promotion_dossier", responses=DossierSerializer)
    def get(self, request: Request, pk: int) -> Response:
        found = dossier(pk)
        if found is None:
            raise Refused("not_found", "There is no such promotion.", status=404)
        return Response(DossierSerializer(found).data)
