"""Rows of images on Milvus, and what is known of files that are none."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, astuple, replace
from typing import Any

import numpy as np

from lookalike.gallery.storage.base import FailedFile
from lookalike.gallery.storage.milvus.collections import NOTHING, images_of
from lookalike.gallery.storage.milvus.expressions import (
    NUMBER_NULL,
    NUMBERS,
    TEXT_NULL,
    TEXTS,
    both,
    members,
    quoted,
)
from lookalike.gallery.storage.milvus.meta import Meta
from lookalike.gallery.storage.milvus.records import Records, digest, json_of
from lookalike.gallery.storage.milvus.server import Document
from lookalike.gallery.storage.milvus.session import Session
from lookalike.gallery.storage.privacy import Privacy
from lookalike.gallery.storage.row import Row
from lookalike.paths import WalkPatterns, composed
from lookalike.types import Failure, Ids

_PART = 1_000  # members of one expression
_FIELDS = ("id", "path_key", "data")
_MANY_OF_A_SIZE = 1_000


class Rows:
    """``privacy`` may be another one from some moment on, so it is asked for."""

    def __init__(self, session: Session, records: Records, meta: Meta) -> None:
        self._session, self._records, self._meta = session, records, meta
        self._collection = images_of(session.gallery)
        self.privacy = Privacy(meta.get("retention", "paths"), meta.get("privacy key", meta.get("uuid", "")))

    # --- reading

    def _find(self, conditions: Iterable[str], fields: Sequence[str] = _FIELDS) -> list[Document]:
        """Documents of images, in the order of ids; those of a transaction are not among them."""
        last = self._session.state().image
        found: list[Document] = []
        for condition in conditions:
            found += self._session.query(self._collection, both(condition, f"id < {last}"), fields)
        changed = self._changed()
        return sorted((one for one in found if one["id"] not in changed), key=lambda one: one["id"])

    def _changed(self) -> dict[int, Document | None]:
        return {} if self._session.buffer is None else self._session.buffer.images

    def written(self) -> list[Document]:
        """What this transaction writes, in the order of ids."""
        return [one for _, one in sorted(self._changed().items()) if one is not None]

    def documents(self, field: str, values: Sequence[str | float], fields: Sequence[str] = _FIELDS) -> list[Document]:
        """Of the images of which a field is one of these, in the order of ids."""
        wanted = set(values)
        found = self._find((members(field, part) for part in _parts(values)), fields)
        new = [one for one in self.written() if one[field] in wanted]
        return sorted([*found, *new], key=lambda one: one["id"]) if new else found

    def ids(self, condition: str = "") -> Ids:
        """Of the images that were committed and for which a condition holds, rising."""
        found = self._find((both(part, condition) for part in self._session.ranges()), ["id"])
        return np.fromiter((one["id"] for one in found), np.int64, len(found))

    def columns(self, field: str) -> tuple[Ids, list[Any]]:
        """Ids of the images that were committed, and what they have in this field."""
        found = self._find(self._session.ranges(), ["id", field])
        return np.fromiter((one["id"] for one in found), np.int64, len(found)), [one[field] for one in found]

    def every_id(self) -> Ids:
        """Of all images, rising."""
        return np.sort(np.concatenate([self.ids(), np.array([one["id"] for one in self.written()], np.int64)]))

    def which_are(self, codec: bool) -> list[int]:
        """Ids of the videos, or of the images that are none."""
        sign = "!=" if codec else "=="
        found = self.ids(f"codec {sign} {quoted(TEXT_NULL)}").tolist()
        return sorted([*found, *(one["id"] for one in self.written() if (one["codec"] != TEXT_NULL) is codec)])

    def count(self) -> int:
        """As in the contract."""
        held = self._session.state().images
        changed = self._changed()
        come = sum(self._session.is_new(image) for image in changed)
        return held + come - sum(one is None for one in changed.values())

    def last_id(self) -> int:
        """As in the contract."""
        if new := self.written():
            return int(new[-1]["id"])
        end = self._session.state().image
        width = 16
        while end > 1:
            found = self._find([f"id >= {end - width}"], ["id"])
            if found:
                return int(found[-1]["id"])
            if end - width <= 1:
                break
            width *= 4
        return 0

    def row_of(self, path: str) -> Row | None:
        """As in the contract."""
        found = self.documents("path_key", [self.key(path)])
        return row(found[0]) if found else None

    def row_named(self, path: str) -> Row | None:
        """As in the contract."""
        exact = self.row_of(path)
        if exact is not None or path.isascii():
            return exact
        found = self.documents("name_key", [digest(_name(self.raw(path)))])
        return row(found[0]) if len(found) == 1 else None

    def at(self, paths: Sequence[str]) -> list[int]:
        """Ids of the images at these paths."""
        return [one["id"] for one in self.documents("path_key", [self.key(path) for path in paths], ("id",))]

    def rows(self, ids: Sequence[int]) -> dict[int, Row]:
        """As in the contract."""
        return {one["id"]: row(one) for one in self.documents("id", [int(number) for number in ids])}

    def every_row(self) -> Iterator[Row]:
        """As in the contract."""
        written = self.written()
        for part in self._session.ranges():
            yield from map(row, self._find([part]))
        yield from map(row, written)

    def same_bytes(self, sha256: str) -> list[Row]:
        """As in the contract."""
        return [row(one) for one in self.documents("sha256", [sha256])]

    def sha256_by_size(self, size: int) -> frozenset[str]:
        """As in the contract."""
        return frozenset(one.sha256 for one in map(row, self.documents("bytes", [float(size)])[:_MANY_OF_A_SIZE]))

    def digests(self) -> set[str]:
        """As in the contract."""
        return {*self.columns("sha256")[1], *(one["sha256"] for one in self.written())}

    def repeated_bytes(self) -> list[list[int]]:
        """As in the contract."""
        found: dict[str, list[int]] = {}
        still = set(self.which_are(codec=False))
        ids, digests = self.columns("sha256")
        committed = zip(ids.tolist(), digests, strict=True)
        for number, sha256 in (*committed, *((one["id"], one["sha256"]) for one in self.written())):
            if number in still:
                found.setdefault(sha256, []).append(number)
        return [numbers for numbers in found.values() if len(numbers) > 1]

    def totals(self) -> dict[str, Any]:
        """As in the contract."""
        formats, sizes = self.columns("format")[1], self.columns("bytes")[1]
        written = self.written()
        counted = Counter([*formats, *(one["format"] for one in written)])
        return {
            "bytes": int(sum(sizes) + sum(one["bytes"] for one in written)),
            "formats": dict(counted.most_common()),
            "failures": len(self._records.small("failure")),
            "verdicts": len(self._records.small("verdict")),
        }

    def raw(self, path: str) -> bytes:
        """A file's name as it is kept."""
        return os.fsencode(self.privacy.name(path))

    def key(self, path: str) -> str:
        """A digest of a file's name as it is kept."""
        return digest(os.fsdecode(self.raw(path)))

    # --- writing; call within a transaction

    def insert(self, one: Row) -> int:
        """A new row; returns its id."""
        number = self._session.next_image()
        self.write(replace(self.privacy.row(one), id=number))
        return number

    def write(self, one: Row) -> None:
        """A row, its path as it is kept, in the place of the one with its id."""
        self._session.writing().images[one.id] = document(one)

    def forget_images(self, ids: Sequence[int]) -> None:
        """Rows, with everything that belongs to them."""
        for number in ids:
            if self._session.is_new(number):
                self._session.writing().images.pop(number, None)
            else:
                self._session.writing().images[number] = None
            seq = self._session.next_number()
            self._records.put(f"removal/{seq}", str(number), seq=seq)

    # --- files that are no images

    def put_failure(self, failure: Failure, size: int, mtime_ns: int) -> None:
        """Remember it under the name that is kept."""
        kept = os.fsdecode(self.raw(failure.path))
        said = [kept, failure.reason.replace(failure.path, kept), size, mtime_ns]
        self._records.put(f"failure/{self.key(failure.path)}", json.dumps(said))

    def forget_failures(self, paths: Iterable[str]) -> None:
        """Of files at these paths."""
        held = self._records.small("failure")
        self._records.delete(key for path in paths if (key := f"failure/{self.key(path)}") in held)

    def known_failure(self, path: str, size: int, mtime_ns: int) -> Failure | None:
        """As in the contract."""
        found = self._records.small("failure").get(f"failure/{self.key(path)}")
        if found is None or json_of(found)[2:] != [size, mtime_ns]:
            return None
        return Failure(path, json_of(found)[1])

    def failures(self) -> list[Failure]:
        """As in the contract."""
        return [one.failure for one in self.failed_files()]

    def failed_files(self) -> list[FailedFile]:
        """As in the contract."""
        found = sorted(map(json_of, self._records.small("failure").values()), key=lambda said: os.fsencode(said[0]))
        return [FailedFile(Failure(path, reason), size, mtime_ns) for path, reason, size, mtime_ns in found]

    # --- folders that were added

    def put_root(self, path: str) -> None:
        """As in the contract."""
        if not self.privacy.opaque:
            self._records.put(f"root/{digest(path)}", json.dumps(path))

    def roots(self) -> list[str]:
        """As in the contract."""
        return sorted(map(json_of, self._records.small("root").values()), key=os.fsencode)

    def forget_root(self, path: str) -> None:
        """As in the contract."""
        self._records.delete([f"root/{digest(path)}"])
        self.put_patterns(path, WalkPatterns())

    def put_patterns(self, root: str, patterns: WalkPatterns) -> None:
        """As in the contract."""
        if self.privacy.opaque:
            return
        held = {path: asdict(one) for path, one in {**self.patterns(), root: patterns}.items() if one != WalkPatterns()}
        self._meta.put("patterns", held)

    def patterns(self) -> dict[str, WalkPatterns]:
        """As in the contract."""
        held = self._meta.get("patterns", {})
        return {path: WalkPatterns(tuple(one["exclude"]), tuple(one["include"])) for path, one in held.items()}


def row(one: Document) -> Row:
    """A document of an image as a row."""
    return Row(*json.loads(one["data"]))


def document(one: Row) -> Document:
    """A row as a document: what filters speak of in columns, and all of it in ``data``."""
    raw = os.fsencode(one.path)
    columns = {
        **{name: getattr(one, name) for name in (*TEXTS, *NUMBERS) if hasattr(one, name)},
        "path": _name(raw),
        "megapixels": one.width * one.height / 1e6,
        "aspect": one.width / one.height if one.height else None,
    }
    return {
        "id": one.id,
        "path_key": digest(one.path),
        "name_key": digest(_name(raw)),
        "sha256": one.sha256,
        **{name: TEXT_NULL if columns[name] is None else columns[name] for name in TEXTS},
        **{name: NUMBER_NULL if columns[name] is None else float(columns[name]) for name in NUMBERS},
        "data": json.dumps(astuple(one)),
        "nothing": list(NOTHING),
    }


def _name(path: bytes) -> str:
    """A path for people and for filters."""
    return composed(path.decode("utf-8", "replace"))


def _parts(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(values), _PART):
        yield values[start : start + _PART]
