"""Judging pairs blind: claim one, say which answer is right, take it back.

The order of the answers was drawn once, with the pair; nothing that is served says which is the candidate's.
"""

import uuid
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from accounts.errors import Refused
from accounts.models import User
from annotation import actions as annotation
from annotation.models import Annotation, Service
from inference.actions import observations
from inference.models import (
    Judgement,
    JudgementChoice,
    MirroredTicket,
    Observation,
)

# One statement, so that two reviewers never hold the same pair: what one has locked the other skips. What the same
# person holds comes first and keeps its lease; then disagreements, in the order in which the tickets came. A drawn
# agreement stands behind those of the next few hundred tickets, not behind all to come: else it would never be judged.
CLAIM = """
UPDATE inference_mirroredticket m
SET lease = CASE WHEN m.leased_by_id = %(user)s AND m.leased_until > now() THEN m.lease ELSE gen_random_uuid() END,
    leased_by_id = %(user)s, leased_until = now() + %(ttl)s
WHERE m.id = (
    SELECT c.id FROM inference_mirroredticket c
    WHERE c.observation_id = %(observation)s AND c.is_due AND c.judged_at IS NULL
      AND (c.leased_until IS NULL OR c.leased_until <= now() OR c.leased_by_id = %(user)s)
    ORDER BY (c.leased_by_id = %(user)s AND c.leased_until > now()) IS TRUE DESC,
        c.id + CASE WHEN c.candidate_service_id IS NOT DISTINCT FROM c.baseline_service_id THEN %(behind)s ELSE 0 END
    LIMIT 1 FOR UPDATE OF c SKIP LOCKED)
RETURNING m.id"""

AGREEMENTS_BEHIND = 300


@dataclass(frozen=True)
class Said:
    """What a reviewer says of a pair. ``service_id``: the right service, with ``neither``; None there: none of them."""

    key: uuid.UUID
    lease: uuid.UUID
    choice: str
    service_id: int | None = None
    duration_ms: int | None = None


def lease_time() -> timedelta:
    """How long a pair is held; past it anybody may have it, and a late answer counts as long as nobody does."""
    return timedelta(seconds=settings.LEASE_SECONDS)


def pair_claim(*, observation: Observation, reviewer: User) -> MirroredTicket | None:
    """Lease the next pair to this reviewer; None when none waits."""
    values = {
        "observation": observation.pk,
        "user": reviewer.pk,
        "ttl": lease_time(),
        "behind": AGREEMENTS_BEHIND,
    }
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, values)
        found = cursor.fetchone()
    if found is None:
        return None
    return MirroredTicket.objects.select_related("ticket").get(pk=found[0])


def pair_release(*, mirrored_id: int, lease: uuid.UUID, reviewer: User) -> bool:
    """Give a pair back; somebody else's is not touched."""
    mine = MirroredTicket.objects.filter(pk=mirrored_id, lease=lease, leased_by=reviewer)
    return bool(mine.update(lease=None, leased_by=None, leased_until=None))


@transaction.atomic
def pair_judge(*, mirrored_id: int, reviewer: User, said: Said) -> Judgement:
    """Record a judgement, the label it means, and the verdict that follows. The same key again gives the same row.

    Raises ``Refused``: key_reused, not_found, observation_over, lease_lost (somebody else has the pair, or judged
    it), same_answer (both answers are the same: only both, neither or unclear), service_needed, unknown_service,
    answer_was_shown (the right service is one of the answers).
    """
    known = _known(said, mirrored_id, reviewer)
    if known is not None:
        return known
    row = MirroredTicket.objects.filter(pk=mirrored_id).values_list("observation_id", flat=True).first()
    if row is None:
        raise Refused("not_found", "This pair is no longer there.", status=404)
    observation = observations.live_locked(row)  # judgements take turns: each verdict knows all before it
    known = _known(said, mirrored_id, reviewer)
    if known is not None:
        return known
    pair = MirroredTicket.objects.select_for_update(of=("self",)).select_related("ticket").get(pk=mirrored_id)
    if pair.judged_at is not None or pair.lease != said.lease or pair.leased_by_id != reviewer.pk:
        raise Refused("lease_lost", "Somebody else has this pair by now; nothing was saved.")
    rights, truth = _meaning(pair, said)
    judgement = Judgement.objects.create(
        mirrored=pair,
        reviewer=reviewer,
        choice=said.choice,
        service=truth,
        key=said.key,
        annotation=_label(pair, said, truth, reviewer),
        duration_ms=None if said.duration_ms is None else max(0, min(said.duration_ms, 3_600_000)),
    )
    first, second = rights
    pair.candidate_is_right, pair.baseline_is_right = (
        (first, second) if pair.candidate_first else (second, first)
    )
    pair.truth, pair.judged_at = truth, timezone.now()
    pair.lease = pair.leased_by = pair.leased_until = None
    pair.save(update_fields=[*COPIES, *LEASE])
    observations.verdict_refresh(observation=observation)
    return judgement


