"""The retrain policy, to edit; what it decided and was advised, to read."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from accounts.admin_base import AdminBase, ReadOnlyAdmin
from accounts.errors import Refused
from training import actions, selectors
from training.models import RetrainAdvice, RetrainDecision, RetrainPolicy


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
class RetrainPolicyAdmin(AdminBase):
    """The one row."""

    form = PolicyForm
    list_display = ["__str__", "is_active", "min_new_labels", "max_age_hours", "cron", "cooldown_minutes"]
    readonly_fields = ["updated_at"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[RetrainPolicy]:
        selectors.policy_current()  # the row is made the first time anybody looks
        return super().get_queryset(request)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """A list of one is no list: go to the row."""
        return HttpResponseRedirect(self.change_url(selectors.policy_current().pk))

    def save_model(self, request: HttpRequest, obj: RetrainPolicy, form: Any, change: bool) -> None:
        actions.policy_update(**{name: form.cleaned_data[name] for name in form.changed_data})


@admin.register(RetrainDecision)
class RetrainDecisionAdmin(ReadOnlyAdmin):
    """Why a training started, or did not."""

    list_display = ["code", "starts", "params", "run", "created_at"]
    list_select_related = ["run"]
    list_filter = ["starts", "code"]
    search_fields = ["code", "=run__id"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[RetrainDecision]:
        return super().get_queryset(request).select_related("run").defer("run__log_tail")


@admin.register(RetrainAdvice)
class RetrainAdviceAdmin(ReadOnlyAdmin):
    """What the layer that knows the pool advised."""

    list_display = ["code", "vetoes_training", "params", "created_at"]
    list_filter = ["code", "vetoes_training"]
    search_fields = ["code"]
