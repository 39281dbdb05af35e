"""The running `serve` programs: one per artifact and environment, shared by endpoints and transforms, kept warm."""

from __future__ import annotations

import logging
import shutil
import threading
import time
from contextlib import suppress
from threading import Event

from compute.objects import path_of
from compute.port import ComputeError
from compute.spool import Spool, read_json, serving_key, socket_path, write_json
from compute.supervisor.program import Program
from compute.unix_http import ping
from ml.container import ArtifactError, unpack_artifact, verify_artifact
from ml.machine import NICE, threads_asked

logger = logging.getLogger(__name__)
IDLE_SECONDS = 60.0
STARTUP_SECONDS = 300.0
STOP_GRACE_SECONDS = 5.0


def _threads(environment: dict[str, str]) -> dict[str, str]:
    """Half of the cores for a program that customers wait for, two at least where there are: web server and database
    answer them on the others. On one thread, two cores answered no more than a hundred tickets a second, and a quarter
    of them lay idle. Programs in the background take what is left over anyway."""
    cores = threads_asked({})
    return {} if NICE in environment else {"ML_THREADS": str(max(min(2, cores), cores // 2))}


class ServeFailed(Exception):
    """The artifact cannot be served; the text is for people."""


class Server:
    """One `serve` on a unix socket in `serving/<key>/`. Methods may be called from several threads."""

    def __init__(
        self, spool: Spool, artifact_uri: str, environment: dict[str, str], command: list[str]
    ) -> None:
        self.artifact_uri = artifact_uri
        self.environment = environment
        self.command = command
        self.key = serving_key(artifact_uri, environment)
        self.folder = spool.serving / self.key
        self.ml = self.folder / "ml"
        self.socket = socket_path(spool, self.key)
        self.program = Program(self.folder)
        self.users = 0
        self.idle_since = time.monotonic()
        self._lock = threading.RLock()

    def ensure_started(self) -> bool:
        """Start it unless it runs; whether it had to be started. ServeFailed when the artifact is unusable."""
        with self._lock:
            if self.program.is_alive():
                return False
            self._unpack()
            self.socket.unlink(missing_ok=True)
            shutil.rmtree(self.ml / "output", ignore_errors=True)
            (self.ml / "output").mkdir()
            environment = _threads(self.environment) | self.environment | {
                "SAGEMAKER_BASE_DIR": str(self.ml), "SERVE_UNIX_SOCKET": str(self.socket),
            }  # fmt: skip
            return self.program.start(self.command, environment, self.ml)

    def _unpack(self) -> None:
        self.ml.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_json(
            self.folder / "server.json", {"artifact_uri": self.artifact_uri, "environment": self.environment}
        )
        with suppress(ArtifactError):
            verify_artifact(self.ml / "model")
            return
        try:
            unpack_artifact(path_of(self.artifact_uri), self.ml / "model")
        except ArtifactError as error:
            raise ServeFailed(f"{error} ({error.code})") from error
        except ComputeError as error:
            raise ServeFailed(str(error)) from error

    def is_alive(self) -> bool:
        with self._lock:
            return self.program.is_alive()

    def is_ready(self) -> bool:
        return ping(self.socket)

    def reason(self) -> str:
        with self._lock:
            return self.program.reason(self.ml)

    def stop(self, grace_seconds: float = STOP_GRACE_SECONDS) -> None:
        with self._lock:
            self.program.end(grace_seconds)
            self.socket.unlink(missing_ok=True)


class ServePool:
    """Hands out servers and stops those that nobody used for a while.

    Adopts the ones a former supervisor left running.
    """

    def __init__(self, spool: Spool, command: list[str], idle_seconds: float = IDLE_SECONDS) -> None:
        self.spool = spool
        self.command = command
        self.idle_seconds = idle_seconds
        self._servers: dict[str, Server] = {}
        self._lock = threading.Lock()
        self._adopt()

    def acquire(self, artifact_uri: str, environment: dict[str, str]) -> Server:
        """A server for this artifact, perhaps not started yet. Give it back with `release`."""
        with self._lock:
            key = serving_key(artifact_uri, environment)
            if key not in self._servers:
                self._servers[key] = Server(self.spool, artifact_uri, environment, self.command)
            server = self._servers[key]
            server.users += 1
            return server

    def release(self, server: Server, *, discard: bool = False) -> None:
        """`discard`: do not keep it warm."""
        with self._lock:
            server.users -= 1
            server.idle_since = time.monotonic()
            if server.users == 0 and discard:
                self._drop(server)

    def tick(self) -> None:
        with self._lock:
            for server in list(self._servers.values()):
                if server.users == 0 and time.monotonic() - server.idle_since > self.idle_seconds:
                    self._drop(server)

    def stop_all(self, grace_seconds: float) -> None:
        """The supervisor goes: end every server at once, keep what they unpacked."""
        with self._lock:
            threads = [
                threading.Thread(target=server.stop, args=(grace_seconds,))
                for server in self._servers.values()
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

    def _drop(self, server: Server) -> None:
        # Under the pool's lock: nobody can be handed this folder while its program is being ended.
        del self._servers[server.key]
        server.stop()
        shutil.rmtree(server.folder, ignore_errors=True)

    def _adopt(self) -> None:
        for folder in sorted(self.spool.serving.iterdir()):
            record = read_json(folder / "server.json") or {}
            artifact_uri, environment = record.get("artifact_uri", ""), record.get("environment", {})
            if serving_key(artifact_uri, environment) == folder.name:
                self._servers[folder.name] = Server(self.spool, artifact_uri, environment, self.command)
            elif folder.is_dir():
                Program(folder).end(STOP_GRACE_SECONDS)
                shutil.rmtree(folder, ignore_errors=True)


def wait_until_ready(server: Server, give_up: Event, deadline: float) -> bool:
    """Start the server if need be and wait for its first good ping; False when `give_up` was set first.

    ServeFailed when the program ended, or did not answer before `deadline` (monotonic seconds).
    """
    server.ensure_started()
    while not server.is_ready():
        if give_up.is_set():
            return False
        if not server.is_alive():
            raise ServeFailed(server.reason())
        if time.monotonic() > deadline:
            raise ServeFailed("the program did not answer /ping in time")
        give_up.wait(0.1)
    return True
