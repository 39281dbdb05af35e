"""The embedded servers survive what happens on a laptop: kill -9, double starts, another user, root."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import psycopg2
import pytest
import redis

from config import embedded
from config.embedded.owner import owner_pid
from config.embedded.postgres import Postgres
from config.embedded.redis_server import Redis
from tests.config.processes import ROOT, alive_over, environment, eventually, python


def execute(home: Path, sql: str) -> list[tuple]:
    connection = psycopg2.connect(embedded.database_url(home))
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall() if cursor.description else []


def start(home: Path) -> None:
    done = python(home, "-m", "config.embedded", "start")
    assert done.returncode == 0, done.stderr


def test_a_stop_leaves_nothing_running_and_the_next_start_keeps_the_data(home):
    start(home)
    execute(home, "CREATE TABLE kept (v vector(2)); INSERT INTO kept VALUES ('[1,2]')")
    redis.Redis.from_url(embedded.redis_url(home)).lpush("queue", "task")
    assert python(home, "-m", "config.embedded", "stop").stdout == "stopped\n"
    assert alive_over(home) == []
    assert not embedded.socket_dir(home).exists()
    start(home)
    assert execute(home, "SELECT v::text FROM kept") == [("[1,2]",)]
    assert redis.Redis.from_url(embedded.redis_url(home)).lrange("queue", 0, -1) == [b"task"]


def test_no_server_listens_on_a_port_and_the_sockets_are_private(home):
    start(home)
    for server in (Postgres(home), Redis(home)):
        process = server.running()
        assert process is not None
        assert [c for c in process.net_connections("inet") if c.status == psutil.CONN_LISTEN] == []
    assert embedded.socket_dir(home).stat().st_mode & 0o077 == 0


def test_a_new_owner_adopts_the_servers_of_a_killed_one(home):
    start(home)
    before = [server.running().pid for server in (Postgres(home), Redis(home))]
    os.kill(owner_pid(home), signal.SIGKILL)
    eventually(lambda: owner_pid(home) is None, "the lock of the killed owner")
    start(home)
    assert [server.running().pid for server in (Postgres(home), Redis(home))] == before


def test_after_kill_9_of_everything_the_next_start_recovers_what_was_written(home):
    start(home)
    execute(home, "CREATE TABLE kept (n int); INSERT INTO kept SELECT generate_series(1, 1000)")
    victims = [owner_pid(home), *(server.running().pid for server in (Postgres(home), Redis(home)))]
    for pid in victims:
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: not alive_over(home), "the killed processes to be gone")
    assert (home / "pg" / "postmaster.pid").exists(), "the stale file is what this test is about"
    start(home)
    assert execute(home, "SELECT count(*) FROM kept") == [(1000,)]


def test_a_stale_pid_file_that_names_a_strangers_process_does_not_stop_the_start(home):
    start(home)
    python(home, "-m", "config.embedded", "stop")
    sleeper = subprocess.Popen(["sleep", "600"])
    try:
        (home / "pg" / "postmaster.pid").write_text(f"{sleeper.pid}\n{home / 'pg'}\n1\n5432\n\n\n\nready\n")
        start(home)
        assert Postgres(home).running().pid != sleeper.pid
        assert sleeper.poll() is None
    finally:
        sleeper.kill()
        sleeper.wait()


def test_the_owner_starts_a_server_that_dies_again(home):
    start(home)
    for server in (Postgres(home), Redis(home)):
        killed = server.running()
        killed.kill()
        eventually(lambda s=server, k=killed: (p := s.running()) and p.pid != k.pid, f"{server.name} again")
    assert execute(home, "SELECT 1") == [(1,)]


def test_a_second_owner_is_refused_in_one_line(home):
    start(home)
    second = python(home, "-m", "config.embedded", "run")
    assert second.returncode == 1
    assert second.stderr.count("\n") == 1 and "already run" in second.stderr and "make stop" in second.stderr
    assert execute(home, "SELECT 1") == [(1,)]


def test_a_socket_folder_made_by_another_user_is_refused(home):
    folder = embedded.socket_dir(home)
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root can give a folder away")
    os.chown(folder, 12345, 12345)
    try:
        done = python(home, "-m", "config.embedded", "run")
        assert done.returncode == 1 and "belongs to another user" in done.stderr
        assert "Traceback" not in done.stderr
    finally:
        folder.rmdir()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_an_ordinary_user_runs_the_servers_as_himself(home):
    somebody = pwd.getpwnam("daemon")
    os.chown(home, somebody.pw_uid, somebody.pw_gid)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "config.embedded", "start"], cwd=ROOT,
            env=environment(home, HOME=str(home)), capture_output=True, text=True, check=False, timeout=120,
            user=somebody.pw_uid, group=somebody.pw_gid, extra_groups=[],
        )  # fmt: skip
    except PermissionError:
        pytest.skip("other users may not run this Python: it lies in a closed folder")
    assert done.returncode == 0, done.stderr
    owners = {server.running().uids().real for server in (Postgres(home), Redis(home))}
    assert owners == {somebody.pw_uid}


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mysql://somebody@host/db", "must start with postgresql://"),
        ("postgresql://somebody:secret@127.0.0.1:1/db", "cannot connect to the database 127.0.0.1:1/db"),
    ],
)
def test_a_wrong_database_url_is_one_line_before_anything_starts(home, url, words):
    done = python(home, "-m", "config.run", DATABASE_URL=url, PORT="18099")
    assert done.returncode == 1
    assert words in done.stderr and done.stderr.count("\n") == 1 and "secret" not in done.stderr
    assert alive_over(home) == []


def test_a_database_without_the_extension_says_how_to_get_it(home):
    start(home)
    execute(home, "CREATE ROLE guest LOGIN")
    execute(home, "CREATE DATABASE bare TEMPLATE template0")
    url = embedded.database_url(home, "bare").replace("//aiguilleur@", "//guest@")
    other = home.with_name(home.name + "-other")
    try:
        done = python(other, "-m", "config.run", DATABASE_URL=url, PORT="18099")
        assert done.returncode == 1
        assert "lacks the extension pgvector" in done.stderr and done.stderr.count("\n") == 1
    finally:
        shutil.rmtree(other, ignore_errors=True)


def test_a_redis_that_does_not_answer_is_one_line(home):
    done = python(home, "-m", "config.run", REDIS_URL="redis://127.0.0.1:1/0", PORT="18099")
    assert done.returncode == 1
    assert "cannot connect to Redis at redis://127.0.0.1" in done.stderr and done.stderr.count("\n") == 1
