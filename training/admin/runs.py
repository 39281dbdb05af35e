"""Training runs: the same rows as on the Runs page, with the same actions."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from unfold.decorators import action, display

from accounts.admin_base import Question, ReadOnlyAdmin, say
from training import actions
from training.models import TrainingRun


@admin.register(TrainingRun)
class TrainingRunAdmin(ReadOnlyAdmin):
    """Start, cancel and retry ask first and go through the same actions as the API."""

    list_display = [
        "id", "state", "phase", "share", "attempt", "snapshot", "requested_by", "created_at", "ended_at",
    ]  # fmt: skip
    list_select_related = ["snapshot", "requested_by"]
    list_filter = ["state", "is_demo"]
    search_fields = ["=id", "job_name", "failure_reason"]
    date_hierarchy = "created_at"
    actions_list = ["start_run"]
    actions_detail = ["cancel_run", "retry_run"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[TrainingRun]:
        rows = super().get_queryset(request).select_related("snapshot", "requested_by")
        match = request.resolver_match
        return rows.defer("log_tail") if match and not match.kwargs else rows

    @display(description=say("Progress", "Avancement"))
    def share(self, run: TrainingRun) -> str:
        return "" if run.progress is None else f"{run.progress:.0%}"

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Only what can be done with the run as it stands; whoever comes late is told by the action itself."""
        run = TrainingRun.objects.filter(pk=object_id).first()
        able = {
            "cancel_run": run is not None and run.can_cancel,
            "retry_run": run is not None and run.can_retry,
        }
        offered = super().get_actions_detail(request, object_id)
        return [one for one in offered if any(able[n] for n in able if one.action_name.endswith(n))]

    @action(description=say("Train now", "Entraîner maintenant"), url_path="start")
    def start_run(self, request: HttpRequest) -> HttpResponse:
        reason = {"code": "asked_for", "params": {}}
        question = Question(
            title=say("Start a training now?", "Lancer un entraînement maintenant ?"),
            text=say(
                "It learns from all labels there are, and uses this machine's processors for some minutes.",
                "Il apprend de toutes les étiquettes et occupe les processeurs quelques minutes.",
            ),
            button=say("Train now", "Entraîner"),
            done=say("A training is planned.", "Un entraînement est prévu."),
            call=lambda: actions.run_start(reason=reason, requested_by=request.user),
        )
        return self.ask_once(request, question)

    @action(description=say("Cancel this run", "Annuler cet entraînement"), url_path="cancel")
    def cancel_run(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        question = Question(
            title=say("Cancel this run?", "Annuler cet entraînement ?"),
            text=say(
                "What it has learned so far is lost. The labels and the present model stay as they are.",
                "Ce qu'il a appris est perdu. Les étiquettes et le modèle actuel restent tels quels.",
            ),
            button=say("Cancel the run", "Annuler l'entraînement"),
            done=say("The run is being stopped.", "L'entraînement s'arrête."),
            call=lambda: actions.run_cancel(run_id=int(object_id)),
        )
        return self.ask(request, object_id, question)

    @action(description=say("Try again", "Réessayer"), url_path="retry")
    def retry_run(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        question = Question(
            title=say("Try this run again?", "Relancer cet entraînement ?"),
            text=say(
                "A new attempt starts on the same snapshot; the log of the last one is replaced.",
                "Un nouvel essai part du même instantané ; le journal du précédent est remplacé.",
            ),
            button=say("Try again", "Réessayer"),
            done=say("A new attempt is planned.", "Un nouvel essai est prévu."),
            call=lambda: actions.run_retry(run_id=int(object_id), requested_by=request.user),
        )
        return self.ask(request, object_id, question)
