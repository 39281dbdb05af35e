"""Holding routing back: everything for a service, or everything at all, goes to people until the hold ends."""

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.errors import Refused
from accounts.models import User
from inference.models import RoutingHold


def hold_start(*, service_id: int | None, reason: str, started_by: User | None = None) -> RoutingHold:
    """Hold a service, or with None everything. Raises ``Refused``: reason_needed, held_already."""
    if not reason.strip():
        raise Refused("reason_needed", "Say why, for those who will end it.", status=400)
    try:
        with transaction.atomic():
            return RoutingHold.objects.create(
                service_id=service_id, reason=reason.strip()[:300], started_by=started_by
            )
    except IntegrityError as error:
        raise Refused("held_already", "This is held back already.") from error


def hold_end(*, hold_id: int) -> None:
    """Route again; ending twice is the same as once."""
    RoutingHold.objects.filter(pk=hold_id, ended_at=None).update(ended_at=timezone.now())
