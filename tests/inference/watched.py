"""Production with a version before it, and routed tickets whose right service becomes known, as rows say it."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from annotation.models import Service, Ticket
from inference import actions
from inference.models import Deployment, HistoryEntry, Outcome, RoutingDecision, Watch
from ml.certificate import Promise
from tests import factories
from tests.inference.observed import CERTIFIED, LABELS, passed, version
from training import actions as training
from training.models import ModelVersion


class Watched:
    """Version 2 routes after a promotion, version 1 did before it (not with ``alone``)."""

    def __init__(self, *, alone: bool = False) -> None:
        self.services: dict[str, Service] = {name: factories.service(name.title()) for name in LABELS}
        self.first = self.certified(1)
        self.since = timezone.now() - timedelta(hours=1)
        if not alone:
            self.deploy(self.first, ended=True)
        self.second = self.certified(2)
        self.live = self.deploy(self.second)
        HistoryEntry.objects.create(kind="promoted", version=self.second, deployment=self.live)

    def certified(self, number: int) -> ModelVersion:
        made = version(number)
        passed(made)
        training.certificate_record(
            model_version=made, certificate=CERTIFIED, promise=Promise(), tickets=[], fingerprint="data",
            is_spent=True,
        )  # fmt: skip
        return made

    def deploy(self, model: ModelVersion, *, ended: bool = False) -> Deployment:
        made = Deployment.objects.create(
            model_version=model, role="production", endpoint_name="production",
            state="replaced" if ended else "in_service", ended_at=self.since if ended else None,
        )  # fmt: skip
        Deployment.objects.filter(pk=made.pk).update(started_at=self.since)
        made.refresh_from_db()
        return made

    def decide(self, count: int, *, at: datetime | None = None, **fields: Any) -> list[RoutingDecision]:
        """Routed by what is live, to delivery unless told otherwise; no two are near-duplicates."""
        ticket: dict[str, Any] = fields.pop("ticket", {})
        now = timezone.now()
        tickets = Ticket.objects.bulk_create(
            Ticket(
                **(
                    {
                        "external_id": f"W-{uuid.uuid4().hex}",
                        "text": "a ticket",
                        "text_hash": uuid.uuid4().hex,
                    }
                    | {"group": uuid.uuid4().hex, "received_at": now, "audit_rank": 0}
                    | ticket
                )
            )
            for _ in range(count)
        )
        given = {"service": self.services["delivery"], "latency_ms": 10, "decided_at": at or now} | fields
        live = Deployment.objects.get(role="production", ended_at=None)
        return RoutingDecision.objects.bulk_create(
            RoutingDecision(ticket=one, deployment=live, model_version=live.model_version, **given)
            for one in tickets
        )

    def told(self, count: int, *, right: bool, **fields: Any) -> list[RoutingDecision]:
        """Routed to delivery; the desk says where they ended: there, or in returns."""
        made = self.decide(count, **fields)
        where = self.services["delivery" if right else "returns"]
        Outcome.objects.bulk_create(
            Outcome(
                ticket=one.ticket, service=where, sent_to=one.service, is_moved=not right,
                decided_at=timezone.now(), told_at=timezone.now(),
            )
            for one in made
        )  # fmt: skip
        return made

    def silent(self, count: int) -> None:
        """Routed, and no answer came from the model."""
        self.decide(
            count, service=None, reason="model_unavailable", reasons=["model_unavailable"], detail="too_late"
        )

    def look(self, **fields: Any) -> Watch:
        """What beat does; the newest watch."""
        actions.production_watch(**fields)
        return Watch.objects.latest("pk")

    def routes(self) -> int | None:
        """The number of the version that routes."""
        live = Deployment.objects.filter(role="production", ended_at=None).first()
        return live.model_version.number if live else None
