"""Workers give way to pages and live tickets, their whole family."""

from pathlib import Path

from tests.config.processes import python

TOLD = """
import os
from config import celery
from celery.signals import worker_init
before = os.nice(0)
worker_init.send(None)
print(os.nice(0) - before)
"""


def test_a_worker_gives_way_as_far_as_the_setting_says(tmp_path: Path):
    done = python(tmp_path, "-c", TOLD, WORKER_NICE="7")
    assert done.stdout.split() == ["7"], done.stderr
    assert python(tmp_path, "-c", TOLD, WORKER_NICE="0").stdout.split() == ["0"]
