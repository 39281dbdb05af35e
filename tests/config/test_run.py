"""One command runs the whole installation, keeps it running, and leaves nothing behind."""

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg2
import pytest

from config import embedded
from config.embedded import lock
from config.embedded.postgres import Postgres
from tests.config.processes import ROOT, alive_over, environment, eventually, python


class Installation:
    """`python -m config.run` over a folder, in a session of its own like a terminal's."""

    def __init__(self, home: Path) -> None:
        self.home = home
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.output = home.with_name(home.name + ".txt")
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with open(self.output, "wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "config.run"], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT, env=environment(self.home, PORT=str(self.port)), start_new_session=True,
            )  # fmt: skip
        eventually(lambda: self.ended() or "is ready after" in self.text(), "the ready line", 180)
        assert not self.ended(), self.text()

    def ended(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def text(self) -> str:
        return self.output.read_text()

    def stop(self, how: signal.Signals = signal.SIGINT) -> int:
        assert self.process is not None
        self.process.send_signal(how)
        return self.process.wait(180)

    def healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    def program(self, words: str) -> psutil.Process | None:
        """The manager's own child whose command line holds `words`."""
        assert self.process is not None
        for child in psutil.Process(self.process.pid).children():
            try:
                if words in " ".join(child.cmdline()) and child.status() != psutil.STATUS_ZOMBIE:
                    return child
            except psutil.Error:
                continue
        return None


@pytest.fixture(scope="module")
def installation(module_home) -> Iterator[Installation]:
    running = Installation(module_home)
    running.start()
    yield running
    if not running.ended():
        running.stop(signal.SIGTERM)
    running.output.unlink()


def test_the_steps_are_numbered_and_timed_and_the_address_is_printed(installation):
    text = installation.text()
    assert re.search(r"\[1\] Starting PostgreSQL and Redis: \d+\.\d s", text)
    assert f"http://localhost:{installation.port}/" in text
    assert f"http://localhost:{installation.port}/setup" in text, (
        "nobody can sign in to an empty installation"
    )
    assert installation.healthy()


def test_web_workers_and_beat_have_not_loaded_torch(installation):
    for words in ("gunicorn", "-Q default", "-Q learner", "celery -A config.celery beat"):
        program = installation.program(words.replace("celery -A", "-A")) or installation.program(words)
        assert program is not None, words
        for process in (program, *program.children(recursive=True)):
            maps = Path(f"/proc/{process.pid}/maps").read_text()
            assert "libtorch" not in maps, f"{words} loaded torch"


@pytest.mark.parametrize(
    "words", ["-Q default", "-Q learner", "config.celery beat", "compute.supervisor", "gunicorn"]
)
def test_a_killed_program_comes_back(installation, words):
    killed = installation.program(words)
    assert killed is not None
    workers = killed.children(recursive=True)
    killed.kill()
    eventually(lambda: (p := installation.program(words)) and p.pid != killed.pid, f"{words} again")
    eventually(lambda: not any(w.is_running() for w in workers), f"the old children of {words} to be gone")
    eventually(installation.healthy, "the web server")


def test_a_killed_owner_and_a_killed_database_come_back_with_the_data(installation):
    sql(installation, "CREATE TABLE survived (n int); INSERT INTO survived VALUES (7)")
    owner, server = installation.program("config.embedded"), Postgres(installation.home).running()
    owner.kill()
    eventually(
        lambda: lock.holder(installation.home / "embedded.lock") not in {None, owner.pid}, "a new owner"
    )
    assert Postgres(installation.home).running() == server, "the new owner adopts"
    server.kill()
    eventually(lambda: (p := Postgres(installation.home).running()) and p != server, "the database again")
    eventually(installation.healthy, "the web server")
    assert sql(installation, "SELECT n FROM survived") == [(7,)]


def test_a_second_start_is_refused_in_one_line_and_does_no_harm(installation):
    second = python(installation.home, "-m", "config.run", PORT="18097")
    assert second.returncode == 1 and second.stderr.count("\n") == 1
    assert "already run" in second.stderr
    assert installation.healthy()


def test_ctrl_c_leaves_nothing_running_and_the_next_start_keeps_the_data(installation):
    sql(installation, "CREATE TABLE kept (n int); INSERT INTO kept VALUES (42)")
    assert installation.stop(signal.SIGINT) == 0
    assert alive_over(installation.home) == []
    assert not embedded.socket_dir(installation.home).exists()
    assert "nothing is left running" in installation.text()
    installation.start()
    assert sql(installation, "SELECT n FROM kept") == [(42,)]


def test_kill_9_of_the_manager_takes_everything_down_and_the_next_start_works(installation):
    installation.process.kill()
    installation.process.wait()
    eventually(lambda: alive_over(installation.home) == [], "everything to be gone", 120)
    installation.start()
    assert installation.healthy()


def test_make_stop_from_another_terminal_ends_it(installation):
    done = python(installation.home, "-m", "config.run.stop")
    assert done.stdout == "stopped\n"
    assert installation.process.wait(60) == 0
    assert alive_over(installation.home) == []


def test_a_taken_port_is_one_line_before_anything_starts(home):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = python(home, "-m", "config.run", PORT=str(port))
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert f"port {port}" in done.stderr and "PORT=" in done.stderr
    assert done.stdout == "" and alive_over(home) == []


@pytest.mark.parametrize("port", ["eighty", "0", "70000"])
def test_a_port_that_is_none_is_one_line(home, port):
    done = python(home, "-m", "config.run", PORT=port)
    assert (
        done.returncode == 1
        and done.stderr == f"PORT='{port}' is not a port: use a number, for example PORT=8001\n"
    )


def test_demo_data_and_own_data_are_never_mixed(home):
    (home / "kind").write_text("own\n")
    done = python(home, "-m", "config.run", "--demo", PORT="18098")
    assert done.returncode == 1 and "data of your own" in done.stderr and "make up" in done.stderr


def sql(installation: Installation, text: str) -> list[tuple]:
    connection = psycopg2.connect(embedded.database_url(installation.home))
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute(text)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def test_reset_asks_and_without_an_answer_wipes_nothing(home):
    (home / "artifacts").mkdir()
    asked = python(home, "-m", "config.run.reset")
    assert asked.returncode == 1 and (home / "artifacts").exists()
    (home / "notes.txt").write_text("not ours")
    agreed = python(home, "-m", "config.run.reset", YES="1")
    assert agreed.returncode == 0 and "notes.txt" in agreed.stdout
    assert os.listdir(home) == ["notes.txt"]
