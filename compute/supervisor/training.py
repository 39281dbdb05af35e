"""Runs one training as SageMaker would: an /opt/ml-shaped folder, `train`, the artifact put in its place."""

from __future__ import annotations

import json
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from compute.objects import existing, path_of
from compute.port import ComputeError, JobState, TrainingSpec
from compute.supervisor.job import Job
from compute.supervisor.program import Program
from ml.container import ArtifactError, pack_artifact, verify_artifact

VANISHED_AT_MOST = 4
WATCH_SECONDS = 0.2
NICE = (
    "BACKGROUND_NICE"  # people, pages and answers come first on a shared machine, by 10 unless this says else
)


@dataclass(frozen=True)
class Graces:
    """Seconds between SIGTERM and SIGKILL: for a stop or time-out, and when the supervisor itself must go."""

    stop: float = 30.0
    shutdown: float = 10.0


class TrainingRun:
    """One training from its spec to its end, in one thread. `run` can be begun again after any crash, at any line.

    1. the folder is laid out; 2. `train` is started, or found running; 3. it is watched: progress, limit, stop;
    4. its end is judged; 5. the artifact is checked, packed beside its place and renamed into it;
    6. SUCCEEDED is written.
    """

    def __init__(
        self, job: Job, spec: TrainingSpec, command: list[str], graces: Graces, shutdown: Event
    ) -> None:
        self.job = job
        self.spec = spec
        self.command = command
        self.graces = graces
        self.shutdown = shutdown
        self.program = Program(job.folder)
        self.ml = job.folder / "ml"

    def wake(self) -> None:
        """Nothing to interrupt: the watch looks often enough."""

    def run(self) -> None:
        if self.job.status.get("sub_state") == "interrupted":
            self.program.end(self.graces.shutdown)
        elif self.program.is_alive():
            return self._watch()
        elif self.program.exit() is not None or self.job.status.get("ending"):
            return self._judge()
        elif self.job.status.get("attempt"):
            return self._start_again()
        if self.job.stop_requested:
            return self.job.finish(JobState.STOPPED)
        return self._start()

    def _start_again(self) -> None:
        """The program and its runner vanished together (a crash of the machine, a kill): go on from the checkpoint."""
        vanished = int(self.job.status.get("vanished", 0)) + 1
        self.job.save(vanished=vanished, **self.job.close_attempt())
        if vanished >= VANISHED_AT_MOST:
            reason = f"the program vanished {vanished} times\n{self.program.last_words()}".strip()
            return self.job.finish(JobState.FAILED, reason)
        return self._start()

    def _start(self) -> None:
        self.program.forget()
        attempt = int(self.job.status.get("attempt", 0)) + 1
        self.job.begin("preparing")
        try:
            lay_out(self.ml, self.spec)
        except ComputeError as error:
            self.job.finish(JobState.FAILED, str(error))
            return
        self.job.save(sub_state="training", attempt=attempt, **self.job.close_attempt())
        environment = self.spec.environment | {
            "SAGEMAKER_BASE_DIR": str(self.ml), "TRAINING_JOB_NAME": self.spec.name,
        }  # fmt: skip
        nice = int(os.environ.get(NICE) or 10)
        self.program.start(self.command, environment, self.ml, nice=nice)
        self.job.save(attempt_started_at=time.time())
        self._watch()

    def _watch(self) -> None:
        self.job.report(state=JobState.RUNNING)
        started_at = self.job.status.get("attempt_started_at") or self.program.started_at() or time.time()
        self.job.report(attempt_started_at=started_at)
        while self.program.is_alive():
            self.job.read_log()
            if self.program.exit() is not None:
                break
            if self.shutdown.is_set():
                return self._interrupt()
            ending = self._ending(started_at)
            if ending is not None:
                self.job.report(ending=ending, sub_state="stopping")
                self.program.end(self.graces.stop, self.shutdown, self.graces.shutdown)
                break
            self.shutdown.wait(WATCH_SECONDS)
        self.program.end(0.0)  # whatever the program left behind in its group
        self.job.read_log()
        if self.program.exit() is None and not self.job.status.get("ending"):
            return self._start_again()
        return self._judge()

    def _ending(self, started_at: float) -> str | None:
        if self.job.status.get("ending"):
            return str(self.job.status["ending"])
        if self.job.stop_requested:
            return JobState.STOPPED
        if self.job.seconds_used(started_at) > self.spec.max_seconds:
            return JobState.TIMED_OUT
        return None

    def _interrupt(self) -> None:
        """The supervisor must go: the job stays RUNNING and goes on from its checkpoint at the next start."""
        self.job.save(sub_state="interrupted", **self.job.close_attempt())
        self.program.end(self.graces.shutdown)

    def _judge(self) -> None:
        ending, end = self.job.status.get("ending"), self.program.exit()
        self.job.read_log()
        if ending == JobState.TIMED_OUT:
            limit = f"the training ran longer than its limit of {self.spec.max_seconds} s"
            return self.job.finish(JobState.TIMED_OUT, limit)
        if ending is not None:
            return self.job.finish(JobState.STOPPED)
        assert end is not None
        if end.code != 0:
            return self.job.finish(JobState.FAILED, self.program.reason(self.ml))
        return self._deliver()

    def _deliver(self) -> None:
        self.job.save(sub_state="uploading")
        uri = f"{self.spec.output_uri.rstrip('/')}/{self.spec.name}/output/model.tar.gz"
        try:
            verify_artifact(self.ml / "model")
            pack_artifact(self.ml / "model", path_of(uri))
        except ArtifactError as error:
            reason = f"the program ended well but left no usable artifact: {error} ({error.code})"
            self.job.finish(JobState.FAILED, reason)
            return
        self.job.finish(JobState.SUCCEEDED, artifact_uri=uri, progress=1.0)


def lay_out(ml: Path, spec: TrainingSpec) -> None:
    """Make the container's folder. Channels are symbolic links: read, never written.

    Checkpoints of an earlier attempt stay. ArtifactMissing when a channel's object is not there.
    """
    for name in ("input", "model", "output"):
        shutil.rmtree(ml / name, ignore_errors=True)
    for name in ("input/config", "input/data", "model", "output/data", "checkpoints"):
        (ml / name).mkdir(parents=True, exist_ok=True)
    for channel, uri in spec.channels.items():
        source = existing(uri)
        place = ml / "input" / "data" / channel
        if source.is_dir():
            place.symlink_to(source, target_is_directory=True)
        else:
            place.mkdir()
            (place / source.name).symlink_to(source)
    config = {
        "hyperparameters.json": spec.hyperparameters,
        "inputdataconfig.json": {
            name: {"TrainingInputMode": "File", "S3DistributionType": "FullyReplicated", "RecordWrapperType": "None"}
            for name in spec.channels
        },
        "resourceconfig.json": {
            "current_host": "algo-1", "hosts": ["algo-1"], "network_interface_name": "lo",
            "current_instance_type": "local", "current_group_name": "homogeneousCluster",
        },
    }  # fmt: skip
    for name, content in config.items():
        (ml / "input" / "config" / name).write_text(json.dumps(content), "utf-8")
