"""Celery shells: they take ids and delegate. Tasks named ``learner_*`` run in the learner worker alone."""

import time

from celery import shared_task
from django.conf import settings

from compute.registry import backend
from inference import actions, nudges, runs, selectors

STEPS_A_CALL = 20
LOAD_SECONDS = 1.0


@shared_task
def transforms_drive() -> None:
    """Step every live transform as far as it goes without waiting, then look for what follows from it."""
    nudges.taken(nudges.TRANSFORMS)
    moved = False
    for pk in selectors.live_transforms().values_list("pk", flat=True):
        for _ in range(STEPS_A_CALL):
            if not runs.advance(pk, backend()):
                break
            moved = True
    if moved:
        nudges.learner()
        nudges.work()


@shared_task
def work_find() -> None:
    """Find tickets and versions that wait for each other, and start what brings them together."""
    nudges.taken(nudges.WORK)
    actions.work_find(backend=backend())


@shared_task
def decisions_load() -> None:
    """Load a little of what decisions brought along, often, rather than all of it at once."""
    actions.decisions_load(LOAD_SECONDS)


@shared_task
def escalations_drive() -> None:
    """Answer waiting customers with what people decided, keep their tickets in the queue, and tell the desk."""
    nudges.taken(nudges.ESCALATIONS)
    actions.escalations_drive()
    actions.webhooks_send()


@shared_task
def drift_check() -> None:
    """Read drift when the last reading is old enough."""
    actions.drift_check(is_due=True)


@shared_task
def alarms_send() -> None:
    """Tell the addresses of the installation what is wrong."""
    nudges.taken(nudges.ALARMS)
    actions.alarms_send()


@shared_task
def learner_refresh() -> None:
    """Refit and re-rank if anything changed; else return at once. Labels of one moment share one refit."""
    from inference.learner import worker  # modAL and its torch: in this worker only

    learner = worker.resident()
    time.sleep(learner.seconds_to_rest(settings.LEARNER_DEBOUNCE_SECONDS))
    nudges.taken(nudges.LEARNER)
    learner.refresh()


@shared_task
def observer_drive() -> None:
    """Show the candidate what was routed lately, a few seconds at a time, and judge it anew."""
    nudges.taken(nudges.OBSERVER)
    if actions.observer_drive(backend=backend()):
        nudges.observer()


@shared_task
def promotions_drive() -> None:
    """Rehearse the way back, let the endpoint take what was approved, and see that production is what its row says."""
    nudges.taken(nudges.PROMOTIONS)
    actions.promotions_drive(backend=backend())


@shared_task
def production_watch() -> None:
    """Hold what routes to its promise; go back by itself when it is broken."""
    actions.production_watch()
