"""Read a Dockerfile as far as ours go: instructions, stages, and what .dockerignore lets through.

Source: the Dockerfile reference. Shell-form and JSON-form RUN, COPY, CMD and ENTRYPOINT; no ADD, no here-documents, no
flags but ``COPY --from`` and those of HEALTHCHECK. What is not understood is refused, never skipped.
"""

from __future__ import annotations

import fnmatch
import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

KNOWN = (
    "FROM", "ARG", "RUN", "COPY", "WORKDIR", "ENV", "USER", "LABEL", "EXPOSE", "STOPSIGNAL", "HEALTHCHECK",
    "ENTRYPOINT", "CMD",
)  # fmt: skip
VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


class NotUnderstood(ValueError):
    """A Dockerfile that says something this reader does not know."""


@dataclass(frozen=True)
class Step:
    """One instruction: its word in capitals and what follows it, on one line."""

    word: str
    rest: str

    def words(self) -> list[str]:
        """The JSON form as it is; the shell form split as a shell would."""
        if self.rest.startswith("["):
            return [str(word) for word in json.loads(self.rest)]
        return shlex.split(self.rest)

    def pairs(self) -> dict[str, str]:
        """NAME=value pairs of ENV, LABEL and ARG; an ARG without a value has none."""
        return dict(word.split("=", 1) for word in self.words() if "=" in word)


@dataclass
class Stage:
    """``FROM base AS name`` and the steps up to the next one. ``base``: a stage's name or an image's."""

    name: str
    base: str
    steps: list[Step] = field(default_factory=list)

    def last(self, word: str) -> Step | None:
        return next((step for step in reversed(self.steps) if step.word == word), None)


def read_steps(text: str) -> list[Step]:
    """The instructions in order: comments dropped, continued lines joined."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines).replace(" \\\n", "  \\\n"))
    steps = []
    for line in filter(str.strip, joined.splitlines()):
        word, _, rest = line.strip().partition(" ")
        if word not in KNOWN:
            raise NotUnderstood(f"{word}: an instruction that is not known here")
        steps.append(Step(word, rest.strip()))
    return steps


def read_stages(text: str, arguments: Mapping[str, str]) -> list[Stage]:
    """The stages in order, their bases' names filled in from the build arguments."""
    stages: list[Stage] = []
    for step in read_steps(text):
        if step.word == "FROM":
            base, _, name = filled(step.rest, arguments).partition(" AS ")
            if not base or not name:
                raise NotUnderstood(f"FROM {step.rest}: a base and a name are needed")
            stages.append(Stage(name, base))
        elif stages:
            stages[-1].steps.append(step)
    return stages


def filled(text: str, values: Mapping[str, str]) -> str:
    """``$NAME`` and ``${NAME}`` replaced, by nothing where there is no value."""
    return VARIABLE.sub(lambda found: values.get(found[1] or found[2], ""), text)


class Ignored:
    """What ``.dockerignore`` keeps from the engine: the last pattern that matches a path or its folder decides."""

    def __init__(self, text: str) -> None:
        lines = (line.strip() for line in text.splitlines())
        self.patterns = [line for line in lines if line and not line.startswith("#")]

    def __call__(self, path: Path) -> bool:
        """Whether a path, relative to the context, is left out."""
        decided = False
        for pattern in self.patterns:
            if self._matches(pattern.removeprefix("!"), path):
                decided = not pattern.startswith("!")
        return decided

    def _matches(self, pattern: str, path: Path) -> bool:
        return any(self._is(pattern, part) for part in (path, *path.parents) if part != Path("."))

    def _is(self, pattern: str, path: Path) -> bool:
        if pattern.startswith("**/"):
            return fnmatch.fnmatchcase(path.name, pattern.removeprefix("**/"))
        pieces = pattern.split("/")
        return len(pieces) == len(path.parts) and all(
            fnmatch.fnmatchcase(part, piece) for part, piece in zip(path.parts, pieces, strict=True)
        )
