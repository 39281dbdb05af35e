"""Replay: labelled history played through the real services, in a world of its own that goes away."""

from __future__ import annotations

import csv
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from annotation.demo import corpus
from annotation.models import Annotation, Service, Ticket
from inference.replay import folders, scratch, unguided
from tests import factories
from tests.inference.cast import until
from tests.inference.conftest import ROOT
from tests.ml.conftest import WORDS

pytestmark = pytest.mark.django_db(transaction=True)
SERVICES = ("Card payment", "Parcel", "Refund")


@pytest.fixture(autouse=True)
def small_encoder(settings: Any, small_bert: Path) -> None:
    settings.BASE_MODEL = str(small_bert)


@pytest.fixture(autouse=True)
def own_temporary_folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """So that a replay that somebody else runs on this machine is not seen here."""
    with tempfile.TemporaryDirectory(prefix="replay-tests-") as folder:
        monkeypatch.setattr(tempfile, "tempdir", folder)
        monkeypatch.setenv("TMPDIR", folder)
        yield


def rows(count: int, seed: int = 3) -> list[tuple[str, str]]:
    """Texts of which a third of the vocabulary tells the service, and that service."""
    chance = random.Random(seed)
    third = len(WORDS) // len(SERVICES)
    made = []
    for number in range(count):
        service = number % len(SERVICES)
        own = WORDS[service * third : (service + 1) * third]
        words = [*chance.choices(own, k=5), *chance.choices(WORDS, k=2), factories.spelled(number)]
        made.append((" ".join(words), SERVICES[service]))
    return made


def write(
    path: Path, content: Iterable[tuple[str, str]], header: tuple[str, str] = ("text", "category")
) -> Path:
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([header, *content])
    return path


@pytest.fixture
def train(tmp_path: Path) -> Path:
    return write(tmp_path / "train.csv", rows(150))


@pytest.fixture
def test(tmp_path: Path) -> Path:
    return write(tmp_path / "test.csv", rows(60, seed=4))


def replay(train: Path, test: Path, out: Path, **options: Any) -> dict[str, Any]:
    values = {"labels": 40, "batch": 10, "seed": 1, "verbosity": 0} | options
    call_command("replay", str(train), test=test, report=out, **values)
    return json.loads(out.read_text())


def databases() -> list[str]:
    """The scratch databases on the server."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", [scratch.PREFIX + "%"])
        return [name for (name,) in cursor.fetchall()]


def clients_of(database: str) -> int:
    """How many connections the server still keeps for clients of a database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND backend_type = 'client backend'",
            [database],
        )
        return int(cursor.fetchone()[0])


def left_folders() -> list[Path]:
    return list(Path(tempfile.gettempdir()).glob(f"{folders.PREFIX}*"))


