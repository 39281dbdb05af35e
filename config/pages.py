"""The addresses that are neither API nor admin: the single page of the frontend, and the health check."""

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, ensure_csrf_cookie
from django.views.decorators.http import require_safe

NOT_BUILT = "The pages are not built yet: run `make frontend`, then reload.\n"


@require_safe
@never_cache
@ensure_csrf_cookie
def page(request: HttpRequest) -> HttpResponse:
    """Serve the built single page whatever the path; its router does the rest."""
    index = settings.FRONTEND_DIST / "index.html"
    if not index.is_file():
        return HttpResponse(NOT_BUILT, status=503, content_type="text/plain; charset=utf-8")
    return HttpResponse(index.read_bytes(), content_type="text/html; charset=utf-8")


@csrf_exempt
def no_such_api(request: HttpRequest) -> HttpResponse:
    """Answer unknown API addresses in the envelope, whatever the method, and never with the page."""
    from config.errors import not_found

    return not_found(request)


@require_safe
def no_such_file(request: HttpRequest) -> HttpResponse:
    """Keep unknown static files from being answered with the page."""
    return HttpResponseNotFound("No such file.\n", content_type="text/plain")


@require_safe
@never_cache
def health(request: HttpRequest) -> JsonResponse:
    """Answer 200 when the process can reach its database; for load balancers, without sign-in."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Exception:
        return JsonResponse({"status": "database unreachable"}, status=503)
    return JsonResponse({"status": "ok"})
