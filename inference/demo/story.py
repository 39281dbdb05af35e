"""The demo's story so far, told through the actions that people use, with an eye on the rows.

1. Some hundreds of tickets labelled, controls among them, a first version trained: too weak to promise anything. With
that the first page opens. 2. The tickets that the former system had labelled: a second version, whose promise is
certified. 3. Keyword rules route; the second version looks on; people judge where the two differ, up to ten judgements
before the verdict.

Every stage looks at the rows first, so a start that was interrupted goes on where it stopped.
"""

import math
import time

from django.conf import settings

from accounts.models import User
from annotation.models import Ticket
from compute.port import ComputeBackend
from inference import actions, runs, selectors
from inference.demo import people, teaching, watching
from inference.demo.teaching import Say
from inference.models import RoutingDecision
from training import actions as training
from training import selectors as training_selectors
from training.models import ModelVersion, TrainingRun

LABELS = 260
CONTROL_SHARE = 0.75
"""Of what Teach serves while the controls are labelled."""
LABELS_AFTER = 12
LABELS_MISSING = 13
"""Until the next training, when the demo opens."""
FIRST_SECONDS, SECOND_SECONDS = 20, 60
"""Time boxes: the first training has little to learn from; the second, nobody waits for."""
POLL_SECONDS = 0.5


def seed(*, backend: ComputeBackend, say: Say, tickets: int = people.TICKETS, labels: int = LABELS) -> None:
    """What the first page needs: tickets in their space, labels, a first version. Can be repeated; needs the compute
    supervisor."""
    if training_selectors.current_model() is None:
        people.cast()
        say("accounts and services are there")
        if people.tickets(tickets) is not None:
            say(f"{tickets:,} tickets are in")
        _embed(backend, say)
        teaching.label(labels, say)
        _controls(say)
    _version(1, backend, say, max_seconds=FIRST_SECONDS)
    if not _is_told():
        teaching.rank()


def go_on(*, backend: ComputeBackend, say: Say, tickets: int = people.TICKETS) -> None:
    """The rest, while everything runs: the second version and its observation. No training starts by itself until it
    is told to its end."""
    if _is_told():
        say("the demo's story is told")
        return
    if settings.DEMO_STORY == "short":
        _open(say)
        return
    say("the demo's story goes on by itself; the Loop page shows it at work")
    if training_selectors.current_model().number < 2:  # type: ignore[union-attr]
        say(f"{people.archive(tickets):,} tickets labelled by the former system are in")
    candidate = _version(2, backend, say, max_seconds=SECOND_SECONDS)
    _see_all(candidate, backend, say)
    watching.rules_write()
    if RoutingDecision.objects.count() < watching.TRAFFIC:
        watching.observe(candidate, backend, say)
    if training_selectors.label_counts().since_last < LABELS_AFTER:
        teaching.label(teaching.decided() + LABELS_AFTER, say)
    watching.judge(say)
    _open(say)


def _open(say: Say) -> None:
    """From here trainings start by themselves, the next one soon."""
    missing = training_selectors.label_counts().since_last + LABELS_MISSING
    training.policy_update(min_new_labels=missing, max_seconds=people.train_seconds(), is_active=True)
    say("the demo's story is told")


def _is_told() -> bool:
    """Whether it was told to its end at an earlier start: then nothing of it is touched again."""
    return training_selectors.policy_current().is_active


def _controls(say: Say) -> None:
    """Teach until there are enough control labels, or no more control tickets."""
    reserve = Ticket.objects.filter(is_audit=True).count()
    wanted = min(settings.DEMO_CONTROLS, math.floor(0.95 * reserve))
    while (have := selectors.audit_decided().count()) < wanted:
        more = math.ceil((wanted - have) / CONTROL_SHARE)
        before = teaching.decided()
        teaching.label(before + max(teaching.BATCH, more), say, CONTROL_SHARE)
        if teaching.decided() == before:
            return


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


def _version(number: int, backend: ComputeBackend, say: Say, *, max_seconds: int) -> ModelVersion:
    """The version of this number, trained now unless it is there, and measured on the controls."""
    if (found := ModelVersion.objects.filter(kind="classifier", number=number).first()) is None:
        training.policy_update(max_seconds=max_seconds)
        found = _train(number, backend, say)
    while training_selectors.latest_evaluation(found) is None:
        actions.work_find(backend=backend, live=False)
        _drive(backend)
        time.sleep(POLL_SECONDS)
    measured = training_selectors.latest_evaluation(found)
    assert measured is not None
    say(f"version {number} is right on {measured.accuracy:.0%} of {measured.n} random controls")
    return found


def _train(number: int, backend: ComputeBackend, say: Say) -> ModelVersion:
    is_first = number == 1
    asked = {
        "reason": {"code": "first_training" if is_first else "asked_for", "params": {}},
        "requested_by": None if is_first else User.objects.get(username="chloe"),
    }
    run = training_selectors.live_run() or training.run_start(**asked)
    shown = ""
    while run.is_live:
        training.run_advance(run.pk, backend)
        run = TrainingRun.objects.get(pk=run.pk)
        words = f"training version {number}: {run.phase or run.state} {10 * int(10 * (run.progress or 0))} %"
        if words != shown:
            say(words)
            shown = words
        time.sleep(POLL_SECONDS)
    found = ModelVersion.objects.filter(kind="classifier", number=number).first()
    if found is None:
        raise RuntimeError(f"the demo's training {number} ended as {run.state}: {run.failure_reason}")
    return found


def _see_all(version: ModelVersion, backend: ComputeBackend, say: Say) -> None:
    """Let a version see the whole pool, and the gate judge it."""
    while selectors.tickets_missing(version).exists() or selectors.live_transforms().exists():
        actions.work_find(backend=backend, live=False)
        _drive(backend)
        time.sleep(POLL_SECONDS)
    actions.work_find(backend=backend, live=False)  # the space of the version becomes current
    actions.verdict_refresh(model_version=version)
    promise = training_selectors.certificate_on_trial(version)
    said = promise.certificate.words() if promise else "no certificate was asked for"
    say(f"every ticket is read by version {version.number}. {said}")
