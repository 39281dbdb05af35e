"""Statements that PostgreSQL plans once a connection: planning a long one takes as long as running it.

    CLAIM = Prepared("SELECT … WHERE mode = %(mode)s LIMIT %(count)s", mode="text", count="int")
    CLAIM.run(cursor, {"mode": "teach", "count": 3})

What is asked at every call is worth it; a statement whose best plan depends on its values is not, since after five
calls PostgreSQL keeps one plan for all of them if it looks no dearer (its manual, "PREPARE").
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary

from django.db import DatabaseError, connection, transaction

log = logging.getLogger(__name__)

UNKNOWN, KNOWN_ALREADY = "26000", "42P05"
_on: WeakKeyDictionary[Any, set[str]] = WeakKeyDictionary()
"""Connection of the driver -> the statements it has planned."""


class Prepared:
    """One statement with values by name; ``types``: the type of each, as PostgreSQL names it.

    A pool between us and the server (PgBouncer, by transaction) hands out connections that never planned it, or did for
    somebody else. At the first sign of one this process sends statements whole from then on, as Django does.
    """

    is_pooled = False
    """Of the process."""

    def __init__(self, statement: str, **types: str) -> None:
        self.types = types
        self.whole = statement % {name: f"%({name})s::{kind}" for name, kind in types.items()}
        planned = statement % {name: f"${place}" for place, name in enumerate(types, 1)}
        self.name = f"aiguilleur_{hashlib.sha256(planned.encode()).hexdigest()[:16]}"
        self._prepare = f"PREPARE {self.name} ({', '.join(types.values())}) AS {planned}"
        self._execute = f"EXECUTE {self.name} ({', '.join(f'%({name})s' for name in types)})"

    def run(self, cursor: Any, values: Mapping[str, Any], before: str = "") -> None:
        """As ``cursor.execute``; ``before`` are statements of the same round trip, each with its semicolon.

        In a transaction, a connection that lost its plan is an error of that transaction, once.
        """
        if not Prepared.is_pooled:
            try:
                self._plan(cursor)
                cursor.execute(before + self._execute, values)
                return
            except DatabaseError as error:
                if _code(error) not in (UNKNOWN, KNOWN_ALREADY):
                    raise
                Prepared.is_pooled = True
                log.warning("statements are sent whole from now on, connections are pooled: %s", error)
                if _code(error) == UNKNOWN and connection.in_atomic_block:
                    raise
        cursor.execute(before + self.whole, values)

    def _plan(self, cursor: Any) -> None:
        known = _on.setdefault(connection.connection, set())
        if self.name in known:
            return
        if connection.in_atomic_block:
            with (
                transaction.atomic()
            ):  # a savepoint: a plan that is there already does not end the transaction
                cursor.execute(self._prepare)
        else:
            cursor.execute(self._prepare)
        known.add(self.name)


def _code(error: DatabaseError) -> str | None:
    return getattr(error.__cause__, "pgcode", None)
