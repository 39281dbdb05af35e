"""Take the steps of our Dockerfiles where there is no container engine, then run what they made.

    python3 -m docker.exercise model --image BASE_IMAGE=ROOT --encoder FOLDER [--pass NAME=VALUE] [--bind FOLDER]
    python3 -m docker.exercise app --image BASE_IMAGE=ROOT --image NODE_IMAGE=ROOT [...]

ROOT is a folder with a root file system that stands for the base image, for example of
``debootstrap --variant=minbase --include=python3-venv,python3-pip bookworm ROOT``. The steps are read from the
Dockerfile itself and taken in order, each stage in an overlay of its own, RUN in a chroot. What they made is then
started as an engine would start it, in a network of its own that leads nowhere. ``--pass`` and ``--bind`` give RUN
steps what the builder's machine has: a package index, its certificates. As root, on Linux; the mounts are seen by this
process alone.

Not shown: pulling the base image, its digest, layers and their cache, cgroups, seccomp, a GPU.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from docker import exercised
from docker.dockerfile import Ignored, Stage, Step, filled, read_stages

ROOT = Path(__file__).resolve().parents[1]
DIGEST = "exercise@sha256:" + "0" * 64
"""What the base is called: it has no digest, since it is a folder."""


@dataclass
class Built:
    """A stage after its steps: where its files are seen, and what its instructions left."""

    root: Path
    layers: list[Path]
    environment: dict[str, str] = field(default_factory=dict)
    folder: str = "/"
    user: str = ""
    start: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)

    def inside(self, words: list[str], user: str | None = None) -> list[str]:
        """The command line that runs words inside."""
        chosen = self.user if user is None else user
        told = [f"{name}={value}" for name, value in self.environment.items()]
        enter = 'cd "$0" && exec "$@"'
        by = [f"--userspec={chosen}"] if chosen else []
        return ["chroot", *by, str(self.root), "env", "-i", *told, "sh", "-c", enter, self.folder, *words]


class Builder:
    """Builds the stages of one Dockerfile in ``work``."""

    def __init__(self, images: dict[str, Path], extra: dict[str, str], binds: list[Path], work: Path) -> None:
        self.images = images
        self.extra = extra
        self.binds = binds
        self.work = work
        self.built: dict[str, Built] = {}
        self.ignored = Ignored((ROOT / ".dockerignore").read_text("utf-8"))

    def build(self, path: Path, arguments: dict[str, str]) -> None:
        named = {name: f"{name}-{DIGEST}" for name in self.images}
        for stage in read_stages(path.read_text("utf-8"), named):
            print(f"== {path.name}: FROM {stage.base} AS {stage.name}", flush=True)
            built = self._begin(stage, {f"{name}-{DIGEST}": root for name, root in self.images.items()})
            known: dict[str, str] = {}
            for step in stage.steps:
                print(f"   {step.word} {step.rest[:110]}", flush=True)
                self._take(step, built, known, named | arguments)
            self.built[stage.name] = built

    def _begin(self, stage: Stage, images: dict[str, Path]) -> Built:
        below = self.built.get(stage.base)
        lower = below.layers if below else [images[stage.base]]
        place = self.work / stage.name
        for name in ("upper", "work", "root"):
            (place / name).mkdir(parents=True)
        layers = ":".join(map(str, lower))
        options = f"lowerdir={layers},upperdir={place / 'upper'},workdir={place / 'work'}"
        mount("-t", "overlay", "overlay", "-o", options, str(place / "root"))
        root = place / "root"
        for name in ("proc", "dev"):
            (root / name).mkdir(exist_ok=True)
            mount("--rbind", f"/{name}", str(root / name))
        made = Built(
            root, [place / "upper", *lower], {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"}
        )
        if below:
            made.environment, made.folder, made.user = dict(below.environment), below.folder, below.user
        return made

    def _take(self, step: Step, built: Built, known: dict[str, str], arguments: dict[str, str]) -> None:
        values = {**known, **built.environment}
        match step.word:
            case "ARG":
                name = step.rest.split("=")[0]
                known[name] = arguments.get(name, step.pairs().get(name, ""))
            case "ENV":
                built.environment |= {name: filled(value, values) for name, value in step.pairs().items()}
            case "WORKDIR":
                built.folder = step.rest
                (built.root / step.rest.lstrip("/")).mkdir(parents=True, exist_ok=True)
            case "USER":
                built.user = step.rest
            case "COPY":
                self._copy(step.words(), built)
            case "RUN":
                self._run(step.rest, built, known)
            case "ENTRYPOINT":
                built.start = step.words()
            case "CMD":
                built.command = step.words()
            case "HEALTHCHECK":
                built.health = Step("CMD", step.rest.partition(" CMD ")[2].strip()).words()
            case _:
                pass  # LABEL, EXPOSE, STOPSIGNAL: nothing to do, only to read

    def _run(self, command: str, built: Built, known: dict[str, str]) -> None:
        """One RUN, with what the builder's machine lends for as long as it lasts."""
        lent = [*self.binds, Path("/etc/resolv.conf")]
        with_arguments = Built(
            built.root, built.layers, known | self.extra | built.environment, built.folder, built.user
        )
        with Lent(built.root, lent):
            subprocess.run(with_arguments.inside(["sh", "-c", command]), check=True)

    def _copy(self, words: list[str], built: Built) -> None:
        source_root, is_context = ROOT, True
        if words[0].startswith("--from="):
            source_root, is_context = self.built[words.pop(0).removeprefix("--from=")].root, False
        *sources, target = words
        place = built.root / os.path.join(built.folder, target).lstrip("/")
        for source in sources:
            found = source_root / source.lstrip("/")
            if found.is_dir():
                self._copy_folder(found, place, is_context)
            elif is_context and self.ignored(found.relative_to(ROOT)):
                sys.exit(f"COPY {source}: .dockerignore keeps it from the engine")
            else:
                goal = place / found.name if target.endswith("/") else place
                goal.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(found, goal)

    def _copy_folder(self, found: Path, place: Path, is_context: bool) -> None:
        def left_out(folder: str, names: list[str]) -> set[str]:
            inside = Path(folder).relative_to(ROOT) if is_context else Path()
            return {name for name in names if is_context and self.ignored(inside / name)}

        shutil.copytree(found, place, symlinks=True, ignore=left_out, dirs_exist_ok=True)


