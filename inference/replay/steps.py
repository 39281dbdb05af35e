"""The steps of a replay, each through the house's own services."""

import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from accounts.errors import Refused
from accounts.models import User
from annotation import actions as annotation
from annotation.models import AnswerKey, Mode, QueueItem, Service
from compute.port import ComputeBackend, JobState, TransformSpec
from inference import actions, runs, selectors
from inference.learner.worker import Resident
from inference.replay.history import TestSet
from ml import metrics
from ml.schema import TransformOutput, dump_line, parse_line
from training import actions as training
from training import selectors as training_selectors
from training.models import ModelVersion, RunState, TrainingRun

Floats = NDArray[np.float32]
Progress = Callable[[int, int], None]
POLL_SECONDS = 0.2
CLAIM = 5


def embed_pool(backend: ComputeBackend, progress: Progress) -> None:
    """Drive transforms as beat would until the whole pool has its vectors. ``Refused`` when one fails for good."""
    while True:
        busy = selectors.live_transforms().exists()
        started = actions.work_find(backend=backend, live=False)
        for run in selectors.live_transforms():
            while runs.advance(run.pk, backend):
                pass
            run.refresh_from_db()
            progress(max(run.processed, run.loaded), run.tickets)
            if run.state == RunState.FAILED:
                raise Refused("embedding_failed", f"The pool could not be embedded: {run.failure_reason}")
        if not busy and not started and not selectors.live_transforms().exists():
            return
        time.sleep(POLL_SECONDS)


def transform_texts(
    backend: ComputeBackend, version: ModelVersion, texts: list[str], progress: Progress
) -> tuple[Floats, Floats | None]:
    """Vectors (n, d) and probabilities (n, k), or None of a version without head, by a batch transform."""
    folder = f"{settings.ARTIFACTS_URI}/replay/{uuid.uuid4().hex[:12]}"
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "test.jsonl"
        order = sorted(range(len(texts)), key=lambda at: len(texts[at]))
        path.write_text("".join(dump_line({"id": str(at), "text": texts[at]}) for at in order), "ascii")
        backend.put(path, f"{folder}/test.jsonl")
    name = f"replay-test-{uuid.uuid4().hex[:12]}"
    backend.start_transform(
        TransformSpec(name, version.artifact_uri, f"{folder}/test.jsonl", f"{folder}/out", 900 + len(texts))
    )
    while not (seen := backend.observe(name)).state.is_final:
        progress(seen.processed or 0, len(texts))
        time.sleep(POLL_SECONDS)
    if seen.state != JobState.SUCCEEDED or seen.output_uri is None:
        raise Refused("test_failed", f"The test set could not be embedded: {seen.failure_reason}")
    progress(len(texts), len(texts))
    return _read_answers(backend, seen.output_uri, version, len(texts))


def _read_answers(
    backend: ComputeBackend, uri: str, version: ModelVersion, n: int
) -> tuple[Floats, Floats | None]:
    vectors = np.zeros((n, version.dim), np.float32)
    chances = np.zeros((n, len(version.labels)), np.float32) if version.labels else None
    if chances is not None:
        chances[:] = 1.0 / len(version.labels)  # what stays so was refused by the model: no opinion
    with backend.open(uri) as stream:
        for line in stream:
            answer = TransformOutput.from_dict(parse_line(line))
            if answer.embedding is not None:
                vectors[int(answer.id)] = answer.embedding
                if chances is not None and answer.probabilities is not None:
                    chances[int(answer.id)] = answer.probabilities
    return vectors, chances


class Oracle:
    """An annotator who always answers what history says."""

    def __init__(self) -> None:
        self.user = User.objects.create(username="oracle", display_name="Oracle")
        self.services = dict(Service.objects.values_list("code", "pk"))

    def answer(self, count: int) -> int:
        """Claim ``count`` tickets in the served order, then answer them; returns how many there were."""
        held: list[QueueItem] = []
        while len(held) < count:
            leases = [item.lease for item in held if item.lease]
            more = annotation.queue_claim(
                annotator=self.user, mode=Mode.TEACH, count=min(CLAIM, count - len(held)), holding=leases
            )
            if not more:
                break
            held += more
        keys = dict(
            AnswerKey.objects.filter(ticket__in=[item.ticket_id for item in held]).values_list(
                "ticket_id", "code"
            )
        )
        for item in held:
            self._submit(item, keys.get(item.ticket_id, ""))
        return len(held)

    def _submit(self, item: QueueItem, code: str) -> None:
        assert item.lease is not None
        service_id = self.services.get(code)
        answer = annotation.Answer(
            key=uuid.uuid4(),
            lease=item.lease,
            kind="label" if service_id else "none",
            service_id=service_id,
        )
        annotation.queue_submit(annotator=self.user, answer=answer)


def judge_head(resident: Resident, vectors: Floats, test: TestSet) -> dict[str, Any]:
    """The learner's head on the test set; zeros before the first label."""
    classes, chances = resident.predict(vectors)
    return judge(classes, chances, test)


def judge_model(version: ModelVersion, chances: Floats, test: TestSet) -> dict[str, Any]:
    """A trained version on the test set."""
    return judge(list(version.labels), chances, test)


def judge(classes: list[str], chances: Floats, test: TestSet) -> dict[str, Any]:
    """The figures of probabilities (n, k) on the test set; zeros without a class."""
    if not classes:
        return {"accuracy": 0.0, "macro_f1": 0.0}
    guessed = [classes[int(best)] for best in chances.argmax(axis=1)]
    return metrics.evaluate(test.codes, guessed, chances, classes)


def finetune(backend: ComputeBackend, progress: Progress, *, seconds: int | None = None) -> ModelVersion:
    """Train on all labels given so far, as the retrain policy would, but for its time box when ``seconds`` are given.

    Raises ``Refused`` with the program's reason.
    """
    if seconds is not None:
        policy = training_selectors.policy_current()
        policy.max_seconds = seconds
        policy.save(update_fields=["max_seconds"])
    run = training.run_start(reason={"code": "replay", "params": {}})
    while run.is_live:
        if not training.run_advance(run.pk, backend):
            time.sleep(POLL_SECONDS)
        run = TrainingRun.objects.get(pk=run.pk)
        progress(round(100 * (run.progress or 0.0)), 100)
    if run.state != RunState.SUCCEEDED:
        raise Refused("training_failed", f"The training failed: {run.failure_reason}")
    return ModelVersion.objects.get(run=run)
