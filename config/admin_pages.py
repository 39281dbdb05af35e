"""The admin's navigation, grouped by what an admin runs, and its first page: what needs me?

Named as dotted paths in ``settings.UNFOLD``, so nothing here is loaded before the apps are.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Count, Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from accounts.admin_base import say
from accounts.models import Invitation, User
from annotation import selectors as annotation
from annotation.models import ImportRun, ImportState, QueueItem, Service, Ticket
from inference import selectors as inference
from inference.models import TransformRun
from training import selectors as training
from training.models import RunState

LATELY = timedelta(days=7)
BAD_ENDS = (RunState.FAILED, RunState.TIMED_OUT)

# group -> (title, icon, model as app_model)
_MENU: list[tuple[Any, list[tuple[Any, str, str]]]] = [
    (say("Services and tickets", "Services et tickets"), [
        (say("Services", "Services"), "category", "annotation_service"),
        (say("Tickets", "Tickets"), "confirmation_number", "annotation_ticket"),
        (say("Decisions", "Décisions"), "rule", "annotation_annotation"),
        (say("Queue and leases", "File et baux"), "queue", "annotation_queueitem"),
        (say("Imports", "Imports"), "upload_file", "annotation_importrun"),
    ]),
    (say("People", "Personnes"), [
        (say("People and roles", "Personnes et rôles"), "group", "accounts_user"),
        (say("Invitations", "Invitations"), "mail", "accounts_invitation"),
        (say("API tokens", "Jetons d'API"), "key", "accounts_apitoken"),
    ]),
    (say("Training", "Entraînement"), [
        (say("Retrain policy", "Règle d'entraînement"), "tune", "training_retrainpolicy"),
        (say("Runs", "Entraînements"), "model_training", "training_trainingrun"),
        (say("Policy decisions", "Décisions de la règle"), "history", "training_retraindecision"),
        (say("Advice", "Conseils"), "lightbulb", "training_retrainadvice"),
        (say("Snapshots", "Instantanés"), "dataset", "training_datasetsnapshot"),
    ]),
    (say("Models", "Modèles"), [
        (say("Model versions", "Versions"), "deployed_code", "training_modelversion"),
        (say("Evaluations", "Évaluations"), "verified", "training_evaluation"),
        (say("Test sets", "Jeux de test"), "science", "training_testset"),
        (say("Certificates", "Certificats"), "workspace_premium", "training_precisioncertificate"),
        (say("Gate settings", "Réglages du portail"), "rule_settings", "training_gatesettings"),
        (say("Verdicts", "Verdicts"), "gavel", "training_gateverdict"),
        (say("Overrides", "Dérogations"), "approval_delegation", "training_gateoverride"),
        (say("Model registry", "Registre de modèles"), "inventory_2", "training_registryentry"),
        (say("Deployments", "Déploiements"), "rocket_launch", "inference_deployment"),
        (say("Transforms", "Passages sur les tickets"), "conversion_path", "inference_transformrun"),
        (say("Embedding spaces", "Espaces vectoriels"), "scatter_plot", "inference_encoder"),
        (say("Learner heads", "Têtes de l'apprenant"), "psychology", "inference_learnerhead"),
        (say("Drift", "Dérive"), "trending_up", "inference_driftreading"),
        (say("Rankings", "Classements"), "format_list_numbered", "annotation_scoregeneration"),
    ]),
    (say("Live routing", "Routage en direct"), [
        (say("Decisions", "Décisions"), "alt_route", "inference_routingdecision"),
        (say("Customers waiting", "Clients en attente"), "support_agent", "inference_escalation"),
        (say("Outcomes", "Issues"), "flag_circle", "inference_outcome"),
        (say("Baseline", "Référence"), "balance", "inference_routingsettings"),
        (say("Keyword rules", "Règles par mots-clés"), "rule", "inference_keywordrule"),
        (say("Holds", "Retenues"), "front_hand", "inference_routinghold"),
        (say("Watches", "Surveillance"), "visibility_lock", "inference_watch"),
        (say("Alarms", "Alertes"), "notifications", "inference_alarm"),
        (say("How closely it is watched", "Réglages de la surveillance"), "tune", "inference_watchsettings"),
    ]),
    (say("Comparison", "Comparaison"), [
        (say("Observations", "Observations"), "visibility", "inference_observation"),
        (say("Judgements", "Jugements"), "gavel", "inference_judgement"),
        (say("Promotions", "Mises en production"), "upgrade", "inference_promotion"),
        (say("History", "Historique"), "history", "inference_historyentry"),
        (say("Four eyes", "Quatre yeux"), "supervisor_account", "inference_promotionsettings"),
    ]),
    (say("Schedules", "Horaires"), [
        (say("Tasks", "Tâches"), "schedule", "django_celery_beat_periodictask"),
        (say("At given times", "À heures fixes"), "calendar_clock", "django_celery_beat_crontabschedule"),
        (say("Every so often", "À intervalles"), "repeat", "django_celery_beat_intervalschedule"),
    ]),
]  # fmt: skip


def _list(name: str, query: str = "") -> str:
    return reverse(f"admin:{name}_changelist") + (f"?{query}" if query else "")


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """The side bar."""
    home = {"title": str(say("What needs me?", "Qu'est-ce qui m'attend ?")), "icon": "notifications"}
    groups: list[dict[str, Any]] = [{"items": [{**home, "link": reverse("admin:index")}]}]
    for title, items in _MENU:
        links = [{"title": str(name), "icon": icon, "link": _list(model)} for name, icon, model in items]
        groups.append({"title": str(title), "separator": True, "items": links})
    return groups


@dataclass(frozen=True)
class Need:
    """Something that waits for an admin: how many, what to do, where."""

    count: int
    text: Any
    link: str


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add what waits for an admin, most pressing first, and the house in figures."""
    needs = [*_of_training(), *_of_tickets(), *_of_services(), *_of_people(), *_of_schedules()]
    context.update(
        title=say("What needs me?", "Qu'est-ce qui m'attend ?"),
        needs=[need for need in needs if need.count],
        nothing=say("Nothing waits for you.", "Rien ne vous attend."),
        figures=_figures(),
    )
    return context


