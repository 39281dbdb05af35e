"""Plans and writes the demo corpus: how many tickets of what, when, which repeat, which key is wrong.

Every ticket has its own random generator seeded by (seed, index), so the corpus depends on nothing but its
arguments: not on the hash seed, not on the clock.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random

from annotation.demo import grammar, noise
from annotation.demo.facts import Facts, Product, products
from annotation.demo.facts_en import FactsEn
from annotation.demo.facts_fr import FactsFr
from annotation.demo.services import NONE, ServiceText, services
from annotation.demo.voices import Speaker, draw_channel, draw_voice

DAYS = 90
UNTIL = datetime(2026, 11, 22)
FRENCH_SHARE = 0.38
COPY_SHARE = 0.04
OFF_TOPIC_SHARE = 0.015
TWO_PROBLEMS_SHARE = 0.02
KEY_NOISE_SHARE = 0.02
BLURRED_SHARE = 0.14
"""Share of tickets whose core sentence fits two services; the rest of the message may or may not decide."""


@dataclass(frozen=True)
class DemoTicket:
    """One ticket. `service` is the key as written (2 % wrong); `true_service` is what it was written as.

    kind: "plain", "off_topic" (service `none`), "two" (also about `second_service`), "copy" (repeats
    `copy_of`).
    `received_at` is naive local time of the installation.
    """

    external_id: str
    received_at: datetime
    channel: str
    language: str
    text: str
    service: str
    true_service: str
    kind: str = "plain"
    second_service: str | None = None
    copy_of: str | None = None
    voice: str = "polite"


def generate(tickets: int = 10_000, seed: int = 7, until: datetime = UNTIL) -> list[DemoTicket]:
    """The corpus in order of arrival over the 90 days before `until`; same arguments, same texts."""
    rng = Random(f"plan/{seed}")
    copies, off_topic = round(tickets * COPY_SHARE), round(tickets * OFF_TOPIC_SHARE)
    codes = [NONE] * off_topic + list(_quota(tickets - copies - off_topic))
    rng.shuffle(codes)
    seen: set[str] = set()
    written = [_ticket(index, code, seed, until, seen) for index, code in enumerate(codes)]
    written += [_copy(rng.choice(written), len(written) + i, seed, until) for i in range(copies)]
    written = _spoil_key(written, rng)
    written.sort(key=lambda ticket: (ticket.received_at, ticket.external_id))
    names = {ticket.external_id: f"T-{number:06d}" for number, ticket in enumerate(written, start=1)}
    return [
        replace(t, external_id=names[t.external_id], copy_of=names[t.copy_of] if t.copy_of else None)
        for t in written
    ]


def _quota(total: int) -> Iterator[str]:
    """Service codes in proportion to their weights, largest remainders first, `total` of them."""
    weights = {service.code: service.weight for service in services()}
    whole = sum(weights.values())
    counts = {code: total * weight // whole for code, weight in weights.items()}
    by_remainder = sorted(weights, key=lambda code: -(total * weights[code] % whole))
    for code in by_remainder[: total - sum(counts.values())]:
        counts[code] += 1
    for code, count in counts.items():
        yield from [code] * count


def fold(text: str) -> str:
    """Letters only: two texts with the same fold differ in accents, case, digits or punctuation at most."""
    return re.sub(r"[^a-z]+", " ", noise.strip_accents(text).casefold()).strip()


def _ticket(index: int, code: str, seed: int, until: datetime, seen: set[str]) -> DemoTicket:
    """A fresh text; drawn again a few times if it came out equal to an earlier one, or empty."""
    rng = Random(f"{seed}/{index}")
    ticket = _draw(index, code, rng, until)
    for _ in range(8):
        if fold(ticket.text) and fold(ticket.text) not in seen:
            break
        ticket = _draw(index, code, rng, until)
    seen.add(fold(ticket.text))
    return ticket


def _draw(index: int, code: str, rng: Random, until: datetime) -> DemoTicket:
    received = _arrival(code, rng, until)
    language = "fr" if rng.random() < FRENCH_SHARE else "en"
    channel = draw_channel(rng)
    if code == NONE and channel == "phone":
        channel = "email"
    facts_class: type[Facts] = FactsFr if language == "fr" else FactsEn
    facts = facts_class(rng, received, _product(code, rng))
    voice = draw_voice(channel, rng)
    speaker = Speaker(facts, channel, voice, rng)
    kind, second = "plain", None
    if code == NONE:
        kind, text = "off_topic", speaker.off_topic()
    elif rng.random() < TWO_PROBLEMS_SHARE / (1 - COPY_SHARE - OFF_TOPIC_SHARE):
        fitting = [n for n in _by_code(code).neighbours if speaker.can_tell(n)]
        kind, second = "two", rng.choice(fitting)
        text = speaker.message(speaker.two_problems(code, second), code, None)
    else:
        core = (
            _blurred(code, language, facts, rng)
            if channel != "phone" and rng.random() < BLURRED_SHARE
            else ""
        )
        text = speaker.message(core or speaker.problem(code), code, _aside(code, rng))
    text = noise.roughen(text, language, voice, rng)
    return DemoTicket(
        f"{index:06d}", received, channel, language, text, code, code, kind, second, None, voice
    )


def _by_code(code: str) -> ServiceText:
    return next(service for service in services() if service.code == code)


def _product(code: str, rng: Random) -> Product:
    wanted = set(grammar.load(code).get("products", ())) if code != NONE else set()
    return rng.choice([p for p in products() if not wanted or p.kinds & wanted])


def _aside(code: str, rng: Random) -> str:
    """The other service a customer mentions in passing: mostly one that is easily confused with this one."""
    service = _by_code(code)
    if rng.random() < 0.75:
        return rng.choice(service.neighbours)
    return rng.choice([other.code for other in services() if other.code != code])


def _blurred(code: str, language: str, facts: Facts, rng: Random) -> str:
    """A core sentence two services share; "" when this one shares none."""
    pools = [row[language] for row in grammar.load("blurred")["pair"] if code in row["services"]]
    if not pools:
        return ""
    pool = [grammar.Template.parse(raw) for raw in rng.choice(pools)]
    chosen = grammar.choose(pool, facts.product.kinds, rng)
    return chosen.expand(facts, rng) if chosen else ""


def _arrival(code: str, rng: Random, until: datetime) -> datetime:
    """A moment of the 90 days: quiet week-ends and nights, a carrier's strike, returns after the sale."""
    while True:
        day = rng.randrange(DAYS)
        start = until - timedelta(days=DAYS - day)
        weight = (1.0, 0.95, 0.9, 0.85, 0.85, 0.5, 0.4)[start.weekday()] * (0.75 + 0.25 * day / DAYS)
        if code == "delivery" and 38 <= day < 50:
            weight *= 1.9
        if code in ("returns", "refunds") and day >= 62:
            weight *= 1.4
        if rng.random() < weight / 1.9:
            break
    hour = rng.choices(
        range(24), (1, 1, 1, 0, 0, 1, 3, 6, 12, 16, 17, 15, 13, 13, 14, 14, 13, 13, 14, 13, 12, 10, 6, 3)
    )
    return start + timedelta(hours=hour[0], minutes=rng.randrange(60), seconds=rng.randrange(60))


