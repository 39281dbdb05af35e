"""The migrations that replace others: an installation that ran those has nothing to do."""

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder

pytestmark = pytest.mark.django_db


def test_an_installation_that_ran_the_replaced_migrations_has_nothing_to_run() -> None:
    recorder = MigrationRecorder(connection)
    loader = MigrationExecutor(connection).loader
    ours = ("annotation", "training", "inference")
    squashed = {
        key: one.replaces for key, one in loader.disk_migrations.items() if one.replaces and key[0] in ours
    }
    assert {app for app, _ in squashed} == set(ours)
    for (app, name), replaced in squashed.items():
        recorder.record_unapplied(app, name)
        for old in replaced:
            recorder.record_applied(*old)
    executor = MigrationExecutor(connection)
    leaves = executor.loader.graph.leaf_nodes()
    assert executor.migration_plan(leaves) == []
    executor.migrate(leaves, plan=[])
    executor.check_replacements()
    assert set(squashed) <= set(recorder.applied_migrations())
