"""What a person is told of their own work: it agrees with the rows, whoever else works."""

import pytest

from annotation import actions, progress, selectors
from annotation.api import decisions
from annotation.models import Annotation
from tests import factories as make
from tests.annotation.desk import claim, submit

pytestmark = pytest.mark.django_db


@pytest.fixture
def delivery():
    return make.service("Delivery")


def test_a_recent_decision_looks_as_the_same_decision_does_in_its_tickets_history(delivery):
    alice = make.person("alice")
    first = make.ticket("where is\n my   parcel " + "x" * 200)
    make.ticket(first.text)  # the same text: the answer goes to it too
    make.queued(first)
    decision = submit(alice, claim(alice)[0], delivery, note="a word")
    (said,) = progress.recent_decisions(alice)
    (row,) = selectors.history(Annotation.objects.get(pk=decision.pk).ticket)
    assert decisions.recent_shape(said, alice) == decisions.annotation_shape(row)
    assert (
        said.propagated == 1 and said.excerpt.startswith("where is my parcel x") and len(said.excerpt) == 120
    )


def test_recent_decisions_are_ones_own_the_newest_first_and_without_what_was_taken_back(delivery):
    alice, ben = make.person("alice"), make.person("ben")
    make.queued(*make.tickets(14))
    for _ in range(12):
        last = submit(alice, claim(alice)[0], delivery)
    submit(ben, claim(ben)[0], delivery)
    shown = progress.recent_decisions(alice)
    assert shown[0].pk == last.pk and len(shown) == progress.RECENT
    actions.queue_undo(annotator=alice, annotation_id=last.pk)
    found = progress.recent_decisions(alice, limit=20)
    ids = [one.pk for one in found]
    assert len(ids) == 11 and last.pk not in ids and ids == sorted(ids, reverse=True)
    assert [len(progress.recent_decisions(ben)), progress.progress(alice).pace.total] == [1, 11]


def test_a_persons_work_comes_with_what_waits(delivery):
    alice = make.person("alice")
    make.queued(*make.tickets(2))
    submit(alice, claim(alice)[0], delivery)
    found = progress.progress(alice)
    assert (found.pace.today, found.pace.total, found.pace.seconds_per_ticket) == (1, 1, None)
    assert found.left == {"teach": 1, "check": 0}
    assert found.attention == {"flagged": 0, "set_aside": 0}
