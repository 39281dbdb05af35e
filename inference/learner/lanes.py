"""Shares of the lanes: which lane the next ticket of the queue comes from.

The queue is pushed anew after every label, so a lane's turn cannot be counted from the top of the list: it
would never come. It is counted from what people were served lately. Pure functions.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any


def interleave(
    waiting: Mapping[str, Sequence[Any]], shares: Mapping[str, float], served: Mapping[str, int], n: int
) -> list[tuple[str, Any]]:
    """At most n of ``waiting`` (lane -> best first), as (lane, item), by the lanes' shares.

    ``served`` counts what was served lately by lane. At each place the lane goes next that is furthest behind
    its share; no lane but the one with the largest share takes two places in a row while others wait. An
    empty lane leaves its share to the others.
    """
    left = {lane: deque(items) for lane, items in waiting.items() if items and shares.get(lane, 0) > 0}
    counts = {lane: served.get(lane, 0) for lane in left}
    main = max(left, key=lambda lane: shares[lane], default="")
    picked: list[tuple[str, Any]] = []
    last = ""
    while left and len(picked) < n:
        open_lanes = [lane for lane in left if len(left) == 1 or lane == main or lane != last]
        total = sum(shares[lane] for lane in left)
        next_total = sum(counts[lane] for lane in left) + 1
        lane = max(open_lanes, key=lambda one: (shares[one] / total * next_total - counts[one], shares[one]))
        picked.append((lane, left[lane].popleft()))
        counts[lane] += 1
        last = lane
        if not left[lane]:
            del left[lane]
            main = max(left, key=lambda one: shares[one], default="")
    return picked
