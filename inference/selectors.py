"""Reads about embedding spaces, what is missing in them, transforms and deployments."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from annotation import selectors as annotation
from annotation.models import Ticket, TicketStatus
from inference.models import (
    Deployment,
    DeploymentRole,
    Embedding,
    Encoder,
    LearnerHead,
    MirroredTicket,
    Prediction,
    RoutingDecision,
    TransformPurpose,
    TransformRun,
)
from training import selectors as training
from training.models import ModelVersion, RunState
from training.models.runs import LIVE_STATES

FEWEST_TIMED = 100
MOST_TIMED = 1000
REST_AFTER_FAILURE = timedelta(minutes=10)


def current_encoder() -> Encoder | None:
    """The space the learner ranks in."""
    return Encoder.objects.filter(is_current=True).select_related("model_version").first()


def encoder_of(model_version: ModelVersion) -> Encoder | None:
    """The space this version embeds into, if anything was embedded there yet."""
    return Encoder.objects.filter(fingerprint=model_version.encoder).first()


def target_model() -> ModelVersion | None:
    """The version the pool should be seen by: the newest classifier, before the first the newest base encoder."""
    return training.current_model() or ModelVersion.objects.filter(kind="encoder").first()


def serving_model(encoder: Encoder) -> ModelVersion:
    """The version that answers in this space: the newest classifier that embeds into it, else its own."""
    classifier = ModelVersion.objects.filter(kind="classifier", encoder=encoder.fingerprint).first()
    return classifier or encoder.model_version


def _covered(model_version: ModelVersion) -> Exists:
    """Whether this version's space holds the ticket's present text (a refusal of it counts)."""
    return Exists(
        Embedding.objects.filter(
            encoder__fingerprint=model_version.encoder,
            ticket=OuterRef("pk"),
            text_hash=OuterRef("text_hash"),
        )
    )


def _refused(model_version: ModelVersion) -> Exists:
    return Exists(
        Embedding.objects.filter(
            encoder__fingerprint=model_version.encoder,
            ticket=OuterRef("pk"),
            text_hash=OuterRef("text_hash"),
            vector__isnull=True,
        )
    )


def _on_its_way(model_version: ModelVersion) -> Exists:
    """Whether this version answered when the ticket was routed, and that is about to be loaded."""
    return Exists(
        RoutingDecision.objects.filter(
            model_version=model_version,
            ticket=OuterRef("pk"),
            text_hash=OuterRef("text_hash"),
            vector__isnull=False,
        )
    )


def tickets_without_vector(model_version: ModelVersion) -> QuerySet[Ticket]:
    """Tickets whose present text has no vector in this version's space, and none on its way there."""
    return Ticket.objects.filter(~_covered(model_version), ~_on_its_way(model_version)).order_by("pk")


def tickets_missing(model_version: ModelVersion) -> QuerySet[Ticket]:
    """Tickets this version still has to look at: no vector of the present text, or no prediction, nor on their way."""
    missing = ~_covered(model_version)
    if model_version.kind == "classifier":
        predicted = Exists(Prediction.objects.filter(model_version=model_version, ticket=OuterRef("pk")))
        missing = missing | (~predicted & ~_refused(model_version))
    return Ticket.objects.filter(missing & ~_on_its_way(model_version)).order_by("pk")


def audit_labelled() -> QuerySet[Ticket]:
    """Audit tickets with a resolved label."""
    return Ticket.objects.filter(is_audit=True, status=TicketStatus.LABELLED).order_by("pk")


def audit_decided() -> QuerySet[Ticket]:
    """Audit tickets people have decided: of a service, or of none of them. What an evaluation is measured on.

    Flagged ones and those that fit two services have no one answer: nobody could be right about them.
    """
    decided = Q(status=TicketStatus.LABELLED) | Q(pk__in=annotation.audit_of_no_service())
    return Ticket.objects.filter(decided, is_audit=True).order_by("pk")


def tickets_for(run: TransformRun) -> QuerySet[Ticket]:
    """What a transform has to look at, as of now."""
    missing = tickets_missing(run.model_version)
    if run.purpose == TransformPurpose.EVALUATE:
        missing = missing.filter(pk__in=audit_decided().order_by())
    return missing


def live_transforms() -> QuerySet[TransformRun]:
    """Transforms that are not over, oldest first."""
    return TransformRun.objects.filter(state__in=LIVE_STATES).order_by("pk")


def is_overtaken(run: TransformRun) -> bool:
    """Whether a pass over the pool is for a version that neither answers now nor is to answer next."""
    current, target = current_encoder(), target_model()
    if run.purpose != TransformPurpose.POOL or current is None or target is None:
        return False
    return run.model_version_id not in {target.pk, serving_model(current).pk}


def may_plan(model_version: ModelVersion, purpose: str) -> bool:
    """Whether a transform may start: none is live, and the last failure is old enough."""
    last = TransformRun.objects.filter(model_version=model_version, purpose=purpose).first()
    if last is None or last.state == RunState.SUCCEEDED:
        return True
    if last.state in LIVE_STATES:
        return False
    return last.ended_at is not None and last.ended_at < timezone.now() - REST_AFTER_FAILURE


