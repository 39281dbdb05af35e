"""A transform's input cut into parts that machines work on side by side, and their outputs joined in order.

<output>/<job>/input/part-00000.jsonl      what is sent, without the lines nobody could answer
<output>/<job>/plan.json                   how many lines each part has, and the answers to those left out
<output>/<job>/output/part-00000.jsonl.out what SageMaker wrote
<output>/<input's name>.out                all of it, one line per line of the input; only once it is whole
"""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from compute.port import ArtifactMissing, InvalidSpec
from compute.records import lines
from compute.sagemaker.objects import S3Objects

IN_MEMORY = 16 << 20


class BadOutput(Exception):
    """What SageMaker wrote does not answer line by line what it was given."""


@dataclass
class Plan:
    """`parts`: lines sent in each. `refused`: [line number from 1, answer] of those not sent. `total`: all lines.

    `longest`: bytes of the longest line sent, its end included.
    """

    total: int = 0
    longest: int = 0
    parts: list[int] = field(default_factory=list)
    refused: list[tuple[int, str]] = field(default_factory=list)


class Shards:
    """One job's parts, under the job's own prefix."""

    def __init__(self, objects: S3Objects, folder: str) -> None:
        self.objects = objects
        self.folder = folder

    @property
    def input_uri(self) -> str:
        return f"{self.folder}/input/"

    @property
    def output_uri(self) -> str:
        return f"{self.folder}/output"

    def cut(self, source: str, wanted: int) -> Plan:
        """Write the parts, at most `wanted` of like size, then the plan. The same input always gives the same parts.

        InvalidSpec when there is no line to send.
        """
        size = self.objects.size(source)
        if size is None:
            raise ArtifactMissing(f"no object at {source}")
        plan, least = Plan(), max(1, -(-size // wanted))
        part = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - closed below, one after the other
        count = 0
        try:
            with self.objects.open(source) as stream:
                for line in lines(stream):
                    plan.total = line.number
                    refusal = line.refusal
                    if refusal is not None:
                        plan.refused.append((line.number, refusal.decode()))
                        continue
                    plan.longest = max(plan.longest, part.write(line.content + b"\n"))
                    count += 1
                    if part.tell() >= least:
                        self._write(plan, part, count)
                        part, count = tempfile.SpooledTemporaryFile(IN_MEMORY), 0  # noqa: SIM115
            if count:
                self._write(plan, part, count)
        finally:
            part.close()
        if not plan.parts:
            raise InvalidSpec(f"{source} holds no record to transform")
        self.objects.write(io.BytesIO(json.dumps(plan.__dict__).encode()), f"{self.folder}/plan.json")
        return plan

    def _write(self, plan: Plan, part: Any, count: int) -> None:
        part.seek(0)
        self.objects.write(part, f"{self.folder}/input/{part_name(len(plan.parts))}")
        part.close()
        plan.parts.append(count)

    def join(self, target: str) -> int:
        """Write the whole output; returns its lines. BadOutput unless every line sent has exactly one answer."""
        with self.objects.open(f"{self.folder}/plan.json") as stream:
            plan = Plan(**json.load(stream))
        with tempfile.TemporaryFile() as whole:
            written = 0
            refused = dict(plan.refused)
            for answer in self._answers(plan):
                while (written + 1) in refused:
                    written += 1
                    whole.write(refused[written].encode().rstrip(b"\n") + b"\n")
                written += 1
                whole.write(answer + b"\n")
            while (written + 1) in refused:
                written += 1
                whole.write(refused[written].encode().rstrip(b"\n") + b"\n")
            if written != plan.total:
                raise BadOutput(f"{written} output lines for {plan.total} input lines")
            whole.seek(0)
            self.objects.write(whole, target)
        return written

    def _answers(self, plan: Plan) -> Iterator[bytes]:
        for number, expected in enumerate(plan.parts):
            name = f"{part_name(number)}.out"
            found = 0
            try:
                with self.objects.open(f"{self.output_uri}/{name}") as stream:
                    for line in _full_lines(stream):
                        found += 1
                        yield line
            except ArtifactMissing as error:
                raise BadOutput(f"the transform left no {name}") from error
            if found != expected:
                raise BadOutput(f"{name} has {found} lines for {expected} records")

    def forget(self) -> None:
        """Delete the parts: they hold texts."""
        self.objects.delete_prefix(self.folder)


def part_name(number: int) -> str:
    return f"part-{number:05d}.jsonl"


def _full_lines(stream: BinaryIO) -> Iterator[bytes]:
    """Lines that hold something: depending on how answers are put together there are empty ones between them."""
    for line in stream:
        content = line.rstrip(b"\r\n")
        if content.strip():
            yield content
