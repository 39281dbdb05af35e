"""The improvement loop as it stands now, for the Loop page and Home. Reads only; every figure from the rows.

Boxes: label → train → evaluate → observe → compare → promote, each with a state, a count, since when, progress
while at work, and what moves it next (a code the page puts into words).
"""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from annotation import selectors as annotation
from annotation.models import Annotation, Ticket
from inference import selectors
from inference.comparison import current, pairs
from inference.models import (
    Deployment,
    Encoder,
    LearnerHead,
    Observation,
    ObservationState,
    PromotionState,
    TransformPurpose,
    TransformRun,
)
from inference.routing import inbox
from inference.watch import watched
from training import selectors as training
from training.models import Evaluation, ModelVersion, RunState, TrainingRun

LATELY = timedelta(minutes=10)
Box = dict[str, Any]


@dataclass(frozen=True)
class World:
    """Everything the picture needs, read once."""

    counts: training.LabelCounts
    run: TrainingRun | None
    last_run: TrainingRun | None
    model: ModelVersion | None
    evaluation: Evaluation | None
    encoder: Encoder | None
    head: LearnerHead | None
    transforms: list[TransformRun]


def _read() -> World:
    model, encoder = training.current_model(), selectors.current_encoder()
    return World(
        counts=training.label_counts(),
        run=training.live_run(),
        last_run=training.last_run(),
        model=model,
        evaluation=training.latest_evaluation(model) if model else None,
        encoder=encoder,
        head=selectors.head_of(encoder) if encoder else None,
        transforms=list(selectors.live_transforms().select_related("model_version")),
    )


def loop() -> dict[str, Any]:
    """The picture (shape: ``inference.api.serializers.LoopSerializer``)."""
    world = _read()
    return {
        "boxes": [_label(world), _train(world), _evaluate(world), *_later()],
        "active": _active(world),
        "labels": {"since_last": world.counts.since_last, "needed": world.counts.needed},
        "learner": _learner(world),
        "embedding": asdict(selectors.coverage(world.encoder)),
        "model": _model(world),
        "run": _run(world.run),
        "advice": training.last_advice(),
    }


def _box(
    key: str,
    state: str,
    *,
    count: int | None = None,
    since: datetime | None = None,
    progress: tuple[int, int, str] | None = None,
    following: tuple[str, dict[str, Any]] | None = None,
    link: str | None = None,
) -> Box:
    done = dict(zip(("done", "total", "unit"), progress, strict=True)) if progress else None
    code = {"code": following[0], "params": following[1]} if following else None
    return {
        "key": key, "state": state, "count": count, "since": since, "progress": done, "next": code, "link": link
    }  # fmt: skip


def _label(world: World) -> Box:
    counts = world.counts
    newest = Annotation.objects.order_by("-pk").values_list("created_at", flat=True).first()
    if not annotation.services_active().exists():
        state, following = "blocked", ("no_services", {})
    elif not Ticket.objects.exists():
        state, following = "blocked", ("no_tickets", {})
    else:
        lately = newest is not None and newest > timezone.now() - LATELY
        state = "done" if counts.since_last >= counts.needed else "active" if lately else "waiting"
        missing = max(0, counts.needed - counts.since_last)
        following = (
            "labels_missing",
            {"missing": missing, "have": counts.since_last, "needed": counts.needed},
        )
    progress = (min(counts.since_last, counts.needed), counts.needed, "labels")
    link = {"no_services": "/services", "no_tickets": "/import"}.get(following[0], "/teach")
    return _box(
        "label", state, count=counts.total, since=newest, progress=progress, following=following, link=link
    )


