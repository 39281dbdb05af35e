"""An installation that routes, for ``benchmarks.route``: a version behind its endpoint, all programs running."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from benchmarks import pool, scratch
from benchmarks.tuners import train_in, write_tree

LABELS = 3_000
"""Of the model that routes. With a thousand it was sure of so little that int8 changed .8 % of its labels on one
machine, too many (`ml.forms`), and float32 answered there."""
POOL = 2_000
THRESHOLD = 0.6
"""Of the stand-in certificate: about what a real one would ask for; most tickets of the demo's kind lie above it."""
WAIT_SECONDS = 300.0


class RoutingHouse:
    """Production, a candidate on an endpoint of its own, and a desk's machine with its token."""

    def __init__(self, house: scratch.House, train_seconds: float) -> None:
        self.house = house
        self.services = {one.code: one for one in _services()}
        self.artifact, self.manifest = _train(train_seconds)
        self.version = self._version("production")
        self.candidate: Any = None
        self.token = _token()
        ids = pool.make_tickets(POOL)
        people = pool.make_people("a benchmark's")
        pool.make_labels(ids[: POOL // 3], people, list(self.services.values()))

    @property
    def form(self) -> str:
        """In which the encoder answers: int8, or a slower one where that was refused."""
        return str(self.manifest.form["name"])

    def _version(self, name: str) -> Any:
        """A registered version with a certificate in force. Both have the same weights, and an endpoint each."""
        from django.conf import settings

        from compute.registry import backend
        from ml.artifact import MANIFEST, file_sha256
        from ml.certificate import Certificate, Promise
        from training import actions, registration
        from training.models import TrainingRun

        uri = f"{settings.ARTIFACTS_URI}/benchmark/{name}/model.tar.gz"
        backend().put(self.artifact / "model.tar.gz", uri)
        version = registration.classifier_register(
            run=TrainingRun.objects.create(state="succeeded"),
            artifact_uri=uri,
            manifest=self.manifest,
            manifest_hash=file_sha256(self.artifact / "model" / MANIFEST),
        )
        labels = tuple(self.manifest.labels or ())
        certificate = Certificate(
            state="certified", threshold=THRESHOLD, gate=None, precision=0.95, level=0.05, labels=labels,
            known=labels, audit_labels=500,
        )  # fmt: skip
        for is_spent in (False, True):
            actions.certificate_record(
                model_version=version, certificate=certificate, promise=Promise(), tickets=[],
                fingerprint="a benchmark's", is_spent=is_spent,
            )  # fmt: skip
        return version

    def open(self) -> int:
        """Start every program of the Procfile but the servers, and wait until all is embedded and at rest; the port."""
        from compute.registry import backend
        from inference import actions
        from inference.actions.deployments import PRODUCTION, deployment_replace
        from inference.models import RoutingSettings
        from training.models import RetrainPolicy

        RetrainPolicy.objects.update_or_create(pk=1, defaults={"is_active": False})
        RoutingSettings.objects.update_or_create(pk=1, defaults={"baseline": "model"})
        deployment_replace(self.version, "production", PRODUCTION)
        for line in ("supervisor", "worker", "learner", "beat"):
            self.house.start_line(line)
        port = self.house.serve()
        actions.production_ensure(backend=backend())
        self.until(lambda: self.answers("production"), "the endpoint")
        self.rest()
        return port

    def rest(self) -> None:
        """Wait until what came before is embedded and loaded, so that no run pays for another."""
        self.until(_at_rest, "the pool to be embedded")

    def add_candidate(self) -> None:
        """A newer version, which looks through the pool; from now on also at each ticket that comes."""
        self.candidate = self._version("candidate")
        self.rest()

    def answers(self, endpoint: str) -> bool:
        """Whether an endpoint of that name is up."""
        from compute.registry import backend

        return bool(backend().observe_endpoint(endpoint).state == "in_service")

    def observe(self) -> Any:
        """Mirror a tenth of the tickets to the candidate, whatever the gate says of its made-up labels by now, on terms
        that nothing decides: what is decided about is shown no more tickets."""
        from inference import actions
        from ml.verdict import Terms
        from training.models import GateVerdict

        GateVerdict.objects.create(model_version=self.candidate, passed=True, fingerprint="a benchmark's")
        terms = Terms(cost_margin=0.0, coverage_margin=1.0, resolution=1e-9)
        observation = actions.observation_start(
            candidate=self.candidate, started_by=None, share=0.1, terms=terms
        )
        self.until(lambda: self.answers("observer"), "the observer")
        return observation

    def unobserve(self, observation: Any) -> int:
        """End it; how many tickets were compared."""
        from accounts.models import User
        from inference import actions
        from inference.models import MirroredTicket

        person = User.objects.filter(username__startswith="annotator").first()
        assert person is not None
        actions.observation_stop(observation_id=observation.pk, by=person, why="measured")
        self.until(lambda: not self.answers("observer"), "the end of the observer")
        return int(MirroredTicket.objects.filter(observation=observation, state="compared").count())

    def socket(self) -> Path:
        """Where the endpoint of production answers."""
        from django.conf import settings

        from compute.spool import Spool, read_json

        status = read_json(Spool(settings.COMPUTE_SPOOL).endpoints / "production" / "status.json") or {}
        return Path(status["socket"])

    def kill(self) -> None:
        """End the program behind the endpoint of production as the kernel would: at once."""
        from django.conf import settings

        from compute.spool import Spool, read_json, serving_key

        folder = Spool(settings.COMPUTE_SPOOL).serving / serving_key(self.version.artifact_uri, {})
        record = read_json(folder / "process.json") or {}
        process = psutil.Process(int(record["pid"]))
        for one in [*process.children(recursive=True), process]:
            if "compute.runner" not in " ".join(one.cmdline()):
                one.kill()

    def until(self, condition: Callable[[], object], what: str) -> None:
        deadline = time.monotonic() + WAIT_SECONDS
        while not condition():
            if time.monotonic() > deadline:
                raise RuntimeError(f"waited {WAIT_SECONDS:g} s for {what}\n{self.house.said()}")
            time.sleep(0.2)


def _services() -> list[Any]:
    from annotation import actions
    from annotation.demo.services import services

    return [actions.service_create(name=one.name, code=one.code) for one in services()]


def _token() -> str:
    from accounts import actions
    from accounts.models import Role, User

    machine = User.objects.create(username="desk", role=Role.MACHINE)
    _, secret = actions.token_create(user=machine, name="benchmark")
    return secret


def _train(seconds: float) -> tuple[Path, Any]:
    """A model of the demo's tickets, as a job would leave it, in the form it chose; its folder and its manifest.

    The encoder is not tuned: what is measured is the routing, and the time is the form's.
    """
    from annotation.demo.corpus import generate
    from annotation.demo.services import NONE
    from ml.artifact import read_manifest
    from ml.container import pack_artifact

    root = Path(tempfile.mkdtemp(prefix="train-", dir=os.environ["AIGUILLEUR_HOME"]))
    known = [one for one in generate(3 * LABELS) if one.true_service != NONE]
    task = {
        "texts": [one.text for one in known[:LABELS]],
        "labels": [one.true_service for one in known[:LABELS]],
        "pool": [one.text for one in known[LABELS : 2 * LABELS]],
        "seconds": seconds,
        "seed": 0,
        "told": {"epochs": "0"},
    }
    write_tree(root, task, with_pool=True)
    train_in(root)
    pack_artifact(root / "model", root / "model.tar.gz")
    shutil.rmtree(root / "input", ignore_errors=True)
    return root, read_manifest(root / "model")


def _at_rest() -> bool:
    """Whether no transform runs and every ticket has its vector."""
    from inference import selectors
    from inference.models import RoutingDecision

    target = selectors.target_model()
    if target is None or selectors.live_transforms().exists():
        return False
    if RoutingDecision.objects.filter(vector__isnull=False).exists():
        return False
    return not selectors.tickets_missing(target).exists()
