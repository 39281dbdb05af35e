"""Celery shells: they take ids and delegate."""

from celery import shared_task

from annotation.actions import imports


@shared_task(time_limit=4 * 3600)
def import_run(import_id: int) -> None:
    """Do one import."""
    imports.import_run(import_id=import_id)


@shared_task
def imports_drive() -> None:
    """Take up imports nobody works on."""
    for import_id in imports.imports_stalled():
        import_run.delay(import_id)
