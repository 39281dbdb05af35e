"""The demo's second version beside keyword rules: traffic, the candidate's answers, judgements but for the last ten."""

import time
import uuid
from collections.abc import Callable

from django.utils import timezone

from accounts.models import Role, User
from annotation.demo.live import Arrival, desk_traffic
from annotation.models import Service
from compute.port import ComputeBackend
from inference import actions
from inference.actions.routing import MOST_AT_ONCE
from inference.comparison import pairs
from inference.demo import teaching
from inference.models import (
    BaselineKind,
    KeywordRule,
    MirroredTicket,
    MirrorState,
    Observation,
    RoutingDecision,
    RoutingSettings,
)
from inference.routing import inbox
from ml.paired import Judged, Pair
from ml.verdict import Terms, verdict
from training import selectors as training
from training.models import ModelVersion

Say = Callable[[str], None]

MACHINE = "desk"
ANSWERS = ("ticket", "candidate_service", "baseline_service")
TRAFFIC = 300
LEFT = 10
"""Judgements left to whoever opens the demo."""
POLL_SECONDS = 0.3
MOST_SECONDS = 240.0
RULES = (
    ("invoices", ("VAT", "TVA", "duplicata", "raison sociale", "company name")),
    ("privacy", ("GDPR", "RGPD", "consent", "données personnelles")),
    ("returns", ("send back", "swap", "échanger", "étiquette", "label")),
    ("payment", ("instalment", "mensualité", "débité", "prélevé")),
    ("technical", ("manual", "set up", "notice")),
    ("account", ("log in", "connexion")),
    ("warranty", ("panne", "broken")),
    ("delivery", ("livreur", "driver", "courier", "parcel", "colis")),
)
"""What the shop's desk went by before: the first list of words that hits."""


def rules_write() -> None:
    """The keyword rules of the desk, and that they are what routes today."""
    if not KeywordRule.objects.exists():
        services = {one.code: one for one in Service.objects.all()}
        for position, (code, words) in enumerate(RULES):
            KeywordRule.objects.create(position=position, service=services[code], words=list(words))
    RoutingSettings.objects.update_or_create(pk=1, defaults={"baseline": BaselineKind.RULES})


def observe(candidate: ModelVersion, backend: ComputeBackend, say: Say) -> None:
    """Observe a version beside the rules while tickets come in. Nothing of it where the gate stops the version."""
    observation = Observation.objects.first() or _start(candidate, say)
    if observation is None:
        return
    machine, _ = User.objects.get_or_create(
        username=MACHINE, defaults={"role": Role.MACHINE, "is_demo": True, "display_name": "Brindille's desk"}
    )
    sent = _route(machine, backend)
    say(f"{len(sent)} tickets came in while keyword rules route")
    _compare(observation, backend, say)
    _settle(machine, sent)
    teaching.label(
        teaching.decided() + inbox.waiting_count(), say
    )  # those of no service, which no desk settles


def judge(say: Say) -> None:
    """Let a reviewer judge the pairs as the shop knows them to be right, up to the last ten before the verdict."""
    observation = Observation.objects.filter(ended_at=None).first()
    if observation is None:
        return
    wanted = _place_of_verdict(observation) - LEFT
    judged = pairs.compared(observation).filter(judged_at__isnull=False).count()
    reviewer = User.objects.get(username="bob")
    for _ in range(wanted - judged):
        pair = actions.pair_claim(observation=observation, reviewer=reviewer)
        if pair is None:
            break
        said = actions.Said(uuid.uuid4(), pair.lease, *_choice(pair), duration_ms=9000)
        actions.pair_judge(mirrored_id=pair.pk, reviewer=reviewer, said=said)
    observation.refresh_from_db()
    say(
        f"{max(0, wanted)} pairs judged; {LEFT} more decide whether version {observation.candidate.number} may route"
    )


