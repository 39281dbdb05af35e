"""Statements that PostgreSQL plans once a connection: planning a long one takes as long as running it.

    CLAIM = Prepared("SELECT … WHERE mode = %(mode)s LIMIT %(count)s", mode="text", count="int")
    CLAIM.run(cursor, {"mode": "teach", "count": 3})

What is asked at every call is worth it; a statement whose best plan depends on its values is not, since after five
calls PostgreSQL keeps one plan for all of them if it looks no dearer (its manual, "PREPARE").
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary

from django.db import DatabaseError, connection

UNKNOWN, KNOWN_ALREADY = "26000", "42P05"
_on: WeakKeyDictionary[Any, set[str]] = WeakKeyDictionary()
"""Connection of the driver -> the statements it has planned."""


class Prepared:
    """One statement with values by name; ``types``: the type of each, as PostgreSQL names it.

    The same text has the same name on every connection. A pool of connections between us and the server may hand out
    one that never planned it, or one that did for somebody else: both are noticed and put right.
    """

    def __init__(self, statement: str, **types: str) -> None:
        planned = statement % {name: f"${place}" for place, name in enumerate(types, 1)}
        self.name = f"aiguilleur_{hashlib.sha256(planned.encode()).hexdigest()[:16]}"
        self._prepare = f"PREPARE {self.name} ({', '.join(types.values())}) AS {planned}"
        self._execute = f"EXECUTE {self.name} ({', '.join(f'%({name})s' for name in types)})"

    def run(self, cursor: Any, values: Mapping[str, Any], before: str = "") -> None:
        """As ``cursor.execute``; ``before`` are statements of the same round trip, each with its semicolon."""
        self._plan(cursor)
        try:
            cursor.execute(before + self._execute, values)
        except DatabaseError as error:
            if _code(error) != UNKNOWN or connection.in_atomic_block:
                raise
            _on.pop(connection.connection, None)
            self._plan(cursor)
            cursor.execute(before + self._execute, values)

    def _plan(self, cursor: Any) -> None:
        known = _on.setdefault(connection.connection, set())
        if self.name in known:
            return
        try:
            cursor.execute(self._prepare)
        except DatabaseError as error:
            if _code(error) != KNOWN_ALREADY or connection.in_atomic_block:
                raise
        known.add(self.name)


def _code(error: DatabaseError) -> str | None:
    return getattr(error.__cause__, "pgcode", None)
