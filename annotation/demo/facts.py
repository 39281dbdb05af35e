"""What one ticket is about: customer, product, amounts, dates, numbers. The grammar fills its slots here.

A slot is computed on first use and kept, so a ticket that names its order twice names the same order.
Phone numbers come from the ranges reserved for fiction, addresses from the reserved `example` domains.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from random import Random

from annotation.demo import numbers
from annotation.demo.grammar import Template, load

_VOWELS = "aeiouyéèêâîôœAEIOUÉÈ"


@dataclass(frozen=True)
class Product:
    en: str
    fr: str
    feminine: bool
    kinds: frozenset[str]
    price: tuple[int, int]


@cache
def products() -> tuple[Product, ...]:
    """All products of the shop, in file order."""
    return tuple(
        Product(
            row["en"], row["fr"], row["g"] == "f", frozenset(row["kinds"]), (row["price"][0], row["price"][1])
        )
        for row in load("products")["product"]
    )


class Facts(Mapping[str, str]):
    """Slots of one ticket in one language. Subclasses define `slot_<name>` methods returning text."""

    language = ""

    def __init__(self, rng: Random, received: datetime, product: Product | None = None) -> None:
        self.rng = rng
        self.received = received
        self.product = product or rng.choice(products())
        others = [p for p in products() if p.kinds & self.product.kinds and p is not self.product]
        self.product2 = rng.choice(others or list(products()))
        self.female = rng.random() < 0.5
        low, high = self.product.price
        self.price = rng.randint(low, high) + rng.choice((0.0, 0.9, 0.99, 0.5, 0.95))
        self.price2 = int(self.price * rng.choice((0.5, 0.6, 0.7, 0.8, 0.85, 0.9))) + rng.choice((0.0, 0.9))
        self.days = rng.choice((2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 15, 18, 21))
        self._lists = load(f"slots_{self.language}")
        self._values: dict[str, str] = {}

    def __getitem__(self, key: str) -> str:
        value = self._values.get(key)
        if value is None:
            method = getattr(self, f"slot_{key}", None)
            if method is not None:
                value = method()
            elif key.endswith("_cap"):
                base = self[key[:-4]]
                value = base[0].upper() + base[1:]
            elif key in self._lists:
                value = self._pick(key)
            elif key[-1:].isdigit() and key[:-1] in self._lists:
                value = self._another(key[:-1])
            else:
                raise KeyError(key)
            self._values[key] = value
        return value

    def _pick(self, key: str) -> str:
        """A line of the slot's list that fits the product; it may hold slots itself."""
        fitting = [t for t in map(Template.parse, self._lists[key]) if t.fits(self.product.kinds)]
        return self.rng.choice(fitting).expand(self, self.rng)

    def used(self) -> set[str]:
        """Slots this ticket has already filled."""
        return set(self._values)

    def _another(self, key: str) -> str:
        first = self[key]
        return self.rng.choice([value for value in self._lists[key] if value != first])

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    # --- slots that read the same in both languages
    def slot_first(self) -> str:
        return self.rng.choice(self._lists["first_f" if self.female else "first_m"])

    def slot_name(self) -> str:
        return f"{self['first']} {self['last']}"

    def slot_email(self) -> str:
        return numbers.email(self["first"], self["last"], self.rng)

    def slot_order(self) -> str:
        return numbers.order(self.rng)

    def slot_order2(self) -> str:
        return numbers.order(self.rng)

    def slot_tracking(self) -> str:
        return numbers.tracking(self.rng)

    def slot_customer(self) -> str:
        return numbers.customer(self.rng)

    def slot_phone(self) -> str:
        return numbers.phone(self.language, self.rng)

    def slot_iban(self) -> str:
        return numbers.iban(self.language, self.rng)

    def slot_card(self) -> str:
        return numbers.card(self.rng)

    def slot_four(self) -> str:
        return f"{self.rng.randint(0, 9999):04d}"

    def slot_code(self) -> str:
        return self.rng.choice(
            ("BIENVENUE10", "SPRING15", "MERCI20", "SUMMER25", "NOEL10", "VIP15", "FLASH20")
        )

    def slot_invoice(self) -> str:
        return f"{self.rng.choice(('F', 'INV-', 'FA'))}{self.rng.randint(200000, 899999)}"

    def _place(self) -> list[str]:
        if "_place" not in self._values:
            self._values["_place"] = self.rng.choice(self._lists["places"])
        return self._values["_place"].split("|")

    def slot_postcode(self) -> str:
        return self._place()[0]

    def slot_city(self) -> str:
        return self._place()[1]

    def slot_city2(self) -> str:
        elsewhere = [place for place in self._lists["places"] if place != "|".join(self._place())]
        return self.rng.choice(elsewhere).split("|")[1]

    def slot_number(self) -> str:
        return str(self.rng.randint(2, 148))

    def slot_percent(self) -> str:
        return str(self.rng.choice((10, 15, 20, 25, 30)))

    def slot_points(self) -> str:
        return str(self.rng.choice((120, 240, 350, 480, 500, 760, 1200, 1850)))

    def slot_n(self) -> str:
        return str(self.days)

    def slot_few(self) -> str:
        return str(self.rng.randint(2, 4))

    def past(self, low: int, high: int) -> datetime:
        return self.received - timedelta(days=self.rng.randint(low, high))
