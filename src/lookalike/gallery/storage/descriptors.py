"""The gallery's rows of descriptors: which ones it holds, in which version, and which of them are being made anew."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from lookalike.descriptors.base import DescriptorCard
from lookalike.errors import GalleryVersion
from lookalike.gallery.storage.database import Database

# A version that takes the place of another gets a new number, and `place NAME` in meta remembers the first one.
_ORDER = "SELECT d.name, d.fingerprint FROM descriptors d LEFT JOIN meta m ON m.key = 'place ' || d.name"


class DescriptorStore:
    """What a gallery holds of descriptors, over its database connection."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._opened: dict[str, int] = {}
        self._read()

    def _read(self) -> None:
        self._opened = {name: number for number, name in self._db.all("SELECT id, name FROM descriptors")}

    def fingerprints(self) -> dict[str, str]:
        """As in the contract."""
        return dict(self._db.all(f"{_ORDER} ORDER BY coalesce(CAST(m.value AS INTEGER), d.id)"))

    def number(self, name: str) -> int:
        """The id of the version that was there when the gallery was opened. Raises GalleryVersion if another one has
        taken its place since: its vectors are none that this process could compare with."""
        if name not in self._opened:  # another process has added it since
            self._opened.update(self._db.all("SELECT name, id FROM descriptors WHERE name = ?", (name,)))
        number = self._opened[name]
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
        found = self._db.all("SELECT value FROM meta WHERE key = ?", (f"backfills {name}",))
        return int(found[0][0]) if found else 0

    # --- writing; call within a transaction

    def put(self, card: DescriptorCard) -> None:
        """The gallery holds this descriptor from now on."""
        self._insert(card, None)

    def _insert(self, card: DescriptorCard, number: int | None) -> None:
        """Under this number, or the next."""
        values = (number, card.name, card.fingerprint, json.dumps(asdict(card)))
        sql = "INSERT INTO descriptors (id, name, fingerprint, card) VALUES (?, ?, ?, ?)"
        self._opened[card.name] = self._db.run(sql, values)

    def replace(self, card: DescriptorCard) -> None:
        """As in the contract. The number is new as well, so that a process that still has the earlier version open
        reads none of the new vectors and can write none of its own."""
        self._read()
        old = self._opened[card.name]
        new = int(self._db.all("SELECT max(id) + 1 FROM descriptors")[0][0])
        for table in ("vectors", "faces", "regions", "objects", "frames"):
            self._db.run(f"DELETE FROM {table} WHERE descriptor_id = ?", (old,))
        self._db.run("DELETE FROM descriptors WHERE id = ?", (old,))
        self._db.run("INSERT OR IGNORE INTO meta VALUES (?, ?)", (f"place {card.name}", str(old)))
        self._insert(card, new)
        self._db.run("INSERT OR REPLACE INTO meta VALUES (?, '1')", (f"unfinished {card.name}",))
        self.count_backfill(card.name)

    def set_finished(self, names: Sequence[str]) -> None:
        """As in the contract."""
        self._db.run_each("DELETE FROM meta WHERE key = ?", [(f"unfinished {name}",) for name in names])

    def count_backfill(self, name: str) -> None:
        """An index that holds vectors of this descriptor begins anew."""
        count = str(self.backfills(name) + 1)
        self._db.run("INSERT OR REPLACE INTO meta VALUES (?, ?)", (f"backfills {name}", count))
