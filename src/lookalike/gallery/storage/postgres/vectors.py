"""Vectors of whole images in PostgreSQL: a table of pgvector's type for each descriptor, searched where they lie."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from lookalike.descriptors.base import DescriptorCard
from lookalike.errors import GalleryError, UserError
from lookalike.gallery.storage.base import NewImage, StoredIndex, Vectors
from lookalike.gallery.storage.descriptors import DescriptorStore
from lookalike.gallery.storage.items import ItemStore
from lookalike.gallery.storage.postgres.database import PostgresDatabase
from lookalike.gallery.storage.postgres.index import PostgresIndex, VectorTable, settle
from lookalike.gallery.storage.postgres.vector_types import matrix_of, vector_of
from lookalike.types import Ids

MAX_DIM = 16_000  # of pgvector's halfvec
INLINE_BYTES = 6_000  # up to which a vector stays in its row
BULK = 1_000  # vectors written, from which on the server's statistics of them are made anew


class PostgresVectors:
    """As VectorTables. A table is called by the number of a descriptor's version, so that who has one open that another
    version took the place of finds none."""

    def __init__(self, database: PostgresDatabase, descriptors: DescriptorStore) -> None:
        self._db, self._descriptors = database, descriptors
        self._items = ItemStore(database, os.fsencode)
        self._tables: dict[int, VectorTable] = {}
        self._indexes: dict[int, PostgresIndex] = {}
        self._written: Counter[int] = Counter()  # descriptor -> vectors, since its statistics were made

    def _table(self, name: str) -> VectorTable:
        """Of the version that was there when the gallery was opened. Raises GalleryVersion if that is gone."""
        number = self._descriptors.opened(name)
        if number not in self._tables:
            found = self._db.all("SELECT card FROM descriptors WHERE id = ?", (number,))
            if not found:
                self._descriptors.number(name)
            self._tables[number] = _table_of(number, DescriptorCard(**json.loads(found[0][0])))
        return self._tables[number]

    def vectors(self, name: str, *, after: int = 0, limit: int = -1, contrast: float = 0.0, dtype: Any) -> Vectors:
        """As in the contract."""
        table = self._table(name)
        sql = f"""SELECT image_id, vector FROM {table.name} WHERE image_id > ? AND contrast >= ?
                  ORDER BY image_id LIMIT {"ALL" if limit < 0 else limit}"""
        return matrix_of(self._db.all(sql, (after, contrast)), table.metric, dtype)

    def vectors_of(self, name: str, ids: Sequence[int] | Ids, *, contrast: float = 0.0, dtype: Any) -> Vectors:
        """As in the contract."""
        table = self._table(name)
        sql = f"SELECT image_id, vector FROM {table.name} WHERE image_id = ANY(CAST(? AS BIGINT[])) AND contrast >= ?"
        return matrix_of(self._db.all(sql, (_array(ids), contrast)), table.metric, dtype)

    def vector(self, name: str, number: int) -> tuple[bytes, float] | None:
        """As in the contract."""
        table = self._table(name)
        found = self._db.all(f"SELECT vector, contrast FROM {table.name} WHERE image_id = ?", (number,))
        return (vector_of(found[0][0], table.metric), found[0][1]) if found else None

    def packed_vectors(self, name: str, after: int, limit: int) -> list[tuple[int, bytes, float]]:
        """As in the contract."""
        table = self._table(name)
        sql = f"SELECT image_id, vector, contrast FROM {table.name} WHERE image_id > ? ORDER BY image_id LIMIT ?"
        found = self._db.all(sql, (after, limit))
        return [(number, vector_of(sent, table.metric), contrast) for number, sent, contrast in found]

    def classes_of(self, name: str, ids: Sequence[int]) -> dict[int, bytes]:
        """As in the contract."""
        sql = f"""SELECT image_id, classes FROM {self._table(name).name}
                  WHERE image_id = ANY(CAST(? AS BIGINT[])) AND classes IS NOT NULL"""
        return dict(self._db.all(sql, (_array(ids),)))

    def lacking(self, name: str) -> list[int]:
        """Images, no videos, without a vector of this descriptor."""
        sql = f"""SELECT id FROM images p WHERE p.codec IS NULL AND NOT EXISTS
                  (SELECT 1 FROM {self._table(name).name} v WHERE v.image_id = p.id) ORDER BY id"""
        return [one[0] for one in self._db.all(sql)]

    def index(self, card: DescriptorCard) -> StoredIndex | None:
        """As in the contract."""
        table = self._table(card.name)
        if table.number not in self._indexes:
            self._indexes[table.number] = PostgresIndex(self._db, table, self._items.filter)
        return self._indexes[table.number]

    # --- writing; call within a transaction

    def make(self, number: int, card: DescriptorCard) -> None:
        """As in VectorTables. Raises UserError for vectors that are too long for pgvector."""
        table = _table_of(number, card)
        if table.metric != "hamming" and table.dim > MAX_DIM:
            raise UserError(
                f"{card.name}: pgvector keeps vectors of at most {MAX_DIM:,} numbers, and it has {card.dim:,}"
            )
        kind = f"{'bit' if table.metric == 'hamming' else 'halfvec'}({table.dim})"
        self._db.run(
            f"""CREATE TABLE {table.name} (
                image_id BIGINT PRIMARY KEY REFERENCES images (id) ON DELETE CASCADE,
                contrast DOUBLE PRECISION NOT NULL, vector {kind} NOT NULL, classes BYTEA)"""
        )
        if card.bits <= 8 * INLINE_BYTES:
            self._db.run(f"ALTER TABLE {table.name} ALTER COLUMN vector SET STORAGE PLAIN")

    def drop(self, number: int) -> None:
        """As in VectorTables."""
        self._db.run(f"DROP TABLE vectors_{number}")
        self._written.pop(number, None)

    def put_image(self, number: int, image: NewImage) -> None:
        """As in VectorTables."""
        for name, (vector, contrast) in image.vectors.items():
            table = self._table(name)
            values = (number, contrast, table.packed(vector), image.classes.get(name))
            self._db.run(f"INSERT INTO {table.name} VALUES (?, ?, ?, ?)", values)
            self._written[table.number] += 1

    def put_copy(self, number: int, source: int) -> None:
        """As in VectorTables."""
        for name in self._descriptors.fingerprints():
            table = self._table(name).name
            sql = f"INSERT INTO {table} SELECT ?, contrast, vector, classes FROM {table} WHERE image_id = ?"
            self._db.run(sql, (number, source))

    def put_vectors(
        self, name: str, vectors: Mapping[int, tuple[bytes, float]], classes: Mapping[int, bytes] | None = None
    ) -> None:
        """As in the contract, by COPY into a table of this transaction, and from there what there are images of."""
        if not vectors:
            return
        table = self._table(name)
        self._db.run(f"CREATE TEMP TABLE incoming (LIKE {table.name}) ON COMMIT DROP")
        rows = (
            (number, contrast, table.packed(vector), (classes or {}).get(number))
            for number, (vector, contrast) in vectors.items()
        )
        self._db.copy("COPY incoming FROM STDIN (FORMAT BINARY)", table.types, rows)
        self._db.run(
            f"""INSERT INTO {table.name} SELECT i.* FROM incoming i JOIN images p ON p.id = i.image_id
                ORDER BY i.image_id ON CONFLICT DO NOTHING"""
        )
        self._db.run("DROP TABLE incoming")
        self._written[table.number] += len(vectors)
        self._descriptors.count_backfill(name)

    def forget_vectors(self, name: str, images: Iterable[int]) -> None:
        """As in the contract."""
        rows = [(number,) for number in images]
        self._db.run_each(f"DELETE FROM {self._table(name).name} WHERE image_id = ?", rows)
        self._descriptors.count_backfill(name)

    def settle(self) -> None:
        """After much was written: graphs are built where they are worth it by now, and the server's statistics are made
        anew, without which it misjudges filters."""
        bulk = [self._tables[number] for number, count in self._written.items() if count >= BULK]
        self._written.clear()
        if not bulk:
            return
        with suppress(GalleryError), self._db.patient():  # what was committed is kept; the next one does it
            for table in bulk:
                settle(self._db, table)
            for name in self._db.tables():
                self._db.run(f"ANALYZE {name}")


def _table_of(number: int, card: DescriptorCard) -> VectorTable:
    return VectorTable(number, card.metric, card.dim, card.min_contrast)


def _array(ids: Sequence[int] | Ids) -> str:
    """As PostgreSQL writes an array."""
    return f"{{{','.join(str(int(one)) for one in ids)}}}"