def _start(candidate: ModelVersion, say: Say) -> Observation | None:
    may = training.may_be_observed(candidate)
    if not may.allowed:
        why = ", ".join(may.params.get("codes", [])) or may.code
        say(f"the gate stops version {candidate.number} ({why}): it is not observed")
        return None
    lead = User.objects.get(username="chloe")
    promise = training.gate_settings().precision
    made = actions.observation_start(
        candidate=candidate, started_by=lead, share=1.0, slice=0.1, terms=Terms(precision=promise)
    )
    made.is_demo = True
    made.save(update_fields=["is_demo"])
    return made


def _route(machine: User, backend: ComputeBackend) -> dict[str, Arrival]:
    """Let tickets come in; returns them by external id. A story that was interrupted goes on with new ones."""
    known = RoutingDecision.objects.count()
    sent = {name: one for n, (name, one) in enumerate(desk_traffic(known + TRAFFIC).items()) if n >= known}
    records = [
        {"external_id": name, "text": one.text, "channel": one.channel, "language": one.language}
        for name, one in sent.items()
    ]
    for at in range(0, len(records), MOST_AT_ONCE):
        some = records[at : at + MOST_AT_ONCE]
        actions.tickets_route(records=some, asked_by=machine, backend=backend, arrived=time.monotonic())
    return sent


def _compare(observation: Observation, backend: ComputeBackend, say: Say) -> None:
    """Wait until the candidate has answered what was mirrored."""
    until = time.monotonic() + MOST_SECONDS
    rows = MirroredTicket.objects.filter(observation=observation)
    while time.monotonic() < until:
        actions.observer_drive(backend=backend)
        if rows.exists() and not rows.filter(state=MirrorState.WAITING).exists():
            return
        time.sleep(POLL_SECONDS)
    say("the candidate is still answering: the comparison goes on once everything runs")


def _settle(machine: User, sent: dict[str, Arrival]) -> None:
    """The desk says where its tickets ended up, so that nobody waits for an answer any more."""
    now = timezone.now()
    told = [actions.Told(name, one.service, now) for name, one in sent.items() if one.service is not None]
    actions.outcomes_record(told=told, told_by=machine)


def _place_of_verdict(observation: Observation) -> int:
    """With how many of the disagreements judged the verdict falls; all of them where it does not."""
    rows = list(pairs.compared(observation).select_related(*ANSWERS).order_by("pk"))
    differing = [place for place, row in enumerate(rows) if not row.agrees]
    found = [_pair(row) for row in rows]
    certified = pairs.certified_precision(observation)
    for count, place in enumerate(differing):
        said = verdict(found[:place], found, observation.costs, certified, observation.asked)
        if count and said.state != "undecided":
            return count
    return len(differing)


def _pair(row: MirroredTicket) -> Pair:
    """As it will be once it is judged."""
    first, second = _rights(row)
    rights = (first, second) if row.candidate_first else (second, first)
    answers = [one.code if one else None for one in (row.candidate_service, row.baseline_service)]
    return Pair(*answers, row.probability, None if row.agrees else Judged(*rights, _truth(row)))


def _rights(row: MirroredTicket) -> tuple[bool, bool]:
    """Whether each answer, as shown, is right; asking a person is, where the other would have misrouted it."""
    belongs = Service.objects.filter(code=_truth(row) or "").values_list("pk", flat=True).first()
    first, second = row.answers
    right = (first is not None and first == belongs, second is not None and second == belongs)
    if any(right):
        return right
    return first is None, second is None


def _truth(row: MirroredTicket) -> str | None:
    return desk_traffic(RoutingDecision.objects.count())[row.ticket.external_id].service


def _choice(row: MirroredTicket) -> tuple[str, int | None]:
    """What a reviewer who knows the shop says of a pair."""
    first, second = _rights(row)
    if first and second:
        return "both", None
    if first or second:
        return ("first" if first else "second"), None
    return "neither", Service.objects.filter(code=_truth(row) or "").values_list("pk", flat=True).first()
