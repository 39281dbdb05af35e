"""The one error that actions raise when they refuse; the API turns it into the error envelope."""

from typing import Any


class Refused(Exception):
    """What was asked cannot be done, and the caller can do something about it.

    ``code`` is stable and translated by the page with ``params``; ``status`` is the HTTP status it maps to
    (400 bad input, 403 not allowed, 404 not there, 409 the state does not permit it, 503 not ready yet).
    ``message`` is the English sentence for logs, the command line and clients that do not translate.
    """

    def __init__(self, code: str, message: str = "", *, status: int = 409, **params: Any) -> None:
        super().__init__(message or code)
        self.code = code
        self.message = message or code.replace("_", " ")
        self.status = status
        self.params = params
