"""Deployment: settings, addresses, Celery, and the programs that run an installation."""

import os

from config.secret_files import read_secret_files

read_secret_files(os.environ)