def _of_training() -> list[Need]:
    last, decision = training.last_run(), training.last_decision()
    failed = last is not None and last.state in BAD_ENDS
    waits = decision is not None and decision.code == "waiting_for_a_person"
    transforms = TransformRun.objects.filter(state__in=BAD_ENDS, created_at__gt=timezone.now() - LATELY)
    return [
        Need(
            int(failed),
            say(
                "The last training failed: read why, then try again.",
                "Le dernier entraînement a échoué : lisez pourquoi, puis relancez.",
            ),
            reverse("admin:training_trainingrun_change", args=[last.pk]) if last else "",
        ),
        Need(
            int(waits),
            say(
                "Too many trainings failed in a row: the policy waits for a person.",
                "Trop d'échecs de suite : la règle attend une personne.",
            ),
            _list("training_retraindecision"),
        ),
        Need(
            transforms.count(),
            say(
                "passes over the tickets failed this week",
                "passages sur les tickets ont échoué cette semaine",
            ),
            _list("inference_transformrun", "state__exact=failed"),
        ),
    ]


def _of_tickets() -> list[Need]:
    waiting = annotation.attention()
    imports = ImportRun.objects.filter(state=ImportState.FAILED, created_at__gt=timezone.now() - LATELY)
    return [
        Need(
            waiting["flagged"],
            say("flagged tickets wait for a lead", "tickets signalés attendent un responsable"),
            _list("annotation_ticket", "status__exact=flagged"),
        ),
        Need(
            waiting["set_aside"],
            say("tickets set aside fit no service, or two", "tickets de côté : aucun service, ou deux"),
            _list("annotation_ticket", "status__exact=set_aside"),
        ),
        Need(
            imports.count(),
            say("imports failed this week", "imports ont échoué cette semaine"),
            _list("annotation_importrun", "state__exact=failed"),
        ),
    ]


def _of_services() -> list[Need]:
    active = Service.objects.filter(is_active=True)
    unlabelled = active.annotate(n=Count("tickets")).filter(n=0).count()
    return [
        Need(
            active.filter(guideline="").count(),
            say("services have no guideline", "services n'ont pas de consigne"),
            _list("annotation_service", "is_active__exact=1&guideline__isempty=1"),
        ),
        Need(
            unlabelled,
            say("services have no label yet", "services n'ont pas encore d'étiquette"),
            _list("annotation_service", "is_active__exact=1"),
        ),
    ]


def _of_people() -> list[Need]:
    lapsed = Invitation.objects.filter(
        accepted_at=None, revoked_at=None, expires_at__range=(timezone.now() - LATELY, timezone.now())
    )
    return [
        Need(
            lapsed.count(),
            say("invitations ran out unused this week", "invitations ont expiré cette semaine"),
            _list("accounts_invitation", "accepted_at__isempty=1"),
        )
    ]


def _of_schedules() -> list[Need]:
    return [
        Need(
            PeriodicTask.objects.filter(enabled=False).count(),
            say("schedules are switched off", "horaires sont désactivés"),
            _list("django_celery_beat_periodictask", "enabled__exact=0"),
        )
    ]


def _figures() -> list[tuple[Any, Any, str]]:
    """(name, figure, link) of the house as it stands."""
    tickets = Ticket.objects.aggregate(n=Count("id"), labelled=Count("id", filter=Q(status="labelled")))
    held = QueueItem.objects.filter(leased_until__gt=timezone.now()).count()
    model, assistant = training.current_model(), inference.assistant()
    evaluation = training.latest_evaluation(model) if model else None
    accuracy = f"{evaluation.accuracy:.1%}" if evaluation and evaluation.accuracy is not None else "–"
    return [
        (say("Tickets", "Tickets"), tickets["n"], _list("annotation_ticket")),
        (
            say("Labelled", "Étiquetés"),
            tickets["labelled"],
            _list("annotation_ticket", "status__exact=labelled"),
        ),
        (say("In somebody's hands", "En main"), held, _list("annotation_queueitem", "held=yes")),
        (
            say("Active people", "Personnes actives"),
            User.objects.filter(is_active=True).exclude(role="machine").count(),
            _list("accounts_user", "is_active__exact=1"),
        ),
        (
            say("Model version", "Version du modèle"),
            model.number if model else "–",
            _list("training_modelversion"),
        ),
        (say("Accuracy on audit labels", "Exactitude (audit)"), accuracy, _list("training_evaluation")),
        (
            say("Assistant", "Assistant"),
            assistant.state.replace("_", " ") if assistant else "–",
            _list("inference_deployment", "role__exact=assistant"),
        ),
    ]
