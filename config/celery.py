"""The Celery application: general workers, the learner worker and beat all start from here.

Apps declare their tasks with ``shared_task`` and never import this module. Beat's built-in schedule re-drives
work from the rows; people's own schedules live in django-celery-beat's tables.
"""

import os

from celery import Celery
from celery.signals import worker_init
from django.conf import settings

from ml.machine import give_way

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("aiguilleur")
app.set_default()  # for every thread: the web server answers in threads, and they send tasks too
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_init.connect
def _give_way(**_: object) -> None:
    """Before a worker forks: pages and live tickets come first."""
    give_way(str(settings.WORKER_NICE))


app.conf.beat_schedule = {
    "training: drive runs": {"task": "training.tasks.runs_drive", "schedule": 5.0},
    "training: check the retrain policy": {"task": "training.tasks.policy_check", "schedule": 20.0},
    "training: tell the model registry": {"task": "training.tasks.registry_tell", "schedule": 60.0},
    "training: forget erased tickets": {"task": "training.tasks.snapshots_forget", "schedule": 60.0},
    "inference: drive transforms": {"task": "inference.tasks.transforms_drive", "schedule": 5.0},
    "inference: look for work": {"task": "inference.tasks.work_find", "schedule": 15.0},
    "inference: load what was routed": {"task": "inference.tasks.decisions_load", "schedule": 2.0},
    "inference: keep the learner up to date": {"task": "inference.tasks.learner_refresh", "schedule": 15.0},
    "inference: drive the observer": {"task": "inference.tasks.observer_drive", "schedule": 5.0},
    "inference: drive promotions": {"task": "inference.tasks.promotions_drive", "schedule": 5.0},
    "inference: watch production": {"task": "inference.tasks.production_watch", "schedule": 15.0},
    "inference: answer the desk": {"task": "inference.tasks.escalations_drive", "schedule": 5.0},
    "inference: tell of alarms": {"task": "inference.tasks.alarms_send", "schedule": 15.0},
    "inference: read drift": {"task": "inference.tasks.drift_check", "schedule": 900.0},
    "annotation: drive imports": {"task": "annotation.tasks.imports_drive", "schedule": 30.0},
}
