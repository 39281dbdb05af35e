"""Alarms leave the house by mail and webhook: once, with figures, without a ticket's text, and until they are taken."""

from __future__ import annotations

import hashlib
import hmac
import smtplib
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.utils import timezone

from inference import actions
from inference.alarms import words
from inference.models import Alarm, AlarmKind
from inference.posting import WAITS
from tests.inference.helpdesk import Helpdesk

pytestmark = pytest.mark.django_db

BROKEN = {"code": "precision_below", "params": {"right": 31, "known": 40, "promised": 0.95}}
LEADS = "leads@shop.example"


@pytest.fixture(autouse=True)
def addresses(settings: Any) -> None:
    settings.ALARM_MAIL_TO, settings.EMAIL_HOST = [LEADS, "ops@shop.example"], "mail.shop.example"
    settings.PUBLIC_URL = "https://sav.shop.example/"
    settings.LANGUAGE_CODE = "en"


@pytest.fixture
def chat(settings: Any) -> Iterator[Helpdesk]:
    made = Helpdesk()
    settings.ALARM_WEBHOOK_URL, settings.ALARM_WEBHOOK_SECRET = made.url, "known to both"
    settings.ALARM_MAIL_TO = []
    yield made
    made.close()


def rolled_back() -> list[Alarm]:
    return actions.alarm_raise(AlarmKind.ROLLED_BACK, version=3, back_to=2, found=[BROKEN])


def test_each_address_gets_one_mail_that_says_what_happened_and_where_to_look() -> None:
    rolled_back()
    assert (actions.alarms_send(), actions.alarms_send()) == (2, 0)
    assert [message.to for message in mail.outbox] == [[LEADS], ["ops@shop.example"]]
    told = mail.outbox[0]
    assert told.subject == "[Aiguilleur] Version 3 was sent back; version 2 routes again"
    assert "Only 31 of 40 routed tickets were right; 95% were promised." in told.body
    assert told.body.endswith("https://sav.shop.example/observation")


def test_a_house_that_speaks_french_is_told_in_french(settings: Any) -> None:
    settings.LANGUAGE_CODE = "fr"
    actions.alarm_raise(AlarmKind.HELD, version=1, found=[BROKEN])
    actions.alarms_send()
    assert "Chaque ticket va à une personne" in mail.outbox[0].subject
    assert "95\u202f% étaient promis" in mail.outbox[0].body


def test_without_an_address_nothing_is_kept(settings: Any) -> None:
    settings.ALARM_MAIL_TO = []
    assert rolled_back() == [] and not Alarm.objects.exists()


def test_a_mail_server_that_refuses_is_tried_again_and_only_for_whom_it_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    send = mail.EmailMessage.send

    def refuse_leads(message: Any, **more: Any) -> int:
        if message.to == [LEADS]:
            raise smtplib.SMTPServerDisconnected("try later")
        return send(message, **more)

    monkeypatch.setattr(mail.EmailMessage, "send", refuse_leads)
    rolled_back()
    assert actions.alarms_send() == 1
    waiting = Alarm.objects.get(address=LEADS)
    assert waiting.said == "not sent: try later" and waiting.taken_at is None
    assert waiting.due_at is not None and waiting.due_at > timezone.now()
    monkeypatch.undo()
    Alarm.objects.filter(due_at__isnull=False).update(due_at=timezone.now())
    assert actions.alarms_send() == 1
    assert [message.to for message in mail.outbox] == [["ops@shop.example"], [LEADS]]


def test_after_the_last_try_it_is_given_up_and_the_row_says_why(chat: Helpdesk) -> None:
    rolled_back()
    Alarm.objects.update(attempts=len(WAITS) - 1)
    chat.answers = [503]
    assert actions.alarms_send() == 0
    row = Alarm.objects.get()
    assert (row.due_at, row.taken_at, row.said) == (None, None, "503")


def test_a_webhook_gets_the_words_and_the_figures_signed(chat: Helpdesk) -> None:
    rolled_back()
    assert actions.alarms_send() == 1
    ((said, headers, body),) = chat.sent
    assert said["event"] == "alarm.rolled_back" and (said["version"], said["back_to"]) == (3, 2)
    assert said["found"] == [BROKEN] and said["text"].startswith("Version 3 was sent back")
    moment, signed = (part.split("=")[1] for part in headers["X-Aiguilleur-Signature"].split(","))
    wanted = hmac.new(b"known to both", f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    assert hmac.compare_digest(signed, wanted)


def test_the_command_says_how_each_address_took_it(settings: Any, chat: Helpdesk) -> None:
    settings.ALARM_MAIL_TO = [LEADS]
    said = StringIO()
    call_command("alarm_test", stdout=said)
    assert said.getvalue().splitlines() == [f"mail {LEADS}: taken", f"webhook {chat.url}: 204"]


def test_the_command_says_what_to_set_and_what_went_wrong(settings: Any, chat: Helpdesk) -> None:
    chat.answers = [500]
    with pytest.raises(CommandError, match="tried again"):
        call_command("alarm_test", stdout=StringIO())
    settings.ALARM_WEBHOOK_URL = ""
    with pytest.raises(CommandError, match="ALARM_MAIL_TO"):
        call_command("alarm_test", stdout=StringIO())


@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_kind_and_every_finding_has_its_words_in_both_languages(language: str) -> None:
    figures = {
        "right": 1,
        "known": 2,
        "promised": 0.9,
        "failed": 1,
        "total": 2,
        "p95_ms": 9,
        "most_ms": 5,
        "days": 28,
    }
    figures |= {"value": 0.4, "reference": 0.2, "service": "Billing"}
    for kind in AlarmKind.values:
        for back_to in (None, 1):
            assert "{" not in words.subject(kind, {"version": 2, "back_to": back_to}, language)
    assert set(words.FOUND["en"]) == set(words.FOUND["fr"])
    for code in words.FOUND[language]:
        found = [{"code": code, "params": figures, "held": "one"}]
        assert len(words.body("drift", {"found": found}, language, "").splitlines()) == 2
