"""Watches the queue while people work: when it knew of which answer, and which place each ticket had in which order."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from typing import Any

EVERY_SECONDS = 0.02


class Watch:
    """A thread with a connection of its own, between ``with`` and its end."""

    def __init__(self) -> None:
        self.known_at: dict[int, float] = {}
        """Newest answer a pushed queue knew of -> when it was first seen, in seconds since 1970."""
        self.places: dict[int, dict[int, float]] = defaultdict(dict)
        """By the same, ticket -> position."""
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._done.set()
        self._thread.join(10)

    def _run(self) -> None:
        from django.db import connection

        newest = 0
        with connection.cursor() as cursor:
            while not self._done.wait(EVERY_SECONDS):
                cursor.execute("SELECT coalesce(max(id), 0) FROM annotation_queueitem WHERE mode = 'teach'")
                (row,) = cursor.fetchone()
                if row == newest:
                    continue
                cursor.execute(
                    """SELECT generation, ticket_id, position FROM annotation_queueitem
                       WHERE mode = 'teach' AND id > %s""",
                    [newest],
                )
                now, newest = time.time(), row
                for generation, ticket, position in cursor.fetchall():
                    self.known_at.setdefault(generation, now)
                    self.places[generation][ticket] = position
        connection.close()

    def staleness(self, answers: dict[int, float]) -> list[float]:
        """Seconds from each answer (id -> when it was written) to the queue that knew of it; those it never knew of
        are left out.
        """
        seen = sorted(self.known_at.items())
        found = []
        for answer, written in answers.items():
            moments = [moment for generation, moment in seen if generation >= answer]
            if moments:
                found.append(max(0.0, min(moments) - written))
        return found
