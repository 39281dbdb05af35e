"""Versions in the account's model registry, through SageMaker's double: entered once, and told what people decide."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from tests import factories
from tests.training.workshop import waiting
from training import nudges, registry, selectors
from training.models import DatasetSnapshot, GateVerdict, ModelVersion, RegistryEntry, TrainingRun

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def account() -> Iterator[Any]:
    from tests.compute.cloud import account

    with account() as double:
        yield double


@pytest.fixture
def house(account: Any, tmp_path: Path) -> Iterator[Any]:
    from tests.compute.cloud import CloudHouse

    made = CloudHouse(tmp_path, account)
    yield made
    made.close()


def make_version(house: Any, number: int = 1) -> ModelVersion:
    snapshot = DatasetSnapshot.objects.create(
        fingerprint=f"{number:064x}", uri="s3://x", rows=120, services={"billing": 120}, last_annotation_id=1
    )
    run = TrainingRun.objects.create(state="succeeded", reason={}, snapshot=snapshot)
    return ModelVersion.objects.create(
        number=number, kind="classifier", run=run, artifact_uri=house.artifact(f"v{number}"), encoder="e" * 16, dim=8,
        manifest={"metrics": {"chosen": "finetune", "validation_accuracy": 0.91}, "base_model": "bert"},
        manifest_hash="f" * 64, labels=["billing", "delivery"],
    )  # fmt: skip


def judge(version: ModelVersion, passed: bool = True) -> None:
    """The gate's word."""
    reasons = [] if passed else [{"code": "accuracy_low", "params": {}, "stops": True}]
    GateVerdict.objects.create(model_version=version, passed=passed, reasons=reasons, fingerprint="f")


def decide(role: str, number: int = 1, approved: bool = True, reason: str = "holds on 1,000 tickets") -> Any:
    client = Client()
    client.force_login(factories.person(f"chloe-{role}", role))
    told = {"approved": approved, "reason": reason}
    return client.post(f"/api/models/{number}/approval/", told, content_type="application/json")


def page(number: int = 1) -> Any:
    client = Client()
    client.force_login(factories.person("alice", "annotator"))
    return client.get(f"/api/models/{number}/").json()


def entered(house: Any) -> list[dict[str, Any]]:
    calls = house.double.calls
    group = f"{house.prefix}-models"
    return [
        asked
        for name, asked in calls
        if name == "CreateModelPackage" and asked["ModelPackageGroupName"] == group
    ]


def test_a_version_is_entered_once_with_its_figures_and_lineage_and_waits_for_a_person(house: Any) -> None:
    version = make_version(house)
    for _ in range(2):
        registry.registry_drive(backend=house.backend)
    (asked,) = entered(house)
    told = asked["CustomerMetadataProperties"]
    assert (told["version"], told["snapshot"], told["rows"]) == ("1", version.run.snapshot.fingerprint, "120")
    assert told["manifest_hash"] == "f" * 64 and told["base_model"] == "bert"
    uri = asked["ModelMetrics"]["ModelQuality"]["Statistics"]["S3Uri"]
    with house.backend.open(uri) as stream:
        assert json.load(stream) == {"validation_accuracy": 0.91}
    shown = page()["registry"]
    assert (shown["approval"], shown["status"], shown["problem"]) == ("pending", "PendingManualApproval", "")
    assert shown["address"].endswith(f":model-package/{house.prefix}-models/1")


def test_a_lead_who_approves_and_later_rejects_is_told_to_the_registry_with_name_and_reason(
    house: Any,
) -> None:
    judge(make_version(house))
    registry.registry_drive(backend=house.backend)
    before = waiting(nudges.REGISTRY)
    answer = decide("lead")
    assert (answer.status_code, answer.json()["is_told"]) == (200, False)
    assert waiting(nudges.REGISTRY) == before + 1
    registry.registry_drive(backend=house.backend)
    shown = page()["registry"]
    assert (shown["approval"], shown["status"], shown["is_told"]) == ("approved", "Approved", True)
    assert (shown["decided_by"], shown["reason"]) == ("chloe-lead", "holds on 1,000 tickets")
    said = [asked for name, asked in house.double.calls if name == "UpdateModelPackage"][-1]
    assert said["ApprovalDescription"] == "chloe-lead: holds on 1,000 tickets"
    decide("admin", approved=False, reason="rolled back")
    registry.registry_drive(backend=house.backend)
    assert page()["registry"]["status"] == "Rejected"


