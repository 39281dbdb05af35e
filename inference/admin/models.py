"""Embedding spaces, transforms and deployments in the Django admin: to look at, and to go back to a former space.

Vectors and predictions are not listed: there is one a ticket, and nothing to edit.
"""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from unfold.decorators import action, display

from accounts.admin_base import Question, ReadOnlyAdmin, say
from inference import actions
from inference.models import Deployment, DriftReading, Encoder, LearnerHead, TransformRun


@admin.register(Encoder)
class EncoderAdmin(ReadOnlyAdmin):
    """Embedding spaces. One is current; the one before it keeps its vectors, to go back to."""

    list_display = ["fingerprint", "dim", "model_version", "is_current", "is_indexed", "created_at"]
    list_select_related = ["model_version"]
    list_filter = ["is_current", "is_indexed"]
    search_fields = ["fingerprint"]
    readonly_fields = ["vectors"]
    actions_detail = ["make_current"]

    @display(description=say("Vectors", "Vecteurs"))
    def vectors(self, encoder: Encoder) -> int:
        """How many tickets have theirs: counted for the one space that is looked at."""
        return encoder.embeddings.filter(vector__isnull=False).count()

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """The current space needs no button to become it."""
        if Encoder.objects.filter(pk=object_id, is_current=True).exists():
            return []
        return super().get_actions_detail(request, object_id)

    @action(description=say("Make current", "Rendre courant"), url_path="make-current")
    def make_current(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        question = Question(
            title=say("Rank and search in this space from now on?", "Classer et chercher dans cet espace ?"),
            text=say(
                "The learner is fitted anew and the queue gets another order. You can come back the same way.",
                "L'apprenant est réajusté et la file change d'ordre. Vous pourrez revenir de la même façon.",
            ),
            button=say("Make current", "Rendre courant"),
            done=say("This space is current; the queue is ranked anew.", "Cet espace est courant."),
            call=lambda: actions.encoder_promote(
                model_version=Encoder.objects.select_related("model_version").get(pk=object_id).model_version
            ),
        )
        return self.ask(request, object_id, question)


@admin.register(LearnerHead)
class LearnerHeadAdmin(ReadOnlyAdmin):
    """The learner's newest head of each space."""

    list_display = ["encoder", "labels_used", "last_annotation_id", "seconds", "updated_at"]
    list_select_related = ["encoder"]
    search_fields = ["encoder__fingerprint"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[LearnerHead]:
        return super().get_queryset(request).select_related("encoder").defer("weights")


@admin.register(TransformRun)
class TransformRunAdmin(ReadOnlyAdmin):
    """Passes of a version over tickets. They plan and repeat themselves."""

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
        "id", "role", "model_version", "endpoint_name", "state", "started_by", "started_at", "ended_at",
    ]  # fmt: skip
    list_select_related = ["model_version", "started_by"]
    list_filter = ["role", "state"]
    search_fields = ["endpoint_name", "reason"]
    date_hierarchy = "started_at"


@admin.register(DriftReading)
class DriftReadingAdmin(ReadOnlyAdmin):
    """What each check of drift found; alarms first by the filter."""

    list_display = ["read_at", "kind", "code", "service", "value", "reference", "p", "n", "is_alarm", "hold"]
    list_select_related = ["service", "hold__service"]
    list_filter = ["is_alarm", "kind"]
    search_fields = ["code", "service__name", "service__code"]
    date_hierarchy = "read_at"
