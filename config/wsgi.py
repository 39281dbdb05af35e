"""The WSGI entry point gunicorn loads."""

import os

from django.core.wsgi import get_wsgi_application

from config import celery  # noqa: F401 - tasks are sent through this app

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_wsgi_application()
