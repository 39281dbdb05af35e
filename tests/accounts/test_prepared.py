"""Statements planned once a connection: found again by name, and sent whole where a pool mixes connections up."""

from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from accounts.prepared import Prepared

pytestmark = pytest.mark.django_db(transaction=True)
SUM = Prepared("SELECT %(left)s + %(right)s, current_setting('statement_timeout')", left="int", right="int")


def added(left: int, right: int, before: str = "") -> tuple[int, str]:
    with connection.cursor() as cursor:
        SUM.run(cursor, {"left": left, "right": right}, before)
        return cursor.fetchone()


def planned() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE name = %s", [SUM.name])
        return cursor.fetchone()[0]


def by_hand(statement: str) -> None:
    """What another program behind the same pool of connections might have done."""
    with connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.fixture(autouse=True)
def _a_connection_of_its_own(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(Prepared, "is_pooled", False)
    connection.close()
    yield
    connection.close()


def test_values_go_by_name_and_the_plan_is_made_once():
    assert [added(1, 2)[0], added(40, 2)[0]] == [3, 42]
    assert planned() == 1


def test_a_new_connection_plans_anew():
    added(1, 2)
    connection.close()
    assert planned() == 0
    assert added(2, 2)[0] == 4 and planned() == 1


def test_what_goes_before_is_of_the_same_transaction_and_ends_with_it():
    assert added(1, 2, before="SET LOCAL statement_timeout = 4321; ") == (3, "4321ms")
    assert added(1, 2)[1] != "4321ms"


def test_where_a_connection_has_lost_its_plan_statements_are_sent_whole_from_then_on():
    added(1, 2)
    by_hand("DEALLOCATE ALL")
    assert added(20, 1, before="SET LOCAL statement_timeout = 4321; ") == (21, "4321ms")
    assert added(20, 2)[0] == 22 and Prepared.is_pooled and planned() == 0


def test_a_plan_that_somebody_else_made_there_is_left_alone_and_ends_no_transaction():
    by_hand(f"PREPARE {SUM.name} (int, int) AS SELECT 0, 'another release'")
    with transaction.atomic():
        assert added(20, 3)[0] == 23
        by_hand("SELECT 1")
    assert added(20, 4)[0] == 24 and Prepared.is_pooled


def test_a_plan_lost_within_a_transaction_fails_it_once():
    added(1, 2)
    with pytest.raises(DatabaseError), transaction.atomic():
        by_hand("DEALLOCATE ALL")
        added(1, 2)
    with transaction.atomic():
        assert added(1, 2)[0] == 3


def test_an_error_of_the_statement_itself_is_the_callers():
    broken = Prepared("SELECT 1 / %(by)s", by="int")
    with connection.cursor() as cursor:
        for _ in range(2):
            with pytest.raises(DatabaseError, match="division by zero"):
                broken.run(cursor, {"by": 0})
        broken.run(cursor, {"by": 1})
        assert cursor.fetchone() == (1,)
