"""The WSGI entry point gunicorn loads."""

import os
import sys

from django.core.wsgi import get_wsgi_application

from config import celery  # noqa: F401 - tasks are sent through this app

# A request waits for the database a few times; by default each wait may cost 5 ms more while another thread reckons.
sys.setswitchinterval(0.0005)
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_wsgi_application()
