"""Alarms by e-mail and webhook: written with what they tell of, sent from the rows until they are taken.

A worker killed between sending and noting sends once more: an alarm may come twice, never not at all.
"""

import logging
from smtplib import SMTPException
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.utils import timezone

from inference import nudges
from inference.alarms import words
from inference.models import Alarm, AlarmChannel, AlarmKind
from inference.posting import due_again, is_given_up, post

log = logging.getLogger(__name__)

AT_ONCE = 50
TAKEN = "taken"


def addresses() -> list[tuple[str, str]]:
    """(channel, address) of everyone this installation tells."""
    mail = [(AlarmChannel.MAIL.value, one) for one in settings.ALARM_MAIL_TO]
    hook = settings.ALARM_WEBHOOK_URL
    return mail + ([(AlarmChannel.WEBHOOK.value, hook)] if hook else [])


def alarm_raise(kind: AlarmKind, **params: Any) -> list[Alarm]:
    """Keep an alarm for each address, in the caller's transaction; sent once that is committed."""
    now = timezone.now()
    rows = Alarm.objects.bulk_create(
        Alarm(kind=kind, channel=channel, address=address, params=params, due_at=now)
        for channel, address in addresses()
    )
    if rows:
        transaction.on_commit(nudges.alarms)
    return rows


def alarms_send() -> int:
    """Send what is due; returns how many were taken. Sent outside any transaction; the row's next try is set before."""
    taken = 0
    for row in _claim():
        said = _mail(row) if row.channel == AlarmChannel.MAIL else _post(row)
        is_taken = said == TAKEN or said.startswith("2")
        row.said = said[:200]
        if is_taken or is_given_up(row.attempts):
            row.due_at = None
        if is_taken:
            row.taken_at = timezone.now()
            taken += 1
        elif row.due_at is None:
            log.error("alarm %s (%s) to %s given up: %s", row.pk, row.kind, row.address, said)
        else:
            log.warning("alarm %s (%s) to %s not taken yet: %s", row.pk, row.kind, row.address, said)
        row.save(update_fields=["said", "due_at", "taken_at"])
    return taken


@transaction.atomic
def _claim() -> list[Alarm]:
    now = timezone.now()
    due = Alarm.objects.select_for_update(skip_locked=True).filter(due_at__lte=now).order_by("due_at", "id")
    rows = list(due[:AT_ONCE])
    for row in rows:
        row.due_at = due_again(row.attempts, now)
        row.attempts += 1
    Alarm.objects.bulk_update(rows, ["attempts", "due_at"])
    return rows


def _link(row: Alarm) -> str:
    return f"{settings.PUBLIC_URL.rstrip('/')}{words.page(row.kind)}" if settings.PUBLIC_URL else ""


def _mail(row: Alarm) -> str:
    language = settings.LANGUAGE_CODE
    message = EmailMessage(
        subject=f"[{settings.INSTALLATION_NAME}] {words.subject(row.kind, row.params, language)}",
        body=words.body(row.kind, row.params, language, _link(row)),
        to=[row.address],
        headers={
            "Message-ID": f"<alarm-{row.pk}@{settings.DEFAULT_FROM_EMAIL.rpartition('@')[2].strip('> ')}>"
        },
    )
    try:
        message.send()
    except (SMTPException, OSError) as error:
        return f"not sent: {error}"
    return TAKEN


def _post(row: Alarm) -> str:
    payload = {
        "event": f"alarm.{row.kind}",
        "text": f"{words.subject(row.kind, row.params, settings.LANGUAGE_CODE)}\n"
        f"{words.body(row.kind, row.params, settings.LANGUAGE_CODE, _link(row))}",
        "installation": settings.INSTALLATION_NAME,
        "made_at": row.made_at.isoformat(),
        **row.params,
    }
    return post(row.address, settings.ALARM_WEBHOOK_SECRET, payload, f"alarm-{row.pk}")
