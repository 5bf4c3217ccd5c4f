"""The nearest vectors, found by pgvector where they lie: the contract StoredIndex over one descriptor's table.

Up to ``HNSW_FROM`` vectors are compared one by one; from there on they are searched through an HNSW graph (Malkov and
Yashunin 2018, arXiv 1603.09320), which is built when that is first worth it and which PostgreSQL then keeps in step.
Where a filter leaves few of the nearest, pgvector reads on (``hnsw.iterative_scan``); where it comes to an end before k
are found, those that the filter leaves are compared one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.distance import Metric
from lookalike.gallery.storage.filters import Condition
from lookalike.gallery.storage.postgres.database import PostgresDatabase
from lookalike.gallery.storage.postgres.vector_types import Bits, HalfVector
from lookalike.types import Floats, Ids

HNSW_FROM = 10_000  # vectors; below, comparing with all of them takes milliseconds
HNSW_LINKS, HNSW_BUILD = 16, 64  # pgvector's m and ef_construction
HNSW_SEARCH, MOST_SEARCH = 96, 1000  # candidates looked at when a query is answered, and the most that pgvector takes
MAX_HNSW_DIM = {"hamming": 64_000, "cosine": 4_000, "euclidean": 4_000}  # of pgvector's graphs over bits and halves
EXACT_UP_TO = 20_000  # ids that are handed over: they are compared one by one
BUILD_MEMORY = "512MB"  # maintenance_work_mem while a graph is built: it is ten times slower where it does not fit
LOOK_SECONDS = 30.0  # between two looks whether a graph is worth it by now

_OPERATORS: Mapping[Metric, tuple[str, str]] = {
    "cosine": ("<=>", "halfvec_cosine_ops"),
    "euclidean": ("<->", "halfvec_l2_ops"),
    "hamming": ("<~>", "bit_hamming_ops"),
}


@dataclass(frozen=True, slots=True)
class VectorTable:
    """The table of one version of a descriptor. ``dim``: bits or numbers; ``min_contrast``: of what is found."""

    number: int
    metric: Metric
    dim: int
    min_contrast: float

    @property
    def name(self) -> str:
        return f"vectors_{self.number}"

    @property
    def graph(self) -> str:
        """The name of its HNSW graph."""
        return f"{self.name}_hnsw"

    @property
    def operator(self) -> str:
        """Of the distance."""
        return _OPERATORS[self.metric][0]

    @property
    def telling(self) -> str:
        """The condition on its rows under which they are found: the same text for the graph and for who asks it."""
        return f"contrast >= {float(self.min_contrast)!r}"

    @property
    def types(self) -> tuple[str, ...]:
        """Of its columns, for COPY."""
        return "int8", "float8", "bit" if self.metric == "hamming" else "halfvec", "bytea"

    def packed(self, vector: bytes) -> HalfVector | Bits:
        """A stored vector, as PostgreSQL takes it."""
        return Bits(vector) if self.metric == "hamming" else HalfVector(vector)

    def query(self, vector: NDArray[Any]) -> HalfVector | Bits:
        """A vector (D,) to look for."""
        return self.packed(vector.tobytes() if self.metric == "hamming" else vector.astype("<f2").tobytes())


class PostgresIndex:
    """As StoredIndex. ``condition``: compiles a filter over a row ``p`` of images."""

    def __init__(
        self, database: PostgresDatabase, table: VectorTable, condition: Callable[[str | None], Condition]
    ) -> None:
        self._db, self._table, self._condition = database, table, condition
        self._has_graph, self._counted = False, (-1, 0.0)
        self._length: tuple[tuple[int, int], int] | None = None

    def __len__(self) -> int:
        """Databases count row by row, so the number is kept until something is written."""
        version = self._db.version()
        if self._length is None or self._length[0] != version:
            found = self._db.all(f"SELECT count(*) FROM {self._table.name} WHERE {self._table.telling}")
            self._length = version, int(found[0][0])
        return self._length[1]

    def search(
        self, queries: NDArray[Any], k: int, allowed: Ids | None = None, where: str | None = None
    ) -> tuple[Ids, Floats]:
        """As in the contract."""
        self._prepare(k)
        ids = np.full((len(queries), k), -1, np.int64)
        distances = np.full((len(queries), k), np.inf, np.float32)
        for row, query in enumerate(queries):
            found = self._nearest(self._table.query(query), k, allowed, where)
            if found:
                ids[row, : len(found)], distances[row, : len(found)] = zip(*found, strict=True)
        return ids, distances

    def _nearest(self, query: HalfVector | Bits, k: int, allowed: Ids | None, where: str | None) -> list[Any]:
        """(id, distance) of one query's, nearest first."""
        narrowed = allowed is not None or where is not None
        one_by_one = allowed is not None and len(allowed) <= EXACT_UP_TO
        found = self._asked(query, k, allowed, where, one_by_one)
        if narrowed and not one_by_one and len(found) < k:
            return self._asked(query, k, allowed, where, True)
        return found

    def _asked(
        self, query: HalfVector | Bits, k: int, allowed: Ids | None, where: str | None, one_by_one: bool
    ) -> list[Any]:
        distance = f"v.vector {self._table.operator} ?"
        if one_by_one:
            distance = f"({distance}) + 0"  # no graph gives this order
        tables, conditions, values = f"{self._table.name} v", [f"v.{self._table.telling}"], []
        if allowed is not None:
            conditions.append("v.image_id = ANY(CAST(? AS BIGINT[]))")
            values.append(f"{{{','.join(map(str, allowed.tolist()))}}}")
        if where is not None:
            condition = self._condition(where)
            tables += " JOIN images p ON p.id = v.image_id"
            conditions.append(f"({condition.sql})")
            values += condition.values
        sql = f"SELECT v.image_id, {distance} FROM {tables} WHERE {' AND '.join(conditions)} ORDER BY 2 LIMIT {int(k)}"
        ask = self._db.all if where is None else self._db.all_unprepared  # few rows are looked up, many are searched
        return ask(sql, (query, *values))

    def _prepare(self, k: int) -> None:
        """Before a search: build the graph if it is worth it by now, and say how much of it to look at."""
        if not self._has_graph:
            now = self._db.written, monotonic()
            if now[0] != self._counted[0] or now[1] > self._counted[1] + LOOK_SECONDS:
                self._counted = now
                self._has_graph = settle(self._db, self._table)
        self._db.set("hnsw.ef_search", str(min(max(HNSW_SEARCH, 2 * k), MOST_SEARCH)))
        self._db.set("hnsw.iterative_scan", "strict_order")


def settle(database: PostgresDatabase, table: VectorTable) -> bool:
    """Build the graph of a table that has none and is large enough for one; whether it has one now."""
    if database.all("SELECT 1 FROM pg_class WHERE oid = to_regclass(?)", (table.graph,)):
        return True
    enough = f"SELECT count(*) FROM (SELECT 1 FROM {table.name} LIMIT {HNSW_FROM + 1}) few"
    if database.read_only or table.dim > MAX_HNSW_DIM[table.metric] or database.all(enough)[0][0] <= HNSW_FROM:
        return False
    operators = _OPERATORS[table.metric][1]
    with database.patient(), database.transaction():
        database.run(f"SET LOCAL maintenance_work_mem = '{BUILD_MEMORY}'")
        database.run(
            f"""CREATE INDEX IF NOT EXISTS {table.graph} ON {table.name} USING hnsw (vector {operators})
                WITH (m = {HNSW_LINKS}, ef_construction = {HNSW_BUILD}) WHERE {table.telling}"""
        )
        database.run(f"ANALYZE {table.name}")
    return True
