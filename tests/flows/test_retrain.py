"""Labels alone lead to a new model, its evaluation, a pool in the new space and a queue ranked by it.

Real processes throughout; the heavy ones are killed at random moments on the way.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.config.processes import eventually
from tests.flows.conftest import TICKETS
from tests.flows.live import PATIENCE, Annotator, Installation
from tests.flows.watching import Watch

pytestmark = [pytest.mark.timeout(900), pytest.mark.heavy]

STEP = 6
VERSION = """SELECT v.encoder, v.dim, v.id, v.number, r.id, r.reason->>'code'
             FROM training_modelversion v JOIN training_trainingrun r ON r.id = v.run_id ORDER BY v.number"""


def versions(house: Installation) -> list[dict[str, Any]]:
    names = ("encoder", "dim", "id", "number", "run", "reason")
    return [dict(zip(names, row, strict=True)) for row in house.sql(VERSION)]


def is_settled(house: Installation, version: dict[str, Any]) -> bool:
    """The version is evaluated, the pool seen by it, its space current, and the scores are of that space."""
    current = house.sql("SELECT fingerprint FROM inference_encoder WHERE is_current")
    scored = house.sql("SELECT encoder, tickets FROM annotation_scoregeneration WHERE is_current")
    predictions = house.one(
        "SELECT count(*) FROM inference_prediction WHERE model_version_id = %s", version["id"]
    )
    judged = house.one("SELECT count(*) FROM training_evaluation WHERE model_version_id = %s", version["id"])
    live = house.one("SELECT count(*) FROM inference_transformrun WHERE ended_at IS NULL")
    return (
        current == [(version["encoder"],)]
        and scored == [(version["encoder"], TICKETS)]
        and (predictions, judged, live) == (TICKETS, 1, 0)
    )


def settled(house: Installation, count: int) -> dict[str, Any]:
    """Wait for this many versions, the last of them in use everywhere; returns the last."""
    try:
        eventually(lambda: len(versions(house)) >= count, f"{count} model versions", PATIENCE)
        newest = versions(house)[-1]
        eventually(lambda: is_settled(house, newest), f"{newest} to be in use", PATIENCE)
    except AssertionError as error:
        raise AssertionError(f"{error}\n{house.said()}") from error
    return newest


def nothing_lost_or_doubled(house: Installation, annotator: Annotator) -> None:
    """One annotation an answer, one version and one job a run, one start a job."""
    keys = house.sql(
        "SELECT key::text, id FROM annotation_annotation WHERE key = ANY(%s::uuid[])", [*annotator.answers]
    )
    assert dict(keys) == annotator.answers and len(keys) == len(annotator.answers)
    states = house.sql("SELECT id, state, attempt FROM training_trainingrun ORDER BY id")
    assert {(state, attempt) for _, state, attempt in states} == {("succeeded", 1)}, states
    assert [version["run"] for version in versions(house)] == [run for run, _, _ in states]
    jobs = list((house.home / "compute" / "jobs").glob("train-*"))
    assert len(jobs) == len(states)
    evaluations = house.sql("SELECT model_version_id, count(*) FROM training_evaluation GROUP BY 1")
    assert {count for _, count in evaluations} == {1}


def queue_order(house: Installation) -> list[int]:
    """What waits to be taught, in the order of serving, random controls apart."""
    rows = house.sql(
        "SELECT ticket_id FROM annotation_queueitem WHERE mode = 'teach' AND lane <> 'audit' ORDER BY position"
    )
    return [pk for (pk,) in rows]


def policy_of(house: Installation, needed: int) -> None:
    """Train once there are this many labels, and after that with every STEP new ones."""
    body = {"is_active": True, "min_new_labels": STEP, "minimum_labels": needed, "cooldown_minutes": 0}
    house.call("PATCH", "policy/", {**body, "epochs": 2, "max_seconds": 60})


def first_training(house: Installation, annotator: Annotator) -> None:
    """Bring the installation to its first model, unless an earlier test has done so."""
    if not versions(house):
        policy_of(house, annotator.trainable() + STEP)
        annotator.label_training(STEP)
    settled(house, 1)


def test_the_first_training_starts_at_the_very_label_the_policy_asks_for(
    house: Installation, annotator: Annotator
) -> None:
    needed = annotator.trainable() + STEP
    policy_of(house, needed)
    annotator.label_training(STEP - 1)
    assert house.call("GET", "loop/")["labels"] == {"since_last": needed - 1, "needed": needed}
    eventually(
        lambda: house.sql(
            "SELECT params->>'have' FROM training_retraindecision WHERE code = 'too_few_labels' "
            "ORDER BY id DESC LIMIT 1"
        ) == [(str(needed - 1),)],
        "the policy to have been asked",
    )  # fmt: skip
    assert house.sql("SELECT id FROM training_trainingrun") == []
    with Watch(house) as watch:
        annotator.label_training(1)
        version = settled(house, 1)
    assert (version["number"], version["reason"], version["dim"]) == (1, "first_training", 32)
    states = [sample.state for sample in watch.of(version["run"])]
    assert states[-1] == "succeeded" and "running" in states
    progress = [sample.progress for sample in watch.of(version["run"]) if sample.progress is not None]
    assert progress == sorted(progress) and progress[0] < 1.0 and progress[-1] == 1.0
    shown = house.call("GET", f"runs/{version['run']}/")
    assert {point["name"] for point in shown["metrics"]} >= {"train_loss", "validation_accuracy"}
    assert shown["model_version"] == version["number"] and "phase=finetune" in shown["log_tail"]
    nothing_lost_or_doubled(house, annotator)


def test_a_model_of_another_dimension_takes_over_pool_and_queue_in_one_swap(
    house: Installation, annotator: Annotator, make_base: Callable[[int, int], Path]
) -> None:
    first_training(house, annotator)
    before = len(versions(house))
    former = house.one("SELECT fingerprint FROM inference_encoder WHERE is_current")
    order = queue_order(house)
    house.put_base(make_base(48, 1))
    with Watch(house) as watch:
        annotator.label_training(STEP)
        version = settled(house, before + 1)
    assert (version["reason"], version["dim"]) == ("enough_labels", 48)
    assert watch.seen("encoder") == [former, version["encoder"]], "from one space to the next, once"
    assert set(watch.seen("current")) == {1} and set(watch.seen("generations")) == {1}
    assert set(watch.seen("uncovered")) == {0}, "the space in use always held the whole pool"
    assert set(watch.seen("live_runs")) == {0, 1}
    now = queue_order(house)
    both = set(order) & set(now)
    assert len(both) > 20
    assert [pk for pk in order if pk in both] != [pk for pk in now if pk in both], "ranked by the new encoder"
    assert house.call("GET", "loop/")["model"]["version"] == version["number"]
    audited = house.one("SELECT n FROM training_evaluation WHERE model_version_id = %s", version["id"])
    labelled = house.one("SELECT count(*) FROM annotation_ticket WHERE is_audit AND status = 'labelled'")
    assert 0 < audited <= labelled
    assert house.sql(
        "SELECT DISTINCT vector_dims(e.vector) FROM inference_embedding e JOIN inference_encoder c "
        "ON c.id = e.encoder_id WHERE c.is_current"
    ) == [(48,)]  # fmt: skip
    nothing_lost_or_doubled(house, annotator)


PAGES = [
    "/", "/teach", "/check", "/loop", "/tickets", "/try", "/api/home/", "/api/loop/", "/api/runs/",
    "/api/models/", "/api/policy/", "/api/tickets/?sort=-uncertainty", "/api/tickets/?sort=-outlier",
    "/api/tickets/export/", "/api/services/", "/api/people/", "/api/schema/", "/healthz", "/admin/",
    "/admin/training/trainingrun/", "/admin/training/modelversion/", "/admin/inference/encoder/",
]  # fmt: skip


def test_web_general_worker_and_beat_never_load_torch_whatever_they_did(
    house: Installation, annotator: Annotator
) -> None:
    """Not at rest: during a training and after it, with every kind of page, and a ticket tried."""
    first_training(house, annotator)
    before = len(versions(house))
    annotator.label_training(STEP)
    eventually(
        lambda: any("libtorch" in maps for _, maps in house.libraries("compute.supervisor")),
        "the training to be seen with torch; else this look at the libraries would prove nothing",
        PATIENCE,
    )
    _only_containers_have_torch(house)
    for page in PAGES * 3:  # several worker processes answer
        answer = house.http.get(page)
        assert answer.status_code == 200, (page, answer.status_code)
    tried = lambda: house.call("POST", "try/", {"text": "my card is lost"})["state"] == "ready"  # noqa: E731
    eventually(tried, "the assistant to answer", PATIENCE)
    settled(house, before + 1)
    _only_containers_have_torch(house)


def _only_containers_have_torch(house: Installation) -> None:
    for words in ("gunicorn", "-Q default", "config.celery beat", "compute.supervisor", "config.embedded"):
        for command, maps in house.libraries(words):
            is_container = "-m ml serve" in command or "-m ml train" in command
            assert is_container or "libtorch" not in maps, f"{words} loaded torch: {command}"


@pytest.mark.parametrize(
    ("victim", "seed"), [("-Q default", 2), ("compute.supervisor", 3), ("-Q learner", 4)], ids=str
)
def test_killing_a_program_again_and_again_loses_nothing_and_runs_nothing_twice(
    victim: str,
    seed: int,
    house: Installation,
    annotator: Annotator,
    make_base: Callable[[int, int], Path],
) -> None:
    first_training(house, annotator)
    before = len(versions(house))
    house.put_base(make_base(32, seed))
    rng, over, deaths = random.Random(seed), threading.Event(), []

    def murder() -> None:
        while not over.wait(rng.uniform(1.0, 5.0)) and len(deaths) < 6:
            if house.kill(victim):
                deaths.append(len(versions(house)))

    killer = threading.Thread(target=murder)
    killer.start()
    try:
        with Watch(house) as watch:
            annotator.label_training(STEP)
            version = settled(house, before + 1)
    finally:
        over.set()
        killer.join(30)
    assert deaths, "somebody died"
    assert version["reason"] == "enough_labels"
    assert set(watch.seen("current")) == {1} and set(watch.seen("uncovered")) == {0}
    assert max(watch.seen("live_runs")) == 1
    assert len(versions(house)) == before + 1
    nothing_lost_or_doubled(house, annotator)
