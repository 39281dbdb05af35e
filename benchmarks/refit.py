"""From an answer's commit to the queue that knows of it, through the real learner worker.

    python -m benchmarks.refit [--tickets 10000] [--labels 700] [--json OUT]

A scratch installation with tickets of the demo corpus and synthetic vectors (twelve services of eight clouds each, as
many dimensions as the default encoder has), the learner worker as in the Procfile, and people who answer through
`annotation.actions`. "at rest": each answer finds the worker idle. "in a stream": answers come about every second and
find it refitting or writing the score table. Measured from the answer's commit to the commit that puts the re-ranked
queue in its place, debounce and message included, and, at rest, to the swap of the score table of the whole pool.
"""

from __future__ import annotations

import random
import statistics
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from benchmarks import people, pool, report, scratch

DIM = 384
CLOUDS = 8
WAIT_SECONDS = 300.0
POLL_SECONDS = 0.005
LIMIT_SECONDS = 2.0
REST_SECONDS = 4.0
"""After the score table the worker ranks in depth: about three seconds at 10,000 tickets."""


def main() -> int:
    parser = report.parser(__doc__)
    parser.add_argument("--tickets", type=int, nargs="+", default=[10_000])
    parser.add_argument("--labels", type=int, default=700, help="labels given before the first measurement")
    parser.add_argument("--samples", type=int, default=20, help="answers measured, each way")
    asked = parser.parse_args()
    rows, targets = [], []
    with scratch.house() as house:
        services = pool.make_services()
        accounts = pool.make_people(people.PASSWORD)
        written = 0
        for count in sorted(asked.tickets):
            ids = pool.make_tickets(count - written, first=written)
            embed(ids, len(services), first=written)
            if not written:
                pool.make_labels(ids[: asked.labels], accounts, services)
                house.start_line("learner")
            written = count
            until(lambda count=count: scored() == count, "the first ranking", house)  # type: ignore[misc]
            for name, measure in (("at rest", at_rest), ("in a stream", in_a_stream)):
                row = measure(house, accounts[0], services, asked.samples)
                rows.append({"answers come": name, "tickets": count} | row)
                targets.append(
                    report.at_most(
                        f"queue p95 s ({name}, {count:,} tickets)", row["queue p95 s"], LIMIT_SECONDS
                    )
                )
    return report.publish(asked, "From an answer to the re-ranked queue", rows, targets)


def embed(ids: list[int], services: int, *, first: int) -> None:
    """Vectors whose clouds follow the number of the ticket, as `pool.make_labels` gives labels."""
    from annotation.models import Ticket
    from inference import loading
    from inference.models import Encoder
    from ml.schema import TransformOutput
    from training.models import ModelVersion

    version, made = ModelVersion.objects.get_or_create(
        number=0,
        defaults={
            "kind": "encoder",
            "artifact_uri": "file:///none",
            "manifest_hash": "0",
            "encoder": "b" * 16,
            "dim": DIM,
        },
    )
    if made:
        Encoder.objects.create(fingerprint=version.encoder, dim=DIM, model_version=version, is_current=True)
    rng = np.random.default_rng(1)
    centres = rng.normal(size=(services, 1, DIM)) + 0.8 * rng.normal(size=(services, CLOUDS, DIM))
    noise = np.random.default_rng(first + 2)
    hashes = dict(Ticket.objects.filter(pk__in=ids).values_list("pk", "text_hash"))

    def answers(some: list[int], start: int) -> Iterator[TransformOutput]:
        for number, pk in enumerate(some, start=start):
            vector = centres[number % services, noise.integers(CLOUDS)] + 2.0 * noise.normal(size=DIM)
            vector = (vector / np.linalg.norm(vector)).astype(np.float32)
            yield TransformOutput(loading.line_id(pk, hashes[pk]), version.encoder, "m", vector)

    for at in range(0, len(ids), 2000):
        loading.load(version, answers(ids[at : at + 2000], at))


def at_rest(house: scratch.House, user: Any, services: list[Any], samples: int) -> dict[str, Any]:
    """One answer at a time, each waited for to the swap of the score table."""
    queue, scores = [], []
    for _ in range(samples):
        time.sleep(REST_SECONDS)
        given = answer(user, services)
        began = time.monotonic()
        until(lambda given=given: queued() >= given, "the queue", house)  # type: ignore[misc]
        queue.append(time.monotonic() - began)
        until(lambda given=given: scores_know() >= given, "the score table", house)  # type: ignore[misc]
        scores.append(time.monotonic() - began)
    return summary(queue) | {
        "score table p50 s": round(statistics.median(scores), 2),
        "score table p95 s": round(report.quantile(scores, 0.95), 2),
    }


def in_a_stream(house: scratch.House, user: Any, services: list[Any], samples: int) -> dict[str, Any]:
    """Answers about every second whatever the worker does; how long each waited to be known."""
    chance = random.Random(samples)
    waiting: dict[int, float] = {}
    queue: list[float] = []
    until_next, left = time.monotonic(), samples
    gives_up = time.monotonic() + 3 * samples + WAIT_SECONDS
    while left or waiting:
        now = time.monotonic()
        if left and now >= until_next:
            waiting[answer(user, services)] = time.monotonic()
            until_next, left = now + 0.5 + chance.random(), left - 1
        known = queued()
        now = time.monotonic()
        for given in [given for given in waiting if given <= known]:
            queue.append(now - waiting.pop(given))
        if now > gives_up:
            raise RuntimeError(f"the queue did not follow\n{house.said()}")
        time.sleep(POLL_SECONDS)
    return summary(queue)


def summary(queue: list[float]) -> dict[str, Any]:
    """Seconds from the answer to the queue."""
    return {
        "answers": len(queue),
        "queue p50 s": round(statistics.median(queue), 2),
        "queue p95 s": round(report.quantile(queue, 0.95), 2),
        "queue most s": round(max(queue), 2),
        "learner's own s": own_seconds(),
    }


def answer(user: Any, services: list[Any]) -> int:
    """Claim the next ticket and label it; returns the annotation's id, committed."""
    from annotation import actions

    (item,) = actions.queue_claim(annotator=user, mode="teach")
    code = services[item.ticket_id % len(services)]
    given = actions.Answer(uuid.uuid4(), item.lease, "label", service_id=code.pk)
    return int(actions.queue_submit(annotator=user, answer=given).pk)


def queued() -> int:
    """The newest answer that the waiting queue knows of."""
    return _one("SELECT coalesce(max(generation), 0) FROM annotation_queueitem WHERE lease IS NULL")


def scores_know() -> int:
    """The newest answer that the score table knows of."""
    return _one(
        "SELECT coalesce(max(last_annotation_id), 0) FROM annotation_scoregeneration WHERE is_current"
    )


def scored() -> int:
    """How many tickets the score table has."""
    return _one("SELECT coalesce(max(tickets), 0) FROM annotation_scoregeneration WHERE is_current")


def own_seconds() -> float:
    """What the last turn took in the learner, from its look at the world to the pushed queue."""
    from inference.models import LearnerHead

    return round(LearnerHead.objects.latest("updated_at").seconds, 2)


def _one(query: str) -> int:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(query)
        return int(cursor.fetchone()[0])


def until(condition: Callable[[], bool], what: str, house: scratch.House) -> None:
    """Wait; RuntimeError with the programs' last words when it takes too long."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"waited {WAIT_SECONDS:g} s for {what}\n{house.said()}")
        time.sleep(POLL_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
