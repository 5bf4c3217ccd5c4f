"""The gallery's rows of descriptors: which ones it holds, in which version, and which of them are being made anew."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from lookalike.descriptors.base import DescriptorCard
from lookalike.errors import GalleryVersion
from lookalike.gallery.storage.sql_database import SqlDatabase, meta, put_meta

# A version that takes the place of another gets a new number, and `place NAME` in meta remembers the first one.
_ORDER = "SELECT d.name, d.fingerprint FROM descriptors d LEFT JOIN meta m ON m.key = 'place ' || d.name"


class DescriptorStore:
    """What a gallery holds of descriptors, over its database connection."""

    def __init__(self, database: SqlDatabase) -> None:
        self._db = database
        self._opened: dict[str, int] = {}
        self._read()

    def _read(self) -> None:
        self._opened = {name: number for number, name in self._db.all("SELECT id, name FROM descriptors")}

    def fingerprints(self) -> dict[str, str]:
        """As in the contract."""
        return dict(self._db.all(f"{_ORDER} ORDER BY coalesce(CAST(m.value AS INTEGER), d.id)"))

    def opened(self, name: str) -> int:
        """The id of the version that was there when the gallery was opened."""
        if name not in self._opened:  # another process has added it since
            self._opened.update(self._db.all("SELECT name, id FROM descriptors WHERE name = ?", (name,)))
        return self._opened[name]

    def number(self, name: str) -> int:
        """The same. Raises GalleryVersion if another one has taken its place since: its vectors are none that this
        process could compare with."""
        number = self.opened(name)
        if not self._db.all("SELECT 1 FROM descriptors WHERE id = ?", (number,)):
            raise GalleryVersion(
                f"{self._db.file}: meanwhile another process holds its {name!r} vectors in another version; open the "
                "gallery again (a service: start it again)"
            )
        return number

    def unfinished(self) -> list[str]:
        """As in the contract."""
        found = {key for (key,) in self._db.all("SELECT key FROM meta WHERE key LIKE 'unfinished %'")}
        return [name for name in self.fingerprints() if f"unfinished {name}" in found] if found else []

    def backfills(self, name: str) -> int:
        """As in the contract."""
        return int(meta(self._db, f"backfills {name}", "0"))

    # --- writing; call within a transaction

    def put(self, card: DescriptorCard) -> int:
        """The gallery holds this descriptor from now on, under the number that is returned."""
        return self._insert(card, self._next())

    def _next(self) -> int:
        return int(self._db.all("SELECT coalesce(max(id), 0) + 1 FROM descriptors")[0][0])

    def _insert(self, card: DescriptorCard, number: int) -> int:
        values = (number, card.name, card.fingerprint, json.dumps(asdict(card)))
        self._db.run("INSERT INTO descriptors (id, name, fingerprint, card) VALUES (?, ?, ?, ?)", values)
        self._opened[card.name] = number
        return number

    def current(self, name: str) -> int:
        """The id of the version that is held now."""
        self._read()
        return self._opened[name]

    def replace(self, card: DescriptorCard) -> int:
        """As in the contract, once its vectors are gone. The number, which is returned, is new as well, so that a
        process that still has the earlier version open reads none of the new vectors and can write none of its own."""
        old, new = self.current(card.name), self._next()
        for table in ("faces", "regions", "objects", "frames"):
            self._db.run(f"DELETE FROM {table} WHERE descriptor_id = ?", (old,))
        self._db.run("DELETE FROM descriptors WHERE id = ?", (old,))
        put_meta(self._db, f"place {card.name}", meta(self._db, f"place {card.name}", str(old)))
        self._insert(card, new)
        put_meta(self._db, f"unfinished {card.name}", "1")
        self.count_backfill(card.name)
        return new

    def set_finished(self, names: Sequence[str]) -> None:
        """As in the contract."""
        self._db.run_each("DELETE FROM meta WHERE key = ?", [(f"unfinished {name}",) for name in names])

    def count_backfill(self, name: str) -> None:
        """An index that holds vectors of this descriptor begins anew."""
        put_meta(self._db, f"backfills {name}", str(self.backfills(name) + 1))
