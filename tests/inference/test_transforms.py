"""Transforms: from tickets without vectors to vectors, whatever is killed on the way."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import numpy as np
import pytest
from django.db import connection

from compute.port import ComputeBackend
from inference import actions, loading, runs, selectors
from inference.models import Embedding, Encoder, TransformRun
from inference.runs import transform
from ml.text import text_hash
from tests.inference.cast import drive, make_ticket, make_tickets, until, vectors
from training.models import ModelVersion

pytestmark = pytest.mark.django_db(transaction=True)


class Killed(BaseException):
    """Stands for a kill -9 at this very line."""


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
