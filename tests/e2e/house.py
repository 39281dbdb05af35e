"""People and the desk's machine of one installation, over the API: for their bulk work, where no page is looked at."""

import random
import uuid
from itertools import islice
from typing import Any

import httpx

from tests.config.processes import eventually
from tests.e2e.installation import Installation

PASSWORD = "grey heron over the lock"
PATIENCE = 90.0
SERVICES = {"card": "Cards", "parcel": "Parcels", "refund": "Refunds", "invoice": "Invoices"}
FILLERS = (
    "please help today order number again account shop email answer waiting since monday still friend garden yellow "
    "table morning quickly paper letter winter small river stone music window coffee bridge summer bottle"
)


def texts(count: int, first: int = 0) -> list[tuple[str, str]]:
    """(text, service's name) of different tickets, each holding the one word that tells its service."""
    return list(islice(_texts(), first, first + count))


def _texts():
    rng, words, fillers, place = random.Random(5), list(SERVICES), FILLERS.split(), 0
    while True:
        word = words[place % len(words)]
        said = [*rng.sample(fillers, 8), word, word]
        rng.shuffle(said)
        place += 1
        yield " ".join(said), SERVICES[word]


def right_of(text: str) -> str:
    """The service that a ticket of these belongs to."""
    return next(name for word, name in SERVICES.items() if word in text.split())


class Caller:
    """Somebody who calls the API and gets the JSON of a success."""

    def __init__(self, site: Installation, **headers: str) -> None:
        self.site = site
        self.http = httpx.Client(base_url=site.address, timeout=60, headers=headers)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"X-CSRFToken": self.http.cookies.get("csrftoken", ""), "Referer": self.site.address}
        answer = self.http.request(method, f"/api/{path}", json=body, headers=headers)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text[:500]}"
        return answer.json() if answer.content else None


class Person(Caller):
    """One person, signed in by the way that made the account."""

    def __init__(self, site: Installation, name: str, path: str) -> None:
        super().__init__(site)
        self.name = name
        self.call("GET", "session/")
        self.call("POST", path, {"username": name, "password": PASSWORD, "language": "en"})

    def invite(self, name: str, role: str) -> "Person":
        """A colleague who joins by an invitation."""
        link = self.call("POST", "invitations/", {"email": f"{name}@example.org", "role": role})["link"]
        return Person(self.site, name, f"invitations/{link.rstrip('/').rsplit('/', 1)[1]}/accept/")

    def services(self) -> dict[str, int]:
        """Name -> id."""
        return {one["name"]: one["id"] for one in self.call("GET", "services/")["results"]}

    def administer(self, model: str, which: str = "add", **fields: Any) -> None:
        """Add a row in the Django admin, or change the one of this id."""
        fields |= {"csrfmiddlewaretoken": self.http.cookies["csrftoken"]}
        headers = {"Referer": self.site.address}
        answer = self.http.post(f"/admin/inference/{model}/{which}/", data=fields, headers=headers)
        assert answer.status_code == 302, answer.text[:3000]

    def teach(self, count: int) -> None:
        """Answer so many tickets of the queue rightly, five at a time."""
        services = self.services()
        while count > 0:
            claim = {"mode": "teach", "count": min(5, count)}
            items: list[Any] = []
            eventually(
                lambda c=claim, i=items: i.extend(self.call("POST", "queue/claim/", c)["items"]) or i,
                "tickets to label",
                PATIENCE,
            )
            for item in items:
                answer = {
                    "key": str(uuid.uuid4()),
                    "lease": item["lease"]["token"],
                    "kind": "label",
                    "service_id": services[right_of(item["ticket"]["text"])],
                }
                self.call("POST", "queue/submit/", answer)
            count -= len(items)

    def relabel(self, word: str, name: str) -> int:
        """Give every ticket with a word, but the controls, a service; returns how many."""
        service, cursor, changed = self.services()[name], "", 0
        while cursor is not None:
            page = self.call(
                "GET", f"tickets/?q={word}&audit=false&limit=100&sort=received_at&cursor={cursor}"
            )
            for row in page["results"]:
                if (row["label"] or {}).get("service_id") != service:
                    self.call("POST", f"tickets/{row['id']}/label/", {"service_id": service})
                    changed += 1
            cursor = page["next"]
        return changed

    def judge(self, count: int) -> None:
        """Judge so many pairs blind, as somebody who knows where each ticket belongs; fewer when fewer wait."""
        services = self.services()
        for given in range(count):
            if given % 8 == 0 and self.observation()["state"] != "running":
                return
            pair = self.call("POST", "judging/claim/")["pair"]
            if pair is None:
                return
            body = {"key": str(uuid.uuid4()), "lease": pair["lease"], "choice": _choice(pair, services)}
            self.call("POST", f"judging/{pair['id']}/", body)

    def observation(self) -> dict[str, Any]:
        return dict(self.call("GET", "observation/")["observation"])

    def production(self) -> dict[str, Any]:
        return dict(self.call("GET", "production/"))


def _choice(pair: dict[str, Any], services: dict[str, int]) -> str:
    answers = [pair["first_service_id"], pair["second_service_id"]]
    right = services[right_of(pair["text"])]
    if pair["are_same"]:
        return "both" if answers[0] == right else "unclear"
    if right in answers:
        return "first" if answers[0] == right else "second"
    return "first" if answers[0] is None else "second" if answers[1] is None else "unclear"


class Machine(Caller):
    """The desk's machine: sends tickets, asks again, tells how they ended."""

    def __init__(self, site: Installation) -> None:
        super().__init__(site, Authorization=f"Token {site.token()}")
        self.sent = 0

    def route(self, count: int, first: int) -> list[dict[str, Any]]:
        """Send new tickets; returns the decisions with their texts."""
        rows = [
            {"external_id": f"live-{self.sent + n}", "text": text}
            for n, (text, _) in enumerate(texts(count, first))
        ]
        self.sent += count
        decided: list[dict[str, Any]] = []
        for at in range(0, count, 50):
            found = self.call("POST", "route/", {"tickets": rows[at : at + 50]})["results"]
            decided += [one["decision"] for one in found]
        return [one | {"text": row["text"]} for one, row in zip(decided, rows, strict=True)]

    def settle(self, decided: list[dict[str, Any]], codes: dict[str, str]) -> None:
        """Tell where tickets ended: external id -> code of the service, by the name `codes` gives."""
        told = [
            {"external_id": one["external_id"], "service": codes[right_of(one["text"])]} for one in decided
        ]
        self.call("POST", "outcomes/", {"outcomes": told})


def words(value: list[str]) -> str:
    """A list as the admin's form takes it: one a line."""
    return "\n".join(value)
