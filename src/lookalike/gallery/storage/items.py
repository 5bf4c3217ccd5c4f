"""The catalogue in a gallery's SQLite file: items, their files and columns. Knows nothing of vectors."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from lookalike.errors import UserError
from lookalike.gallery.storage import filters
from lookalike.gallery.storage.base import Item, ItemImages, Value
from lookalike.gallery.storage.sql_database import MANY, SqlDatabase, batched, marks, meta, put_meta

_VALUE = "(SELECT CAST(v.value AS {}) FROM item_values v WHERE v.item_id = m.item_id AND v.name = '{}')"  # \w alone
_CODE = "(SELECT i.code FROM items i WHERE i.id = m.item_id)"
_TITLE = "(SELECT i.title FROM items i WHERE i.id = m.item_id)"
_KINDS: Mapping[str, type] = {"number": float, "text": str}
_TYPES = {"number": "DOUBLE PRECISION", "text": "TEXT"}


class ItemStore:
    """The items of a gallery, over its database connection. ``raw``: a path as the gallery keeps it."""

    def __init__(self, database: SqlDatabase, raw: Callable[[str], bytes]) -> None:
        self._db, self._raw = database, raw

    def count(self) -> int:
        """As in the contract."""
        return int(self._db.all("SELECT count(*) FROM items")[0][0])

    def columns(self) -> dict[str, str]:
        """As in the contract."""
        return dict(self._db.all("SELECT name, kind FROM item_columns ORDER BY name"))

    def fields(self) -> dict[str, filters.Field]:
        """What filters may say of an item, named "item.price"."""
        own = {"item.id": (_CODE, str), "item.title": (_TITLE, str)}
        return own | {
            f"item.{name}": (_VALUE.format(_TYPES[kind], name), _KINDS[kind]) for name, kind in self.columns().items()
        }

    def filter(self, where: str | None) -> filters.Condition:
        """A filter over a row ``p`` of images. Raises UserError."""
        if where is not None and "item." in where:
            return filters.parse(where, self._db.shown, self.fields(), self._db.dialect)
        try:
            return filters.parse(where, self._db.shown, None, self._db.dialect)
        except UserError:  # that names all fields, those of items as well
            return filters.parse(where, self._db.shown, self.fields(), self._db.dialect)

    def codes(self) -> dict[str, int]:
        """As in the contract."""
        return dict(self._db.all("SELECT code, id FROM items"))

    def number(self, code: str) -> int | None:
        """As in the contract."""
        found = self._db.all("SELECT id FROM items WHERE code = ?", (code,))
        return found[0][0] if found else None

    def of_ids(self, ids: Sequence[int]) -> dict[int, Item]:
        """As in the contract."""
        found: dict[int, Item] = {}
        kinds = {name: _KINDS[kind] for name, kind in self.columns().items()}
        for part in batched(ids, MANY):
            heads = self._db.all(f"SELECT id, code, title FROM items WHERE id IN ({marks(part)})", part)
            values: dict[int, dict[str, Value]] = {}
            sql = f"SELECT item_id, name, value FROM item_values WHERE item_id IN ({marks(part)}) ORDER BY name"
            for number, name, value in self._db.all(sql, part):
                values.setdefault(number, {})[name] = kinds[name](value)
            files: dict[int, list[str]] = {}
            sql = f"SELECT item_id, path FROM item_files WHERE item_id IN ({marks(part)}) ORDER BY item_id, place"
            for number, path in self._db.all(sql, part):
                files.setdefault(number, []).append(os.fsdecode(path))
            for number, code, title in heads:
                found[number] = Item(code, title, tuple(files.get(number, ())), values.get(number, {}))
        return found

    def since(self, revision: int) -> tuple[int, dict[int, Item]]:
        """As in the contract."""
        last = int(self._db.all("SELECT coalesce(max(revision), 0) FROM items")[0][0])
        found = (
            self._db.all("SELECT id FROM items WHERE revision > ? ORDER BY id", (revision,)) if last > revision else []
        )
        return last, self.of_ids([row[0] for row in found])

    def files_version(self) -> int:
        """As in the contract."""
        return int(meta(self._db, "item files", "0"))

    def images(self, where: str | None = None) -> ItemImages:
        """As in the contract."""
        condition = filters.parse_items(where, self._db.shown, self.fields(), self._db.dialect)
        sql = f"""SELECT m.item_id, p.id FROM item_files m JOIN images p ON p.path = m.path
                  WHERE {condition.sql} AND p.codec IS NULL ORDER BY m.item_id, m.place"""
        found = np.array(self._db.all(sql, condition.values), np.int64).reshape(-1, 2)
        return ItemImages(found[:, 0], found[:, 1])

    def without_image(self) -> list[str]:
        """As in the contract."""
        sql = """SELECT code FROM items i WHERE NOT EXISTS (SELECT 1 FROM item_files m JOIN images p ON p.path = m.path
                 WHERE m.item_id = i.id AND p.codec IS NULL) ORDER BY id"""
        return [row[0] for row in self._db.all(sql)]

    # --- writing; call within a transaction

    def put_columns(self, kinds: Mapping[str, str]) -> None:
        """As in the contract."""
        sql = "INSERT INTO item_columns VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET kind = excluded.kind"
        self._db.run_each(sql, kinds.items())

    def put(self, item: Item) -> None:
        """As in the contract."""
        found = self._db.all("SELECT id FROM items WHERE code = ?", (item.code,))
        number = (found or self._db.all("INSERT INTO items (code) VALUES (?) RETURNING id", (item.code,)))[0][0]
        sql = "UPDATE items SET title = ?, revision = (SELECT max(revision) + 1 FROM items) WHERE id = ?"
        self._db.run(sql, (item.title, number))
        self._put_files(number, [self._raw(path) for path in item.files])
        self._db.run("DELETE FROM item_values WHERE item_id = ?", (number,))
        values = [(number, name, value) for name, value in item.values.items()]
        self._db.run_each("INSERT INTO item_values VALUES (?, ?, ?)", values)

    def _put_files(self, number: int, paths: Sequence[bytes]) -> None:
        held = self._db.all("SELECT path FROM item_files WHERE item_id = ? ORDER BY place", (number,))
        if [row[0] for row in held] == list(paths):
            return
        self._db.run("DELETE FROM item_files WHERE item_id = ?", (number,))
        rows = [(number, place, path) for place, path in enumerate(paths)]
        self._db.run_each("INSERT INTO item_files VALUES (?, ?, ?)", rows)
        put_meta(self._db, "item files", str(self.files_version() + 1))

    def forget(self, codes: Iterable[str]) -> int:
        """As in the contract."""
        return self._db.run_each("DELETE FROM items WHERE code = ?", [(code,) for code in codes])
