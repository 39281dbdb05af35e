"""The one error envelope of the API: ``{"error": {"code", "params", "message", "fields"}}``.

Codes are stable and translated by the page; ``message`` is the English sentence for logs and curl.
"""

from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.core.exceptions import ValidationError as DjangoValidationError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.csrf import csrf_failure as django_csrf_failure
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from accounts.errors import Refused
from config.parsers import TooLarge


def body(
    code: str, message: str, params: dict[str, Any] | None = None, fields: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Build the envelope."""
    return {"error": {"code": code, "params": params or {}, "message": message, "fields": fields or {}}}


def _fields(detail: Any) -> Any:
    """Turn DRF's nested error details into ``[{code, message}]`` at the leaves."""
    if isinstance(detail, dict):
        return {key: _fields(value) for key, value in detail.items()}
    if isinstance(detail, list):
        return [_fields(value) for value in detail]
    return {"code": getattr(detail, "code", "invalid"), "message": str(detail)}


def envelope(error: Exception, context: dict[str, Any]) -> Response | None:
    """Answer DRF's exceptions and our refusals in one form; anything else is a bug and stays a 500."""
    if isinstance(error, Refused):
        set_rollback()
        return Response(body(error.code, error.message, error.params), status=error.status)
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    elif isinstance(error, DjangoValidationError):
        error = exceptions.ValidationError(
            error.message_dict if hasattr(error, "error_dict") else error.messages
        )
    if not isinstance(error, exceptions.APIException):
        return None
    set_rollback()
    headers = {}
    if getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = error.auth_header
    params: dict[str, Any] = {}
    if isinstance(error, exceptions.Throttled) and error.wait:
        params["seconds"] = int(error.wait) + 1
        headers["Retry-After"] = str(params["seconds"])
    if isinstance(error, TooLarge):
        params["limit"] = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    if isinstance(error, exceptions.ValidationError):
        data = body(
            "invalid",
            "Some fields are not right.",
            params,
            {"detail": _fields(error.detail)} if isinstance(error.detail, list) else _fields(error.detail),
        )
    else:
        code = error.get_codes()
        data = body(code if isinstance(code, str) else "error", str(error.detail), params)
    return Response(data, status=error.status_code, headers=headers)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a write without its CSRF token: the API in the envelope, the admin with Django's page."""
    if not request.path.startswith("/api/"):
        return django_csrf_failure(request, reason=reason)
    return JsonResponse(body("csrf_failed", f"CSRF Failed: {reason}", {}), status=403)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> JsonResponse:
    """Answer a request that Django itself refuses: an unknown host, a broken form, a body over the limit."""
    if isinstance(exception, RequestDataTooBig):
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        error = TooLarge()
        return JsonResponse(body(error.default_code, str(error.detail), {"limit": limit}), status=413)
    return JsonResponse(body("bad_request", "This request cannot be understood."), status=400)


def not_found(request: HttpRequest, exception: Exception | None = None) -> JsonResponse:
    """Answer an unknown API address."""
    return JsonResponse(body("not_found", f"There is nothing at {request.path}."), status=404)


def server_error(request: HttpRequest) -> JsonResponse:
    """Answer a bug without showing its insides; the log has the traceback."""
    return JsonResponse(
        body("server_error", "Something broke on our side. Nothing you sent was half-saved."), status=500
    )
