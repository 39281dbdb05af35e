"""The steps of a training run. Each call does one short step; the row says where things stand.

1. PLANNED: take the snapshot, write a pool of unlabelled tickets, fix job name and spec hash, commit SUBMITTING
   *before* the backend is called.
2. SUBMITTING: start the job. Its name is deterministic, so a second start adopts the first.
3. RUNNING: observe once; a cancel asks the backend to stop (STOPPING).
4. The job's end: read the artifact whole, check every hash, and only then register the version and say SUCCEEDED.

A worker may die between any two lines: the next call finds the row as committed and goes on. Two workers
never step the same run at once (advisory lock), and every write compares the state it started from.
"""

import logging
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from accounts.errors import Refused
from compute.metrics import figures, phase
from compute.port import ComputeBackend, ComputeError, JobState, Observation, TrainingSpec, spec_hash
from ml.archive import unpack_artifact
from ml.artifact import MANIFEST, ArtifactError, file_sha256
from ml.schema import Manifest
from training import registration, snapshots
from training.costs import cost_record
from training.models import RunMetric, RunState, TrainingRun
from training.models.runs import LIVE_STATES
from training.signals import run_changed

log = logging.getLogger(__name__)

LOCK_CLASS = 7_203
CURVES = ("train_loss", "validation_loss", "validation_accuracy")
GRACE_SECONDS = 300  # the program boxes itself in; the backend's limit is only the last resort


@contextmanager
def step_lock(run_id: int) -> Iterator[bool]:
    """Hold this run's advisory lock for the block; yields False at once if somebody else has it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [LOCK_CLASS, run_id])
        held = bool(cursor.fetchone()[0])
    try:
        yield held
    finally:
        if held:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [LOCK_CLASS, run_id])


def advance(run_id: int, backend: ComputeBackend) -> bool:
    """Do one step of this run. Returns whether its state changed; an ended or locked run is left alone."""
    with step_lock(run_id) as held:
        run = TrainingRun.objects.select_related("snapshot").filter(pk=run_id).first()
        if not held or run is None or not run.is_live:
            return False
        before = run.state
        try:
            _STEPS[RunState(run.state)](run, backend)
        except ComputeError as error:
            if error.retryable:
                # So that its page says for what it waits.
                TrainingRun.objects.filter(pk=run.pk, state=before).update(sub_state=error.code)
                log.warning("run %s: %s, tried again later: %s", run.pk, error.code, error)
                return False
            _end(run, backend, RunState.FAILED, code=error.code, reason=str(error))
        except Refused as error:
            _end(run, backend, RunState.FAILED, code=error.code, reason=error.message)
        except ArtifactError as error:
            _end(run, backend, RunState.FAILED, code="artifact_refused", reason=f"{error.code}: {error}")
        return run.state != before


def _move(run: TrainingRun, state: RunState, **changes: Any) -> bool:
    """Compare-and-set: write only if the row is still in the state this step began with."""
    moved = TrainingRun.objects.filter(pk=run.pk, state=run.state, attempt=run.attempt).update(
        state=state, **changes
    )
    if not moved:
        return False
    run.state = state
    for name, value in changes.items():
        setattr(run, name, value)
    transaction.on_commit(lambda: run_changed.send(sender=TrainingRun, run_id=run.pk))
    return True


def _end(
    run: TrainingRun,
    backend: ComputeBackend,
    state: RunState,
    *,
    code: str = "",
    reason: str = "",
    **changes: Any,
) -> None:
    _forget_pool(run, backend)
    _move(
        run,
        state,
        failure_code=code,
        failure_reason=reason[:4000],
        ended_at=timezone.now(),
        phase="",
        **changes,
    )


def _forget_pool(run: TrainingRun, backend: ComputeBackend) -> None:
    """Delete the pool's texts before the end is written: after it nobody would look for them again."""
    try:
        snapshots.pool_forget(run, backend=backend)
    except ComputeError as error:
        log.warning("run %s: its pool of texts could not be deleted: %s", run.pk, error)


def spec_of(run: TrainingRun) -> TrainingSpec:
    """The job of this attempt: the same row always gives the same spec and name."""
    assert run.snapshot is not None
    base = run.base_model
    spec = TrainingSpec(
        name="pending",
        channels={
            "train": run.snapshot.uri.rsplit("/", 1)[0],
            "pool": snapshots.pool_folder(run),
            "base": base if "://" in base else Path(base).resolve().as_uri(),
        },
        hyperparameters=run.hyperparameters,
        output_uri=f"{settings.ARTIFACTS_URI}/training",
        max_seconds=int(run.hyperparameters["max_seconds"]) + GRACE_SECONDS,
        tags={"run": str(run.pk), "attempt": str(run.attempt)},
    )
    name = f"train-r{run.pk}-a{run.attempt}-{spec_hash(spec)[:8]}"
    return replace(spec, name=name)


