"""What people do at the desk, in short words."""

import uuid
from datetime import timedelta
from typing import Any

from django.utils import timezone

from accounts.models import User
from annotation import actions
from annotation.actions import Answer
from annotation.models import Annotation, Mode, QueueItem, Service


def claim(person: User, mode: str = Mode.TEACH, count: int = 1, **fields: Any) -> list[QueueItem]:
    return actions.queue_claim(annotator=person, mode=mode, count=count, **fields)


def answer(item: QueueItem, service: Service | None = None, kind: str = "label", **fields: Any) -> Answer:
    """What the page would send about this item."""
    assert item.lease is not None
    fields.setdefault("key", uuid.uuid4())
    return Answer(lease=item.lease, kind=kind, service_id=service.pk if service else None, **fields)


def submit(person: User, item: QueueItem, service: Service | None = None, **fields: Any) -> Annotation:
    return actions.queue_submit(annotator=person, answer=answer(item, service, **fields))


def let_leases_run_out() -> None:
    """As if the people had left their desks."""
    QueueItem.objects.filter(lease__isnull=False).update(leased_until=timezone.now() - timedelta(seconds=1))
