"""Transforms: from tickets without vectors to vectors, whatever is killed on the way."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier
from typing import Any

import numpy as np
import pytest
from django.db import connection

from annotation.models import Ticket
from compute.port import ComputeBackend
from inference import actions, loading, runs, selectors
from inference.models import Embedding, Encoder, Prediction, TransformRun
from inference.runs import asking, transform
from ml.schema import TransformInput, TransformOutput, WireError, parse_line
from ml.text import text_hash
from tests.inference.cast import drive, make_services, make_ticket, make_tickets, until
from training.models import ModelVersion

pytestmark = pytest.mark.django_db(transaction=True)


class Killed(BaseException):
    """Stands for a kill -9 at this very line."""


def vectors(encoder: Encoder | None = None) -> dict[int, list[float]]:
    rows = Embedding.objects.filter(encoder=encoder or selectors.current_encoder())
    return {row.ticket_id: list(row.vector) for row in rows}


def test_the_base_encoder_is_wrapped_once_and_is_number_zero(backend: ComputeBackend) -> None:
    first = actions.encoder_ensure(backend=backend)
    again = actions.encoder_ensure(backend=backend)
    assert first == again
    assert (first.number, first.kind, first.dim, first.labels) == (0, "encoder", 32, [])
    assert backend.exists(first.artifact_uri)
    assert Encoder.objects.get().is_current


def test_a_base_model_that_is_not_there_is_refused_in_words(backend: ComputeBackend, settings: Any) -> None:
    settings.BASE_MODEL = "/nowhere/at/all"
    with pytest.raises(Exception, match="BASE_MODEL=/nowhere/at/all"):
        actions.encoder_ensure(backend=backend)


def test_every_ticket_gets_a_unit_vector(backend: ComputeBackend, supervisor: object) -> None:
    tickets = make_tickets(25)
    drive(backend)
    found = vectors()
    assert set(found) == {ticket.pk for ticket in tickets}
    assert np.allclose(np.linalg.norm(list(found.values()), axis=1), 1.0, atol=1e-3)
    run = TransformRun.objects.get()
    assert (run.state, run.tickets, run.loaded, run.rejected) == ("succeeded", 25, 25, 0)
    assert not backend.exists(transform.folder_of(run))


def test_only_what_is_new_or_changed_is_embedded_again(backend: ComputeBackend, supervisor: object) -> None:
    tickets = make_tickets(6)
    drive(backend)
    before = dict(Embedding.objects.values_list("ticket_id", "id"))
    changed = tickets[2]
    changed.text = "hello another parcel"
    changed.text_hash = text_hash(changed.text)
    changed.save()
    new = make_ticket(90)
    drive(backend)
    after = dict(Embedding.objects.values_list("ticket_id", "id"))
    assert {pk for pk in after if after[pk] != before.get(pk)} == {changed.pk, new.pk}
    assert all(after[pk] > max(before.values()) for pk in (changed.pk, new.pk))
    assert TransformRun.objects.first().tickets == 2  # type: ignore[union-attr]


@pytest.mark.parametrize("victim", ["put", "start_transform", "observe", "open", "delete_prefix"])
def test_a_worker_killed_at_any_call_loses_nothing(
    victim: str, backend: ComputeBackend, supervisor: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    tickets = make_tickets(12)
    actions.work_find(backend=backend, live=False)
    run = TransformRun.objects.get()
    real = getattr(backend, victim)
    deaths = []

    def killed_once(*args: Any, **kwargs: Any) -> Any:
        if victim == "observe" and not deaths:
            deaths.append(1)
            raise Killed
        answer = real(*args, **kwargs)
        if not deaths:
            deaths.append(1)
            raise Killed
        return answer

    monkeypatch.setattr(backend, victim, killed_once)

    def ended() -> bool:
        try:
            runs.advance(run.pk, backend)
        except Killed:
            pass
        run.refresh_from_db()
        return run.state == "succeeded"

    until(ended, f"the transform to survive a death in {victim}")
    assert deaths
    assert run.attempt == 1
    assert set(vectors()) == {ticket.pk for ticket in tickets}


def test_a_death_between_two_chunks_goes_on_from_the_place_reached(
    backend: ComputeBackend, supervisor: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transform, "CHUNK_LINES", 5)
    make_tickets(17)
    actions.work_find(backend=backend, live=False)
    run = TransformRun.objects.get()
    real, calls = loading.load, []

    def dies_at_the_third(*args: Any) -> Any:
        calls.append(len(args[1]))
        if len(calls) == 3:
            raise Killed
        return real(*args)

    monkeypatch.setattr(loading, "load", dies_at_the_third)

    def ended() -> bool:
        try:
            runs.advance(run.pk, backend)
        except Killed:
            run.refresh_from_db()
            assert (run.loaded, Embedding.objects.count()) == (10, 10)
        run.refresh_from_db()
        return run.state == "succeeded"

    until(ended)
    assert sum(calls) == 17 + 5  # only the chunk it died in was read again
    assert (run.loaded, Embedding.objects.count()) == (17, 17)


def test_a_failing_job_is_tried_three_times_and_says_why(
    backend: ComputeBackend, supervisor: object, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(transform, "REST_SECONDS", 0.0)
    make_tickets(3)
    version = actions.encoder_ensure(backend=backend)
    broken = tmp_path / "model.tar.gz"
    broken.write_bytes(b"this is no archive")
    uri = version.artifact_uri.replace("/encoders/", "/broken/")
    backend.put(broken, uri)
    ModelVersion.objects.filter(pk=version.pk).update(artifact_uri=uri)
    run = actions.transform_plan(model_version=version, purpose="pool")
    assert run is not None

    def ended() -> bool:
        runs.advance(run.pk, backend)
        run.refresh_from_db()
        return run.state == "failed"

    until(ended, "the third failure")
    assert run.attempt == 3
    assert "archive" in run.failure_reason
    assert actions.transform_plan(model_version=version, purpose="pool") is None  # it rests first


def test_a_failed_attempt_rests_before_the_next(backend: ComputeBackend) -> None:
    make_tickets(1)
    version = actions.encoder_ensure(backend=backend)
    run = TransformRun.objects.create(model_version=version, purpose="pool")
    transform._fail(run, "failed", "the machine went away")
    assert (run.state, run.attempt) == ("planned", 2)
    assert not runs.advance(run.pk, backend)
    run.refresh_from_db()
    assert run.state == "planned"


def test_a_transform_over_nothing_ends_at_once(backend: ComputeBackend) -> None:
    version = actions.encoder_ensure(backend=backend)
    run = actions.transform_plan(model_version=version, purpose="pool")
    assert run is not None
    runs.advance(run.pk, backend)
    run.refresh_from_db()
    assert (run.state, run.tickets) == ("succeeded", 0)


def test_a_second_transform_of_the_same_kind_is_not_planned(backend: ComputeBackend) -> None:
    version = actions.encoder_ensure(backend=backend)
    assert actions.transform_plan(model_version=version, purpose="pool") is not None
    assert actions.transform_plan(model_version=version, purpose="pool") is None


def answer(version: ModelVersion, ticket: Ticket, **changes: Any) -> TransformOutput:
    given: dict[str, Any] = {
        "id": loading.line_id(ticket.pk, ticket.text_hash),
        "encoder": version.encoder,
        "model": "m",
        "embedding": np.full(version.dim, version.dim**-0.5, np.float32),
    }
    return TransformOutput(**given | changes)


def test_a_refused_text_is_remembered_and_not_asked_again(backend: ComputeBackend) -> None:
    version = actions.encoder_ensure(backend=backend)
    good, bad = make_tickets(2)
    refusal = answer(version, bad, embedding=None, error=WireError("too_long", "no"))
    done = loading.load(version, [answer(version, good), refusal])
    assert (done.answers, done.refusals) == (1, 1)
    assert Embedding.objects.get(ticket=bad).error == "too_long"
    assert not selectors.tickets_missing(version).exists()
    assert selectors.pool_is_covered(version)


def test_the_answer_of_another_encoder_is_not_loaded(backend: ComputeBackend) -> None:
    version = actions.encoder_ensure(backend=backend)
    ticket = make_ticket(1)
    with pytest.raises(loading.BadOutput, match="not"):
        loading.load(version, [answer(version, ticket, encoder="0" * 16)])
    with pytest.raises(loading.BadOutput, match="numbers"):
        loading.load(version, [answer(version, ticket, embedding=np.ones(5, np.float32))])
    assert not Embedding.objects.exists()


def test_what_a_model_says_is_kept_with_how_strange_the_ticket_is_to_it() -> None:
    services, tickets = make_services("card", "parcel"), make_tickets(2)
    version = ModelVersion.objects.create(
        number=1, kind="classifier", artifact_uri="file:///none", manifest_hash="1", encoder="e" * 16, dim=8,
        labels=["card", "parcel"],
    )  # fmt: skip
    chances = np.array([0.25, 0.75], np.float32)
    said = [answer(version, one, probabilities=chances, label="parcel") for one in tickets]
    loading.load(version, [replace(said[0], outlier=0.5), said[1]])
    kept = Prediction.objects.order_by("ticket_id")
    assert [(one.service_id, one.probability, one.outlier) for one in kept] == [
        (services[1].pk, 0.75, 0.5),
        (services[1].pk, 0.75, None),
    ]
    loading.load(version, [replace(one, outlier=0.9) for one in said])
    assert set(Prediction.objects.values_list("outlier", flat=True)) == {0.9}


def test_a_version_that_kept_the_encoder_is_given_the_vectors_of_the_texts_as_they_are_now(
    backend: ComputeBackend, supervisor: object, tmp_path: Path
) -> None:
    tickets = make_tickets(5)
    drive(backend)
    held, current = vectors(), selectors.current_encoder()
    assert current is not None
    changed, new = tickets[2], make_ticket(90)
    changed.text = "hello another parcel"
    changed.text_hash = text_hash(changed.text)
    changed.save()
    for space in (current.fingerprint, "e" * 16):
        version = ModelVersion.objects.create(
            number=ModelVersion.objects.count(), kind="classifier", artifact_uri="file:///none",
            manifest_hash=space, encoder=space, dim=current.dim, labels=["card", "parcel"],
        )  # fmt: skip
        run = TransformRun.objects.create(model_version=version, purpose="pool")
        assert asking.write(run, tmp_path / "tickets.jsonl") == 6
        lines = (tmp_path / "tickets.jsonl").read_text().splitlines()
        asked = [TransformInput.from_dict(parse_line(line)) for line in lines]
        brought = {int(one.id.split(".")[0]): list(one.vector) for one in asked if one.vector is not None}
        known = {pk: vector for pk, vector in held.items() if pk not in (changed.pk, new.pk)}
        assert brought == (known if space == current.fingerprint else {})


def test_an_erased_ticket_is_left_out(backend: ComputeBackend) -> None:
    version = actions.encoder_ensure(backend=backend)
    kept, erased = make_tickets(2)
    gone = answer(version, erased)
    erased.delete()
    loading.load(version, [gone, answer(version, kept), TransformOutput("line 3", "", "")])
    assert list(Embedding.objects.values_list("ticket_id", flat=True)) == [kept.pk]


def test_another_base_model_of_another_dimension_takes_the_place_of_the_first(
    backend: ComputeBackend, supervisor: object, settings: Any, wider_bert: Path
) -> None:
    tickets = make_tickets(8)
    drive(backend)
    first = selectors.current_encoder()
    assert first is not None and first.dim == 32
    settings.BASE_MODEL = str(wider_bert)
    drive(backend)
    second = selectors.current_encoder()
    assert second is not None and second.dim == 48
    assert second.model_version.number == 1
    assert set(vectors(second)) == set(vectors(first)) == {ticket.pk for ticket in tickets}
    assert {len(vector) for vector in vectors(second).values()} == {48}


def test_the_swap_waits_for_the_whole_pool(
    backend: ComputeBackend, supervisor: object, settings: Any, wider_bert: Path
) -> None:
    make_tickets(4)
    drive(backend)
    settings.BASE_MODEL = str(wider_bert)
    version = actions.encoder_ensure(backend=backend)
    with pytest.raises(Exception, match="Not every ticket"):
        actions.encoder_promote(model_version=version)
    assert selectors.current_encoder().dim == 32  # type: ignore[union-attr]


def test_the_index_of_a_space_is_built_once_and_used(backend: ComputeBackend, supervisor: object) -> None:
    tickets = make_tickets(10)
    drive(backend)
    encoder = selectors.current_encoder()
    assert encoder is not None
    assert actions.encoder_index(encoder=encoder)
    encoder.is_indexed = False
    assert actions.encoder_index(encoder=encoder)  # a lost flag finds the index there
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_indexes WHERE indexname = %s", [f"embedding_hnsw_{encoder.pk}"]
        )
        assert cursor.fetchone()[0] == 1
    assert selectors.nearest_labelled(encoder, vectors()[tickets[0].pk]) == []


def test_two_workers_that_build_the_index_at_once_do_not_stop_each_other(
    backend: ComputeBackend, supervisor: object
) -> None:
    """Two builds of one index wait for each other: the server ended one of them with an error."""
    make_tickets(10)
    drive(backend)
    encoder = selectors.current_encoder()
    assert encoder is not None
    Encoder.objects.update(is_indexed=False)
    with connection.cursor() as cursor:
        cursor.execute(f"DROP INDEX IF EXISTS {actions.encoders.index_name(encoder)}")

    def build(start: Barrier) -> None:
        try:
            start.wait()
            actions.encoder_index(encoder=Encoder.objects.get(pk=encoder.pk))
        finally:
            connection.close()

    start = Barrier(4)
    with ThreadPoolExecutor(4) as threads:
        for built in [threads.submit(build, start) for _ in range(4)]:
            built.result()
    encoder.refresh_from_db()
    assert encoder.is_indexed
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indisvalid FROM pg_index WHERE indexrelid = %s::regclass",
            [actions.encoders.index_name(encoder)],
        )
        assert cursor.fetchall() == [(True,)]
