"""The migrations that replace others: an installation that ran those has nothing to do."""

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder

pytestmark = pytest.mark.django_db


def test_an_installation_that_ran_the_replaced_migrations_has_nothing_to_run() -> None:
    recorder = MigrationRecorder(connection)
    loader = MigrationExecutor(connection).loader
    squashed = {key: one.replaces for key, one in loader.disk_migrations.items() if one.replaces}
    ours = {app for app, _ in squashed if app in ("annotation", "training", "inference")}
    assert ours == {"annotation", "training", "inference"}
    for (app, name), replaced in squashed.items():
        if app in ours:
            recorder.record_unapplied(app, name)
            for old in replaced:
                recorder.record_applied(*old)
    executor = MigrationExecutor(connection)
    leaves = executor.loader.graph.leaf_nodes()
    assert executor.migration_plan(leaves) == []
    executor.migrate(leaves, plan=[])
    executor.check_replacements()
    assert {key for key in squashed if key[0] in ours} <= set(recorder.applied_migrations())
