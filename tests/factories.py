"""Makes rows for tests through the real actions, with a cast: alice and bob annotate, chloe leads."""

import itertools
import uuid

from accounts.models import Role, User
from annotation import actions
from annotation.actions.leases import lease_again
from annotation.ingest import ImportOptions, ingest_records
from annotation.models import QueueItem, Service, Ticket

_numbers = itertools.count(1)


def person(name: str = "alice", role: str = Role.ANNOTATOR) -> User:
    """Return the person of that name, made without a usable password."""
    user, made = User.objects.get_or_create(username=name, defaults={"role": role})
    if made:
        user.set_unusable_password()
        user.save(update_fields=["password"])
    return user


def service(name: str = "Delivery", **fields) -> Service:
    """Make a service."""
    return actions.service_create(name=name, **fields)


def services(count: int) -> list[Service]:
    """Make several services."""
    return [service(f"Service {number}") for number in range(1, count + 1)]


def ticket(text: str = "", *, audit: bool | None = False, **fields) -> Ticket:
    """Ingest one ticket, of a text of its own unless given; ``audit`` puts it on that side of the reserve
    (None: as drawn)."""
    name = fields.setdefault("external_id", f"T-{uuid.uuid4().hex[:12]}")
    text = text or f"Where is my parcel, asks {spelled(next(_numbers))}?"
    options = ImportOptions(
        external_id_column="external_id",
        label_column="label",
        channel_column="channel",
        language_column="language",
        received_at_column="received_at",
        metadata_columns=("metadata",),
    )
    report = ingest_records([{"text": text, **fields}], options)
    assert not report.rejected, report.errors
    made = Ticket.objects.get(external_id=name)
    if audit is not None and made.is_audit != audit:
        made.is_audit = audit
        made.save(update_fields=["is_audit"])
    return made


def tickets(count: int, *, audit: bool = False) -> list[Ticket]:
    """Ingest several tickets with different texts."""
    return [ticket(f"Message number {spelled(n)} about something else", audit=audit) for n in range(count)]


def spelled(number: int) -> str:
    """A number in letters, so that no two texts fall in one near-duplicate group."""
    return "".join("abcdefghij"[int(digit)] for digit in str(number))


def queued(*members: Ticket, mode: str = "teach", lane: str = "exploit", **fields) -> list[QueueItem]:
    """Put tickets in the queue in this order, beside what is there."""
    start = QueueItem.objects.filter(mode=mode).count()
    items = [
        QueueItem(ticket=member, mode=mode, lane=lane, position=start + place, **fields)
        for place, member in enumerate(members)
    ]
    return QueueItem.objects.bulk_create(items)


def answer(lease: uuid.UUID | None, kind: str = "label", **fields) -> actions.Answer:
    """Make an answer with a fresh key."""
    assert lease is not None
    return actions.Answer(key=fields.pop("key", uuid.uuid4()), lease=lease, kind=kind, **fields)


def labelled(member: Ticket, with_service: Service, by: User | None = None) -> None:
    """Take one ticket through the queue: claim it and label it."""
    queued(member)
    user = by or person()
    item = lease_again(item=QueueItem.objects.get(ticket=member), annotator=user)
    actions.queue_submit(annotator=user, answer=answer(item.lease, service_id=with_service.pk))
