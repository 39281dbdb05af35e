"""The image's entry point as the platform runs it: ``python -m ml train|serve`` in a process of its own."""

from __future__ import annotations

import http.client
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import ml
from ml.container import make_encoder_artifact, unpack_artifact, verify_artifact
from ml.schema import TrainingRow

MakeTree = Callable[..., Path]
MakeRows = Callable[..., list[TrainingRow]]
ROOT = Path(ml.__file__).resolve().parents[1]
OTHER = "nobody"
PATIENCE = 240.0

NEEDED = [ROOT, Path(sys.prefix), Path(sys.base_prefix)]
CLOSED = {at for one in NEEDED for at in one.parents if not at.stat().st_mode & 0o001}
OPENED = """
set -e
mount -t tmpfs tmpfs /mnt
for at in $NEEDED; do mkdir -p /mnt$at; mount --bind $at /mnt$at; done
for at in $CLOSED; do mount -t tmpfs -o mode=755 tmpfs $at; done
for at in $NEEDED; do mkdir -p $at; mount --bind /mnt$at $at; done
exec "$@"
"""
"""A machine may keep its Python, or the checkout, where only root may enter (/root). What another user needs is seen
in its place all the same, in mounts that this one process has for itself."""

is_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


def command(name: str, *options: str) -> list[str]:
    return [sys.executable, *options, "-m", "ml", *name.split()]


def opened(words: list[str]) -> list[str]:
    """A command that another user could go on with."""
    if not CLOSED:
        return words
    if subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode:
        pytest.skip(f"another user may not enter {CLOSED}, and this process may not mount")
    return ["unshare", "-m", "sh", "-c", OPENED, "sh", *words]


