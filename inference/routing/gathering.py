"""Calls that come while others are being decided are decided together, by the first of them.

What a decision costs beside the model is mostly the same for one ticket and for twenty: statements, a commit, a call.
A thread that finds nobody at work works at once, so a lone call waits for nobody; under load each round takes all that
came during the one before, and what a call costs falls as more of them come (group commit; DeWitt et al. 1984).
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Asked = TypeVar("Asked")
Said = TypeVar("Said")


@dataclass(eq=False)
class _Place(Generic[Asked, Said]):
    """A call that waits to be called: it was answered, or leads the next round, or has to see to itself."""

    asked: Asked
    called: threading.Event = field(default_factory=threading.Event)
    said: list[Said] = field(default_factory=list)
    leads: bool = False


class Gathering(Generic[Asked, Said]):
    """``decide`` answers several calls, in order. At most ``rounds`` at a time, each of at most ``most`` calls.

    A round that fails is repeated call by call, so that one call's fault is not another's.
    """

    def __init__(self, decide: Callable[[list[Asked]], Sequence[Said]], rounds: int, most: int) -> None:
        self._decide = decide
        self._rounds = rounds
        self._most = most
        self._waiting: deque[_Place[Asked, Said]] = deque()
        self._under_way = 0
        self._lock = threading.Lock()

    def ask(self, asked: Asked) -> Said:
        """The answer to one call. Raises what ``decide`` raises for this call alone."""
        mine: _Place[Asked, Said] = _Place(asked)
        with self._lock:
            mine.leads = self._under_way < self._rounds
            if mine.leads:
                self._under_way += 1
            else:
                self._waiting.append(mine)
        if not mine.leads:
            mine.called.wait()
        if mine.leads:
            self._lead(mine)
        return mine.said[0] if mine.said else self._decide([asked])[0]

    def _lead(self, mine: _Place[Asked, Said]) -> None:
        with self._lock:
            others = [self._waiting.popleft() for _ in range(min(len(self._waiting), self._most - 1))]
        places = [mine, *others]
        try:
            for place, said in zip(places, self._decide([one.asked for one in places]), strict=True):
                place.said.append(said)
        except Exception:
            if not others:
                raise
        finally:
            for other in others:
                other.called.set()
            self._pass_on()

    def _pass_on(self) -> None:
        with self._lock:
            if not self._waiting:
                self._under_way -= 1
                return
            following = self._waiting.popleft()
        following.leads = True
        following.called.set()
