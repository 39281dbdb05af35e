"""English slots: articles, dates and amounts as British and Irish customers write them."""

from __future__ import annotations

from datetime import datetime, timedelta

from annotation.demo.facts import Facts

_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_SPANS = {
    2: "two days",
    3: "three days",
    4: "four days",
    5: "five days",
    6: "six days",
    7: "a week",
    8: "eight days",
    9: "nine days",
    10: "ten days",
    12: "twelve days",
    14: "two weeks",
    15: "fifteen days",
    18: "eighteen days",
    21: "three weeks",
}


def _article(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


def _ordinal(day: int) -> str:
    suffix = "th" if 10 < day < 14 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    return f"{day}{suffix}"


class FactsEn(Facts):
    language = "en"

    def slot_p(self) -> str:
        return self.product.en

    def slot_p2(self) -> str:
        return self.product2.en

    def slot_a_p(self) -> str:
        return _article(self.product.en)

    def slot_a_p2(self) -> str:
        return _article(self.product2.en)

    def _money(self, value: float) -> str:
        text = f"{value:.2f}" if value % 1 else f"{value:.0f}"
        if "_currency" not in self._values:
            self._values["_currency"] = self.rng.choice(("£{}", "£{}", "€{}", "{} euros", "{} pounds"))
        return self._values["_currency"].format(text)

    def slot_amount(self) -> str:
        return self._money(self.price)

    def slot_amount2(self) -> str:
        return self._money(self.price2)

    def slot_small(self) -> str:
        return self._money(self.rng.choice((3.9, 4.5, 4.99, 5.9, 6.95, 7.5, 9.9, 12.0, 15.0, 20.0)))

    def slot_voucher(self) -> str:
        return self._money(float(self.rng.choice((10, 15, 20, 25, 30, 50, 75, 100))))

    def _on(self, day: datetime) -> str:
        style = self.rng.randrange(5)
        if style == 0 and (self.received - day).days < 8:
            return f"last {_DAYS[day.weekday()]}"
        if style == 1:
            return f"on {day.day:02d}/{day.month:02d}"
        if style == 2:
            return f"on the {_ordinal(day.day)} of {_MONTHS[day.month - 1]}"
        if style == 3:
            return f"on {_MONTHS[day.month - 1]} {_ordinal(day.day)}"
        return f"on {day.day} {_MONTHS[day.month - 1]}"

    def slot_date(self) -> str:
        return self._on(self.received - timedelta(days=self.days))

    def slot_date2(self) -> str:
        return self._on(self.received - timedelta(days=self.days + self.rng.randint(3, 12)))

    def slot_soon(self) -> str:
        day = self.received + timedelta(days=self.rng.randint(2, 9))
        near = (day - self.received).days < 6
        return f"on {_DAYS[day.weekday()]}" if near else f"on {day.day} {_MONTHS[day.month - 1]}"

    def slot_soon_bare(self) -> str:
        return _DAYS[(self.received + timedelta(days=self.rng.randint(2, 6))).weekday()]

    def slot_date_raw(self) -> str:
        day = self.received - timedelta(days=self.days)
        return f"{day.day} {_MONTHS[day.month - 1]}"

    def slot_person_pos(self) -> str:
        return self["person"] + "'s"

    def slot_since(self) -> str:
        return self.rng.choice(
            (f"for {_SPANS[self.days]}", f"since {self['date_raw']}", f"for {self.days} days")
        )

    def slot_month(self) -> str:
        return _MONTHS[self.past(35, 200).month - 1]

    def slot_span(self) -> str:
        return _SPANS[self.days]

    def slot_ago(self) -> str:
        return f"{_SPANS[self.days]} ago"

    def slot_months(self) -> str:
        return self.rng.choice(
            (
                "three months",
                "five months",
                "six months",
                "eight months",
                "ten months",
                "fourteen months",
                "a year and a half",
                "nearly two years",
            )
        )

    def slot_He(self) -> str:
        return "She" if self.female else "He"
