"""Runs, versions, snapshots and the retrain policy in the Django admin: to look at, and the policy to edit."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from unfold.admin import ModelAdmin
from unfold.decorators import action

from accounts.errors import Refused
from training import actions, selectors
from training.models import (
    DatasetSnapshot,
    Evaluation,
    ModelVersion,
    RetrainAdvice,
    RetrainDecision,
    RetrainPolicy,
    TrainingRun,
)


class ReadOnlyAdmin(ModelAdmin):
    """Rows that only the system writes."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(TrainingRun)
class TrainingRunAdmin(ReadOnlyAdmin):
    """The same rows as on the Runs page; cancel and retry go through the same actions."""

    list_display = [
        "id",
        "state",
        "phase",
        "progress",
        "attempt",
        "snapshot",
        "requested_by",
        "created_at",
        "ended_at",
    ]
    list_select_related = ["snapshot", "requested_by"]
    list_filter = ["state", "is_demo"]
    search_fields = ["=id", "job_name", "failure_reason"]
    date_hierarchy = "created_at"
    actions_detail = ["cancel_run", "retry_run"]

    def _do(self, request: HttpRequest, object_id: int, done: str, call: Any) -> HttpResponseRedirect:
        try:
            call(run_id=object_id)
            messages.success(request, done)
        except Refused as error:
            messages.error(request, error.message)
        return HttpResponseRedirect(reverse("admin:training_trainingrun_change", args=[object_id]))

    @action(
        description="Cancel this run",
        url_path="cancel",
        attrs={"onclick": "return confirm('Cancel this run?')"},
    )
    def cancel_run(self, request: HttpRequest, object_id: int) -> HttpResponseRedirect:
        return self._do(request, object_id, "The run is being stopped.", actions.run_cancel)

    @action(
        description="Try again", url_path="retry", attrs={"onclick": "return confirm('Start a new attempt?')"}
    )
    def retry_run(self, request: HttpRequest, object_id: int) -> HttpResponseRedirect:
        return self._do(request, object_id, "A new attempt is planned.", actions.run_retry)


@admin.register(ModelVersion)
class ModelVersionAdmin(ReadOnlyAdmin):
    """Immutable."""

    list_display = ["number", "kind", "encoder", "dim", "run", "accuracy", "created_at"]
    list_select_related = ["run"]
    list_filter = ["kind", "is_demo"]
    search_fields = ["=number", "encoder", "manifest_hash"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ModelVersion]:
        return super().get_queryset(request).prefetch_related("evaluations")

    @admin.display(description="Accuracy on audit labels")
    def accuracy(self, version: ModelVersion) -> str:
        newest = next(iter(version.evaluations.all()), None)
        return (
            f"{newest.accuracy:.1%} of {newest.n}"
            if newest and newest.accuracy is not None
            else "not measured"
        )


@admin.register(Evaluation)
class EvaluationAdmin(ReadOnlyAdmin):
    """Immutable."""

    list_display = ["model_version", "data", "n", "accuracy", "macro_f1", "created_at"]
    list_select_related = ["model_version"]
    list_filter = ["data"]
    search_fields = ["=model_version__number", "fingerprint"]


@admin.register(DatasetSnapshot)
class DatasetSnapshotAdmin(ReadOnlyAdmin):
    """Immutable."""

    list_display = ["fingerprint", "rows", "created_at"]
    search_fields = ["fingerprint"]
    list_filter = ["is_demo"]


class PolicyForm(forms.ModelForm):
    """Checks the policy as the API does."""

    class Meta:
        model = RetrainPolicy
        fields = actions.POLICY_FIELDS

    def _post_clean(self) -> None:
        super()._post_clean()
        if not self.errors:
            try:
                actions.policy_check_fields(self.instance)
            except Refused as error:
                self.add_error(error.params.get("field", "cron"), ValidationError(error.message))


@admin.register(RetrainPolicy)
class RetrainPolicyAdmin(ModelAdmin):
    """The one row."""

    form = PolicyForm
    list_display = ["__str__", "is_active", "min_new_labels", "max_age_hours", "cron", "cooldown_minutes"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[RetrainPolicy]:
        selectors.policy_current()  # the row is made the first time anybody looks
        return super().get_queryset(request)


@admin.register(RetrainDecision)
class RetrainDecisionAdmin(ReadOnlyAdmin):
    """Why a training started, or did not."""

    list_display = ["code", "starts", "params", "run", "created_at"]
    list_select_related = ["run"]
    list_filter = ["starts", "code"]


@admin.register(RetrainAdvice)
class RetrainAdviceAdmin(ReadOnlyAdmin):
    """What the layer that knows the pool advised."""

    list_display = ["code", "vetoes_training", "params", "created_at"]
    list_filter = ["code", "vetoes_training"]