class Lent:
    """Folders and files of this machine, seen inside at the same place for a while."""

    def __init__(self, root: Path, paths: list[Path]) -> None:
        self.places = [(path, root / str(path.resolve()).lstrip("/")) for path in paths if path.exists()]

    def __enter__(self) -> None:
        for path, place in self.places:
            if path.is_dir():
                place.mkdir(parents=True, exist_ok=True)
            else:
                place.parent.mkdir(parents=True, exist_ok=True)
                place.touch()
            mount("--bind", str(path.resolve()), str(place))

    def __exit__(self, *_: object) -> None:
        for _, place in reversed(self.places):
            subprocess.run(["umount", str(place)], check=True)


def mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True)


def remove(work: Path) -> None:
    """Take the layers away; never while something of this machine is still seen inside."""
    for place in sorted(work.glob("*/root")):
        subprocess.run(["umount", "--recursive", "--lazy", str(place)], check=False)
    if str(work) in Path("/proc/self/mountinfo").read_text("utf-8"):
        sys.exit(f"{work} still holds mounts: it is left as it is")
    shutil.rmtree(work, ignore_errors=True)


def pairs(texts: list[str]) -> dict[str, str]:
    return dict(text.split("=", 1) for text in texts)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("image", choices=("model", "app"))
    parser.add_argument("--image", dest="images", action="append", required=True, metavar="ARG=ROOT")
    parser.add_argument("--encoder", type=Path, help="a base model's folder, for the model's image")
    parser.add_argument(
        "--argument", action="append", default=[], metavar="NAME=VALUE", help="a build argument"
    )
    parser.add_argument("--pass", dest="passed", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--bind", action="append", type=Path, default=[])
    parser.add_argument(
        "--work", type=Path, help="where the layers go (a new folder of /var/tmp; removed at the end)"
    )
    asked = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("only root can mount and chroot")
    if not os.environ.get("EXERCISE_MOUNTS"):
        words = ["unshare", "--mount", sys.executable, "-m", "docker.exercise", *sys.argv[1:]]
        os.execvpe(words[0], words, os.environ | {"EXERCISE_MOUNTS": "own"})  # noqa: S606
    images = {name: Path(root).resolve() for name, root in pairs(asked.images).items()}
    work = Path(tempfile.mkdtemp(prefix="exercise-", dir=asked.work or "/var/tmp"))
    try:
        builder = Builder(images, pairs(asked.passed), asked.bind, work)
        builder.build(ROOT / "docker" / f"{asked.image}.Dockerfile", pairs(asked.argument))
        if asked.image == "model":
            exercised.model(builder.built["model"], asked.encoder)
        else:
            exercised.app(builder.built["app"])
    finally:
        remove(work)
    print(f"{asked.image}: every step was taken, and what they made was run")
    return 0


if __name__ == "__main__":
    sys.exit(main())
