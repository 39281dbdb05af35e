"""French slots: articles, elision and agreement with the product and the customer.

`{le_p} {un_p} {mon_p} {ce_p} {du_p} {au_p} {de_p}` carry the product with its article; `{il} {le} {lui} {e}`
agree with it (`reçu{e}`, `{il} est arrivé{e}`); `{cu}` agrees with the customer (`je suis déçu{cu}`).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from annotation.demo.facts import _VOWELS, Facts, Product

_MONTHS = (
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
)
_DAYS = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")
_SPANS = {
    2: "deux jours",
    3: "trois jours",
    4: "quatre jours",
    5: "cinq jours",
    6: "six jours",
    7: "une semaine",
    8: "huit jours",
    9: "neuf jours",
    10: "dix jours",
    12: "douze jours",
    14: "deux semaines",
    15: "quinze jours",
    18: "plus de deux semaines",
    21: "trois semaines",
}


def _de(word: str) -> str:
    return ("d'" if word[0] in _VOWELS else "de ") + word


def with_article(product: Product, masculine: str, feminine: str, elided: str) -> str:
    """The product behind the article that fits its gender and first letter."""
    if product.fr[0] in _VOWELS:
        return elided + product.fr
    return (feminine if product.feminine else masculine) + product.fr


class FactsFr(Facts):
    language = "fr"

    def slot_p(self) -> str:
        return self.product.fr

    def slot_p2(self) -> str:
        return self.product2.fr

    def slot_le_p(self) -> str:
        return with_article(self.product, "le ", "la ", "l'")

    def slot_le_p2(self) -> str:
        return with_article(self.product2, "le ", "la ", "l'")

    def slot_Le_p(self) -> str:
        return with_article(self.product, "Le ", "La ", "L'")

    def slot_un_p(self) -> str:
        return ("une " if self.product.feminine else "un ") + self.product.fr

    def slot_un_p2(self) -> str:
        return ("une " if self.product2.feminine else "un ") + self.product2.fr

    def slot_mon_p(self) -> str:
        return with_article(self.product, "mon ", "ma ", "mon ")

    def slot_Mon_p(self) -> str:
        return with_article(self.product, "Mon ", "Ma ", "Mon ")

    def slot_mon_p2(self) -> str:
        return with_article(self.product2, "mon ", "ma ", "mon ")

    def slot_notre_p(self) -> str:
        return "notre " + self.product.fr

    def slot_ce_p(self) -> str:
        return with_article(self.product, "ce ", "cette ", "cette " if self.product.feminine else "cet ")

    def slot_Ce_p(self) -> str:
        return self["ce_p"][0].upper() + self["ce_p"][1:]

    def slot_du_p(self) -> str:
        return with_article(self.product, "du ", "de la ", "de l'")

    def slot_au_p(self) -> str:
        return with_article(self.product, "au ", "à la ", "à l'")

    def slot_de_p(self) -> str:
        return with_article(self.product, "de ", "de ", "d'")

    def slot_il(self) -> str:
        return "elle" if self.product.feminine else "il"

    def slot_Il(self) -> str:
        return "Elle" if self.product.feminine else "Il"

    def slot_le(self) -> str:
        return "la" if self.product.feminine else "le"

    def slot_celui(self) -> str:
        return "celle" if self.product.feminine else "celui"

    def slot_un(self) -> str:
        return "une" if self.product.feminine else "un"

    def slot_neuf(self) -> str:
        return "neuve" if self.product.feminine else "neuf"

    def slot_e(self) -> str:
        return "e" if self.product.feminine else ""

    def slot_cu(self) -> str:
        return "e" if self.female else ""

    def slot_client(self) -> str:
        return "cliente" if self.female else "client"

    def slot_Client(self) -> str:
        return "Cliente" if self.female else "Client"

    def slot_Mme(self) -> str:
        return "Mme" if self.female else "M."

    def _money(self, value: float) -> str:
        whole, cents = int(value), round(value % 1 * 100)
        if not cents:
            return self.rng.choice((f"{whole} €", f"{whole}€", f"{whole} euros"))
        return self.rng.choice(
            (
                f"{whole},{cents:02d} €",
                f"{whole},{cents:02d}€",
                f"{whole}€{cents:02d}",
                f"{whole},{cents:02d} euros",
                f"{whole}.{cents:02d} €",
            )
        )

    def slot_amount(self) -> str:
        return self._money(self.price)

    def slot_amount2(self) -> str:
        return self._money(self.price2)

    def slot_small(self) -> str:
        return self._money(self.rng.choice((3.9, 4.5, 4.99, 5.9, 6.95, 7.5, 9.9, 12.0, 15.0, 20.0)))

    def slot_voucher(self) -> str:
        return self._money(float(self.rng.choice((10, 15, 20, 25, 30, 50, 75, 100))))

    def _on(self, day: datetime) -> str:
        style = self.rng.randrange(4)
        first = "1er" if day.day == 1 else str(day.day)
        if style == 0 and (self.received - day).days < 8:
            return f"{_DAYS[day.weekday()]} dernier"
        if style == 1:
            return f"le {day.day:02d}/{day.month:02d}"
        if style == 2:
            return f"le {_DAYS[day.weekday()]} {first} {_MONTHS[day.month - 1]}"
        return f"le {first} {_MONTHS[day.month - 1]}"

    def slot_date(self) -> str:
        return self._on(self.received - timedelta(days=self.days))

    def slot_date2(self) -> str:
        return self._on(self.received - timedelta(days=self.days + self.rng.randint(3, 12)))

    def slot_soon(self) -> str:
        day = self.received + timedelta(days=self.rng.randint(2, 9))
        if (day - self.received).days < 6:
            return f"{_DAYS[day.weekday()]}"
        return f"le {'1er' if day.day == 1 else day.day} {_MONTHS[day.month - 1]}"

    def slot_soon_bare(self) -> str:
        return _DAYS[(self.received + timedelta(days=self.rng.randint(2, 6))).weekday()]

    def slot_date_raw(self) -> str:
        day = self.received - timedelta(days=self.days)
        return f"{'1er' if day.day == 1 else day.day} {_MONTHS[day.month - 1]}"

    def slot_since(self) -> str:
        return self.rng.choice(
            (f"depuis {_SPANS[self.days]}", f"depuis le {self['date_raw']}", f"depuis {self.days} jours")
        )

    def slot_dun_p(self) -> str:
        return "d'" + self["un_p"]

    def slot_seul(self) -> str:
        return "seule" if self.female else "seul"

    def slot_le_seul(self) -> str:
        return "la seule" if self.female else "le seul"

    def slot_month(self) -> str:
        return _MONTHS[self.past(35, 200).month - 1]

    def slot_de_month(self) -> str:
        return _de(self["month"])

    def slot_de_city(self) -> str:
        return _de(self["city"])

    def slot_de_city2(self) -> str:
        return _de(self["city2"])

    def slot_span(self) -> str:
        return _SPANS[self.days]

    def slot_ago(self) -> str:
        return f"il y a {_SPANS[self.days]}"

    def slot_months(self) -> str:
        return self.rng.choice(
            (
                "trois mois",
                "cinq mois",
                "six mois",
                "huit mois",
                "dix mois",
                "quatorze mois",
                "un an et demi",
                "presque deux ans",
            )
        )
