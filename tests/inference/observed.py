"""An observation with pairs of answers, as mirroring leaves them, and the words to judge them over HTTP."""

from __future__ import annotations

import uuid
from typing import Any

from django.test import Client
from django.utils import timezone

from accounts.models import User
from annotation.models import Service, Ticket
from inference import actions
from inference.models import MirroredTicket, MirrorState, Observation, RoutingDecision
from ml.certificate import Certificate, Promise
from ml.verdict import Terms
from tests import factories
from training import actions as training
from training.models import GateVerdict, ModelVersion

LABELS = ("billing", "delivery", "returns")
PERSON = None
CERTIFIED = Certificate(
    state="certified",
    threshold=0.9,
    gate=None,
    precision=0.95,
    level=0.05,
    labels=LABELS,
    known=LABELS,
    audit_labels=300,
)


def version(number: int) -> ModelVersion:
    return ModelVersion.objects.create(
        number=number,
        kind="classifier",
        artifact_uri=f"file:///nowhere/{number}.tar.gz",
        manifest_hash=f"{number:064x}",
        encoder="0123456789abcdef",
        dim=4,
        labels=list(LABELS),
    )


def certify(candidate: ModelVersion, certificate: Certificate = CERTIFIED) -> None:
    """What a certificate would say now: looking spends nothing."""
    training.certificate_record(
        model_version=candidate, certificate=certificate, promise=Promise(), tickets=[], fingerprint="data"
    )


def passed(candidate: ModelVersion) -> None:
    """The gate lets it go on."""
    GateVerdict.objects.create(model_version=candidate, passed=True, fingerprint="passed")


class Observed:
    """A candidate beside the baseline. `pairs` adds mirrored tickets with both answers."""

    def __init__(self, *, certified: bool = True, **terms: Any) -> None:
        self.services: dict[str, Service] = {name: factories.service(name.title()) for name in LABELS}
        self.candidate = version(2)
        if certified:
            certify(self.candidate)
        passed(self.candidate)
        self.lead = factories.person("chloe", "lead")
        self.observation = actions.observation_start(
            candidate=self.candidate,
            started_by=self.lead,
            share=1.0,
            slice=0.5,
            terms=Terms(**terms),
            escalation_minutes=1.0,
            misroute_minutes=10.0,
        )

    def pairs(
        self, candidate: str | None, baseline: str | None, count: int = 1, *, drawn: bool = True
    ) -> list[MirroredTicket]:
        made = factories.tickets(count) if count <= 3 else _many(count)
        now, agrees = timezone.now(), candidate == baseline
        decisions = RoutingDecision.objects.bulk_create(
            RoutingDecision(
                ticket=ticket, reason="uncertain", reasons=["uncertain"], latency_ms=5, decided_at=now
            )
            for ticket in made
        )
        return MirroredTicket.objects.bulk_create(
            MirroredTicket(
                observation=self.observation,
                ticket=decision.ticket,
                decision=decision,
                state=MirrorState.COMPARED,
                baseline_service=self.services[baseline] if baseline else None,
                candidate_service=self.services[candidate] if candidate else None,
                latency_ms=20,
                compared_at=now,
                probability=0.5 if agrees else 1.0,
                is_due=not agrees or drawn,
                candidate_first=number % 2 == 0,
            )
            for number, decision in enumerate(decisions)
        )

    def again(self) -> Observation:
        """The row as it is now."""
        return Observation.objects.get(pk=self.observation.pk)


def _many(count: int) -> list[Ticket]:
    """Tickets without the work of an ingest."""
    now = timezone.now()
    return Ticket.objects.bulk_create(
        Ticket(
            external_id=f"M-{uuid.uuid4().hex}",
            text=f"ticket {number}",
            text_hash=uuid.uuid4().hex,
            group=uuid.uuid4().hex,
            received_at=now,
            audit_rank=number,
        )
        for number in range(count)
    )


class Reviewer:
    """Somebody who judges over HTTP."""

    def __init__(self, name: str = "rose", role: str = "reviewer") -> None:
        self.user: User = factories.person(name, role)
        self.client = Client()
        self.client.force_login(self.user)

    def post(self, path: str, body: Any = None) -> Any:
        return self.client.post(f"/api/{path}", body or {}, content_type="application/json")

    def get(self, path: str) -> Any:
        return self.client.get(f"/api/{path}").json()

    def claim(self) -> Any:
        answer = self.post("judging/claim/")
        assert answer.status_code == 200, answer.content
        return answer.json()

    def next(self) -> Any:
        return self.claim()["pair"]

    def judge(self, pair: Any, choice: str, **fields: Any) -> Any:
        body = {"key": str(uuid.uuid4()), "lease": pair["lease"], "choice": choice} | fields
        return self.post(f"judging/{pair['id']}/", body)

    def undo(self, judgement_id: int) -> Any:
        return self.post("judging/undo/", {"judgement_id": judgement_id})


def side(pair: Any, service: Service | None) -> str:
    """Which of the two shown is this one."""
    return "first" if pair["first_service_id"] == (service.pk if service else None) else "second"
