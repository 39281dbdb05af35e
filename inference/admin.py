"""Embedding spaces, transforms and deployments in the Django admin: to look at, and to go back to a former space.

Vectors and predictions are not listed: there is one a ticket, and nothing to edit.
"""

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from unfold.admin import ModelAdmin
from unfold.decorators import action, display

from accounts.errors import Refused
from inference import actions
from inference.models import Deployment, Encoder, TransformRun


class ReadOnlyAdmin(ModelAdmin):
    """Rows that only the system writes."""

    list_per_page = 50
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Encoder)
class EncoderAdmin(ReadOnlyAdmin):
    """Embedding spaces. One is current; the one before it keeps its vectors, to go back to."""

    list_display = ["fingerprint", "dim", "model_version", "is_current", "is_indexed", "created_at"]
    list_select_related = ["model_version"]
    list_filter = ["is_current", "is_indexed"]
    search_fields = ["fingerprint"]
    readonly_fields = ["vectors"]
    actions_detail = ["make_current"]

    @display(description="Vectors")
    def vectors(self, encoder: Encoder) -> int:
        """How many tickets have theirs: counted for the one space that is looked at."""
        return encoder.embeddings.filter(vector__isnull=False).count()

    @action(
        description="Make current",
        url_path="make-current",
        attrs={"onclick": "return confirm('Rank and search in this space from now on?')"},
    )
    def make_current(self, request: HttpRequest, object_id: int) -> HttpResponseRedirect:
        encoder = Encoder.objects.select_related("model_version").get(pk=object_id)
        try:
            actions.encoder_promote(model_version=encoder.model_version)
            messages.success(request, "This space is current; the queue is ranked anew.")
        except Refused as error:
            messages.error(request, error.message)
        return HttpResponseRedirect(reverse("admin:inference_encoder_change", args=[object_id]))


@admin.register(TransformRun)
class TransformRunAdmin(ReadOnlyAdmin):
    """Passes of a version over tickets."""

    list_display = [
        "id", "model_version", "purpose", "state", "sub_state", "attempt", "tickets", "processed", "loaded",
        "rejected", "created_at", "ended_at",
    ]  # fmt: skip
    list_select_related = ["model_version"]
    list_filter = ["state", "purpose"]
    search_fields = ["=id", "job_name", "failure_reason"]
    date_hierarchy = "created_at"


@admin.register(Deployment)
class DeploymentAdmin(ReadOnlyAdmin):
    """Which version answers where, since when."""

    list_display = [
        "id",
        "role",
        "model_version",
        "endpoint_name",
        "state",
        "started_by",
        "started_at",
        "ended_at",
    ]
    list_select_related = ["model_version", "started_by"]
    list_filter = ["role", "state"]
    search_fields = ["endpoint_name", "reason"]
    date_hierarchy = "started_at"
