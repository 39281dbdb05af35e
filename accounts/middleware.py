"""Language and time zone of the person who asks."""

import zoneinfo
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation

from accounts.models import User


class PersonalLocaleMiddleware:
    """Activate the user's language and zone; strangers get the browser's and the installation's."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user = request.user
        known = isinstance(user, User)
        language = (user.language if known else "") or translation.get_language_from_request(request)
        zone = (user.time_zone if known else "") or settings.INSTALLATION_TIME_ZONE
        try:
            tz = zoneinfo.ZoneInfo(zone)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError):
            tz = zoneinfo.ZoneInfo(settings.INSTALLATION_TIME_ZONE)
        with translation.override(language), timezone.override(tz):
            return self.get_response(request)