def pool_is_covered(model_version: ModelVersion) -> bool:
    """Whether every ticket that existed when the version's last pool transform was planned has its vector.

    Tickets that came since do not hold up a swap: they are embedded in the new space right after it.
    """
    last = TransformRun.objects.filter(
        model_version=model_version, purpose=TransformPurpose.POOL, state=RunState.SUCCEEDED
    ).first()
    before: datetime = last.created_at if last else timezone.now()
    has_row = Exists(
        Embedding.objects.filter(encoder__fingerprint=model_version.encoder, ticket=OuterRef("pk"))
    )
    return not Ticket.objects.filter(~has_row, created_at__lt=before).exists()


@dataclass(frozen=True)
class Coverage:
    """How many tickets of the pool have a vector in a space."""

    done: int
    total: int


def coverage(encoder: Encoder | None) -> Coverage:
    """Vectors of a space against all tickets."""
    total = Ticket.objects.count()
    done = Embedding.objects.filter(encoder=encoder).count() if encoder else 0
    return Coverage(min(done, total), total)


def assistant() -> Deployment | None:
    """The live deployment that answers Try a ticket and embeds small live batches."""
    return (
        Deployment.objects.filter(role=DeploymentRole.ASSISTANT, ended_at__isnull=True)
        .select_related("model_version")
        .first()
    )


def production() -> Deployment | None:
    """The live deployment that routes."""
    return (
        Deployment.objects.filter(role=DeploymentRole.PRODUCTION, ended_at__isnull=True)
        .select_related("model_version")
        .first()
    )


def production_standings() -> dict[int, str]:
    """Number -> in_force, rolled_back (people went back from it the last time it routed) or former, of every version
    that ever routed.
    """
    rows = Deployment.objects.filter(role=DeploymentRole.PRODUCTION).order_by("id")
    found: dict[int, str] = {}
    for number, state, ended_at in rows.values_list("model_version__number", "state", "ended_at"):
        over = "rolled_back" if state == "rolled_back" else "former"
        found[number] = "in_force" if ended_at is None else over
    return found


def versions_at_work() -> list[ModelVersion]:
    """Versions that route live tickets or look on: they are measured on every control ticket, whatever comes after."""
    roles = (DeploymentRole.OBSERVER, DeploymentRole.PRODUCTION)
    live = Deployment.objects.filter(role__in=roles, ended_at__isnull=True).select_related("model_version")
    return [deployment.model_version for deployment in live]


def latency_of(version: ModelVersion) -> float | None:
    """Milliseconds within which 95 of 100 of a version's newest live answers came, as observer or in production; None
    before there are FEWEST_TIMED of them."""
    for rows in (
        MirroredTicket.objects.filter(observation__candidate=version, latency_ms__isnull=False),
        RoutingDecision.objects.filter(model_version=version),
    ):
        timed = sorted(rows.order_by("-id").values_list("latency_ms", flat=True)[:MOST_TIMED])
        if len(timed) >= FEWEST_TIMED:
            return float(timed[math.ceil(0.95 * len(timed)) - 1])
    return None


def head_of(encoder: Encoder) -> LearnerHead | None:
    """The learner's newest head in this space."""
    return LearnerHead.objects.filter(encoder=encoder).first()


def predictions_of(model_version: ModelVersion, ticket_ids: list[int]) -> dict[int, Prediction]:
    """This version's answers for some tickets, by ticket id."""
    rows = Prediction.objects.filter(model_version=model_version, ticket__in=ticket_ids)
    return {row.ticket_id: row for row in rows}


@dataclass(frozen=True)
class Neighbour:
    """A labelled ticket near a vector; ``similarity`` is the cosine."""

    ticket_id: int
    excerpt: str
    service_id: int
    similarity: float


def nearest_labelled(encoder: Encoder, vector: list[float], n: int = 5) -> list[Neighbour]:
    """The labelled tickets nearest to a vector, nearest first, through the space's index when it has one.

    Iterative scan, so that the filter on labelled tickets never leaves fewer than there are.
    """
    dim = int(encoder.dim)
    literal = "[" + ",".join(f"{value:.7g}" for value in vector) + "]"
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL hnsw.iterative_scan = 'strict_order'")
        cursor.execute(
            f"""SELECT t.id, 1 - (e.vector::vector({dim}) <=> %s::vector({dim})), t.label_id
                FROM inference_embedding e JOIN annotation_ticket t ON t.id = e.ticket_id
                WHERE e.encoder_id = {int(encoder.pk)} AND t.status = 'labelled'
                ORDER BY e.vector::vector({dim}) <=> %s::vector({dim}) LIMIT %s""",  # noqa: S608 - two ints
            [literal, literal, n],
        )
        found = cursor.fetchall()
    tickets = Ticket.objects.in_bulk([row[0] for row in found])
    return [
        Neighbour(pk, tickets[pk].excerpt, service, float(similarity))
        for pk, similarity, service in found
        if pk in tickets
    ]


def newest_prediction_of(ticket_id: int) -> Prediction | None:
    """What the newest version that saw a ticket said about it."""
    return (
        Prediction.objects.filter(ticket=ticket_id)
        .order_by(F("model_version__number").desc())
        .select_related("model_version", "service")
        .first()
    )


def stale_encoders() -> QuerySet[Encoder]:
    """Spaces nobody needs: neither current, nor the one before it (kept to go back), nor being filled, nor of a version
    at work."""
    at_work = [version.encoder for version in versions_at_work()]
    previous = Encoder.objects.filter(is_current=False).values_list("pk", flat=True)[:1]
    target = target_model()
    return (
        Encoder.objects.filter(is_current=False)
        .exclude(pk__in=list(previous))
        .exclude(fingerprint__in=[*at_work, target.encoder if target else ""])
    )
