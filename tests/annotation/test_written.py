"""Tickets that experts write for a service: taken in unless they copy, kept apart, capped, and never a control."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from accounts.errors import Refused
from annotation import actions as annotation
from annotation import exports, progress, selectors, written
from annotation.actions import written as actions
from annotation.likeness import likeness, words
from annotation.models import Annotation, Service, Ticket
from tests import factories

pytestmark = pytest.mark.django_db

TEXTS = [
    "The courier left my box with a neighbour I do not know",
    "My washing machine leaks since the repair on Monday",
    "Please send the invoice to our accounting department",
]


@pytest.fixture
def delivery() -> Service:
    return factories.service("Delivery")


def signed_in(role: str = "reviewer", name: str = "") -> Client:
    client = Client()
    client.force_login(factories.person(name or f"the {role}", role))
    return client


def write(service: Service, *texts: str, by: str = "erin") -> list[actions.Written]:
    return actions.tickets_write(service_id=service.pk, texts=texts, author=factories.person(by, "reviewer"))


def numbered(count: int) -> list[str]:
    return [
        f"{factories.spelled(n)} {factories.spelled(n + 7)} {factories.spelled(n * 3 + 1)} parcel"
        for n in range(count)
    ]


def real(service: Service, text: str, *, audit: bool = False) -> Ticket:
    ticket = factories.ticket(text, audit=audit)
    factories.labelled(ticket, service)
    ticket.refresh_from_db()
    return ticket


# Taking in


def test_what_an_expert_writes_trains_its_service_and_its_origin_is_kept(delivery: Service) -> None:
    (made,) = write(delivery, TEXTS[0])
    ticket = Ticket.objects.get(pk=made.ticket_id)
    assert (ticket.origin, ticket.status, ticket.label, ticket.is_audit) == (
        "written",
        "labelled",
        delivery,
        False,
    )
    (label,) = selectors.labels_for_training()
    assert (label.ticket_id, label.code, label.origin) == (ticket.pk, "delivery", "written")
    assert ",written," in "".join(exports.labels_csv())


def test_personal_data_is_masked_in_a_written_ticket_too(delivery: Service) -> None:
    (made,) = write(delivery, "Please answer to eve@example.com about the broken box")
    assert "[EMAIL]" in Ticket.objects.get(pk=made.ticket_id).text


def test_each_text_is_judged_by_itself(delivery: Service) -> None:
    found = write(delivery, TEXTS[0], "   ", "too few", TEXTS[0].upper() + "!", TEXTS[1])
    assert [one.code for one in found] == ["", "empty_text", "too_few_words", "written_already", ""]
    assert written.written_tickets().count() == 2


@pytest.mark.parametrize(
    "copy", [TEXTS[0], TEXTS[0].upper() + "!!", "the courier left my box with the neighbour I do not know"]
)
def test_a_copy_of_a_real_ticket_is_refused_and_the_ticket_is_named(delivery: Service, copy: str) -> None:
    ticket = real(delivery, TEXTS[0])
    (found,) = write(delivery, copy)
    assert found.code == "copy_of_a_ticket" and found.params["ticket_id"] == ticket.pk
    assert not written.written_tickets().exists()


def test_a_copy_of_a_control_is_refused_without_naming_it(delivery: Service) -> None:
    real(delivery, TEXTS[0], audit=True)
    (found,) = write(delivery, TEXTS[0])
    assert found.code == "copy_of_a_ticket" and "ticket_id" not in found.params


def test_a_service_that_is_switched_off_or_too_many_texts_are_refused(delivery: Service) -> None:
    with pytest.raises(Refused, match="At most"):
        write(delivery, *["where is my parcel"] * (actions.MOST_AT_ONCE + 1))
    delivery.is_active = False
    delivery.save()
    with pytest.raises(Refused, match="switched off"):
        write(delivery, TEXTS[0])


# Kept apart


def test_a_written_ticket_can_never_be_a_control_nor_wait_for_people(delivery: Service) -> None:
    (made,) = write(delivery, TEXTS[0])
    for change in ({"is_audit": True}, {"status": "open", "label": None}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Ticket.objects.filter(pk=made.ticket_id).update(**change)


def test_reopening_or_undoing_sets_it_aside_instead_of_asking_people(delivery: Service) -> None:
    first, second = write(delivery, TEXTS[0], TEXTS[1])
    annotation.ticket_reopen(ticket_id=first.ticket_id)
    said = Annotation.objects.get(ticket=second.ticket_id)
    annotation.queue_undo(annotator=said.annotator, annotation_id=said.pk)
    assert set(written.written_tickets().values_list("status", flat=True)) == {"set_aside"}
    assert list(selectors.labels_for_training()) == []


def test_once_a_control_says_the_same_the_written_ticket_no_longer_trains(delivery: Service) -> None:
    """Its group would stand on both sides of the evaluation."""
    write(delivery, TEXTS[0], TEXTS[1])
    assert len(list(selectors.labels_for_training())) == 2
    factories.ticket(TEXTS[0] + "!", audit=True)
    assert [label.text for label in selectors.labels_for_training()] == [TEXTS[1]]


def test_writing_is_no_decision_at_the_desk(delivery: Service) -> None:
    write(delivery, *TEXTS)
    erin = factories.person("erin")
    assert progress.progress(erin).pace.total == 0 and not progress.recent_decisions(erin)


# The share


def test_a_new_service_may_learn_from_some_written_tickets_alone(delivery: Service) -> None:
    write(delivery, *numbered(written.ALWAYS_ALLOWED + 5))
    assert len(list(selectors.labels_for_training())) == written.ALWAYS_ALLOWED


def test_beside_real_tickets_the_share_holds_and_the_same_ones_stay(
    delivery: Service, settings: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(written, "ALWAYS_ALLOWED", 0)
    settings.WRITTEN_SHARE = 0.5  # type: ignore[attr-defined]
    write(delivery, *numbered(8))
    kept: set[int] = set()
    for turn, text in enumerate(TEXTS, start=1):
        real(delivery, text)
        now = {label.ticket_id for label in selectors.labels_for_training() if label.origin == "written"}
        assert len(now) == turn and kept < now
        kept = now


@given(st.integers(0, 10_000), st.floats(0.01, 0.9))
def test_past_the_first_few_the_share_is_never_exceeded(count: int, share: float) -> None:
    from django.test import override_settings

    with override_settings(WRITTEN_SHARE=share):
        allowed = written.written_allowed(count)
    assert allowed <= written.ALWAYS_ALLOWED or allowed / (allowed + count) <= share + 1e-9


# Likeness


@given(st.text(max_size=60), st.text(max_size=60))
def test_likeness_is_a_share_the_same_both_ways_and_whole_for_the_same_words(one: str, other: str) -> None:
    a, b = words(one), words(other)
    assert 0 <= likeness(a, b) == likeness(b, a) <= 1
    assert likeness(a, a) == (1 if a else 0)


def test_the_nearest_real_ticket_is_shown_and_of_a_control_only_that_there_is_one(delivery: Service) -> None:
    ticket = real(delivery, TEXTS[1])
    real(delivery, TEXTS[2], audit=True)
    ask = signed_in()
    near = ask.post("/api/written/nearest/", {"text": "my machine leaks again"}, "application/json").json()[
        "results"
    ]
    assert near[0]["ticket_id"] == ticket.pk and not near[0]["is_copy"]
    found = ask.post("/api/written/nearest/", {"text": TEXTS[2]}, "application/json").json()["results"]
    assert found[0] | {"likeness": 1.0} == {
        "ticket_id": None, "service_id": None, "excerpt": "", "likeness": 1.0, "is_copy": True,
    }  # fmt: skip


# The page


def test_the_page_of_a_service_shows_written_and_real_tickets_and_what_may_train(delivery: Service) -> None:
    example = real(delivery, TEXTS[1])
    erin = signed_in(name="erin")
    body = {"service_id": delivery.pk, "texts": [TEXTS[0], "no"]}
    report = erin.post("/api/written/", body, "application/json").json()
    assert report["written"] == 1 and report["results"][1]["code"] == "too_few_words"
    page = erin.get(f"/api/written/?service={delivery.pk}").json()
    assert [one["text"] for one in page["results"]] == [TEXTS[0]]
    assert page["results"][0]["author"] == "erin" and page["results"][0]["trains"]
    assert (page["real"], page["allowed"], page["total"]) == (1, written.ALWAYS_ALLOWED, 1)
    assert [one["id"] for one in page["examples"]] == [example.pk]


def test_only_the_author_or_a_lead_removes_a_written_ticket_and_real_ones_stay(delivery: Service) -> None:
    first, second = write(delivery, TEXTS[0], TEXTS[1])
    other = real(delivery, TEXTS[2])
    assert signed_in().delete(f"/api/written/{first.ticket_id}/").status_code == 403
    assert signed_in(name="erin").delete(f"/api/written/{first.ticket_id}/").status_code == 204
    assert signed_in("lead").delete(f"/api/written/{second.ticket_id}/").status_code == 204
    assert signed_in("lead").delete(f"/api/written/{other.pk}/").status_code == 404
    assert Ticket.objects.get() == other


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "id,message\n1,Where is it\n2,\n3,Not here\n"),
        ("a.jsonl", '{"text": "Where is it"}\n{"text": "Not here"}'),
    ],
)
def test_a_file_is_read_to_be_looked_over_and_nothing_is_kept(name: str, content: str) -> None:
    answer = signed_in().post("/api/written/read/", {"file": SimpleUploadedFile(name, content.encode())})
    assert answer.json() == {"texts": ["Where is it", "Not here"]}
    assert not Ticket.objects.exists()


def test_a_file_that_cannot_be_read_says_why() -> None:
    answer = signed_in().post("/api/written/read/", {"file": SimpleUploadedFile("a.csv", b"")})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "empty_file")
