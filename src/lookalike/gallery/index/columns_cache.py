"""Keeps columns of numbers, a row per image, in step with the store, in memory and on disk. They can be deleted at any
time.

Each column is a file that is mapped into memory, so that a search costs what its columns cost; beside them lies a small
JSON that says what they cover, replaced last and atomically.
"""

from __future__ import annotations

import json
import os
import secrets
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Generic, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from lookalike.gallery.storage.base import GalleryStorage
from lookalike.types import Ids

BLOCK = 20_000  # images read from the store at a time
MIN_UNSAVED = 1_000
UNSAVED_SHARE = 0.05  # of all images, that are worth writing the files again


@dataclass(frozen=True, slots=True)
class Columns:
    """N rows of a few arrays, which a subclass adds. ``ids``: (N,), rising."""

    ids: Ids

    @classmethod
    def names(cls) -> list[str]:
        return [one.name for one in fields(cls)]

    def keep(self, rows: NDArray[Any]) -> Self:
        """Only these rows (a mask or positions)."""
        return type(self)(*(np.asarray(getattr(self, name)[rows]) for name in self.names()))

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """All rows of these, one after the other."""
        return parts[0] if len(parts) == 1 else cls(
            *(np.concatenate([getattr(part, name) for part in parts]) for name in cls.names())
        )  # fmt: skip


C = TypeVar("C", bound=Columns)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What saved columns hold: images up to an id, removals up to a number, of one gallery, by these makers."""

    gallery: str
    makers: tuple[str, ...]
    stem: str
    last_image: int
    last_removal: int
    backfills: tuple[int, ...]


class ColumnsCache(ABC, Generic[C]):
    """The columns of one gallery, brought up to date when asked for. ``name``: of its files."""

    def __init__(self, folder: Path, store: GalleryStorage, name: str, kind: type[C]) -> None:
        self._folder, self._store, self._name, self._kind = folder, store, name, kind
        self._columns: C | None = None
        self._covers = Manifest("", (), "", 0, 0, ())
        self._seen: tuple[int, int] | None = None

    def get(self) -> C:
        """What is known of every image that is committed now."""
        version = self._store.version()
        if self._columns is None or self._seen != version:
            self._columns = self._updated(self._columns if self._columns is not None else self._loaded())
            self._seen = version
        return self._columns

    @property
    @abstractmethod
    def _held(self) -> tuple[str, ...]:
        """The descriptors that the columns are made of."""

    @property
    @abstractmethod
    def _makers(self) -> tuple[str, ...]:
        """Who made what the columns hold: another version of any begins them anew."""

    @abstractmethod
    def _described(self, ids: Ids) -> C:
        """What the store holds of these images, rising ids; it may leave some out."""

    # --- in step with the store

    def _updated(self, columns: C) -> C:
        backfills = tuple(self._store.backfills(name) for name in self._held)
        if self._covers.backfills != backfills:
            columns = self._begin(backfills)
        removal, gone = self._store.removed_since(self._covers.last_removal)
        before = len(columns.ids)
        if len(gone):
            columns = columns.keep(~np.isin(columns.ids, gone))
        last, parts = self._covers.last_image, [columns]
        for ids in self._new(last):
            parts.append(self._described(ids))
            last = int(ids[-1])
        unsaved = before - len(columns.ids) + sum(len(part.ids) for part in parts[1:])
        columns = self._kind.joined(parts)
        self._covers = Manifest(self._store.uuid(), self._makers, self._covers.stem, last, removal, backfills)
        if unsaved > max(MIN_UNSAVED, UNSAVED_SHARE * len(columns.ids)):
            self._save(columns)
        return columns

    def _begin(self, backfills: tuple[int, ...]) -> C:
        self._covers = Manifest(self._store.uuid(), self._makers, "", 0, self._store.last_removal(), backfills)
        return self._described(np.empty(0, np.int64))

    def _new(self, after: int) -> Iterator[Ids]:
        if self._store.last_id() <= after:
            return
        ids = self._store.select()
        ids = ids[ids > after]
        for start in range(0, len(ids), BLOCK):
            yield ids[start : start + BLOCK]

    # --- on disk

    def _loaded(self) -> C:
        """The saved copy if it is whole and of this gallery, otherwise an empty one to be filled anew."""
        try:
            stored = json.loads(self._pointer.read_text("utf-8"))
            covers = Manifest(**stored | {name: tuple(stored[name]) for name in ("makers", "backfills")})
            if (covers.gallery, covers.makers) != (self._store.uuid(), self._makers):
                return self._begin(())
            columns = self._kind(*(np.load(file, mmap_mode="r") for file in self._files(covers.stem)))
        except (OSError, EOFError, ValueError, TypeError, KeyError):
            return self._begin(())
        if len({len(getattr(columns, name)) for name in columns.names()}) > 1:
            return self._begin(())
        self._covers = covers
        return columns

    def _save(self, columns: C) -> None:
        """Write the columns, then the pointer to them. No room is no failure: the copy stays in memory, as where
        nothing can be written."""
        if self._store.read_only:
            return
        stem = f"{self._name}.{secrets.token_hex(4)}"
        covers, draft = Manifest(**asdict(self._covers) | {"stem": stem}), self._folder / f"{stem}.json"
        try:
            self._folder.mkdir(exist_ok=True)
            for file, name in zip(self._files(stem), columns.names(), strict=True):
                np.save(file, getattr(columns, name))
            draft.write_text(json.dumps(asdict(covers)), "utf-8")
            os.replace(draft, self._pointer)
        except OSError:
            draft.unlink(missing_ok=True)
            self._sweep(self._covers.stem)
            return
        self._covers = covers
        self._sweep(stem)

    def _sweep(self, keep: str) -> None:
        for old in self._folder.glob(f"{self._name}.*.npy"):
            if old not in self._files(keep):
                old.unlink(missing_ok=True)

    def _files(self, stem: str) -> list[Path]:
        return [self._folder / f"{stem}.{name}.npy" for name in self._kind.names()]

    @property
    def _pointer(self) -> Path:
        return self._folder / f"{self._name}.json"
