"""How many threads a serving program gets of the machine's cores."""

import pytest

from compute.supervisor import serving
from ml.machine import background


@pytest.mark.parametrize(("cores", "threads"), [(1, 1), (2, 2), (3, 2), (4, 2), (16, 8)])
def test_customers_get_half_of_the_cores_and_two_where_there_are(
    cores: int, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "threads_asked", lambda environment: cores)
    assert serving._threads({}) == {"ML_THREADS": str(threads)}


def test_what_gives_way_takes_what_is_left_over() -> None:
    assert serving._threads(background(10)) == {}