@pytest.mark.parametrize("role", ["annotator", "reviewer"])
def test_only_a_lead_decides(role: str, house: Any) -> None:
    make_version(house)
    registry.registry_drive(backend=house.backend)
    assert decide(role).status_code == 403
    assert RegistryEntry.objects.get().approval == "pending"


def test_a_decision_needs_a_reason_a_version_and_a_registry(house: Any) -> None:
    make_version(house)
    assert decide("lead").json()["error"]["code"] == "not_registered"
    assert decide("lead", reason="  ").status_code == 400
    assert decide("lead", number=9).status_code == 404


def test_what_the_gate_stopped_or_has_not_judged_is_not_approved_but_may_be_rejected(house: Any) -> None:
    version = make_version(house)
    registry.registry_drive(backend=house.backend)
    assert decide("lead").json()["error"]["params"]["why"] == "not_judged"
    judge(version, passed=False)
    answer = decide("admin").json()["error"]
    assert (answer["code"], answer["params"]["codes"]) == ("gate_in_the_way", ["accuracy_low"])
    client = Client()
    client.force_login(factories.person("dan", "lead"))
    told = {"approved": False, "reason": "the gate stopped it"}
    assert client.post("/api/models/1/approval/", told, content_type="application/json").status_code == 200
    assert RegistryEntry.objects.get().approval == "rejected"


def test_a_registry_that_cannot_be_reached_is_said_on_the_page_and_tried_again(house: Any) -> None:
    make_version(house)
    house.double.fault("throttle", "CreateModelPackage", times=2)
    registry.registry_drive(backend=house.backend)
    assert "CreateModelPackage" in page()["registry"]["problem"]
    registry.registry_drive(backend=house.backend)
    assert (page()["registry"]["problem"], len(entered(house))) == ("", 1)


def test_a_worker_killed_between_the_registry_and_the_row_enters_nothing_twice(
    house: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def killed(*_: Any) -> str:
        raise Killed

    make_version(house)
    register = house.backend.packages.register
    with monkeypatch.context() as patch:
        patch.setattr(house.backend.packages, "register", lambda *told: register(*told) and killed())
        with pytest.raises(Killed):
            registry.registry_drive(backend=house.backend)
    registry.registry_drive(backend=house.backend)
    assert RegistryEntry.objects.get().address.endswith("/1")
    assert len({asked["ClientToken"] for asked in entered(house)}) == 1


def test_four_workers_at_once_make_one_entry(house: Any) -> None:
    make_version(house)

    def drive(_: int) -> None:
        try:
            registry.registry_drive(backend=house.backend)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(drive, range(4)))
    assert RegistryEntry.objects.get().address.endswith("/1")
    assert len({asked["ClientToken"] for asked in entered(house)}) == 1


def test_what_somebody_decides_in_the_console_is_seen_here(house: Any) -> None:
    make_version(house)
    registry.registry_drive(backend=house.backend)
    house.backend.packages.approve(RegistryEntry.objects.get().address, False, "in the console")
    registry.registry_drive(backend=house.backend)
    shown = page()["registry"]
    assert (shown["approval"], shown["status"]) == ("pending", "Rejected")


def test_versions_made_on_this_machine_and_places_without_a_registry_have_no_entry(
    house: Any, tmp_path: Path
) -> None:
    from compute.local import LocalBackend

    version = make_version(house)
    registry.registry_drive(backend=LocalBackend(tmp_path / "spool", tmp_path))
    assert page()["registry"] is None
    ModelVersion.objects.filter(pk=version.pk).update(artifact_uri="file:///x")
    registry.registry_drive(backend=house.backend)
    assert page()["registry"] is None and selectors.versions().count() == 1
