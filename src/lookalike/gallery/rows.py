"""The verbs of a gallery about its rows: which images it holds, by id, path and filter."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence

from lookalike.errors import ImageMissing
from lookalike.gallery.library import Library
from lookalike.gallery.storage.row import Row
from lookalike.gallery.storage.sql_database import MANY, batched
from lookalike.paths import PathLike, absolute


class RowVerbs:
    """What ``Gallery`` says about its images."""

    _library: Library

    def __len__(self) -> int:
        return self._library.store.count()

    def __iter__(self) -> Iterator[Row]:
        return self._library.store.every_row()

    def rows(self, where: str | None = None) -> Iterator[Row]:
        """The images that a filter leaves, in the order in which they were added."""
        if where is None:
            yield from self
            return
        for part in batched(self._library.store.select(where), MANY):
            yield from self._library.store.rows(part).values()

    def row(self, number: int) -> Row:
        """The image with this id. Raises ImageMissing."""
        found = self._library.store.rows([number])
        if not found:
            raise ImageMissing(f"image {number}: not in this gallery")
        return found[number]

    def rows_of(self, numbers: Sequence[int]) -> list[Row]:
        """The images with these ids, in their order; those that are not held are left out."""
        found = self._library.store.rows(numbers)
        return [found[number] for number in numbers if number in found]

    def rows_at(self, paths: Iterable[PathLike]) -> dict[str, Row]:
        """Path -> the image that is held from there; those that are not held are left out."""
        found = {os.fspath(path): self._library.store.row_named(absolute(path)) for path in paths}
        return {path: row for path, row in found.items() if row is not None}

    def ids(self, where: str | None = None) -> list[int]:
        """The ids of the images that a filter leaves, in the order in which they were added."""
        found: list[int] = self._library.store.select(where).tolist()
        return found

    def last_id(self) -> int:
        """The id of the image that was added last, 0 in an empty gallery."""
        return self._library.store.last_id()

    def version(self) -> tuple[int, int]:
        """Another value whenever this or another process has written to the gallery. Costs microseconds."""
        return self._library.store.version()

    def sha256_of(self, path: PathLike) -> str:
        """The sha256 of the image at this path, as it was when indexed. Raises UserError if it is not held."""
        return self._library.row(path).sha256

    def relocate(self, path: PathLike, to: PathLike) -> None:
        """The file of an image now lies elsewhere: it keeps its vectors and labels. Raises UserError if it is not
        held, OSError if no file is there."""
        row, place = self._library.row(path), absolute(to)
        with self._library.store.transaction():
            self._library.store.move(row.id, place, os.stat(place).st_mtime_ns)

    def objects_of(self, numbers: Sequence[int]) -> dict[int, dict[str, int]]:
        """Image id -> class -> how many of it are seen, "" standing for all objects together."""
        return self._library.store.regions.objects(numbers)
