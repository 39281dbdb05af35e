"""Which tickets are compared: those that came since the training snapshot and lately, with those before it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from django.conf import settings
from django.db.models import Count, QuerySet
from numpy.typing import NDArray

from annotation.models import Ticket, TicketOrigin
from inference import selectors
from inference.models import Embedding, Encoder, Prediction
from training import selectors as training
from training.models import DatasetSnapshot, ModelVersion

Floats = NDArray[np.float32]
MOST_COMPARED = 400
MOST_SNAPSHOT = 5000


@dataclass(frozen=True)
class Compared:
    """The version that answers now (production's, before there is one the newest), the snapshot it learned from, and
    the window: customers' tickets received in it are *recent*, those received before the snapshot the *reference*.
    """

    model: ModelVersion
    snapshot: DatasetSnapshot
    since: datetime
    now: datetime

    def recent(self) -> QuerySet[Ticket]:
        return _customers().filter(received_at__gt=self.since, received_at__lte=self.now)

    def reference(self) -> QuerySet[Ticket]:
        before = min(self.snapshot.created_at, self.since)
        return _customers().filter(received_at__lte=before)

    def unlearnt(self) -> QuerySet[Ticket]:
        """The reference without what the snapshot holds: those lie at no distance from it."""
        return self.reference().exclude(group__in=self.learnt().values("group"))

    def learnt(self) -> QuerySet[Ticket]:
        """The snapshot's tickets."""
        return Ticket.objects.filter(pk__in=self.snapshot.members.exclude(ticket=None).values("ticket"))


def _customers() -> QuerySet[Ticket]:
    return Ticket.objects.filter(origin=TicketOrigin.CUSTOMER)


def compared(now: datetime) -> Compared | None:
    """What is compared at this moment; None before the first model."""
    deployment = selectors.production()
    model = deployment.model_version if deployment else training.current_model()
    if model is None or model.run is None or model.run.snapshot is None:
        return None
    snapshot = model.run.snapshot
    window = now - timedelta(days=settings.DRIFT_WINDOW_DAYS)
    return Compared(model, snapshot, max(window, snapshot.created_at), now)


def vectors(encoder: Encoder, tickets: QuerySet[Ticket], most: int) -> Floats:
    """The vectors (n, d) of at most ``most`` of the tickets: by the hash of their text, so an even spread."""
    rows = Embedding.objects.filter(encoder=encoder, ticket__in=tickets, vector__isnull=False)
    found = [
        np.asarray(vector, np.float32)
        for vector in rows.order_by("text_hash").values_list("vector", flat=True)[:most]
    ]
    return np.stack(found) if found else np.zeros((0, encoder.dim), np.float32)


def predicted(model: ModelVersion, tickets: QuerySet[Ticket]) -> dict[str, int]:
    """How often the version predicts each service for these tickets."""
    rows = Prediction.objects.filter(model_version=model, ticket__in=tickets).exclude(service=None)
    return dict(rows.order_by().values_list("service__code").annotate(n=Count("id")))