def _train(world: World) -> Box:
    done = ModelVersion.objects.filter(kind="classifier").count()
    if world.run is not None:
        progress = (round(100 * (world.run.progress or 0.0)), 100, "percent")
        started = world.run.started_at or world.run.created_at
        following = ("training", {"phase": world.run.phase, "state": world.run.state})
        link = f"/runs/{world.run.pk}"
        return _box(
            "train", "active", count=done, since=started, progress=progress, following=following, link=link
        )
    decision = training.last_decision()
    said = (decision.code, decision.params) if decision else ("counting", {})
    last = world.last_run
    if last is not None and last.state in (RunState.FAILED, RunState.TIMED_OUT):
        failed = ("run_failed", {"id": last.pk, "reason": last.failure_reason[:300], **_then(said)})
        return _box(
            "train", "blocked", count=done, since=last.ended_at, following=failed, link=f"/runs/{last.pk}"
        )
    state = "blocked" if said[0] == "waiting_for_a_person" else "done" if done else "waiting"
    return _box(
        "train", state, count=done, since=last.ended_at if last else None, following=said, link="/runs"
    )


def _then(said: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    """What the policy says on top: a failed run does not stop it from trying again."""
    return {"then": said[0], "then_params": said[1]}


def _evaluate(world: World) -> Box:
    live = [run for run in world.transforms if world.model and run.model_version_id == world.model.pk]
    n = world.evaluation.n if world.evaluation else None
    if world.model is None:
        return _box("evaluate", "idle", following=("no_model", {}), link="/models")
    link = f"/models/{world.model.number}"
    if live:
        run = live[0]
        code = "embedding_pool" if run.purpose == TransformPurpose.POOL else "scoring_audit"
        progress = (max(run.processed, run.loaded), run.tickets, "tickets")
        return _box(
            "evaluate",
            "active",
            count=n,
            since=run.created_at,
            progress=progress,
            following=(code, {}),
            link=link,
        )
    if world.evaluation is None:
        state, following = "waiting", ("no_audit_labels", {})
        if selectors.audit_labelled().exists():
            following = ("evaluation_due", {})
        return _box("evaluate", state, count=0, since=world.model.created_at, following=following, link=link)
    ece = world.evaluation.metrics.get("ece")
    following = ("evaluated", {"accuracy": world.evaluation.accuracy, "n": n, "ece": ece})
    return _box(
        "evaluate", "done", count=n, since=world.evaluation.created_at, following=following, link=link
    )


def _later() -> list[Box]:
    """The half of the loop that lives on live traffic; each box says what it needs to come into use."""
    observed, production = current.observation(), selectors.production()
    if observed is None:
        boxes = [
            _box("observe", "idle", following=("needs_observer", {}), link="/observation"),
            _box("compare", "idle", following=("needs_comparison", {}), link="/observation"),
        ]
    else:
        boxes = [_observe(observed), _compare(observed)]
    return [*boxes, _promote(production)]


def _observe(observed: Observation) -> Box:
    count = pairs.compared(observed).count()
    following = ("observing", {"version": observed.candidate.number})
    return _box(
        "observe", "active", count=count, since=observed.started_at, following=following, link="/observation"
    )


def _compare(observed: Observation) -> Box:
    due = pairs.due_counts(observed)
    judged, total = (due[f"disagreements{which}"] + due[f"agreements{which}"] for which in ("_judged", ""))
    more = observed.verdict.get("more")
    if observed.state != ObservationState.RUNNING:
        state, following = "done", (f"verdict_{observed.state}", {})
    elif judged < total:
        state = "waiting"
        following = (
            ("judgements_wait", {"missing": total - judged})
            if more is None
            else ("judgements_more", {"missing": more})
        )
    else:
        state, following = "waiting", ("pairs_wait", {})
    progress = (judged, total, "tickets") if total else None
    link = "/judge" if judged < total else "/observation"
    since = observed.decided_at or observed.started_at
    return _box(
        "compare", state, count=judged, since=since, progress=progress, following=following, link=link
    )


def _promote(production: Deployment | None) -> Box:
    promotion = current.promotion()
    if promotion is not None:
        state = "waiting" if promotion.state == PromotionState.READY else "active"
        following = (f"promotion_{promotion.state}", {"version": promotion.version.number})
        return _box("promote", state, since=promotion.requested_at, following=following, link="/observation")
    if production is None:
        return _box("promote", "idle", following=("needs_promotion", {}), link="/observation")
    following = ("routing_version", {"version": production.model_version.number})
    return _box("promote", "done", since=production.started_at, following=following, link="/observation")


def _active(world: World) -> str | None:
    """The arrow at work, if any."""
    if world.run is not None:
        return "label>train"
    for run in world.transforms:
        if world.model is not None and run.model_version_id == world.model.pk:
            return "evaluate>label" if run.purpose == TransformPurpose.POOL else "train>evaluate"
    return None


def _learner(world: World) -> dict[str, Any] | None:
    head, scored = world.head, annotation.current_generation()
    if head is None:
        return None
    return {
        "generation": scored.pk if scored else None,
        "labels_used": head.labels_used,
        "labels_total": world.counts.total,
        "refit_seconds": head.seconds,
        "refitted_at": head.updated_at,
        "behind": Annotation.objects.filter(pk__gt=head.last_annotation_id).count(),
    }


def _model(world: World) -> dict[str, Any] | None:
    if world.model is None:
        return None
    return {
        "version": world.model.number,
        "accuracy": world.evaluation.accuracy if world.evaluation else None,
        "n_audit": world.evaluation.n if world.evaluation else None,
        "trained_at": world.model.created_at,
    }


def _run(run: TrainingRun | None) -> dict[str, Any] | None:
    if run is None:
        return None
    return {"id": run.pk, "state": run.state, "phase": run.phase, "progress": run.progress}


def needs(*, is_lead: bool, is_reviewer: bool = False) -> list[dict[str, Any]]:
    """What waits for a person, most pressing first: (code, params, link)."""
    found: list[tuple[str, dict[str, Any], str]] = []
    if is_lead and not annotation.services_active().exists():
        found.append(("no_services", {}, "/services"))
    if is_lead and not Ticket.objects.exists():
        found.append(("no_tickets", {}, "/import"))
    last = training.last_run()
    if is_lead and last is not None and last.state in (RunState.FAILED, RunState.TIMED_OUT):
        found.append(("run_failed", {"id": last.pk}, f"/runs/{last.pk}"))
    counts = training.label_counts()
    if counts.total > 1 and len(counts.per_service) == 1:
        found.append(("one_label_only", {}, "/teach"))
    if waiting := inbox.waiting_count():
        found.insert(0, ("waiting", {"count": waiting}, "/waiting"))
    found[:0] = _alarms() if is_lead else []
    observed, promotion = current.observation(), current.promotion()
    if is_lead and promotion is not None and promotion.state == PromotionState.READY:
        found.append(("promotion", {"version": promotion.version.number}, "/observation"))
    if is_reviewer and observed is not None and (pending := pairs.pending_count(observed)):
        found.append(("judge", {"count": pending}, "/judge"))
    left, attention = annotation.tickets_left(), annotation.attention()
    if left["teach"]:
        found.append(("teach", {"count": left["teach"]}, "/teach"))
    if left["check"]:
        found.append(("check", {"count": left["check"]}, "/check"))
    if is_lead and attention["flagged"]:
        found.append(("flagged", {"count": attention["flagged"]}, "/tickets?status=flagged"))
    if is_lead and attention["set_aside"]:
        found.append(("set_aside", {"count": attention["set_aside"]}, "/tickets?status=set_aside"))
    return [{"code": code, "params": params, "link": link} for code, params, link in found]


def _alarms() -> list[tuple[str, dict[str, Any], str]]:
    """What a watch over production did, until a lead has read it."""
    alarm = watched.unread()
    if alarm is None:
        return []
    return [(f"watch_{alarm.state}", {"version": alarm.deployment.model_version.number}, "/observation")]
