"""Assembles one message: the situation, said by a kind of customer through a channel.

The situation and its asks come from the service's own text file; everything around it (greeting, order
number, complaint about waiting, an aside about another service, signature) comes from the customer's voice.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from annotation.demo import grammar
from annotation.demo.facts import Facts

CHANNELS: dict[str, int] = {"email": 42, "form": 20, "chat": 22, "phone": 9, "social": 7}
_VOICES: dict[str, dict[str, int]] = {
    "email": {"polite": 28, "angry": 18, "terse": 9, "rambling": 18, "elder": 13, "business": 14},
    "form": {"polite": 30, "angry": 20, "terse": 26, "rambling": 7, "elder": 9, "business": 8},
    "chat": {"mobile": 60, "terse": 20, "angry": 10, "polite": 10},
    "social": {"angry": 50, "mobile": 35, "polite": 15},
    "phone": {"note": 1},
}
_ASIDE_SHARE = {"email": 0.6, "form": 0.5, "chat": 0.3, "social": 0.25, "phone": 0.35}


def run_on(parts: Sequence[str], gap: str) -> str:
    """The parts in a row: `gap` stands between them only where the sentence before was not closed."""
    text = ""
    for part in parts:
        if not part:
            continue
        closed = not text or text[-1] in ".?!,:)\n…" or "\n" in gap
        text += ("" if not text else " " if closed and gap != "\n" else gap) + part
    return text


def draw_channel(rng: Random) -> str:
    return rng.choices(list(CHANNELS), list(CHANNELS.values()))[0]


def draw_voice(channel: str, rng: Random) -> str:
    voices = _VOICES[channel]
    return rng.choices(list(voices), list(voices.values()))[0]


_OWNED = {"returns", "technical", "warranty"}
_ARRIVED = _OWNED | {"refunds", "invoices", "loyalty", "payment"}
_BACK = {"refunds", "payment"}
_CONTEXT = {"advice": "before", "account": "person", "privacy": "person"}
_SAID_ONCE = {"order", "phone", "email", "customer", "name"}


class Speaker:
    """One customer writing one message; `facts` and `rng` are the ticket's own."""

    def __init__(self, facts: Facts, channel: str, voice: str, rng: Random) -> None:
        self.facts, self.channel, self.voice, self.rng = facts, channel, voice, rng
        self.lang = facts.language

    def say(self, file: str, *path: str, also: frozenset[str] = frozenset()) -> str:
        """A random line of a text file that fits the product (or `also`); "" when there is none."""
        chosen = grammar.choose(grammar.templates(file, *path), self.facts.product.kinds | also, self.rng)
        return chosen.expand(self.facts, self.rng) if chosen else ""

    def aside(self, about: str, code: str) -> str:
        """A remark about another service that does not contradict a ticket of this one (`code`).

        @owned remarks need the goods in the customer's hands, @arrived ones a parcel that came, @back ones
        goods that are with the shop again.
        """
        states = (("owned", _OWNED), ("arrived", _ARRIVED), ("back", _BACK))
        also = frozenset(name for name, codes in states if code in codes)
        return self.say(about, self.lang, "asides", also=also)

    def context(self, code: str) -> str:
        """Who or what it is about, without saying a number twice."""
        key = _CONTEXT.get(code) or self.rng.choice(("order", "order", "person"))
        pool = grammar.templates(f"voice_{self.lang}", "context", key)
        said = self.facts.used() & _SAID_ONCE
        fresh = [template for template in pool if not template.slots() & said]
        return self.rng.choice(fresh).expand(self.facts, self.rng) if fresh else ""

    def around(self, part: str, key: str = "any") -> str:
        return self.say(f"voice_{self.lang}", part, key)

    def chance(self, share: float) -> bool:
        return self.rng.random() < share

    def problem(self, code: str) -> str:
        """The situation itself, in the form this channel uses; "" when the product fits none."""
        if self.channel == "phone":
            return self.say(code, self.lang, "notes")
        short = {"mobile": 0.62, "terse": 0.4, "angry": 0.12}.get(self.voice, 0.04)
        core = self.say(code, self.lang, "shorts" if self.chance(short) else "situations")
        if not core or self.voice in ("mobile", "terse", "angry"):
            return core
        return core[0].upper() + core[1:] + ("" if core[-1] in ".?!" else ".")

    def can_tell(self, code: str) -> bool:
        """Whether some situation of this service fits the product, whichever form it takes."""
        kinds = self.facts.product.kinds
        forms = ("notes",) if self.channel == "phone" else ("shorts", "situations")
        return all(any(t.fits(kinds) for t in grammar.templates(code, self.lang, form)) for form in forms)

    def two_problems(self, code: str, second: str) -> str:
        """Two situations in one message, the first keyed. `can_tell(second)` must hold."""
        joiners = {
            "en": (
                "While I'm at it:",
                "Another thing:",
                "Also,",
                "And there's something else.",
                "Second question:",
            ),
            "fr": (
                "Et tant que j'y suis :",
                "Autre chose :",
                "Par ailleurs,",
                "Deuxième point :",
                "Et aussi :",
            ),
        }
        first, other = self.problem(code), self.problem(second)
        return run_on([first, self.rng.choice(joiners[self.lang]), other], ". ")

    def off_topic(self) -> str:
        """A message no service is in charge of."""
        core = self.say("off_topic", self.lang)
        if self.channel in ("chat", "social"):
            return core
        voice = "polite" if self.voice in ("angry", "business") else self.voice
        parts = (
            self.around("openings", voice),
            core,
            self.around("closings", voice),
            self.around("signature"),
        )
        return "\n".join(part for part in parts if part)

    def ask(self, code: str) -> str:
        if self.chance(0.45):
            return self.say(code, self.lang, "asks")
        pool = grammar.templates(f"voice_{self.lang}", "asks", "any")
        said = self.facts.used() & _SAID_ONCE
        return self.rng.choice([t for t in pool if not t.slots() & said]).expand(self.facts, self.rng)

    def body(self, core: str, code: str, aside_code: str | None) -> list[str]:
        """The sentences between greeting and farewell, in the order this customer says them."""
        long_voice = self.voice in ("rambling", "elder", "business", "polite")
        lines = [core]
        if self.chance(0.45 if self.channel in ("email", "form") else 0.15):
            lines.insert(self.rng.choice((0, 1)), self.context(code))
        if self.voice == "rambling" or self.chance(0.35):
            lines.insert(self.rng.randint(0, len(lines)), self.around("extras", self.voice))
        if self.chance(0.3 if self.channel in ("email", "form") else 0.1):
            lines.append(self.around("tried"))
        if aside_code is not None and self.chance(_ASIDE_SHARE[self.channel]):
            first = 0 if self.chance(0.12) else 1
            lines.insert(self.rng.randint(first, len(lines)), self.aside(aside_code, code))
        if self.chance(0.7 if long_voice else 0.35):
            lines.append(self.ask(code))
        return [line for line in lines if line]

    def message(self, core: str, code: str, aside_code: str | None) -> str:
        """The whole text, before slips of the keyboard."""
        if self.channel == "phone":
            return self._note(core, code, aside_code)
        lines = self.body(core, code, aside_code)
        if self.channel == "chat":
            opening, closing = self.around("openings", self.voice), self.around("closings", self.voice)
            parts = [opening, *lines, closing if self.chance(0.5) else ""]
            return self.rng.choice(("\n", " ", " ")).join(part for part in parts if part)
        if self.channel == "social":
            return " ".join(
                part for part in (self.around("social"), *lines[:3], self.around("social", "tail")) if part
            )
        return self._letter(lines, code)

    def _note(self, core: str, code: str, aside_code: str | None) -> str:
        aside = self.aside(aside_code, code) if aside_code and self.chance(0.15) else ""
        quoted = (f'"{aside}"' if self.lang == "en" else f"« {aside} »") if aside else ""
        parts = (self.around("note_openings"), core, quoted, self.around("note_closings"))
        return " ".join(part for part in parts if part)

    def _letter(self, lines: list[str], code: str) -> str:
        opening, closing = self.around("openings", self.voice), self.around("closings", self.voice)
        paragraphs = self._paragraphs(lines)
        head: list[str] = []
        if self.channel == "form" and code not in _CONTEXT and self.chance(0.4):
            label = "Order number: " if self.lang == "en" else "Numéro de commande : "
            head.append(label + self.facts["order"])
        elif self.channel == "email" and self.chance(0.35):
            head.append(("Subject: " if self.lang == "en" else "Objet : ") + self.around("subjects"))
        if opening:
            head.append(opening)
        tail = [closing] if closing else []
        if self.channel == "email" or self.chance(0.3):
            tail.append(self.around("signature", "business" if self.voice == "business" else "any"))
        glue = "\n\n" if self.voice in ("polite", "elder", "business") and self.channel == "email" else "\n"
        return glue.join([*head, paragraphs, "\n".join(tail)]).strip()

    def _paragraphs(self, lines: list[str]) -> str:
        if len(lines) > 3 and self.chance(0.5):
            cut = self.rng.randint(1, len(lines) - 1)
            return run_on(lines[:cut], ". ") + "\n\n" + run_on(lines[cut:], ". ")
        return run_on(lines, ". ")
