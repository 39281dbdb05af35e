"""People at their browsers: they claim and answer over HTTP, as the page does."""

import uuid
from typing import Any

from django.test import Client

from accounts.models import User


def browser(who: User) -> Client:
    client = Client()
    client.force_login(who)
    return client


def claim(who: User, count: int = 1) -> list[Any]:
    answer = browser(who).post("/api/queue/claim/", {"mode": "teach", "count": count}, "application/json")
    return list(answer.json()["items"])


def decide(who: User, item: Any, kind: str = "label", **fields: Any) -> Any:
    body = {"key": str(uuid.uuid4()), "lease": item["lease"]["token"], "kind": kind} | fields
    answer = browser(who).post("/api/queue/submit/", body, "application/json")
    assert answer.status_code == 200, answer.content
    return answer.json()["annotation"]