def _plan(run: TrainingRun, backend: ComputeBackend) -> None:
    if run.cancel_requested_at:
        _end(run, backend, RunState.STOPPED)
        return
    if run.snapshot is None:
        run.snapshot = snapshots.snapshot_create(backend=backend)
        TrainingRun.objects.filter(pk=run.pk, state=RunState.PLANNED).update(snapshot=run.snapshot)
    snapshots.pool_write(run, backend=backend)
    spec = spec_of(run)
    _move(run, RunState.SUBMITTING, job_name=spec.name, spec_hash=spec_hash(spec))


def _submit(run: TrainingRun, backend: ComputeBackend) -> None:
    # The name was committed: what it names must not depend on settings that changed since.
    backend.start_training(replace(spec_of(run), name=run.job_name))
    _move(run, RunState.RUNNING, started_at=timezone.now(), observed_at=timezone.now())


def _observe(run: TrainingRun, backend: ComputeBackend) -> None:
    if run.cancel_requested_at and run.state == RunState.RUNNING:
        backend.stop(run.job_name)
        _move(run, RunState.STOPPING)
        return
    seen = backend.observe(run.job_name)
    cost_record(job_name=run.job_name, purpose="training", seen=seen, run=run)
    _note(run, seen)
    if not seen.state.is_final:
        return
    if run.state == RunState.STOPPING or seen.state == JobState.STOPPED:
        _end(run, backend, RunState.STOPPED, sub_state=seen.sub_state)
    elif seen.state == JobState.SUCCEEDED:
        _register(run, seen, backend)
    else:
        reason = seen.failure_reason or "The training program ended without saying why: see the log."
        _end(
            run,
            backend,
            RunState(seen.state.value),
            code=seen.failure_code or seen.state.value,
            reason=reason,
        )


def _note(run: TrainingRun, seen: Observation) -> None:
    """Keep what was observed: figures for the page, points for the curves."""
    TrainingRun.objects.filter(pk=run.pk, attempt=run.attempt, state=run.state).update(
        sub_state=seen.sub_state[:64],
        phase=seen.phase[:32],
        progress=seen.progress,
        log_tail=seen.log_tail[-8000:],
        log_url=seen.log_url[:500],
        observed_at=timezone.now(),
    )
    points = [
        RunMetric(run=run, attempt=run.attempt, step=step, name=name, value=value)
        for step, name, value in curve_points(seen.log_tail)
    ]
    RunMetric.objects.bulk_create(points, ignore_conflicts=True)


def curve_points(log: str) -> list[tuple[int, str, float]]:
    """(step, name, value) of each figure of fine-tuning in a log, at the step it was measured at.

    Only lines that name step and figure together count: the steps of other phases are others. What the first
    quick head reached, which fine-tuning starts from, stands at step 0.
    """
    points: list[tuple[int, str, float]] = []
    for line in log.splitlines():
        seen = figures(line)
        if phase(line) == "probe":
            step = 0
        elif "step" in seen:
            step = int(seen["step"])
        else:
            continue
        points += [(step, name, seen[name]) for name in CURVES if name in seen]
    return points


def _register(run: TrainingRun, seen: Observation, backend: ComputeBackend) -> None:
    """Read the artifact whole and check it, then register it and say so in one transaction."""
    if seen.artifact_uri is None:
        raise ArtifactError("artifact_missing", "the job succeeded but left no artifact")
    with tempfile.TemporaryDirectory() as folder:
        tar, target = Path(folder) / "model.tar.gz", Path(folder) / "model"
        backend.get(seen.artifact_uri, tar)
        manifest = unpack_artifact(tar, target)
        manifest_hash = file_sha256(target / MANIFEST)
    _check(run, manifest)
    _forget_pool(run, backend)
    with transaction.atomic():
        if _move(
            run, RunState.SUCCEEDED, ended_at=timezone.now(), artifact_uri=seen.artifact_uri, progress=1.0
        ):
            registration.classifier_register(
                run=run, artifact_uri=seen.artifact_uri, manifest=manifest, manifest_hash=manifest_hash
            )


def _check(run: TrainingRun, manifest: Manifest) -> None:
    """Refuse a whole artifact of something else: no classifier, or one that names other services."""
    assert run.snapshot is not None
    if manifest.kind != "classifier":
        raise ArtifactError("not_a_classifier", f"the job left an artifact of kind {manifest.kind}")
    strange = sorted(set(manifest.labels) - set(run.snapshot.services))
    if strange:
        raise ArtifactError("wrong_services", f"the snapshot has no service {', '.join(strange[:5])}")


_STEPS: dict[RunState, Callable[[TrainingRun, ComputeBackend], None]] = {
    RunState.PLANNED: _plan,
    RunState.SUBMITTING: _submit,
    RunState.RUNNING: _observe,
    RunState.STOPPING: _observe,
}
assert set(_STEPS) == set(LIVE_STATES)
