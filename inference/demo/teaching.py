"""The demo's people teach: tickets are claimed from the queue and answered as the answer key says."""

import random
import uuid
from collections.abc import Callable

from accounts.models import User
from annotation import actions as annotation
from annotation.models import Annotation, AnswerKey, Mode, QueueItem, Service

Say = Callable[[str], None]

BATCH = 20
FLAG_SHARE = 0.008


def decided() -> int:
    """How many decisions people have taken in the queue."""
    return Annotation.objects.filter(source_annotation=None).exclude(annotator=None).exclude(lane="").count()


def label(wanted: int, say: Say, audit_share: float | None = None) -> None:
    """Let alice and bob teach until there are ``wanted`` decisions. ``audit_share``: of Teach, for a while."""
    if decided() >= wanted:
        return
    from inference.learner.worker import Resident  # modAL: never at import time

    resident, rng = Resident(audit_share=audit_share), random.Random(f"answers from {decided()}")
    cast = list(User.objects.filter(username__in=["alice", "bob"]).order_by("username"))
    services = dict(Service.objects.values_list("code", "id"))
    said = -1
    while (done := decided()) < wanted:
        resident.turn()
        if done // 100 != said:
            said = done // 100
            say(f"{done} of {wanted} tickets labelled")
        # The first answers change the ranking most: later ones come in larger batches.
        for _ in range(min(max(BATCH, done // 6), wanted - done)):
            if not _teach(rng.choices(cast, weights=(3, 2))[0], services, rng):
                return


def rank() -> None:
    """Rank the whole pool once more, so that the first page shows the order of these labels."""
    from inference.learner.worker import Resident  # modAL: never at import time

    resident = Resident()
    resident.turn()
    resident.deepen()


def _teach(who: User, services: dict[str, int], rng: random.Random) -> bool:
    """Claim one ticket and answer it as its key says; a flag now and then. False when the queue is empty."""
    items: list[QueueItem] = annotation.queue_claim(annotator=who, mode=Mode.TEACH)
    if not items:
        return False
    code = AnswerKey.objects.filter(ticket_id=items[0].ticket_id).values_list("code", flat=True).first() or ""
    kind = "label" if code in services else "none"
    note = ""
    if rng.random() < FLAG_SHARE:
        kind, note = "flag", "The customer asks for a manager."
    answer = annotation.Answer(
        key=uuid.UUID(int=rng.getrandbits(128), version=4),
        lease=items[0].lease or uuid.uuid4(),
        kind=kind,
        service_id=services.get(code) if kind == "label" else None,
        note=note,
        duration_ms=int(rng.lognormvariate(8.2, 0.5)),
    )
    annotation.queue_submit(annotator=who, answer=answer)
    return True
