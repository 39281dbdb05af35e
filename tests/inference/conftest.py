"""A real supervisor over small random encoders."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from compute.port import ComputeBackend
from tests.ml.conftest import write_bert

if TYPE_CHECKING:
    from inference.learner.worker import Resident
    from tests.inference.observed import Observed, Reviewer
    from training.models import ModelVersion

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def supervisor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[subprocess.Popen[bytes]]:
    """The local-compute supervisor of this installation's spool."""
    from django.conf import settings

    log = (tmp_path_factory.mktemp("supervisor") / "log.txt").open("wb")
    command = [sys.executable, "-m", "compute.supervisor", "--spool", str(settings.COMPUTE_SPOOL)]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=log, stderr=log, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    yield process
    process.terminate()
    process.wait(30)
    log.close()


@pytest.fixture(scope="session")
def small_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random encoder of dimension 32."""
    return write_bert(tmp_path_factory.mktemp("bert"))


@pytest.fixture(scope="session")
def wider_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another random encoder, of dimension 48."""
    return write_bert(tmp_path_factory.mktemp("wider"), hidden=48, seed=5)


@pytest.fixture
def backend(settings: Any, small_bert: Path) -> ComputeBackend:
    """The installation's backend, its base model being the small encoder. Starts no supervisor."""
    from compute import registry
    from inference.actions import encoders

    settings.BASE_MODEL = str(small_bert)
    encoders._known.clear()
    return registry.backend()


@pytest.fixture
def space() -> ModelVersion:
    """The version of a current space of `clouds.DIM` dimensions, without an artifact."""
    from inference.models import Encoder
    from tests.inference.clouds import DIM
    from training.models import ModelVersion

    version = ModelVersion.objects.create(
        number=0, kind="encoder", artifact_uri="file:///none", manifest_hash="0", encoder="a" * 16, dim=DIM
    )
    Encoder.objects.create(fingerprint=version.encoder, dim=DIM, model_version=version, is_current=True)
    return version


@pytest.fixture
def resident() -> Resident:
    """A learner as the worker keeps it, which has seen nothing."""
    from inference.learner.worker import Resident

    return Resident()


@pytest.fixture
def observed() -> Observed:
    """A candidate observed beside what routes."""
    from tests.inference.observed import Observed

    return Observed()


@pytest.fixture
def rose() -> Reviewer:
    """Somebody who judges pairs."""
    from tests.inference.observed import Reviewer

    return Reviewer("rose")


@pytest.fixture(scope="session")
def desk_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A supervisor over the small serving program, for all desks one after the other."""
    from tests.compute.conftest import House
    from tests.inference.desk import PROGRAM

    house = House(tmp_path_factory.mktemp("desk"))
    house.supervise("--serve", f"{sys.executable} {PROGRAM}")
    yield house
    house.close()


@pytest.fixture
def quiet_desk(desk_house: Any, settings: Any, db: None) -> Any:
    """A desk whose version is not in production yet."""
    from tests.inference.desk import Desk

    settings.COMPUTE_SPOOL = desk_house.spool.root
    settings.ARTIFACTS_URI = desk_house.artifacts.as_uri()
    settings.ROUTE_DEADLINE_MS = 2_000  # other tests take the cores meanwhile
    return Desk(desk_house)


@pytest.fixture
def desk(quiet_desk: Any) -> Any:
    """A desk that routes."""
    quiet_desk.open()
    return quiet_desk


@pytest.fixture
def settled(django_capture_on_commit_callbacks: Any) -> Any:
    """What happens on commit happens at the end of the block."""
    return lambda: django_capture_on_commit_callbacks(execute=True)


@pytest.fixture
def told(settings: Any) -> Any:
    """The alarms that leads were told by mail so far, as (kind, params), the oldest first."""
    from inference.models import Alarm

    settings.ALARM_MAIL_TO, settings.EMAIL_HOST = ["leads@shop.example"], "mail.shop.example"
    return lambda: list(Alarm.objects.order_by("pk").values_list("kind", "params"))
