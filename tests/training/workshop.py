"""Labels, a place to train on them, and words to drive runs as a worker does."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import redis
from django.conf import settings

from accounts.models import Role
from annotation.models import Service, Ticket
from compute.local import LocalBackend
from tests import factories
from tests.compute.conftest import House, until
from training import actions, runs
from training.models import TrainingRun

PROGRAM = Path(__file__).parent / "programs" / "train.py"


def waiting(task: str) -> int:
    """How many messages ask for this task, of those that wait in Redis."""
    queue = redis.Redis.from_url(settings.REDIS_URL)
    messages = [json.loads(message) for message in queue.lrange("default", 0, -1)]
    return sum(message["headers"]["task"] == task for message in messages)


class Workshop:
    """Some labels of two services, and a place to train on them."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.backend: LocalBackend = house.backend
        self.services = factories.services(2)
        self.tickets = factories.tickets(6)
        factories.person(role=Role.LEAD)
        for number, ticket in enumerate(self.tickets[:4]):
            self.label(ticket, number % 2)

    def supervise_apart(self) -> None:
        """A supervisor process, to be killed."""
        self.house.supervise_apart("--train", f"{sys.executable} {PROGRAM}")

    def label(self, ticket: Ticket, service: int | Service) -> None:
        factories.labelled(ticket, self.services[service] if isinstance(service, int) else service)

    def plan(self, what: str = "learn", **hyperparameters: str) -> TrainingRun:
        """Start a run whose program does ``what``."""
        run = actions.run_start(reason={"code": "asked_for", "params": {}})
        self.tell(run, what, **hyperparameters)
        return run

    def tell(self, run: TrainingRun, what: str, **hyperparameters: str) -> None:
        told = {"do": what, "starts": str(self.house.starts)} | hyperparameters
        run.hyperparameters = run.hyperparameters | told
        run.save(update_fields=["hyperparameters"])

    def starts(self) -> list[str]:
        """Names of the jobs whose program was started, one a start."""
        return self.house.starts.read_text().split() if self.house.starts.exists() else []

    def step(self, run: TrainingRun) -> str:
        """One step, as a worker takes it; returns the state reached."""
        runs.advance(run.pk, self.backend)
        run.refresh_from_db()
        return str(run.state)

    def until(self, run: TrainingRun, *states: str) -> TrainingRun:
        """Step the run until it is in one of these states."""
        until(lambda: self.step(run) in states, f"run to be {states}", lambda: vars(run))
        return run

    def until_job(self, run: TrainingRun, seen: Callable[[Any], object]) -> None:
        """Wait, without a step, until the backend sees the job so."""
        until(lambda: seen(self.backend.observe(run.job_name)), "the job")
