"""Vectors of whole images in a gallery's SQLite file: one table for all descriptors. Knows nothing of search."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from lookalike.descriptors.base import DescriptorCard
from lookalike.gallery.storage.base import NewImage, StoredIndex, Vectors
from lookalike.gallery.storage.descriptors import DescriptorStore
from lookalike.gallery.storage.sql_database import MANY, SqlDatabase, batched, marks
from lookalike.types import Ids

EVERY = 2**62  # as a limit


class VectorTables(Protocol):
    """Where an SQL database keeps vectors of whole images, which is a matter of the engine. As VectorStorage, and:"""

    def vectors(self, name: str, *, after: int = 0, limit: int = -1, contrast: float = 0.0, dtype: Any) -> Vectors: ...

    def vectors_of(self, name: str, ids: Sequence[int] | Ids, *, contrast: float = 0.0, dtype: Any) -> Vectors: ...

    def vector(self, name: str, number: int) -> tuple[bytes, float] | None: ...

    def packed_vectors(self, name: str, after: int, limit: int) -> list[tuple[int, bytes, float]]: ...

    def classes_of(self, name: str, ids: Sequence[int]) -> dict[int, bytes]: ...

    def lacking(self, name: str) -> list[int]: ...

    def index(self, card: DescriptorCard) -> StoredIndex | None: ...

    def put_vectors(
        self, name: str, vectors: Mapping[int, tuple[bytes, float]], classes: Mapping[int, bytes] | None = None
    ) -> None: ...

    def forget_vectors(self, name: str, images: Iterable[int]) -> None: ...

    def make(self, number: int, card: DescriptorCard) -> None:
        """Room for the vectors of a new descriptor of this number."""
        ...

    def drop(self, number: int) -> None:
        """No vector of the descriptor of this number is left."""
        ...

    def put_image(self, number: int, image: NewImage) -> None:
        """Those of a new image."""
        ...

    def put_copy(self, number: int, source: int) -> None:
        """Take over those of another image with the same bytes."""
        ...

    def settle(self) -> None:
        """Outside of transactions, before it is closed: what the engine should do after much was written."""
        ...


class SqliteVectors:
    """All in the table ``vectors``."""

    def __init__(self, database: SqlDatabase, descriptors: DescriptorStore) -> None:
        self._db = database
        self._number = descriptors.number
        self._count_backfill = descriptors.count_backfill

    def vectors(self, name: str, *, after: int = 0, limit: int = -1, contrast: float = 0.0, dtype: Any) -> Vectors:
        """As in the contract."""
        sql = """SELECT image_id, vector FROM vectors
                 WHERE descriptor_id = ? AND image_id > ? AND ordinal = 0 AND contrast >= ?
                 ORDER BY image_id LIMIT ?"""
        return _matrix(self._db.all(sql, (self._number(name), after, contrast, limit)), dtype)

    def vectors_of(self, name: str, ids: Sequence[int] | Ids, *, contrast: float = 0.0, dtype: Any) -> Vectors:
        """As in the contract."""
        found: list[Any] = []
        for part in batched(ids, MANY):
            sql = f"""SELECT image_id, vector FROM vectors
                      WHERE descriptor_id = ? AND image_id IN ({marks(part)}) AND ordinal = 0 AND contrast >= ?"""
            found += self._db.all(sql, (self._number(name), *part, contrast))
        return _matrix(found, dtype)

    def vector(self, name: str, number: int) -> tuple[bytes, float] | None:
        """As in the contract."""
        sql = "SELECT vector, contrast FROM vectors WHERE descriptor_id = ? AND image_id = ? AND ordinal = 0"
        found = self._db.all(sql, (self._number(name), number))
        return found[0] if found else None

    def packed_vectors(self, name: str, after: int, limit: int) -> list[tuple[int, bytes, float]]:
        """As in the contract."""
        sql = """SELECT image_id, vector, contrast FROM vectors
                 WHERE descriptor_id = ? AND image_id > ? AND ordinal = 0 ORDER BY image_id LIMIT ?"""
        return self._db.all(sql, (self._number(name), after, limit))

    def classes_of(self, name: str, ids: Sequence[int]) -> dict[int, bytes]:
        """As in the contract."""
        found: dict[int, bytes] = {}
        for part in batched(ids, MANY):
            sql = f"""SELECT image_id, classes FROM vectors WHERE descriptor_id = ? AND image_id IN ({marks(part)})
                      AND ordinal = 0 AND classes IS NOT NULL"""
            found.update(self._db.all(sql, (self._number(name), *part)))
        return found

    def lacking(self, name: str) -> list[int]:
        """Images, no videos, without a vector of this descriptor."""
        sql = """SELECT id FROM images p WHERE p.codec IS NULL AND NOT EXISTS
                 (SELECT 1 FROM vectors v WHERE v.descriptor_id = ? AND v.image_id = p.id) ORDER BY id"""
        return [one[0] for one in self._db.all(sql, (self._number(name),))]

    def index(self, card: DescriptorCard) -> StoredIndex | None:  # noqa: ARG002  SQLite searches no vectors
        """As in the contract."""
        return None

    def settle(self) -> None:
        """As in VectorTables: nothing."""

    # --- writing; call within a transaction

    def make(self, number: int, card: DescriptorCard) -> None:
        """As in VectorTables: there is room for any."""

    def drop(self, number: int) -> None:
        """As in VectorTables."""
        self._db.run("DELETE FROM vectors WHERE descriptor_id = ?", (number,))

    def put_image(self, number: int, image: NewImage) -> None:
        """As in VectorTables."""
        self._db.run_each(
            """INSERT INTO vectors (descriptor_id, image_id, ordinal, contrast, vector, classes)
               VALUES (?, ?, 0, ?, ?, ?)""",
            [
                (self._number(n), number, contrast, vector, image.classes.get(n))
                for n, (vector, contrast) in image.vectors.items()
            ],
        )

    def put_vectors(
        self, name: str, vectors: Mapping[int, tuple[bytes, float]], classes: Mapping[int, bytes] | None = None
    ) -> None:
        """As in the contract."""
        self._db.run_each(
            """INSERT INTO vectors (descriptor_id, image_id, ordinal, contrast, vector, classes)
               SELECT ?, id, 0, ?, ?, ? FROM images WHERE id = ? ON CONFLICT DO NOTHING""",
            [
                (self._number(name), contrast, vector, (classes or {}).get(number), number)
                for number, (vector, contrast) in vectors.items()
            ],
        )
        if vectors:
            self._count_backfill(name)

    def forget_vectors(self, name: str, images: Iterable[int]) -> None:
        """As in the contract."""
        rows = [(self._number(name), number) for number in images]
        self._db.run_each("DELETE FROM vectors WHERE descriptor_id = ? AND image_id = ?", rows)
        self._count_backfill(name)  # an index that holds them begins anew

    def put_copy(self, number: int, source: int) -> None:
        """As in VectorTables."""
        self._db.run(
            """INSERT INTO vectors
               SELECT descriptor_id, ?, ordinal, contrast, vector, x, y, width, height, time, classes
               FROM vectors WHERE descriptor_id IN (SELECT id FROM descriptors) AND image_id = ?""",
            (number, source),
        )


def _matrix(found: list[Any], dtype: Any) -> tuple[Ids, NDArray[Any]]:
    ids = np.fromiter((v[0] for v in found), np.int64, len(found))
    flat = np.frombuffer(b"".join(v[1] for v in found), dtype)
    return ids, flat.reshape(len(found), -1) if found else flat.reshape(0, 0)
