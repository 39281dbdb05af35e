"""Snapshots, model versions, test sets and evaluations: immutable, to read."""

from django.contrib import admin
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest
from unfold.decorators import display

from accounts.admin_base import ReadOnlyAdmin, say
from training.models import DatasetSnapshot, Evaluation, ModelVersion, RegistryEntry, TestSet


@admin.register(ModelVersion)
class ModelVersionAdmin(ReadOnlyAdmin):
    """What a training produced, or the base model wrapped as an artifact."""

    list_display = ["number", "kind", "encoder", "dim", "run", "accuracy", "created_at"]
    list_select_related = ["run"]
    list_filter = ["kind", "is_demo"]
    search_fields = ["=number", "encoder", "manifest_hash"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ModelVersion]:
        rows = super().get_queryset(request).select_related("run").defer("run__log_tail")
        light = Evaluation.objects.filter(data="audit").defer("metrics")
        return rows.prefetch_related(Prefetch("evaluations", queryset=light))

    @display(description=say("Accuracy on audit labels", "Exactitude sur étiquettes d'audit"))
    def accuracy(self, version: ModelVersion) -> str:
        newest = next(iter(version.evaluations.all()), None)
        if newest is None or newest.accuracy is None:
            return str(say("not measured", "non mesurée"))
        return f"{newest.accuracy:.1%} ({newest.n})"


@admin.register(Evaluation)
class EvaluationAdmin(ReadOnlyAdmin):
    """What was measured about a version on labels that never trained it."""

    list_display = ["id", "model_version", "data", "test_set", "n", "accuracy", "macro_f1", "created_at"]
    list_select_related = ["model_version", "test_set"]
    list_filter = ["data"]
    search_fields = ["=model_version__number", "fingerprint"]


@admin.register(TestSet)
class TestSetAdmin(ReadOnlyAdmin):
    """Labelled texts that people uploaded to measure versions on."""

    list_display = ["name", "rows", "rejected", "taught", "uploaded_by", "created_at"]
    list_select_related = ["uploaded_by"]
    search_fields = ["name", "fingerprint"]


@admin.register(RegistryEntry)
class RegistryEntryAdmin(ReadOnlyAdmin):
    """Versions in the account's model registry, and what was decided about them."""

    list_display = ["model_version", "approval", "told", "status", "decided_by", "decided_at", "problem"]
    list_select_related = ["model_version", "decided_by"]
    list_filter = ["approval"]
    search_fields = ["=model_version__number", "address"]


@admin.register(DatasetSnapshot)
class DatasetSnapshotAdmin(ReadOnlyAdmin):
    """Exactly what a model was trained on."""

    list_display = ["fingerprint", "rows", "created_at"]
    search_fields = ["fingerprint"]
    list_filter = ["is_demo"]