def started(words: list[str], **environment: str) -> subprocess.Popen[str]:
    told = os.environ | {"PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"} | environment
    told |= {"NEEDED": " ".join(map(str, NEEDED)), "CLOSED": " ".join(map(str, CLOSED))}
    return subprocess.Popen(
        words, env=told, cwd="/", text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def wait_for_line(stream: Iterator[str] | None, words: str) -> None:
    assert stream is not None
    assert any(words in line for line in stream), f"the program ended before it said {words!r}"


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """A folder that another user may enter, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="ml-program-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


# What it is told


@pytest.mark.parametrize("told", ["", "training", "train serve", "trainer", "__main__"])
def test_a_program_that_does_not_exist_is_answered_with_those_that_do(told: str) -> None:
    program = started(command(told))
    said = program.communicate(timeout=PATIENCE)[1]
    assert program.returncode == 2 and "train|serve" in said


# When it is stopped


@pytest.mark.parametrize(("name", "code"), [("train", 143), ("serve", 0)])
def test_a_stop_while_it_still_loads_ends_it_at_once_as_the_contract_says(
    name: str, code: int, tmp_path: Path
) -> None:
    program = started(command(name, "-X", "importtime"), SAGEMAKER_BASE_DIR=str(tmp_path))
    wait_for_line(program.stderr, "numpy")
    program.send_signal(signal.SIGTERM)
    rest = program.communicate(timeout=PATIENCE)[1]
    assert program.returncode == code
    assert "ml.trainer" not in rest and "uvicorn.server" not in rest, "it was loading, and did not go on"
    assert not (tmp_path / "output" / "failure").exists()


def test_a_stop_while_it_works_ends_it_as_a_stop_and_not_as_a_failure(
    make_tree: MakeTree, make_rows: MakeRows, bert: Path
) -> None:
    root = make_tree(make_rows(180), bert, epochs=1000, max_seconds=600, early_stopping_patience=1000)
    program = started(command("train"), SAGEMAKER_BASE_DIR=str(root))
    wait_for_line(program.stdout, "train_loss=")
    program.send_signal(signal.SIGTERM)
    said = program.communicate(timeout=PATIENCE)[0]
    assert program.returncode == 143 and "the checkpoint is kept" in said
    assert (root / "checkpoints" / "tuning.pt").is_file() and not (root / "output" / "failure").exists()


# As whom it runs


@pytest.mark.heavy
@is_root
def test_a_training_gives_up_root_and_leaves_files_of_the_user_it_became(
    public_folder: Path, make_tree: MakeTree, make_rows: MakeRows, bert: Path
) -> None:
    shutil.copytree(bert, public_folder / "bert", copy_function=shutil.copyfile)
    (public_folder / "bert").chmod(0o755)
    root = public_folder / "ml"
    shutil.copytree(make_tree(make_rows(12), epochs=0), root)
    (root / "input" / "data" / "base").symlink_to(public_folder / "bert")
    declared = root / "input" / "config" / "inputdataconfig.json"
    declared.write_text('{"train": {}, "base": {}}')
    ours = public_folder / "of-the-machine"
    ours.write_text("not the training's")
    (root / "checkpoints").mkdir()
    (root / "checkpoints" / "link").symlink_to(ours)
    program = started(opened(command("train")), SAGEMAKER_BASE_DIR=str(root), ML_RUN_AS=OTHER)
    said = program.communicate(timeout=PATIENCE)[1]
    assert program.returncode == 0, said
    verify_artifact(root / "model")
    user = pwd.getpwnam(OTHER)
    assert {path.stat().st_uid for path in (root / "model").rglob("*")} == {user.pw_uid}
    assert {path.stat().st_gid for path in (root / "model").rglob("*")} == {user.pw_gid}
    assert (ours.stat().st_uid, declared.stat().st_uid) == (0, 0), "nothing else changed hands"


@is_root
def test_a_file_that_user_may_not_read_ends_the_training_with_a_reason_that_says_so(
    public_folder: Path, make_tree: MakeTree, make_rows: MakeRows
) -> None:
    root = public_folder / "ml"
    shutil.copytree(make_tree(make_rows(12)), root)
    (root / "input" / "data" / "train" / "rows.jsonl").chmod(0o600)
    program = started(opened(command("train")), SAGEMAKER_BASE_DIR=str(root), ML_RUN_AS=OTHER)
    program.communicate(timeout=PATIENCE)
    reason = (root / "output" / "failure").read_text()
    assert program.returncode == 1
    assert "rows.jsonl" in reason and f"user {pwd.getpwnam(OTHER).pw_uid} (permission_denied)" in reason


@is_root
def test_a_user_that_the_image_lacks_is_named_in_the_failure(tmp_path: Path) -> None:
    program = started(command("train"), SAGEMAKER_BASE_DIR=str(tmp_path), ML_RUN_AS="ghost")
    program.communicate(timeout=PATIENCE)
    assert program.returncode == 1
    assert (tmp_path / "output" / "failure").read_text().endswith("no such user (unknown_user)")


@pytest.mark.heavy
@is_root
def test_serving_gives_up_root_answers_and_ends_well(public_folder: Path, bert: Path) -> None:
    make_encoder_artifact(bert, public_folder / "model.tar.gz")
    unpack_artifact(public_folder / "model.tar.gz", public_folder / "ml" / "model")
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    told = {"SAGEMAKER_BASE_DIR": str(public_folder / "ml"), "SAGEMAKER_BIND_TO_PORT": str(port)}
    program = started(opened(command("serve")), **told, ML_RUN_AS=OTHER)
    try:
        wait_for_line(program.stdout, "phase=serving")
        until_answered(port)
        assert asked(port, "GET", "/ping")[0] == 200
        status, body = asked(port, "POST", "/invocations", {"id": "7", "text": "my card is lost"})
        assert (status, json.loads(body)["id"], json.loads(body)["dim"]) == (200, "7", 32)
        assert os.stat(f"/proc/{program.pid}").st_uid == pwd.getpwnam(OTHER).pw_uid
    finally:
        program.terminate()
        program.communicate(timeout=PATIENCE)
    assert program.returncode == 0


def until_answered(port: int) -> None:
    """Until the port is listened on; the model answers a warm-up before the ping is good."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            if asked(port, "GET", "/ping")[0] == 200:
                return
        except ConnectionRefusedError:
            pass
        time.sleep(0.02)
    raise AssertionError("it never answered")


def asked(port: int, method: str, path: str, record: object = None) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        content = {} if record is None else {"Content-Type": "application/json"}
        connection.request(method, path, None if record is None else json.dumps(record), content)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()
