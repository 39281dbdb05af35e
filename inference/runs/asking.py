"""What a transform asks: the texts its version has not seen, with the vectors that are known already.

A version whose encoder is the one before, its head alone being new, has its vectors in the rows: it reads a pool of ten
thousand in seconds instead of minutes.
"""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from django.db.models.functions import Length

from inference import loading, selectors, testing
from inference.models import Embedding, TransformRun
from ml.schema import TransformInput, Vector, dump_line

CHUNK = 2000


def write(run: TransformRun, path: Path) -> int:
    """Stream the lines of the job's input; returns how many. Short texts first: batches of like length cost half as
    much to embed."""
    count = 0
    with path.open("w", encoding="ascii") as file:
        for line in _lines(run):
            file.write(dump_line(line.to_dict()))
            count += 1
    return count


def _lines(run: TransformRun) -> Iterator[TransformInput]:
    if run.test_set is None:
        asked = selectors.tickets_for(run).values_list("pk", "text_hash", "text")
    else:
        asked = testing.rows_unanswered(run.model_version, run.test_set).values_list(
            "pk", "text_hash", "text"
        )
    rows = asked.order_by(Length("text"), "pk").iterator(chunk_size=CHUNK)
    space = run.model_version.encoder
    for chunk in _chunks(rows):
        known = {} if run.test_set else _vectors(space, {pk: text_hash for pk, text_hash, _ in chunk})
        for pk, text_hash, text in chunk:
            yield TransformInput(loading.line_id(pk, text_hash), text, space, known.get(pk))


def _chunks(rows: Iterator[Any]) -> Iterator[list[Any]]:
    while chunk := list(islice(rows, CHUNK)):
        yield chunk


def _vectors(space: str, hashes: dict[int, str]) -> dict[int, Vector]:
    """By ticket: the vector in this space of the text it has now."""
    held = Embedding.objects.filter(encoder__fingerprint=space, ticket_id__in=hashes, vector__isnull=False)
    rows = held.values_list("ticket_id", "text_hash", "vector")
    return {pk: np.asarray(vector, np.float32) for pk, text_hash, vector in rows if hashes[pk] == text_hash}
