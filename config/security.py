"""The content security policy: strict for the pages; the admin's own scripts need a little more."""

from typing import Any

from csp.constants import SELF, UNSAFE_EVAL, UNSAFE_INLINE
from csp.middleware import CSPMiddleware
from django.http import HttpRequest
from django.http.response import HttpResponseBase

# django-unfold uses Alpine.js expressions (eval) and inline styles. Only admins get these pages, every
# source is still this host.
ADMIN_POLICY: dict[str, Any] = {
    "script-src": [SELF, UNSAFE_EVAL, UNSAFE_INLINE],
    "style-src": [SELF, UNSAFE_INLINE],
}
DOCS_POLICY: dict[str, Any] = {"script-src": [SELF, UNSAFE_INLINE], "style-src": [SELF, UNSAFE_INLINE]}


class PolicyMiddleware(CSPMiddleware):
    """Loosen the policy on the admin and the API's documentation only."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if request.path.startswith("/admin/"):
            response._csp_replace = ADMIN_POLICY  # type: ignore[attr-defined]
        elif request.path.startswith("/api/docs/"):
            response._csp_replace = DOCS_POLICY  # type: ignore[attr-defined]
        return super().process_response(request, response)
