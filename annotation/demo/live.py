"""Tickets of the demo shop as they would come in now, without end; and those of a matter nobody has taught yet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import count, islice
from random import Random

from annotation.demo import corpus, noise
from annotation.demo.facts import Facts, products
from annotation.demo.facts_en import FactsEn
from annotation.demo.facts_fr import FactsFr
from annotation.demo.services import NONE
from annotation.demo.voices import Speaker, draw_channel, draw_voice

AT_ONCE = 400
DESK_SEED = 17


@dataclass(frozen=True)
class Arrival:
    """One ticket that comes in; `service` is where it belongs, None when it belongs to none of the services."""

    text: str
    channel: str
    language: str
    service: str | None
    is_new_topic: bool = False


def arrivals(seed: int, new_topic_share: float = 0.0, new_topic_from: int = 0) -> Iterator[Arrival]:
    """Tickets without end, the same for the same arguments; no text of the demo's own corpus is meant to repeat.

    From the ticket `new_topic_from` on, this share of them is about a battery recall, which no service is in charge of
    and no earlier ticket speaks of.
    """
    rng = Random(f"arrivals/{seed}")
    ordinary = _ordinary(seed)
    for place in count():
        if place >= new_topic_from and rng.random() < new_topic_share:
            yield _new_topic(Random(f"recall/{seed}/{place}"))
        else:
            yield next(ordinary)


@cache
def desk_traffic(number: int) -> dict[str, Arrival]:
    """The first tickets that the demo's desk sends, by external id: always the same."""
    return {f"DESK-{place:05d}": one for place, one in enumerate(islice(arrivals(DESK_SEED), number))}


def _ordinary(seed: int) -> Iterator[Arrival]:
    for part in count():
        for ticket in corpus.generate(AT_ONCE, seed=1_000_003 * (seed + 1) + part):
            belongs = None if ticket.true_service == NONE else ticket.true_service
            yield Arrival(ticket.text, ticket.channel, ticket.language, belongs)


def _new_topic(rng: Random) -> Arrival:
    language = "fr" if rng.random() < corpus.FRENCH_SHARE else "en"
    channel = draw_channel(rng)
    facts_class: type[Facts] = FactsFr if language == "fr" else FactsEn
    product = rng.choice([one for one in products() if "battery" in one.kinds])
    facts = facts_class(rng, corpus.UNTIL, product)
    voice = draw_voice(channel, rng)
    said = Speaker(facts, channel, voice, rng).say("new_topic", language)
    return Arrival(noise.roughen(said, language, voice, rng), channel, language, None, is_new_topic=True)
