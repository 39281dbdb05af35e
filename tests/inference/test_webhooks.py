"""The desk is told by webhook what a person decided: signed, once, and again until it is taken."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from annotation import actions as annotation
from annotation.models import Ticket
from inference import actions
from inference.actions import webhooks
from inference.models import Escalation
from inference.posting import WAITS
from tests import factories
from tests.inference.desk import Desk
from tests.inference.helpdesk import Helpdesk
from tests.inference.people import claim, decide

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice() -> User:
    return factories.person("alice")


@pytest.fixture
def helpdesk(settings: Any) -> Iterator[Helpdesk]:
    made = Helpdesk()
    settings.ROUTE_WEBHOOK_URL, settings.ROUTE_WEBHOOK_SECRET = made.url, "a secret of both"
    yield made
    made.close()


def answered(desk: Desk, alice: User, settled: Any) -> None:
    desk.route("A-1", "perhaps delivery")
    with settled():
        decide(alice, claim(alice)[0], service_id=desk.services["returns"].pk)


def test_the_desk_is_told_once_signed(desk: Desk, alice: User, settled: Any, helpdesk: Helpdesk) -> None:
    answered(desk, alice, settled)
    assert (actions.webhooks_send(), actions.webhooks_send()) == (1, 0)
    ((said, headers, body),) = helpdesk.sent
    assert (said["external_id"], said["service"], said["revision"]) == ("A-1", "returns", 1)
    moment, signed = (part.split("=")[1] for part in headers["X-Aiguilleur-Signature"].split(","))
    wanted = hmac.new(b"a secret of both", f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    assert hmac.compare_digest(signed, wanted)
    assert headers["X-Aiguilleur-Delivery"].endswith("-1")


@pytest.mark.parametrize("status", [500, 302, 404])
def test_what_is_not_taken_is_sent_again_later(
    desk: Desk, alice: User, settled: Any, helpdesk: Helpdesk, status: int
) -> None:
    answered(desk, alice, settled)
    helpdesk.answers = [status]
    assert actions.webhooks_send() == 0
    row = Escalation.objects.get()
    assert (row.webhook_attempts, row.webhook_said) == (1, str(status))
    assert row.webhook_due_at is not None and row.webhook_due_at > timezone.now()
    assert actions.webhooks_send() == 0 and len(helpdesk.sent) == 1, "not before its time"
    Escalation.objects.update(webhook_due_at=timezone.now())
    assert actions.webhooks_send() == 1
    assert Escalation.objects.get().webhook_due_at is None


def test_a_desk_that_never_answers_is_given_up_and_can_still_ask(
    desk: Desk, alice: User, settled: Any, helpdesk: Helpdesk
) -> None:
    answered(desk, alice, settled)
    Escalation.objects.update(webhook_attempts=len(WAITS) - 1)
    helpdesk.answers = [503]
    actions.webhooks_send()
    assert Escalation.objects.get().webhook_due_at is None
    assert desk.ask("A-1")["answer"]["service"] == "returns"


def test_an_address_nobody_answers_at_is_noted_and_tried_again(
    desk: Desk, alice: User, settled: Any, helpdesk: Helpdesk, settings: Any
) -> None:
    settings.ROUTE_WEBHOOK_URL = "http://127.0.0.1:9/hook"
    answered(desk, alice, settled)
    assert actions.webhooks_send() == 0
    row = Escalation.objects.get()
    assert row.webhook_said.startswith("not reached") and row.webhook_due_at is not None


def test_an_answer_corrected_while_it_was_sent_is_sent_again(
    desk: Desk, alice: User, settled: Any, helpdesk: Helpdesk
) -> None:
    answered(desk, alice, settled)
    (stale,) = webhooks._claim()
    with settled():
        annotation.ticket_relabel(
            ticket_id=Ticket.objects.get().pk, service_id=desk.services["billing"].pk, annotator=alice
        )
    assert stale.revision == 1
    assert actions.webhooks_send() == 1 and helpdesk.sent[-1][0]["service"] == "billing"
    assert helpdesk.sent[-1][0]["revision"] == 2
