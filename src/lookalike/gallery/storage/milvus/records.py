"""Everything that is neither a row of images nor a vector, as documents of one collection.

A record has a key that begins with its kind, the image that it belongs to (0: none), a number by which it is ordered,
an ``owner`` and a ``name`` that are looked up, and data: JSON, or bytes as text. Data that is longer than a field of
Milvus lies in several documents, of kind ``KIND+``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from lookalike.gallery.storage.milvus.buffer import bytes_of, pieces, text_of
from lookalike.gallery.storage.milvus.collections import PIECE, records_of
from lookalike.gallery.storage.milvus.commit import record
from lookalike.gallery.storage.milvus.expressions import both, members, quoted
from lookalike.gallery.storage.milvus.server import Document
from lookalike.gallery.storage.milvus.session import Session
from lookalike.gallery.storage.sql_database import batched

_HEAD = ("id", "kind", "image", "seq", "owner", "name", "pieces")
_IMAGES = 1_000  # of one query
_WHOLE = 64  # records with long data in one query
_WINDOW = 2_048  # numbers of one query


@dataclass(frozen=True, slots=True)
class RecordFilter:
    """Which records: of a kind, and of these owners, names, and behind this number, where they are given."""

    kind: str
    owner: str | None = None
    names: tuple[str, ...] | None = None
    after: int = 0

    def condition(self) -> str:
        """For Milvus."""
        return both(
            f"kind == {quoted(self.kind)}",
            "" if self.owner is None else f"owner == {quoted(self.owner)}",
            "" if self.names is None else members("name", self.names),
            f"seq > {self.after}" if self.after else "",
        )

    def holds(self, one: Document) -> bool:
        """For a record that is not there yet."""
        return (
            one["kind"] == self.kind
            and self.owner in (None, one["owner"])
            and (self.names is None or one["name"] in self.names)
            and (not self.after or one["seq"] > self.after)
        )


class Records:
    """The records of a gallery."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._collection = records_of(session.gallery)

    # --- reading

    def small(self, kind: str) -> dict[str, Document]:
        """Key -> record, of a kind of which there are few: asked once for each state, and kept."""
        self._session.state()
        kept = self._session.memo.setdefault("small", {})
        if kind not in kept:
            found = self._session.query(self._collection, RecordFilter(kind).condition(), (*_HEAD, "data"))
            kept[kind] = {one["id"]: one for one in self._joined(found)}
        if self._session.buffer is None:
            return dict(kept[kind])
        changed = {key: one for key, one in self._session.buffer.records.items() if key.startswith(f"{kind}/")}
        return {key: one for key, one in (kept[kind] | changed).items() if one is not None}

    def find(self, asked: RecordFilter, images: Sequence[int] | None = None, data: bool = True) -> list[Document]:
        """Records of these images, or of any; in the order of images, then of numbers."""
        fields = (*_HEAD, "data") if data else _HEAD
        found: list[Document] = []
        for condition in self._conditions(images):
            found += self._session.query(self._collection, both(asked.condition(), condition), fields)
        found = self._overlaid(asked, found, None if images is None else set(map(int, images)))
        found.sort(key=lambda one: (one["image"], one["seq"], one["id"]))
        return self._joined(found) if data else found

    def _conditions(self, images: Sequence[int] | None) -> Iterator[str]:
        if images is None:
            yield "image == 0"
            yield from self._session.ranges(field="image")
            return
        for part in batched([one for one in images if not self._session.is_new(one)], _IMAGES):
            yield members("image", part)

    def _overlaid(self, asked: RecordFilter, found: list[Document], images: set[int] | None) -> list[Document]:
        buffer = self._session.buffer
        if buffer is None:
            return found
        kept = [one for one in found if one["id"] not in buffer.records]
        new = (one for one in buffer.records.values() if one is not None and asked.holds(one))
        return kept + [one for one in new if images is None or one["image"] in images]

    def get(self, key: str) -> Document | None:
        """The record of this key."""
        return next(iter(self._of_keys([key])), None)

    def with_data(self, found: Sequence[Document]) -> list[Document]:
        """Records that were found without their data, with it."""
        whole: list[Document] = []
        for start in range(0, len(found), _WHOLE):
            by_key = {one["id"]: one for one in self._of_keys([one["id"] for one in found[start : start + _WHOLE]])}
            whole += [by_key[one["id"]] for one in found[start : start + _WHOLE] if one["id"] in by_key]
        return whole

    def since(self, asked: RecordFilter, limit: int) -> list[Document]:
        """The next ``limit`` of those that are asked for, in the order of numbers."""
        found: list[Document] = []
        start, width, end = asked.after, _WINDOW, self._session.state().number
        while len(found) < limit and start < end:
            window = f"seq > {start} and seq <= {start + width}"
            found += self._session.query(self._collection, both(asked.condition(), window), _HEAD)
            start, width = start + width, 2 * width
        found = self._overlaid(asked, found, None)
        return self.with_data(sorted(found, key=lambda one: one["seq"])[:limit])

    def _of_keys(self, keys: Sequence[str]) -> list[Document]:
        buffer = self._session.buffer
        changed = {} if buffer is None else {key: buffer.records[key] for key in keys if key in buffer.records}
        asked = [key for key in keys if key not in changed]
        condition = members("id", asked)
        found = self._session.query(self._collection, condition, (*_HEAD, "data")) if asked else []
        return self._joined([*found, *(one for one in changed.values() if one is not None)])

    def _joined(self, found: list[Document]) -> list[Document]:
        """With all of their data."""
        return [one if one["pieces"] == 1 else self._whole(one) for one in found]

    def _whole(self, one: Document) -> Document:
        keys = [f"{one['id']}+{place}" for place in range(1, one["pieces"])]
        rest = {part["id"]: part["data"] for part in self.with_data([{"id": key} for key in keys])}
        return {**one, "data": one["data"] + "".join(rest[key] for key in keys), "pieces": 1}

    # --- writing; call within a transaction

    def put(
        self,
        key: str,
        data: str,
        *,
        image: int = 0,
        seq: int = 0,
        owner: str = "",
        name: str = "",
    ) -> None:
        """Write a record in place of the one with this key."""
        changes = self._session.writing().records
        kind = key.partition("/")[0]
        first, *others = pieces(data, PIECE)
        said: dict[str, Any] = {"image": image, "seq": seq, "owner": owner, "name": name}
        changes[key] = record(key, kind, first, pieces=1 + len(others), **said)
        for place, part in enumerate(others, 1):
            changes[f"{key}+{place}"] = record(f"{key}+{place}", f"{kind}+", part, **said)

    def delete(self, keys: Iterable[str]) -> None:
        """Forget records."""
        changes = self._session.writing().records
        changes.update(dict.fromkeys(keys))

    def delete_all(self, kinds: Iterable[str], owner: str | None = None, images: Sequence[int] | None = None) -> int:
        """Forget all records of these kinds, of an owner or of any, of these images or of all; returns how many there
        were."""
        count = 0
        for kind in kinds:
            found = self.find(RecordFilter(kind, owner), images, data=False)
            count += len(found)
            pieces_too = self.find(RecordFilter(f"{kind}+", owner), images, data=False)
            self.delete(one["id"] for one in (*found, *pieces_too))
        return count

    def delete_of_images(self, images: Sequence[int]) -> None:
        """Forget everything that belongs to these images."""
        buffer = self._session.writing()
        held = set(images)
        keys = [key for key, one in buffer.records.items() if one is not None and one["image"] in held]
        for part in batched([one for one in images if not self._session.is_new(one)], _IMAGES):
            keys += [one["id"] for one in self._session.query(self._collection, members("image", part), ["id"])]
        self.delete(keys)


def digest(*texts: str) -> str:
    """A short name for texts of any length, for keys."""
    joined = "\0".join(texts).encode("utf-8", "surrogateescape")
    return blake2b(joined, digest_size=16).hexdigest()


def json_of(one: Document) -> Any:
    """The data of a record that is JSON."""
    return json.loads(one["data"])


def data_of(one: Document) -> bytes:
    """The data of a record that is bytes."""
    return bytes_of(one["data"])


__all__ = ["RecordFilter", "Records", "data_of", "digest", "json_of", "text_of"]
