"""How a request says who it is: the browser's session, or an API token of a machine or person."""

import copy
import threading
from datetime import timedelta

from django.db import connection
from django.db.models import Q
from django.utils import timezone
from rest_framework import authentication, exceptions
from rest_framework.request import Request

from accounts.models import ApiToken, User, digest
from accounts.prepared import Prepared

LAST_USED_GRAIN = timedelta(minutes=5)
MARK = Prepared(
    """
SELECT t.xmin::text || ' ' || u.xmin::text FROM accounts_apitoken t JOIN accounts_user u ON u.id = t.user_id
WHERE t.digest = %(digest)s AND t.revoked_at IS NULL AND u.is_active""",
    digest="text",
)
MOST_SEEN = 256


class EnvelopeSessionAuthentication(authentication.SessionAuthentication):
    """Session with CSRF; answers 401 (not 403) to strangers, so that the page can show its login."""

    def enforce_csrf(self, request: Request) -> None:
        """Refuse a write without its token by a code of its own: the page then says to reload."""
        try:
            super().enforce_csrf(request)
        except exceptions.PermissionDenied as error:
            raise exceptions.PermissionDenied(str(error.detail), code="csrf_failed") from error

    def authenticate_header(self, request: Request) -> str:
        return "Session"


_lock = threading.Lock()
_seen: dict[tuple[object, str], tuple[str, ApiToken]] = {}
"""By database and digest: the mark a token and its user were read under, and both."""


def _valid(hashed: str) -> ApiToken | None:
    """The token in force, with its user. Each call asks for the marks of the two rows (``xmin``: the transaction that
    wrote them last) in one small statement, and reads the rows themselves only when one has changed: a machine sends
    hundreds of calls a second."""
    with connection.cursor() as cursor:
        MARK.run(cursor, {"digest": hashed})
        found = cursor.fetchone()
    if found is None:
        return None
    place = (connection.settings_dict["NAME"], hashed)
    with _lock:
        mark, token = _seen.get(place, ("", None))
    if token is None or mark != found[0]:
        token = ApiToken.objects.select_related("user").filter(digest=hashed).first()
        if token is None:
            return None
        with _lock:
            if len(_seen) >= MOST_SEEN:
                _seen.clear()
            _seen[place] = (found[0], token)
    mine = copy.copy(token)
    mine.user = copy.copy(token.user)
    return mine


class ApiTokenAuthentication(authentication.BaseAuthentication):
    """``Authorization: Token <secret>``; revoked tokens and switched-off accounts are refused."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        parts = authentication.get_authorization_header(request).split()
        if not parts or parts[0].lower() != b"token":
            return None
        if len(parts) != 2:
            raise exceptions.AuthenticationFailed("Send: Authorization: Token <secret>.", code="bad_token")
        token = _valid(digest(parts[1].decode("latin-1")))
        if token is None:
            raise exceptions.AuthenticationFailed("This token is unknown or revoked.", code="bad_token")
        self._note_use(token)
        return token.user, token

    @staticmethod
    def _note_use(token: ApiToken) -> None:
        """Write the time of use at most every few minutes, so that reads stay reads."""
        now = timezone.now()
        if token.last_used_at is not None and token.last_used_at >= now - LAST_USED_GRAIN:
            return
        stale = Q(last_used_at=None) | Q(last_used_at__lt=now - LAST_USED_GRAIN)
        ApiToken.objects.filter(stale, pk=token.pk).update(last_used_at=now)

    def authenticate_header(self, request: Request) -> str:
        return "Token"
