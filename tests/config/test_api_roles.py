"""Who may call what: every address under /api/, every method, every role. A new address without a line in the table
fails here."""

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from accounts import actions as accounts
from accounts.models import User
from annotation.models import ImportRun, Ticket
from compute.registry import backend
from inference import actions as inference
from tests import factories
from training.models import DatasetSnapshot, ModelVersion, TestSet, TrainingRun

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
ROLES = ("nobody", "machine", "annotator", "reviewer", "lead", "admin")
ANYBODY = set(ROLES)
PEOPLE = {"annotator", "reviewer", "lead", "admin"}
REVIEWERS = {"reviewer", "lead", "admin"}
LEADS = {"lead", "admin"}
MACHINES = {"machine", "lead", "admin"}

# address -> (who gets past the door with any other method, {method: (who may, what an empty body gets)})
TABLE: dict[str, tuple[set[str], dict[str, tuple[set[str], int]]]] = {
    "schema/": (ANYBODY, {"GET": (ANYBODY, 200)}),
    "docs/": (PEOPLE, {"GET": (PEOPLE, 200)}),
    "session/": (ANYBODY, {"GET": (ANYBODY, 200), "POST": (ANYBODY, 400), "DELETE": (ANYBODY, 204)}),
    "setup/": (ANYBODY, {"POST": (ANYBODY, 400)}),
    "me/": (PEOPLE, {"PATCH": (PEOPLE, 200)}),
    "people/": (LEADS, {"GET": (LEADS, 200)}),
    "invitations/": (LEADS, {"GET": (LEADS, 200), "POST": (LEADS, 201)}),
    "invitations/<int:pk>/": (LEADS, {"DELETE": (LEADS, 204)}),
    "invitations/<str:secret>/": (ANYBODY, {"GET": (ANYBODY, 200)}),
    "invitations/<str:secret>/accept/": (ANYBODY, {"POST": (ANYBODY, 400)}),
    "tokens/": (PEOPLE, {"GET": (PEOPLE, 200), "POST": (PEOPLE, 400)}),
    "tokens/<int:pk>/": (PEOPLE, {"DELETE": (PEOPLE, 404)}),
    "services/": (PEOPLE, {"GET": (PEOPLE, 200), "POST": (LEADS, 400)}),
    "services/<int:pk>/": (LEADS, {"PATCH": (LEADS, 200)}),
    "queue/claim/": (PEOPLE, {"POST": (PEOPLE, 400)}),
    "queue/heartbeat/": (PEOPLE, {"POST": (PEOPLE, 400)}),
    "queue/release/": (PEOPLE, {"POST": (PEOPLE, 400)}),
    "queue/submit/": (PEOPLE, {"POST": (PEOPLE, 400)}),
    "queue/undo/": (PEOPLE, {"POST": (PEOPLE, 400)}),
    "queue/progress/": (PEOPLE, {"GET": (PEOPLE, 200)}),
    "tickets/": (PEOPLE, {"GET": (PEOPLE, 200), "POST": (MACHINES, 400)}),
    "tickets/facets/": (PEOPLE, {"GET": (PEOPLE, 200)}),
    "tickets/export/": (LEADS, {"GET": (LEADS, 200)}),
    "tickets/<int:pk>/": (PEOPLE, {"GET": (PEOPLE, 200)}),
    "tickets/<int:pk>/similar/": (PEOPLE, {"GET": (PEOPLE, 200)}),
    "tickets/<int:pk>/label/": (REVIEWERS, {"POST": (REVIEWERS, 400)}),
    "tickets/<int:pk>/reopen/": (REVIEWERS, {"POST": (REVIEWERS, 200)}),
    "triage/": (REVIEWERS, {"GET": (REVIEWERS, 200)}),
    "triage/<int:pk>/": (REVIEWERS, {"POST": (REVIEWERS, 400)}),
    "written/": (REVIEWERS, {"GET": (REVIEWERS, 404), "POST": (REVIEWERS, 400)}),
    "written/read/": (REVIEWERS, {"POST": (REVIEWERS, 415)}),
    "written/nearest/": (REVIEWERS, {"POST": (REVIEWERS, 400)}),
    "written/<int:pk>/": (REVIEWERS, {"DELETE": (REVIEWERS, 404)}),
    "imports/": (LEADS, {"GET": (LEADS, 200), "POST": (LEADS, 415)}),
    "imports/preview/": (LEADS, {"POST": (LEADS, 415)}),
    "imports/<int:pk>/": (LEADS, {"GET": (LEADS, 200)}),
    "runs/": (LEADS, {"GET": (PEOPLE, 200), "POST": (LEADS, 409)}),
    "runs/<int:pk>/": (LEADS, {"GET": (PEOPLE, 200)}),
    "runs/<int:pk>/cancel/": (LEADS, {"POST": (LEADS, 409)}),
    "runs/<int:pk>/retry/": (LEADS, {"POST": (LEADS, 200)}),
    "models/": (PEOPLE, {"GET": (PEOPLE, 200)}),
    "models/<int:number>/": (PEOPLE, {"GET": (PEOPLE, 200)}),
    "models/compare/": (PEOPLE, {"GET": (PEOPLE, 400)}),
    "models/<int:number>/evaluation/": (PEOPLE, {"GET": (PEOPLE, 200)}),
    "models/<int:number>/threshold/": (PEOPLE, {"GET": (PEOPLE, 409)}),
    "models/<int:number>/tickets/": (LEADS, {"GET": (LEADS, 409)}),
    "models/<int:number>/gate/": (PEOPLE, {"GET": (PEOPLE, 200)}),
    "models/<int:number>/gate/override/": (LEADS, {"POST": (LEADS, 400)}),
    "models/<int:number>/approval/": (LEADS, {"POST": (LEADS, 400)}),
    "evaluations/": (PEOPLE, {"GET": (PEOPLE, 200)}),
    "evaluations/effort/": (PEOPLE, {"GET": (PEOPLE, 200)}),
    "test-sets/": (LEADS, {"GET": (PEOPLE, 200), "POST": (LEADS, 415)}),
    "test-sets/<int:pk>/": (LEADS, {"GET": (PEOPLE, 200)}),
    "gate/": (LEADS, {"GET": (PEOPLE, 200), "PATCH": (LEADS, 200)}),
    "snapshots/": (LEADS, {"GET": (PEOPLE, 200), "POST": (LEADS, 409)}),
    "snapshots/<str:fingerprint>/": (LEADS, {"GET": (PEOPLE, 200)}),
    "snapshots/<str:fingerprint>/rows/": (LEADS, {"GET": (PEOPLE, 200)}),
    "snapshots/<str:fingerprint>/export/": (LEADS, {"GET": (LEADS, 200)}),
    "snapshots/<str:fingerprint>/restore/": (LEADS, {"POST": (LEADS, 200)}),
    "snapshots/<str:fingerprint>/train/": (LEADS, {"POST": (LEADS, 201)}),
    "snapshots/<str:fingerprint>/compare/<str:other>/": (LEADS, {"GET": (PEOPLE, 200)}),
    "snapshots/<str:fingerprint>/compare/<str:other>/<str:kind>/": (LEADS, {"GET": (PEOPLE, 200)}),
    "policy/schedule/": (LEADS, {"GET": (LEADS, 400)}),
    "policy/": (LEADS, {"GET": (LEADS, 200), "PATCH": (LEADS, 200)}),
    "try/": (PEOPLE, {"POST": (PEOPLE, 400)}),
    "observation/": (LEADS, {"GET": (REVIEWERS, 200), "POST": (LEADS, 400)}),
    "observation/<int:pk>/share/": (LEADS, {"PATCH": (LEADS, 400)}),
    "observation/<int:pk>/stop/": (LEADS, {"POST": (LEADS, 400)}),
    "observation/<int:pk>/promotion/": (LEADS, {"POST": (LEADS, 400)}),
    "judging/claim/": (REVIEWERS, {"POST": (REVIEWERS, 200)}),
    "judging/undo/": (REVIEWERS, {"POST": (REVIEWERS, 400)}),
    "judging/<int:pk>/": (REVIEWERS, {"POST": (REVIEWERS, 400)}),
    "judging/<int:pk>/release/": (REVIEWERS, {"POST": (REVIEWERS, 400)}),
    "production/": (REVIEWERS, {"GET": (REVIEWERS, 200)}),
    "production/versions/": (REVIEWERS, {"GET": (REVIEWERS, 200)}),
    "production/rollback/": (LEADS, {"POST": (LEADS, 400)}),
    "promotions/<int:pk>/approve/": (LEADS, {"POST": (LEADS, 404)}),
    "promotions/<int:pk>/withdraw/": (LEADS, {"POST": (LEADS, 400)}),
    "promotions/<int:pk>/dossier/": (REVIEWERS, {"GET": (REVIEWERS, 404)}),
    "watches/<int:pk>/read/": (LEADS, {"POST": (LEADS, 404)}),
    "history/": (REVIEWERS, {"GET": (REVIEWERS, 200)}),
    "route/": (MACHINES, {"POST": (MACHINES, 400)}),
    "route/<path:external_id>/": (MACHINES, {"GET": (MACHINES, 200)}),
    "outcomes/": (MACHINES, {"POST": (MACHINES, 400)}),
    "escalations/": (PEOPLE, {"GET": (PEOPLE, 200)}),
    "drift/": (PEOPLE, {"GET": (PEOPLE, 200), "POST": (LEADS, 200)}),
    "drift/<str:kind>/": (PEOPLE, {"GET": (PEOPLE, 200)}),
    "holds/": (LEADS, {"POST": (LEADS, 400)}),
    "holds/<int:pk>/": (LEADS, {"DELETE": (LEADS, 204)}),
    "loop/": (PEOPLE, {"GET": (PEOPLE, 200)}),
    "home/": (PEOPLE, {"GET": (PEOPLE, 200)}),
}