def _copy(original: DemoTicket, index: int, seed: int, until: datetime) -> DemoTicket:
    """The same message again: word for word, retyped with other numbers and capitals, or lightly edited."""
    rng = Random(f"{seed}/copy/{index}")
    received = original.received_at + timedelta(minutes=rng.choice((1, 3, 40, 300, 1500, 2900, 4300, 8600)))
    received = min(received, until - timedelta(seconds=rng.randrange(1, 7200)))
    received = max(received, original.received_at)
    text, style = original.text, rng.random()
    if style >= 0.7:
        again = (
            ("Second message: ", "Re: ", "Again: ", "", "")
            if original.language == "en"
            else ("Deuxième message : ", "Re: ", "Relance : ", "", "")
        )
        text = rng.choice(again) + noise.roughen(text, original.language, "mobile", rng)
    elif style >= 0.4:
        text = rng.choice((_renumber, _shout, _soften))(text, rng)
    return replace(
        original,
        external_id=f"{index:06d}",
        received_at=received,
        text=text,
        kind="copy",
        copy_of=original.external_id,
    )


def _renumber(text: str, rng: Random) -> str:
    return re.sub(r"\d{2,3}\b", lambda m: str(rng.randrange(10, 10 ** len(m.group(0)))), text, count=1)


def _shout(text: str, rng: Random) -> str:
    return text if "@" in text else text.upper()


def _soften(text: str, rng: Random) -> str:
    return noise.strip_accents(text).replace(",", "").replace("!", ".")


def _spoil_key(written: list[DemoTicket], rng: Random) -> list[DemoTicket]:
    """Gives 2 % of the tickets with a service the key of another one, most often of a neighbour."""
    candidates = [i for i, ticket in enumerate(written) if ticket.true_service != NONE]
    spoiled = list(written)
    for i in rng.sample(candidates, round(len(written) * KEY_NOISE_SHARE)):
        spoiled[i] = replace(written[i], service=_aside(written[i].true_service, rng))
    return spoiled
