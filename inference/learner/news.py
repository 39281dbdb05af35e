"""For which news a turn of the learner is due."""

from dataclasses import replace

from inference.learner.world import Mark

NEW_TICKETS_SHARE = 1 / 40
"""Of the time for turns on nothing but new tickets: where those come without a pause, as routed ones do, each look at
all of them costs the same, and its depth twice as much again."""
NEW_TICKETS_SECONDS = (5.0, 120.0)
"""Between two such turns, at least and at most."""


def is_due(before: Mark | None, now: Mark, *, since: float, cost: float) -> bool:
    """Whether a turn is due, ``since`` seconds after new tickets were last taken in; a turn takes ``cost`` seconds.

    At once for whatever people did, for tickets erased, and where nobody has a ticket left; for new tickets by
    themselves every so often.
    """
    if before is None or now == before:
        return now != before
    is_more = replace(now, vectors=before.vectors) != before
    if is_more or not now.is_queued or now.vectors[0] < before.vectors[0]:
        return True
    least, most = NEW_TICKETS_SECONDS
    return since >= min(max(least, cost / NEW_TICKETS_SHARE), most)
