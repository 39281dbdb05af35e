"""The simulated desk against the real API: what it sends, what it tells, what it says when nobody takes it."""

from itertools import islice

import pytest
from django.core.management import CommandError, call_command

from accounts import actions as accounts
from accounts.models import Role
from annotation.demo import corpus
from annotation.demo.live import arrivals
from annotation.models import Ticket
from inference.demo.desk import Desk, Refusal, Traffic, simulate
from inference.models import Outcome, RoutingDecision
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


class Clock:
    """Time that passes only where somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def token() -> str:
    machine = factories.person("desk", Role.MACHINE)
    return accounts.token_create(user=machine, name="simulated desk")[1]


def test_tickets_are_routed_at_the_rate_and_their_ends_are_told(live_server, token):
    for text in corpus.services():
        factories.service(text.name, code=text.code)
    clock, said = Clock(), []
    traffic = Traffic(per_minute=30, minutes=1, outcome_share=1.0, outcome_seconds=10.0)
    tally = simulate(Desk(live_server.url, token), arrivals(1), traffic, said.append, clock, clock.sleep)
    assert 15 <= tally.sent <= 45 and 60 <= clock.now <= 80
    assert RoutingDecision.objects.count() == tally.sent == Ticket.objects.count()
    assert tally.reasons == {"model_unavailable": tally.sent}, "nothing is in production yet"
    assert Outcome.objects.count() == tally.outcomes > 0.8 * tally.sent
    assert said and f"{tally.sent} tickets: 0 routed" in tally.words()


def test_a_new_topic_appears_from_the_stated_ticket_on_and_belongs_to_no_service():
    before, after = (list(islice(arrivals(3, 0.5, 40), start, start + 40)) for start in (0, 40))
    assert not any(one.is_new_topic for one in before)
    new = [one for one in after if one.is_new_topic]
    assert 10 <= len(new) <= 30 and {one.service for one in new} == {None}
    assert {one.language for one in new} == {"en", "fr"}
    known = {ticket.text for ticket in corpus.generate(400)}
    assert known.isdisjoint(one.text for one in before)


def test_a_wrong_token_a_wrong_address_and_a_silent_one_are_said_in_one_line(live_server):
    for more, words in (
        ({"token": "wrong"}, "/api/route/ answered 401"),
        ({"token": "x", "address": "ftp://somewhere"}, "no http:// or https:// address"),
        ({"token": "x", "address": "http://127.0.0.1:9"}, "nobody answers there"),
        ({}, "machine_token desk"),
    ):
        with pytest.raises(CommandError, match=words):
            call_command("simulate_traffic", **({"address": live_server.url, "minutes": 0.05} | more))
    with pytest.raises(Refusal):
        Desk(live_server.url, "wrong").call("/api/outcomes/", {"outcomes": []})
