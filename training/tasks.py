"""Celery shells: they take ids and delegate. Beat calls the ``*_drive`` and ``*_check`` ones."""

from celery import shared_task

from compute.registry import backend
from training import actions, nudges, registry, runs, selectors, snapshots

STEPS_A_CALL = 6


@shared_task
def run_advance(run_id: int) -> None:
    """Step one run as far as it goes without waiting, and come back while its job is at work."""
    for _ in range(STEPS_A_CALL):
        if not runs.advance(run_id, backend()):
            break
    if selectors.is_at_work(run_id):
        nudges.watch(run_id)


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
    actions.policy_apply()


@shared_task
def registry_tell() -> None:
    """Keep the account's model registry in step with the rows."""
    registry.registry_drive(backend=backend())


@shared_task
def snapshots_forget() -> None:
    """Let snapshots forget tickets that were erased."""
    snapshots.erased_forget(backend=backend())