DOCUMENTS = {"schema/", "docs/"}  # drf-spectacular's own, in a form of their own


def addresses(patterns: Any = None, before: str = "") -> Iterator[str]:
    """Every address under /api/ that the URLconf knows, but for the one that answers unknown ones."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        path = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern.url_patterns, path)
        elif isinstance(pattern, URLPattern) and path.startswith("api/"):
            yield path.removeprefix("api/")


@pytest.fixture
def rows(db: None) -> dict[str, dict[str, object]]:
    """One of everything an address names."""
    cache.clear()
    lead = factories.person("lea", "lead")
    invitation, secret = accounts.invitation_create(invited_by=lead, role="annotator")
    token, _ = accounts.token_create(user=factories.person("somebody else", "admin"), name="x")
    run = TrainingRun.objects.create(state="failed", reason={})
    ModelVersion.objects.create(
        number=7, kind="classifier", artifact_uri="file:///x", manifest_hash="0", encoder="e" * 16, dim=8
    )
    snapshot = DatasetSnapshot.objects.create(
        fingerprint="f" * 64, uri=f"{settings.ARTIFACTS_URI}/x/rows.jsonl", rows=0, last_annotation_id=0
    )
    return {
        "invitations": {"pk": invitation.pk, "secret": secret},
        "tokens": {"pk": token.pk},
        "services": {"pk": factories.service().pk},
        "tickets": {"pk": factories.ticket().pk},
        "triage": {"pk": factories.ticket().pk},
        "imports": {"pk": ImportRun.objects.create(filename="x.csv").pk},
        "drift": {"kind": "mix"},
        "holds": {"pk": 1},
        "written": {"pk": factories.ticket().pk},
        "runs": {"pk": run.pk},
        "models": {"number": 7},
        "test-sets": {"pk": TestSet.objects.create(name="x", fingerprint="0", rows=0).pk},
        "snapshots": {"fingerprint": snapshot.fingerprint, "other": snapshot.fingerprint, "kind": "came"},
        "observation": {"pk": 1},
        "judging": {"pk": 1},
        "promotions": {"pk": 1},
        "watches": {"pk": 1},
        "route": {"external_id": routed_ticket(lead).external_id},
    }


def routed_ticket(asked_by: User) -> Ticket:
    """A live ticket that went to people, as nothing is in production."""
    record = {"external_id": "A-1", "text": "Where is it?"}
    inference.tickets_route(records=[record], asked_by=asked_by, backend=backend(), arrived=time.monotonic())
    return Ticket.objects.get(external_id="A-1")


def signed_in(role: str) -> Client:
    """A browser of somebody of that role."""
    client = Client()
    if role != "nobody":
        client.force_login(factories.person(f"the {role}", role))
    return client


def ask(client: Client, method: str, path: str) -> Any:
    """Call with an empty body; whatever it writes is taken back."""
    with transaction.atomic():
        answer = client.generic(method, f"/api/{path}", "{}", "application/json")
        if answer.streaming:
            b"".join(answer.streaming_content)
        transaction.set_rollback(True)
    return answer


def expected(path: str, role: str, method: str) -> int:
    others, offered = TABLE[path]
    may, status = offered.get(method, (others, 405))
    if role in may:
        # an admin may revoke anybody's token
        return 204 if (path, role, method) == ("tokens/<int:pk>/", "admin", "DELETE") else status
    return 401 if role == "nobody" else 403


def test_the_table_names_every_address_there_is() -> None:
    assert set(addresses()) == set(TABLE)


@pytest.mark.parametrize("path", TABLE)
def test_each_role_gets_from_each_method_what_it_should(path: str, rows: dict[str, Any]) -> None:
    values = rows.get(path.split("/", 1)[0], {})
    concrete = re.sub(r"<\w+:(\w+)>", lambda found: str(values[found[1]]), path)
    got = {}
    for role in ROLES:
        client = signed_in(role)
        session = client.cookies.copy()
        for method in METHODS:
            client.cookies = session.copy()  # signing out was taken back
            got[role, method] = ask(client, method, concrete)
    wrong = {
        key: (answer.status_code, expected(path, *key))
        for key, answer in got.items()
        if answer.status_code != expected(path, *key)
    }
    assert wrong == {}
    for key, answer in got.items():
        if answer.status_code >= 400 and path not in DOCUMENTS:
            assert set(answer.json()["error"]) == {"code", "message", "params", "fields"}, key


@pytest.mark.django_db
def test_a_machine_brings_tickets_in_with_its_token_and_sees_nothing_of_the_desk() -> None:
    robot = factories.person("shop", "machine")
    _, secret = accounts.token_create(user=robot, name="shop")
    machine = Client(headers={"Authorization": f"Token {secret}"})
    sent = machine.post("/api/tickets/", {"tickets": [{"text": "Where is it?"}]}, "application/json")
    assert (sent.status_code, sent.json()["created"]) == (200, 1)
    for path in ("tickets/", "services/", "queue/progress/", "home/", "people/", "runs/"):
        assert machine.get(f"/api/{path}").status_code == 403, path
    assert machine.post("/api/queue/claim/", {"mode": "teach"}, "application/json").status_code == 403


@pytest.mark.django_db
def test_a_machine_does_not_invent_services() -> None:
    robot = factories.person("shop", "machine")
    client = Client()
    client.force_login(robot)
    body = {"tickets": [{"text": "Where is it?", "label": "Nonsense"}], "service_from_labels": True}
    report = client.post("/api/tickets/", body, "application/json").json()
    assert report["services_created"] == [] and report["errors"][0]["code"] == "unknown_service"


@pytest.mark.django_db
def test_a_switched_off_account_is_refused_with_its_session_and_with_its_token() -> None:
    lea = factories.person("lea", "lead")
    _, secret = accounts.token_create(user=lea, name="x")
    browser, program = Client(), Client(headers={"Authorization": f"Token {secret}"})
    browser.force_login(lea)
    assert browser.get("/api/people/").status_code == program.get("/api/people/").status_code == 200
    lea.is_active = False
    lea.save()
    assert browser.get("/api/people/").status_code == program.get("/api/people/").status_code == 401
