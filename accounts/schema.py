"""How the two ways of signing in stand in the OpenAPI schema; loaded with the app."""

from typing import Any

from drf_spectacular.authentication import SessionScheme
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema


class EnvelopeSessionScheme(SessionScheme):
    """The browser's session cookie."""

    target_class = "accounts.authentication.EnvelopeSessionAuthentication"
    name = "session"


class ApiTokenScheme(OpenApiAuthenticationExtension):
    """``Authorization: Token <secret>``."""

    target_class = "accounts.authentication.ApiTokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        return {"type": "apiKey", "in": "header", "name": "Authorization", "description": "Token <secret>"}
