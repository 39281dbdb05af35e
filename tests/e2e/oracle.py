"""Answers as a person who knows the shop would give them: from the demo corpus, by the text on the screen."""

from datetime import datetime, time
from zoneinfo import ZoneInfo

from annotation.demo.corpus import generate
from annotation.demo.live import desk_traffic
from annotation.demo.services import NONE
from ml.text import mask

LIVE = 600
"""Of the desk's tickets, more than the demo routes."""


def _plain(text: str) -> str:
    return " ".join(text.split())


class Oracle:
    """Text as shown -> service code. Knows the demo of today; a text it does not know gets None."""

    def __init__(self, tickets: int, zone: str) -> None:
        until = datetime.combine(datetime.now(ZoneInfo(zone)).date(), time.min)
        self._codes = {
            _plain(mask(ticket.text).text): ticket.true_service for ticket in generate(tickets, until=until)
        }
        for arrival in desk_traffic(LIVE).values():
            self._codes[_plain(mask(arrival.text).text)] = arrival.service or NONE

    def code(self, text: str) -> str | None:
        return self._codes.get(_plain(text))
