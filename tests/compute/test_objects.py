"""Objects by URI on the local disk, and the settings' way to the backend."""

from pathlib import Path

import pytest
from django.test import override_settings

from compute import registry
from compute.port import ArtifactMissing, InvalidSpec
from tests.compute.conftest import House


def test_a_file_and_a_folder_go_there_and_back(house: House, tmp_path: Path) -> None:
    source = tmp_path / "source" / "inner"
    source.mkdir(parents=True)
    (source / "é file.txt").write_text("one")
    house.backend.put(source / "é file.txt", house.uri("a file.txt"))
    house.backend.put(source.parent, house.uri("tree"))
    with house.backend.open(house.uri("a file.txt")) as stream:
        assert stream.read() == b"one"
    house.backend.get(house.uri("tree"), tmp_path / "back")
    assert (tmp_path / "back" / "inner" / "é file.txt").read_text() == "one"
    assert house.backend.exists(house.uri("tree")) and not house.backend.exists(house.uri("nothing"))
    assert not [path for path in house.artifacts.rglob("*") if path.name.startswith(".")]


def test_deleting_a_prefix_is_idempotent_and_never_leaves_the_artifacts_folder(house: House) -> None:
    house.backend.put(house.folder / "data", house.uri("x", "y"))
    house.backend.delete_prefix(house.uri("x"))
    house.backend.delete_prefix(house.uri("x"))
    assert not house.backend.exists(house.uri("x"))
    (house.artifacts / "link").symlink_to(house.folder / "data")
    for uri in (house.uri(), (house.folder / "data").as_uri(), house.uri("link"), "file:///"):
        with pytest.raises(InvalidSpec):
            house.backend.delete_prefix(uri)
    assert (house.folder / "data" / "rows.jsonl").exists()


def test_what_is_not_there_is_missing(house: House, tmp_path: Path) -> None:
    with pytest.raises(ArtifactMissing):
        house.backend.open(house.uri("nothing"))
    with pytest.raises(ArtifactMissing):
        house.backend.get(house.uri("nothing"), tmp_path / "back")
    with pytest.raises(ArtifactMissing):
        house.backend.put(tmp_path / "nothing", house.uri("x"))


@pytest.mark.parametrize(
    "uri", ["s3://bucket/key", "file://host/x", "/x", "file:///a/../b", "file:///a%00b", ""]
)
def test_an_address_that_is_no_local_object_is_refused(house: House, uri: str) -> None:
    with pytest.raises(InvalidSpec):
        house.backend.exists(uri)


def test_the_settings_choose_one_backend_and_a_wrong_choice_is_told_clearly(tmp_path: Path) -> None:
    settings = {"COMPUTE_SPOOL": tmp_path / "spool", "ARTIFACTS_URI": (tmp_path / "artifacts").as_uri()}
    with override_settings(COMPUTE_BACKEND="local", **settings):
        assert registry.backend() is registry.backend()
        assert (tmp_path / "spool" / "jobs").is_dir()
    for name in ("sagemaker", "moon"):
        with (
            override_settings(COMPUTE_BACKEND=name, **settings),
            pytest.raises(InvalidSpec, match="COMPUTE_BACKEND"),
        ):
            registry.backend()
