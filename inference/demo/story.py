"""The demo's story so far: tickets embedded, some hundreds labelled, a model trained and judged.

Every stage looks at the rows first, so a start that was interrupted goes on where it stopped. What takes
long after the first model (the pool in its new space) is left to the live workers, where it can be watched.
"""

import random
import time
import uuid
from collections.abc import Callable

from accounts.models import User
from annotation import actions as annotation
from annotation.models import Annotation, AnswerKey, Mode, QueueItem, Service
from compute.port import ComputeBackend
from inference import actions, runs, selectors
from inference.demo import people
from training import actions as training
from training import selectors as training_selectors
from training.models import TrainingRun

Say = Callable[[str], None]

LABELS = 520
LABELS_AFTER = 12
BATCH = 20
POLL_SECONDS = 0.5


def seed(*, backend: ComputeBackend, say: Say, tickets: int = people.TICKETS, labels: int = LABELS) -> None:
    """Bring the installation to the middle of its story. Can be repeated; needs the compute supervisor."""
    if _is_told(labels + LABELS_AFTER):
        say("the demo data is there")
        return
    people.cast()
    say("accounts and services are there")
    if people.tickets(tickets) is not None:
        say(f"{tickets:,} tickets are in")
    _embed(backend, say)
    _label(labels, say)
    _train(backend, say)
    _judge(backend, say)
    _label(labels + LABELS_AFTER, say)


def _embed(backend: ComputeBackend, say: Say) -> None:
    """Give the whole pool its vectors in the base space."""
    if training_selectors.current_model() is not None:
        return
    shown = -1
    while True:
        actions.work_find(backend=backend, live=False)
        _drive(backend)
        covered = selectors.coverage(selectors.current_encoder())
        if covered.done >= covered.total:
            return
        under_way = sum(selectors.live_transforms().values_list("processed", flat=True))
        done = max(covered.done, under_way)
        if done * 10 // covered.total != shown:
            shown = done * 10 // covered.total
            say(f"{done:,} of {covered.total:,} tickets embedded")
        time.sleep(POLL_SECONDS)


def _drive(backend: ComputeBackend) -> None:
    for pk in list(selectors.live_transforms().values_list("pk", flat=True)):
        while runs.advance(pk, backend):
            pass


def _decided() -> int:
    return Annotation.objects.filter(source_annotation=None).exclude(annotator=None).count()


def _label(wanted: int, say: Say) -> None:
    """Let alice and bob teach from the queue until there are ``wanted`` decisions, the answer key at hand."""
    if _decided() >= wanted:
        return
    from inference.learner.worker import Resident  # modAL: never at import time

    resident, rng = Resident(), random.Random(f"answers from {_decided()}")  # keys are drawn from it
    cast = list(User.objects.filter(username__in=["alice", "bob"]).order_by("username"))
    services = dict(Service.objects.values_list("code", "id"))
    said = -1
    while (done := _decided()) < wanted:
        resident.turn()
        if done // 100 != said:
            said = done // 100
            say(f"{done} of {wanted} tickets labelled")
        # The first answers change the ranking most: later ones come in larger batches.
        for _ in range(min(max(BATCH, done // 6), wanted - done)):
            if not _teach(rng.choices(cast, weights=(3, 2))[0], services, rng):
                return
    resident.turn()
    resident.deepen()


def _is_told(wanted: int) -> bool:
    """Whether the story was told to its end at an earlier start: then nothing of it is touched again."""
    model = training_selectors.current_model()
    return (
        model is not None and training_selectors.latest_evaluation(model) is not None and _decided() >= wanted
    )


def _teach(who: User, services: dict[str, int], rng: random.Random) -> bool:
    """Claim one ticket and answer it as its key says; a flag now and then. False when the queue is empty."""
    items: list[QueueItem] = annotation.queue_claim(annotator=who, mode=Mode.TEACH)
    if not items:
        return False
    code = AnswerKey.objects.filter(ticket_id=items[0].ticket_id).values_list("code", flat=True).first() or ""
    kind = "label" if code in services else "none"
    note = ""
    if rng.random() < 0.008:
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


def _train(backend: ComputeBackend, say: Say) -> None:
    """Train the first model."""
    if training_selectors.current_model() is not None:
        return
    run = training_selectors.live_run() or training.run_start(reason={"code": "first_training", "params": {}})
    shown = ""
    while run.is_live:
        training.run_advance(run.pk, backend)
        run = TrainingRun.objects.get(pk=run.pk)
        words = f"training the first model: {run.phase or run.state} {10 * int(10 * (run.progress or 0))} %"
        if words != shown:
            say(words)
            shown = words
        time.sleep(POLL_SECONDS)
    if training_selectors.current_model() is None:
        raise RuntimeError(f"the demo's first training ended as {run.state}: {run.failure_reason}")


def _judge(backend: ComputeBackend, say: Say) -> None:
    """Let the first model see the audit labels, and keep what was measured."""
    model = training_selectors.current_model()
    assert model is not None
    while training_selectors.latest_evaluation(model) is None:
        actions.work_find(backend=backend, live=False)
        _drive(backend)
        time.sleep(POLL_SECONDS)
    evaluation = training_selectors.latest_evaluation(model)
    assert evaluation is not None
    say(f"version {model.number} is right on {evaluation.accuracy:.0%} of {evaluation.n} random controls")
