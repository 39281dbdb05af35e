"""Who is signed in, read at every call of a page: two statements planned once a connection, no more than they need.

Django's own way builds both statements from models each time, which was a quarter of the web server's work for a claim.
"""

from functools import cache
from typing import Any

from django.contrib.auth.backends import BaseBackend
from django.contrib.sessions.backends import db
from django.db import connection

from accounts.models import User
from accounts.prepared import Prepared
from accounts.rows import columns, made

SESSION = Prepared(
    "SELECT s.session_data FROM django_session s WHERE s.session_key = %(key)s AND s.expire_date > clock_timestamp()",
    key="text",
)


class SessionStore(db.SessionStore):
    """Django's sessions in the database, read by a plain statement; written, and cleared, as ever."""

    def load(self) -> dict[str, Any]:
        """What is kept under this session's key; nothing, and another key to come, where its time is over."""
        with connection.cursor() as cursor:
            SESSION.run(cursor, {"key": self.session_key})
            row = cursor.fetchone()
        if row is None:
            self._session_key = None
            return {}
        return dict(self.decode(row[0]))


@cache
def _person() -> Prepared:
    return Prepared(f"SELECT {columns(User, 'u')} FROM accounts_user u WHERE u.id = %(id)s", id="bigint")  # noqa: S608


class KnownPerson(BaseBackend):
    """Finds the person a session belongs to, nothing else: Django's ``ModelBackend`` checks passwords and rights."""

    def get_user(self, user_id: int) -> User | None:
        """The person, if they may still come in."""
        with connection.cursor() as cursor:
            _person().run(cursor, {"id": user_id})
            row = cursor.fetchone()
        person = None if row is None else made(User, row)
        return person if person is not None and person.is_active else None


BACKEND = f"{KnownPerson.__module__}.{KnownPerson.__qualname__}"
