"""A catalogue's items on Milvus."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from lookalike.gallery.storage.base import Item, ItemImages
from lookalike.gallery.storage.milvus.expressions import TEXT_NULL
from lookalike.gallery.storage.milvus.meta import Meta
from lookalike.gallery.storage.milvus.records import RecordFilter, Records, json_of
from lookalike.gallery.storage.milvus.rows import Rows
from lookalike.gallery.storage.milvus.server import Document
from lookalike.gallery.storage.milvus.session import Session
from lookalike.types import Ids

_FILES = "item files"
_PART = 1_000


class ItemFiles(NamedTuple):
    """Which image shows which item, by the item's id and the place of the file; videos as well."""

    items: Ids
    images: Ids
    stills: np.ndarray[tuple[int], np.dtype[np.bool_]]


class Items:
    """Records ``item/<id>``, named by their code and ordered by revision, and ``file/<item>/<place>``, named by the
    digest of the path; ``column/<name>``."""

    def __init__(
        self,
        session: Session,
        records: Records,
        rows: Rows,
        meta: Meta,
        images: Callable[[str | None], ItemImages],
    ) -> None:
        """``images``: as in the contract, for filters speak of more than items (selection.py)."""
        self._images = images
        self._session, self._records, self._rows, self._meta = session, records, rows, meta

    # --- reading

    def _find(self, asked: RecordFilter, data: bool = True) -> list[Document]:
        return self._records.find(asked, [0], data)

    def count(self) -> int:
        """As in the contract."""
        return len(self._find(RecordFilter("item"), data=False))

    def columns(self) -> dict[str, str]:
        """As in the contract."""
        return dict(sorted(map(json_of, self._records.small("column").values())))

    def codes(self) -> dict[str, int]:
        """As in the contract."""
        return {one["name"]: int(one["owner"]) for one in self._find(RecordFilter("item"), data=False)}

    def number(self, code: str) -> int | None:
        """As in the contract."""
        found = self._find(RecordFilter("item", names=(code,)), data=False)
        return int(found[0]["owner"]) if found else None

    def of_ids(self, ids: Sequence[int]) -> dict[int, Item]:
        """As in the contract."""
        found = self._records.with_data([{"id": f"item/{int(number)}"} for number in ids])
        return {int(one["owner"]): _item(one) for one in found}

    def every(self) -> dict[int, Item]:
        """All of them, by id."""
        found = sorted(self._find(RecordFilter("item")), key=lambda one: int(one["owner"]))
        return {int(one["owner"]): _item(one) for one in found}

    def since(self, revision: int) -> tuple[int, dict[int, Item]]:
        """As in the contract."""
        found = self._find(RecordFilter("item", after=revision))
        last = max((one["seq"] for one in found), default=0) or self._last_revision()
        found.sort(key=lambda one: int(one["owner"]))
        return last, {int(one["owner"]): _item(one) for one in found}

    def _last_revision(self) -> int:
        return max((one["seq"] for one in self._find(RecordFilter("item"), data=False)), default=0)

    def files_version(self) -> int:
        """As in the contract."""
        return int(self._meta.get(_FILES, 0))

    def files(self) -> ItemFiles:
        """Which image shows which item."""
        held = self._find(RecordFilter("file"), data=False)
        by_path: dict[str, Document] = {}
        keys = sorted({one["name"] for one in held})
        for start in range(0, len(keys), _PART):
            part = keys[start : start + _PART]
            found = self._rows.documents("path_key", part, ("id", "path_key", "codec"))
            by_path |= {one["path_key"]: one for one in found}
        pairs = sorted(
            (int(one["owner"]), one["seq"], image["id"], image["codec"] == TEXT_NULL)
            for one in held
            if (image := by_path.get(one["name"])) is not None
        )
        table = np.array(pairs, np.int64).reshape(-1, 4)
        return ItemFiles(table[:, 0], table[:, 2], table[:, 3].astype(bool))

    def images(self, where: str | None = None) -> ItemImages:
        """As in the contract."""
        return self._images(where)

    def without_image(self) -> list[str]:
        """As in the contract."""
        files = self.files()
        shown = set(files.items[files.stills].tolist())
        return [item.code for number, item in self.every().items() if number not in shown]

    # --- writing; call within a transaction

    def put_columns(self, kinds: Mapping[str, str]) -> None:
        """As in the contract."""
        for name, kind in kinds.items():
            self._records.put(f"column/{name}", json.dumps([name, kind]))

    def put(self, item: Item) -> None:
        """As in the contract."""
        number = self.number(item.code) or self._session.next_number()
        files = [os.fsdecode(self._rows.raw(path)) for path in item.files]
        held = self._records.get(f"item/{number}")
        if held is None or list(_item(held).files) != files:
            self._put_files(number, files)
        self._write(number, item, files)

    def _write(self, number: int, item: Item, files: Sequence[str]) -> None:
        data = json.dumps([item.code, item.title, list(files), dict(sorted(item.values.items()))])
        revision = self._session.next_number()
        self._records.put(f"item/{number}", data, seq=revision, owner=str(number), name=item.code)

    def _put_files(self, number: int, files: Sequence[str]) -> None:
        self._records.delete_all(("file",), str(number), [0])
        for place, path in enumerate(files):
            key = f"file/{number}/{place}"
            self._records.put(key, json.dumps(path), seq=place, owner=str(number), name=self._rows.key(path))
        self._meta.count(_FILES)

    def move(self, old: str, new: str) -> None:
        """A file that items may have is called otherwise now; both names as they are kept."""
        owners = {
            int(one["owner"]) for one in self._find(RecordFilter("file", names=(self._rows.key(old),)), data=False)
        }
        for number, item in self.of_ids(sorted(owners)).items():
            files = [new if path == old else path for path in item.files]
            self._put_files(number, files)
            data = json.dumps([item.code, item.title, files, dict(item.values)])
            held = self._records.get(f"item/{number}")
            seq = held["seq"] if held else 0
            self._records.put(f"item/{number}", data, seq=seq, owner=str(number), name=item.code)
        if old != new:
            self._meta.count(_FILES)

    def forget(self, codes: Iterable[str]) -> int:
        """As in the contract."""
        names = list(codes)
        parts = [tuple(names[start : start + _PART]) for start in range(0, len(names), _PART)]
        found = [one for part in parts for one in self._find(RecordFilter("item", names=part), data=False)]
        for one in found:
            self._records.delete_all(("item", "file"), one["owner"], [0])
        if found:
            self._meta.count(_FILES)
        return len(found)


def _item(one: Document) -> Item:
    code, title, files, values = json_of(one)
    return Item(code, title, tuple(files), values)