def processes_of(folder: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter(["cmdline"]):
        if any(str(folder) in part for part in process.info["cmdline"] or []):
            found.append(process)
    return found


# The whole of it


@pytest.mark.heavy
def test_a_replay_writes_its_report_and_its_curve_and_leaves_the_installation_as_it_was(
    train: Path, test: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = factories.ticket("A ticket of the installation")
    factories.labelled(own, factories.service("Its service"))
    before = (
        Ticket.objects.count(),
        Service.objects.count(),
        Annotation.objects.count(),
        set(left_folders()),
    )

    report = replay(train, test, tmp_path / "out.json")

    assert (Ticket.objects.count(), Service.objects.count(), Annotation.objects.count()) == before[:3]
    assert databases() == []
    assert set(left_folders()) == before[3]
    assert {"labels", "accuracy", "macro_f1", "seconds", "curve"} <= set(report)
    assert [point["labels"] for point in report["curve"]] == [0, 10, 20, 30, 40]
    assert all(set(point) == {"labels", "accuracy", "macro_f1"} for point in report["curve"])
    assert report["labels"] == 40
    assert 0 < report["audit_labels"] < 40
    assert report["history"] == 150 and report["test"] == 60 and report["test_unknown"] == 0
    assert report["curve"][0]["accuracy"] == 0.0
    assert report["accuracy"] == report["curve"][-1]["accuracy"] > 1 / len(SERVICES)
    assert report["random"][0]["labels"] == 40
    assert all(set(point) == {"labels", "accuracy", "macro_f1"} for point in report["random"])
    assert "<svg" in (tmp_path / "out.svg").read_text()
    said = capsys.readouterr().out
    assert "40 labels" in said and "andom order" in said


@pytest.mark.heavy
def test_the_same_seed_gives_the_same_curve_and_another_seed_another(
    train: Path, test: Path, tmp_path: Path
) -> None:
    first, shorter, other = (
        replay(train, test, tmp_path / f"{number}.json", seed=seed, labels=labels)["curve"]
        for number, (seed, labels) in enumerate(((1, 20), (1, 10), (2, 20)))
    )
    assert first[:2] == shorter
    assert first != other


@pytest.mark.heavy
def test_bad_rows_unknown_labels_and_equal_texts_are_counted_and_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train = write(tmp_path / "train.csv", [*rows(30), *rows(30), ("", "Parcel")])
    test = write(tmp_path / "test.csv", [*rows(30, seed=4), ("where is my parcel", "Never heard of")])
    report = replay(train, test, tmp_path / "out.json", labels=60)
    assert (report["refused"], report["test_unknown"], report["test"]) == (1, 1, 31)
    assert 30 <= report["labels"] < 60, (
        "an answer goes to the tickets of the same text, unless somebody holds them"
    )
    assert report["accuracy"] < 1.0
    said = capsys.readouterr().out
    assert "1 rows of the history could not be read" in said
    assert "1 test rows are of a service the history does not have" in said


def test_the_labels_a_random_order_needs_lie_between_the_points_around_them() -> None:
    points = [{"labels": 100, "accuracy": 0.5}, {"labels": 200, "accuracy": 0.7}]
    assert unguided.needed(points, 0.6) == 150
    assert unguided.needed(points, 0.7) == 200
    assert unguided.needed(points, 0.25) == 50
    assert unguided.needed(points, 0.71) is None
    assert unguided.needed([], 0.1) is None


# What cannot be played


@pytest.mark.parametrize(
    ("header", "content", "says"),
    [
        (("message", "category"), rows(20), "no column 'text'; the file has: message, category"),
        (("text", "team"), rows(20), "no column 'category'; the file has: text, team"),
        (("text", "category"), [], "0 service"),
        (("text", "category"), [(text, "Parcel") for text, _ in rows(60)], "1 service"),
        (("text", "category"), rows(20), "20 rows with a text and a label, but 40 labels"),
    ],
    ids=["no text column", "no label column", "no rows", "one service", "more labels than rows"],
)
def test_a_history_that_cannot_be_played_is_refused_with_its_reason(
    tmp_path: Path, test: Path, header: tuple[str, str], content: list[tuple[str, str]], says: str
) -> None:
    train = write(tmp_path / "train.csv", content, header)
    with pytest.raises(CommandError) as refused:
        replay(train, test, tmp_path / "out.json")
    assert says in str(refused.value) and "train.csv" in str(refused.value)
    assert not (tmp_path / "out.json").exists()
    assert databases() == []


@pytest.mark.parametrize(
    ("header", "content", "says"),
    [
        (("text", "team"), rows(20), "no column 'category'"),
        (("text", "category"), [("", "Parcel")], "no row has both"),
        (("text", "category"), [("hello", "Elsewhere")], "none of its labels"),
    ],
    ids=["no label column", "no text", "no known label"],
)
def test_a_test_set_that_cannot_judge_is_refused_with_its_reason(
    tmp_path: Path, train: Path, header: tuple[str, str], content: list[tuple[str, str]], says: str
) -> None:
    test = write(tmp_path / "test.csv", content, header)
    with pytest.raises(CommandError) as refused:
        replay(train, test, tmp_path / "out.json")
    assert says in str(refused.value) and "test.csv" in str(refused.value)
    assert databases() == []


def test_empty_and_missing_files_and_impossible_numbers_are_refused_before_any_database_is_made(
    tmp_path: Path, train: Path, test: Path
) -> None:
    empty = tmp_path / "empty.csv"
    empty.touch()
    for wrong in (
        {"train": empty},
        {"train": tmp_path / "none.csv"},
        {"test": empty},
        {"labels": 0},
        {"batch": 0},
        {"out": tmp_path / "nowhere" / "out.json"},
        {"plot": tmp_path / "curve.bmp"},
    ):
        with pytest.raises(CommandError):
            replay(**{"train": train, "test": test, "out": tmp_path / "out.json"} | wrong)
    assert not (tmp_path / "out.json").exists()


# How it ends


def start(train: Path, test: Path, base_model: Path) -> subprocess.Popen[str]:
    """A replay as a process, at the moment when its world stands."""
    known = set(left_folders())
    command = [sys.executable, "manage.py", "replay", str(train), "--test", str(test)]
    command += [
        "--labels",
        "150",
        "--batch",
        "1",
    ]  # a refit for each label: it does not end by itself too soon
    process = subprocess.Popen(
        [*command, "--report", str(train.with_name("killed.json"))],
        cwd=ROOT,
        env=os.environ | {"BASE_MODEL": str(base_model)},
        stderr=subprocess.PIPE,
        text=True,
        # Started in the background, as CI may be, a shell's children ignore Ctrl-C: this one must hear it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )

    def stands() -> object:
        assert process.poll() is None, process.communicate()[1]
        return databases() and set(left_folders()) - known

    until(stands, "the scratch database")
    (folder,) = set(left_folders()) - known
    until(folders.spool(folder).supervisor_alive, "the supervisor")
    return process


@pytest.mark.heavy
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_replay_takes_everything_away(
    train: Path, test: Path, small_bert: Path, number: signal.Signals
) -> None:
    before = set(left_folders())
    process = start(train, test, small_bert)
    (folder,) = set(left_folders()) - before
    process.send_signal(number)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert "nothing was left behind" in said and "Traceback" not in said
    assert databases() == []
    assert not folder.exists()
    assert processes_of(folder) == []


def unfit(folder: Path) -> Path:
    """A test set that is refused once everything is set up: its label is no service of the history."""
    return write(folder / "unfit.csv", [("hello", "Elsewhere")])


@pytest.mark.heavy
def test_what_a_killed_replay_leaves_the_next_one_takes_away(
    train: Path, test: Path, tmp_path: Path, small_bert: Path
) -> None:
    before = set(left_folders())
    process = start(train, test, small_bert)
    process.kill()
    process.wait()
    (folder,) = set(left_folders()) - before
    (left,) = databases()
    assert processes_of(folder), "its supervisor goes on, and so there is something to take away"
    until(lambda: not clients_of(left), "the server to notice that its client is gone")
    with pytest.raises(CommandError, match="none of its labels"):
        replay(train, unfit(tmp_path), tmp_path / "out.json")
    assert left not in databases()
    assert not folder.exists()
    assert processes_of(folder) == []


@pytest.mark.heavy
def test_a_running_replay_is_left_alone_by_another(
    train: Path, test: Path, tmp_path: Path, small_bert: Path
) -> None:
    before = set(left_folders())
    process = start(train, test, small_bert)
    try:
        (folder,), (database,) = set(left_folders()) - before, databases()
        with pytest.raises(CommandError, match="none of its labels"):
            replay(train, unfit(tmp_path), tmp_path / "out.json")
        assert databases() == [database]
        assert folder.exists() and processes_of(folder)
    finally:
        process.terminate()
        process.communicate(timeout=60)


# With a real encoder


@pytest.mark.heavy
@pytest.mark.beside
@pytest.mark.timeout(1500)
def test_a_fine_tuning_at_the_end_of_a_replay_of_the_demo_corpus_is_better_than_the_learner(
    settings: Any, tmp_path: Path
) -> None:
    from ml.container import default_base_model

    settings.BASE_MODEL = str(default_base_model())
    made = [(ticket.text, ticket.service) for ticket in corpus.generate(3000) if ticket.service != "none"]
    train, test = write(tmp_path / "train.csv", made[:1000]), write(tmp_path / "test.csv", made[1000:1700])
    report = replay(
        train, test, tmp_path / "out.json", labels=500, batch=50, finetune=True, finetune_seconds=90
    )
    early = report["curve"][3]["accuracy"]
    assert report["head"]["accuracy"] > early, "more labels, more accuracy"
    # What stands listens to the words, which the learner does not: with so many labels that was worth eight points,
    # four standard errors. With half of them it was worth nothing, and a tolerance would have to say what is noise.
    assert report["finetuned"]["accuracy"] > report["head"]["accuracy"]
    assert report["accuracy"] == report["finetuned"]["accuracy"]
