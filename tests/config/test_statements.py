"""Every statement that is planned once a connection can be sent whole too, as behind a pool of connections."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from accounts import authentication, sessions
from accounts.prepared import Prepared
from annotation import progress
from annotation.actions import leases, live, turns
from inference.actions import escalations
from inference.routing import reading, standing

OURS = [
    authentication.MARK, escalations.WAITS, leases._claim(), live.PUSH, progress.NEWEST, progress.PROGRESS,
    reading.STORED, sessions.SESSION, sessions._person(), standing.MARK, turns.TURN, turns._served(),
]  # fmt: skip
VALUES: dict[str, Any] = {
    "bigint": 1, "int": 1, "text": "a", "jsonb": "[]", "bigint[]": [1, 2], "text[]": ["a"], "uuid[]": [],
    "uuid": uuid.uuid4(), "interval": timedelta(seconds=3), "timestamptz": timezone.now(),
}  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize("pooled", [False, True], ids=["planned", "whole"])
@pytest.mark.parametrize("at", range(len(OURS)))
def test_a_statement_runs_either_way(at: int, pooled: bool, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Prepared, "is_pooled", pooled)
    one = OURS[at]
    with connection.cursor() as cursor:
        one.run(cursor, {name: VALUES[kind] for name, kind in one.types.items()})
        cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE name = %s", [one.name])
        assert cursor.fetchone()[0] or pooled
    assert Prepared.is_pooled is pooled
