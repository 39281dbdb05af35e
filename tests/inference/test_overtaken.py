"""A newer version does not wait for the pool to be seen by one that nobody will use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from compute.port import ComputeBackend
from inference import actions, runs, selectors
from inference.models import TransformPurpose, TransformRun
from inference.runs import transform
from tests.inference.cast import drive, make_tickets, until
from tests.ml.conftest import write_bert
from training.models import ModelVersion

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def third_bert(tmp_path: Path) -> Path:
    """A random encoder of dimension 64."""
    return write_bert(tmp_path, hidden=64, seed=6)


def new_base(settings: Any, backend: ComputeBackend, folder: Path) -> ModelVersion:
    settings.BASE_MODEL = str(folder)
    return actions.encoder_ensure(backend=backend)


def pass_over_the_pool(version: ModelVersion) -> TransformRun:
    run = actions.transform_plan(model_version=version, purpose=TransformPurpose.POOL)
    assert run is not None
    return run


def test_an_overtaken_pass_that_runs_is_stopped_and_the_newest_version_gets_the_pool(
    backend: ComputeBackend, supervisor: object, settings: Any, wider_bert: Path, third_bert: Path
) -> None:
    make_tickets(6)
    drive(backend)
    overtaken = pass_over_the_pool(new_base(settings, backend, wider_bert))
    for _ in range(2):
        assert runs.advance(overtaken.pk, backend)
    overtaken.refresh_from_db()
    assert overtaken.state == "running"
    new_base(settings, backend, third_bert)
    drive(backend)
    overtaken.refresh_from_db()
    assert overtaken.state == "stopped" and overtaken.ended_at is not None
    assert overtaken.loaded == 0 and not backend.exists(transform.folder_of(overtaken))
    assert selectors.current_encoder().dim == 64  # type: ignore[union-attr]


def test_an_overtaken_pass_that_has_not_begun_asks_the_backend_for_nothing(
    backend: ComputeBackend, supervisor: object, settings: Any, wider_bert: Path, third_bert: Path
) -> None:
    make_tickets(3)
    drive(backend)
    overtaken = pass_over_the_pool(new_base(settings, backend, wider_bert))
    new_base(settings, backend, third_bert)
    assert runs.advance(overtaken.pk, backend)
    overtaken.refresh_from_db()
    assert (overtaken.state, overtaken.job_name) == ("stopped", "")


def test_the_pass_for_the_version_in_use_goes_on_while_a_new_one_comes_near(
    backend: ComputeBackend, supervisor: object, settings: Any, wider_bert: Path
) -> None:
    make_tickets(3)
    drive(backend)
    in_use = selectors.serving_model(selectors.current_encoder())  # type: ignore[arg-type]
    new_base(settings, backend, wider_bert)
    make_tickets(2, first=50)
    run = pass_over_the_pool(in_use)

    def ended() -> bool:
        while runs.advance(run.pk, backend):
            pass
        run.refresh_from_db()
        return run.ended_at is not None

    until(ended, "the pass to end")
    assert (run.state, run.loaded) == ("succeeded", 2)
