"""The pool in memory: vectors and what the lanes need to know of each ticket, read by binary COPY.

Every row of the COPY has the same length, so that numpy reads blocks of them at once: 100,000 vectors of 384
numbers in about a second, without an object a row.
"""

from dataclasses import dataclass

import numpy as np
from django.db import connection, transaction
from numpy.typing import NDArray

from inference.models import Encoder

BLOCK = 8 * 1024 * 1024
_HEADER_BYTES = 19
Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Rows:
    """Some tickets of one space, all arrays of length n: ``vectors`` (n, d), ``group`` a hash of the
    near-duplicate group, ``audit_rank`` the hash order of the reserve, ``feed`` the id of the embedding row.
    """

    feed: Ints
    ids: Ints
    group: Ints
    is_audit: NDArray[np.bool_]
    audit_rank: Ints
    vectors: Floats

    def __len__(self) -> int:
        return len(self.ids)

    def joined(self, other: "Rows") -> "Rows":
        """These rows followed by others; a ticket that is in both keeps its newer row."""
        keep = ~np.isin(self.ids, other.ids)
        parts = {
            name: np.concatenate([getattr(self, name)[keep], getattr(other, name)])
            for name in self.__dataclass_fields__
        }
        return Rows(**parts)


def read(encoder: Encoder, *, after: int = 0) -> Rows:
    """The vectors of a space whose feed id is above ``after``: all of it, or what is new."""
    dtype = _dtype(encoder.dim)
    sink = _Sink(dtype)
    query = f"""COPY (
        SELECT e.id, t.id, hashtextextended(t."group", 0), t.is_audit, t.audit_rank, e.vector
        FROM inference_embedding e JOIN annotation_ticket t ON t.id = e.ticket_id
        WHERE e.encoder_id = {int(encoder.pk)} AND e.id > {int(after)} AND e.vector IS NOT NULL
    ) TO STDOUT (FORMAT binary)"""  # noqa: S608 - two ints
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.copy_expert(query, sink)
    return _rows(sink.blocks(), encoder.dim)


def _dtype(dim: int) -> np.dtype[np.void]:
    """One tuple of the binary COPY format: a field count, then each field after its length."""
    fields: list[tuple[str, str] | tuple[str, str, tuple[int, ...]]] = [("fields", ">i2")]
    for name, kind in (("feed", ">i8"), ("ids", ">i8"), ("group", ">i8"), ("audit", "u1"), ("rank", ">i8")):
        fields += [(f"{name}_length", ">i4"), (name, kind)]
    fields += [("vector_length", ">i4"), ("dim", ">i2"), ("unused", ">i2"), ("vector", ">f4", (dim,))]
    return np.dtype(fields)


class _Sink:
    """A file for COPY to write into: turns whole rows into arrays while they arrive."""

    def __init__(self, dtype: np.dtype[np.void]) -> None:
        self.dtype = dtype
        self._rest = bytearray()
        self._header = True
        self._arrays: list[NDArray[np.void]] = []

    def write(self, data: bytes) -> int:
        self._rest += data
        if len(self._rest) >= BLOCK:
            self._take()
        return len(data)

    def _take(self) -> None:
        if self._header:
            del self._rest[:_HEADER_BYTES]
            self._header = False
        count = len(self._rest) // self.dtype.itemsize
        if count:
            size = count * self.dtype.itemsize
            block = np.frombuffer(bytes(self._rest[:size]), dtype=self.dtype)
            del self._rest[:size]
            self._arrays.append(block)

    def blocks(self) -> list[NDArray[np.void]]:
        """All rows. ValueError when the stream did not end as the format says."""
        self._take()
        if bytes(self._rest) != b"\xff\xff":
            raise ValueError("the vectors read are not of the encoder's dimension")
        return self._arrays


def _rows(blocks: list[NDArray[np.void]], dim: int) -> Rows:
    def column(name: str, kind: type) -> NDArray:  # type: ignore[type-arg]
        parts = [block[name].astype(kind) for block in blocks]
        return np.concatenate(parts) if parts else np.zeros((0,), kind)

    vectors = [block["vector"].astype(np.float32) for block in blocks]
    return Rows(
        feed=column("feed", np.int64),
        ids=column("ids", np.int64),
        group=column("group", np.int64),
        is_audit=column("audit", np.bool_),
        audit_rank=column("rank", np.int64),
        vectors=np.concatenate(vectors) if vectors else np.zeros((0, dim), np.float32),
    )