COPIES = ("candidate_is_right", "baseline_is_right", "truth", "judged_at")
LEASE = ("lease", "leased_by", "leased_until")


def _known(said: Said, mirrored_id: int, reviewer: User) -> Judgement | None:
    known = Judgement.objects.filter(key=said.key).first()
    if known is None:
        return None
    if (known.mirrored_id, known.reviewer_id, known.choice) != (mirrored_id, reviewer.pk, said.choice):
        raise Refused("key_reused", "This key was used for another answer.", key=str(said.key))
    return known


def _meaning(pair: MirroredTicket, said: Said) -> tuple[tuple[bool, bool], Service | None]:
    """Whether each answer shown is right, and the right service as far as that names it."""
    first, second = pair.answers
    choice = JudgementChoice(said.choice)
    if first == second and choice in (JudgementChoice.FIRST, JudgementChoice.SECOND):
        raise Refused("same_answer", "Both answers are the same.", status=400)
    rights = {
        JudgementChoice.FIRST: (True, False),
        JudgementChoice.SECOND: (False, True),
        JudgementChoice.BOTH: (True, True),
    }.get(choice, (False, False))
    if choice == JudgementChoice.NEITHER:
        return rights, _right_service(pair, said.service_id)
    named = {answer for answer, is_right in zip((first, second), rights, strict=True) if is_right and answer}
    return rights, Service.objects.get(pk=named.pop()) if len(named) == 1 else None


def _right_service(pair: MirroredTicket, service_id: int | None) -> Service | None:
    if service_id is None:
        return None
    service = Service.objects.filter(pk=service_id, is_active=True).first()
    if service is None:
        raise Refused(
            "unknown_service",
            "This service does not exist or is switched off.",
            status=400,
            service_id=service_id,
        )
    if service_id in pair.answers:
        raise Refused("answer_was_shown", "This service is one of the answers: choose that.", status=400)
    return service


def _label(pair: MirroredTicket, said: Said, truth: Service | None, reviewer: User) -> Annotation | None:
    """The label the judgement means: it trains. What people decided before stands; unclear says nothing."""
    ticket = pair.ticket
    is_none = said.choice == JudgementChoice.NEITHER and truth is None
    if ticket.is_audit or not (truth or is_none):
        return None
    try:
        with transaction.atomic():
            return annotation.ticket_triage(
                ticket_id=ticket.pk,
                kind="label" if truth else "none",
                annotator=reviewer,
                key=uuid.uuid5(said.key, "label"),
                service_id=truth.pk if truth else None,
            )
    except Refused:
        return None


@transaction.atomic
def pair_undo(*, judgement_id: int, reviewer: User) -> MirroredTicket:
    """Take back one's own judgement, with its label unless somebody decided since; the pair is one's own again.

    Twice is the same as once. Raises ``Refused``: not_found, observation_over.
    """
    judgement = (
        Judgement.objects.filter(pk=judgement_id, reviewer=reviewer)
        .exclude(choice=JudgementChoice.UNDO)
        .select_related("mirrored")
        .first()
    )
    if judgement is None:
        raise Refused("not_found", "There is no such judgement of yours.", status=404)
    observation = observations.live_locked(judgement.mirrored.observation_id)
    pair = MirroredTicket.objects.select_for_update(of=("self",)).select_related("ticket")
    held = pair.get(pk=judgement.mirrored_id)
    if Judgement.objects.filter(undoes=judgement).exists():
        return held
    Judgement.objects.create(mirrored=held, reviewer=reviewer, choice=JudgementChoice.UNDO, undoes=judgement)
    if judgement.annotation_id is not None:
        try:
            with transaction.atomic():
                annotation.queue_undo(annotator=reviewer, annotation_id=judgement.annotation_id)
        except Refused:
            pass  # somebody has decided about the ticket since: that stands
    held.candidate_is_right = held.baseline_is_right = held.truth = held.judged_at = None
    held.lease, held.leased_by, held.leased_until = uuid.uuid4(), reviewer, timezone.now() + lease_time()
    held.save(update_fields=[*COPIES, *LEASE])
    observations.verdict_refresh(observation=observation, may_reopen=True)
    return held
