"""The gate's settings, to edit; verdicts and overrides, to read."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from unfold.decorators import display

from accounts.admin_base import AdminBase, ReadOnlyAdmin, say
from accounts.errors import Refused
from training import actions, selectors
from training.models import GateOverride, GateSettings, GateVerdict


class GateForm(forms.ModelForm):
    """Checks the settings as the API does."""

    class Meta:
        model = GateSettings
        fields = actions.GATE_FIELDS

    def _post_clean(self) -> None:
        super()._post_clean()
        if not self.errors:
            try:
                actions.gate_settings_check(self.instance)
            except Refused as error:
                self.add_error(error.params.get("field"), ValidationError(error.message))


@admin.register(GateSettings)
class GateSettingsAdmin(AdminBase):
    """The one row."""

    form = GateForm
    list_display = ["__str__", "min_accuracy", "min_recall", "min_coverage", "max_worse", "updated_by"]
    readonly_fields = ["updated_at", "updated_by"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[GateSettings]:
        selectors.gate_settings()  # the row is made the first time anybody looks
        return super().get_queryset(request).select_related("updated_by")

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """A list of one is no list: go to the row."""
        return HttpResponseRedirect(self.change_url(selectors.gate_settings().pk))

    def save_model(self, request: HttpRequest, obj: GateSettings, form: Any, change: bool) -> None:
        changes = {name: form.cleaned_data[name] for name in form.changed_data}
        actions.gate_settings_update(by=request.user, **changes)  # type: ignore[arg-type]


@admin.register(GateVerdict)
class GateVerdictAdmin(ReadOnlyAdmin):
    """What the gate said of each version, and when that changed."""

    list_display = ["id", "model_version", "passed", "codes", "production", "created_at"]
    list_select_related = ["model_version", "production"]
    list_filter = ["passed"]
    search_fields = ["=model_version__number"]

    @display(description=say("In the way", "Ce qui bloque"))
    def codes(self, verdict: GateVerdict) -> str:
        return ", ".join(verdict.stopping)


@admin.register(GateOverride)
class GateOverrideAdmin(ReadOnlyAdmin):
    """Who let a version go on against the gate, and why."""

    list_display = ["id", "version", "purpose", "by", "reason", "created_at"]
    list_select_related = ["verdict__model_version", "by"]
    list_filter = ["purpose"]
    search_fields = ["reason", "by__username", "=verdict__model_version__number"]

    @display(description=say("Version", "Version"))
    def version(self, override: GateOverride) -> str:
        return str(override.verdict.model_version)
