"""pgvector's types on the wire: half precision and bits, as a gallery's vectors are kept."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg.adapt import Dumper
from psycopg.pq import Format
from psycopg.types import TypeInfo

from lookalike.types import Ids

_HEAD = 4  # bytes before the numbers: of half vectors the dimension and nothing, of bits their count
_BIT = 1560  # the oid of PostgreSQL's own type


class HalfVector(NamedTuple):
    """``data``: float16, little-endian."""

    data: bytes


class Bits(NamedTuple):
    """``data``: eight to a byte."""

    data: bytes


class _HalfVectorDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: HalfVector) -> bytes:
        return struct.pack("!HH", len(obj.data) // 2, 0) + np.frombuffer(obj.data, "<u2").byteswap().tobytes()


class _BitsDumper(Dumper):
    format, oid = Format.BINARY, _BIT

    def dump(self, obj: Bits) -> bytes:
        return struct.pack("!i", 8 * len(obj.data)) + obj.data


def register(connection: psycopg.Connection[Any], oid: int) -> None:
    """``oid``: of pgvector's type halfvec in this database."""
    TypeInfo("halfvec", oid, 0).register(connection)
    connection.adapters.register_dumper(HalfVector, type("HalfVectorDumper", (_HalfVectorDumper,), {"oid": oid}))
    connection.adapters.register_dumper(Bits, _BitsDumper)


def vector_of(sent: bytes, metric: str) -> bytes:
    """One vector as the gallery keeps it, of what the server sends in binary."""
    return sent[_HEAD:] if metric == "hamming" else np.frombuffer(sent, ">u2", offset=_HEAD).astype("<u2").tobytes()


def matrix_of(found: Sequence[tuple[int, bytes]], metric: str, dtype: Any) -> tuple[Ids, NDArray[Any]]:
    """Ids (N,) and vectors (N, D), of rows of both as the server sends them in binary."""
    ids = np.fromiter((row[0] for row in found), np.int64, len(found))
    if not found:
        return ids, np.empty((0, 0), dtype)
    sent = np.frombuffer(b"".join(row[1] for row in found), np.uint8).reshape(len(found), -1)[:, _HEAD:]
    packed = np.ascontiguousarray(sent) if metric == "hamming" else sent.copy().view(">u2").astype("<u2")
    return ids, packed.view(dtype)
