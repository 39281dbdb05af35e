"""Tickets whose vectors lie in three clouds, a service for each: what a learner tells apart."""

from __future__ import annotations

import numpy as np

from annotation.models import QueueItem, Service, Ticket
from inference import loading
from ml.schema import TransformOutput
from tests.inference.cast import label
from training.models import ModelVersion

DIM = 16


def embed(version: ModelVersion, tickets: list[Ticket], seed: int = 0) -> dict[int, int]:
    """Vectors in three clouds; returns ticket id -> cloud."""
    rng = np.random.default_rng(seed)
    centres = np.eye(DIM, dtype=np.float32)[:3]
    cloud = {ticket.pk: number % 3 for number, ticket in enumerate(tickets)}
    answers = []
    for ticket in tickets:
        vector = (centres[cloud[ticket.pk]] + rng.normal(scale=0.25, size=DIM)).astype(np.float32)
        vector /= np.linalg.norm(vector)
        answers.append(
            TransformOutput(loading.line_id(ticket.pk, ticket.text_hash), version.encoder, "m", vector)
        )
    loading.load(version, answers)
    return cloud


def teach_some(tickets: list[Ticket], cloud: dict[int, int], services: list[Service], count: int) -> None:
    """Label the first so many: a service for each cloud."""
    for ticket in tickets[:count]:
        label(ticket, services[cloud[ticket.pk]])


def queue(mode: str = "teach") -> list[QueueItem]:
    """In the order in which it is served."""
    return list(QueueItem.objects.filter(mode=mode).order_by("position"))
