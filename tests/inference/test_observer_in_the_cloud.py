"""The observer where jobs run on SageMaker, through its double: mirrored tickets are answered there all the same."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from annotation.models import Ticket
from compute import registry
from compute.sagemaker import SageMakerBackend
from inference import actions
from inference.models import Deployment, MirroredTicket
from tests.compute import cloud
from tests.compute.conftest import PROGRAMS, until
from tests.compute.sagemaker_double import Double, Programs
from tests.compute.sagemaker_double.operations import REGION
from tests.inference.desk import PROGRAM, Desk
from tests.inference.test_mirroring import Observer

pytestmark = pytest.mark.django_db
DESK = "desk-programs"


class DeskInTheCloud(cloud.CloudHouse):
    """An installation whose versions answer as the small serving program does; its backend is the settings' choice."""

    def __init__(self, folder: Path, double: Double, settings: Any) -> None:
        super().__init__(folder, double)
        double.images[DESK] = Programs(
            [sys.executable, str(PROGRAMS / "train.py")], [sys.executable, str(PROGRAM)]
        )
        settings.COMPUTE_BACKEND, settings.ARTIFACTS_URI = "sagemaker", self.root
        settings.SAGEMAKER = {
            "SAGEMAKER_ROLE_ARN": cloud.ROLE, "SAGEMAKER_IMAGE": DESK, "SAGEMAKER_NAME_PREFIX": self.prefix,
            "SAGEMAKER_REGION": REGION, "SAGEMAKER_CANARY_SECONDS": "0",
        }  # fmt: skip
        self.backend: Any = registry.backend()
        self.spool = SimpleNamespace(root=folder)


@pytest.fixture(scope="module")
def double() -> Iterator[Double]:
    with cloud.account() as made:
        yield made


@pytest.fixture
def desk(double: Double, tmp_path: Path, settings: Any, db: None) -> Iterator[Desk]:
    house = DeskInTheCloud(tmp_path, double, settings)
    desk = Desk(house)  # type: ignore[arg-type]
    desk.open()
    yield desk
    house.close()


def test_mirrored_tickets_are_answered_by_an_endpoint_of_their_own_and_production_keeps_its(
    desk: Desk, double: Double
) -> None:
    assert isinstance(registry.backend(), SageMakerBackend)
    observer = Observer(desk)
    routed = desk.route("T-1", "delivery of a parcel")
    unsure = desk.route("T-2", "perhaps returns of a parcel")
    assert (routed["service"], unsure["escalate"]) == ("delivery", "uncertain")
    Ticket.objects.update(is_audit=False)
    observer.start()
    observer.drive()
    rows = observer.rows()
    services = desk.services
    assert {row.state for row in rows.values()} == {"compared"}
    assert (rows["T-1"].baseline_service, rows["T-1"].candidate_service) == (services["delivery"],) * 2
    assert (rows["T-2"].baseline_service, rows["T-2"].candidate_service) == (None, services["returns"])
    assert rows["T-2"].is_due and rows["T-2"].latency_ms is not None
    prefix = desk.house.prefix  # type: ignore[attr-defined]
    assert {name for name in double.endpoints if name.startswith(prefix)} == {
        f"{prefix}-production", f"{prefix}-observer",
    }  # fmt: skip


def test_an_observation_that_ends_takes_its_endpoint_out_of_the_account(desk: Desk) -> None:
    observer = Observer(desk)
    observer.start()
    assert Deployment.objects.get(role="observer", ended_at=None).model_version == observer.candidate
    actions.observation_stop(observation_id=observer.observation.pk, by=observer.lead, why="enough")

    def is_gone() -> bool:
        observer.drive()
        return bool(observer.backend.observe_endpoint("observer").state == "absent")

    until(is_gone, "the end of the observer")
    assert desk.route("T-3", "delivery again")["service"] == "delivery"


def test_a_ticket_the_account_does_not_answer_in_time_waits_and_is_tried_again(
    desk: Desk, double: Double, settings: Any
) -> None:
    observer = Observer(desk)
    desk.route("T-1", "delivery of a parcel")
    Ticket.objects.update(is_audit=False, text="slow 3 delivery")
    observer.start()
    settings.OBSERVER_SECONDS = 1.0
    observer.drive()
    row = MirroredTicket.objects.get()
    assert (row.state, row.attempts) == ("waiting", 1)
    settings.OBSERVER_SECONDS = 10.0
    observer.drive()
    row.refresh_from_db()
    assert (row.state, row.candidate_service) == ("compared", desk.services["delivery"])
