"""A desk that routes its live tickets: a version in production behind a real endpoint, a certificate, a token."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from django.test import Client

from accounts import actions as accounts
from annotation.models import Service
from inference import actions
from inference.actions.deployments import PRODUCTION, deployment_replace
from inference.models import DeploymentRole, RoutingDecision
from inference.routing import shared
from ml.certificate import Certificate, Promise
from tests import factories
from tests.compute.conftest import House, until
from training import actions as training
from training.models import GateVerdict, ModelVersion, PrecisionCertificate

PROGRAM = Path(__file__).parent / "programs" / "serve.py"
LABELS = ("billing", "delivery", "returns")
CERTIFICATE = Certificate(
    state="certified",
    threshold=0.9,
    gate=0.95,
    precision=0.95,
    level=0.05,
    labels=LABELS,
    known=LABELS,
    audit_labels=300,
)


class Desk:
    """The words of these tests. `route` sends one ticket, as the desk's machine does."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.services: dict[str, Service] = {name: factories.service(name.title()) for name in LABELS}
        self.machine = factories.person("helpdesk", "machine")
        _, self.secret = accounts.token_create(user=self.machine, name="helpdesk")
        self.client = self.connect()
        self.version = self.make_version()
        self.calls_before = len(self._calls())
        forget()

    def connect(self) -> Client:
        """A connection of the desk's machine."""
        return Client(headers={"Authorization": f"Token {self.secret}"})

    def make_version(self, number: int = 1, artifact: str = "first") -> ModelVersion:
        """A version behind a real artifact; the gate has nothing against it."""
        uri = self.house.artifact(artifact)
        manifest = self.house.folder / f"model-{artifact}" / "manifest.json"
        made = ModelVersion.objects.create(
            number=number,
            kind="classifier",
            artifact_uri=uri,
            manifest_hash=hashlib.sha256(manifest.read_bytes()).hexdigest(),
            encoder="0123456789abcdef",
            dim=4,
            labels=list(LABELS),
        )
        GateVerdict.objects.create(model_version=made, passed=True, fingerprint="passed")
        return made

    def certify(
        self, certificate: Certificate = CERTIFICATE, fingerprint: str = "data"
    ) -> PrecisionCertificate:
        return training.certificate_record(
            model_version=self.version, certificate=certificate, promise=Promise(), tickets=[],
            fingerprint=fingerprint, is_spent=True,
        )  # fmt: skip

    def open(self) -> None:
        """Put the version into production and wait until its endpoint answers."""
        self.certify()
        self.put_in()
        self.when_up()

    def put_in(self) -> None:
        """Let the version route from now on, as the end of a promotion does. No code of ours has this door: a
        promotion goes through the gate (tests/inference/test_promotions.py)."""
        deployment_replace(self.version, DeploymentRole.PRODUCTION, PRODUCTION)
        actions.production_ensure(backend=self.house.backend)

    def when_up(self) -> None:
        """Wait until the endpoint answers with the version in production."""
        backend, uri = self.house.backend, self.version.artifact_uri

        def answers() -> bool:
            seen = backend.observe_endpoint("production")
            return seen.state == "in_service" and seen.artifact_uri == uri

        until(answers, "production")

    def route(self, external_id: str, text: str, **fields: Any) -> Any:
        return self.post("route/", {"external_id": external_id, "text": text, **fields})

    def routed(self, *tickets: dict[str, Any]) -> list[Any]:
        """Several in one call."""
        return self.post("route/", {"tickets": list(tickets)})["results"]

    def ask(self, external_id: str) -> Any:
        answer = self.client.get(f"/api/route/{external_id}/")
        assert answer.status_code == 200, answer.content
        return answer.json()

    def tell(self, external_id: str, service: str, **fields: Any) -> Any:
        (result,) = self.post("outcomes/", {"external_id": external_id, "service": service, **fields})[
            "results"
        ]
        return result

    def post(self, path: str, body: Any) -> Any:
        answer = self.client.post(f"/api/{path}", body, content_type="application/json")
        assert answer.status_code == 200, answer.content
        return answer.json()

    def decision(self, external_id: str) -> RoutingDecision:
        return RoutingDecision.objects.get(ticket__external_id=external_id)

    def server_pid(self) -> int:
        """The process that answers for the endpoint now."""
        return int((self.house.spool.root / "pid").read_text())

    def calls(self) -> list[int]:
        """How many records each call to the model brought."""
        return self._calls()[self.calls_before :]

    def _calls(self) -> list[int]:
        path = self.house.spool.root / "calls"
        return [int(line) for line in path.read_text().split()] if path.exists() else []


def forget() -> None:
    """What earlier tests left in Redis."""
    keys = list(shared.client().scan_iter("route:*"))
    if keys:
        shared.client().delete(*keys)
