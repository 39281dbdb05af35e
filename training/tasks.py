"""Celery shells: they take ids and delegate. Beat calls the ``*_drive`` and ``*_check`` ones."""

from celery import shared_task

from compute.registry import backend
from training import actions, nudges, runs, selectors

STEPS_A_CALL = 6


@shared_task
def run_advance(run_id: int) -> None:
    """Step one run as far as it goes without waiting."""
    for _ in range(STEPS_A_CALL):
        if not runs.advance(run_id, backend()):
            return


@shared_task
def runs_drive() -> None:
    """Re-drive whatever is live: a lost nudge or a dead worker costs at most one beat."""
    run = selectors.live_run()
    if run is not None:
        run_advance(run.pk)


@shared_task
def policy_check() -> None:
    """Ask the retrain policy."""
    nudges.policy_taken()
    decision = actions.policy_apply()
    if decision.run_id is not None and decision.starts:
        run_advance.delay(decision.run_id)
