"""What goes to a serving program and what comes back: JSON lines, one record per record, whichever way they travel."""

from __future__ import annotations

import json
from typing import Any

from compute.port import ComputeError, InvalidSpec, ProgramError, Throttled

BODY_AT_MOST = 6 * 1024 * 1024


def body_of(records: list[dict[str, Any]]) -> bytes:
    """The records as JSON lines. InvalidSpec when they are too many bytes for one call."""
    body = b"".join(json.dumps(record, separators=(",", ":")).encode() + b"\n" for record in records)
    if len(body) > BODY_AT_MOST:
        raise InvalidSpec(f"{len(body)} bytes in one call; at most {BODY_AT_MOST}")
    return body


def answers_of(code: int, body: bytes, expected: int, name: str) -> list[dict[str, Any]]:
    """The records of an answer. Throttled, InvalidSpec (the request's fault), ProgramError (the program's)."""
    if code in (429, 503):
        raise Throttled(f"endpoint {name} is busy")
    text = body[:300].decode("utf-8", "replace")
    if code != 200:
        error: type[ComputeError] = InvalidSpec if code in (400, 413, 415, 422) else ProgramError
        raise error(f"endpoint {name} answered {code}: {text}")
    try:
        answers = [json.loads(line) for line in body.split(b"\n") if line.strip()]
    except ValueError as bad:
        raise ProgramError(f"endpoint {name} answered something else than JSON lines: {text}") from bad
    if len(answers) != expected or not all(isinstance(answer, dict) for answer in answers):
        raise ProgramError(f"endpoint {name} gave {len(answers)} answers to {expected} records")
    return answers
