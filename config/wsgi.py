"""The WSGI entry point gunicorn loads."""

import os
from typing import Any

from django.core.wsgi import get_wsgi_application

from config import celery  # noqa: F401 - tasks are sent through this app
from config.door import waited

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
_django = get_wsgi_application()


def application(environ: dict[str, Any], start_response: Any) -> Any:
    """Django, told how long the call stood before the door: no header can say so."""
    environ["aiguilleur.waited"] = waited()
    return _django(environ, start_response)
