"""The WSGI entry point gunicorn loads."""

import os
from typing import Any

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

from config import celery  # noqa: F401 - tasks are sent through this app
from config.door import waited
from ml.garbage import keep_loaded

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
_django = get_wsgi_application()
get_resolver().check()  # every address and what answers there, once for all processes rather than at their first calls
keep_loaded()


def application(environ: dict[str, Any], start_response: Any) -> Any:
    """Django, told how long the call stood before the door: no header can say so."""
    environ["aiguilleur.waited"] = waited()
    return _django(environ, start_response)
