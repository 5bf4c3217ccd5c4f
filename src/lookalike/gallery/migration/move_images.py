"""Moves the images of a gallery, in their order and a transaction for each block, and goes on where it was killed.

Ids differ from one gallery to another: what was moved already is found in the target, by path and digest.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace

import numpy as np

from lookalike.gallery.library import Library
from lookalike.gallery.migration.image_reader import ImageReader, blocks
from lookalike.gallery.storage.base import GalleryStorage, NewImage
from lookalike.gallery.storage.row import Row
from lookalike.gallery.storage.thumbnails import Thumbnails
from lookalike.types import Ids


class IdMap:
    """Ids of images in the source, rising, and in the target: 16 bytes an image."""

    def __init__(self) -> None:
        self._sources, self._targets = array("q"), array("q")

    def add(self, source: int, target: int) -> None:
        """An image, whose id in the source is larger than the last one's."""
        self._sources.append(source)
        self._targets.append(target)

    def of(self, ids: Sequence[int] | Ids) -> list[int | None]:
        """The target's ids of these, None for one that was not moved."""
        known = np.frombuffer(self._sources, np.int64) if self._sources else np.empty(0, np.int64)
        places = np.searchsorted(known, ids)
        return [
            self._targets[place] if place < len(known) and known[place] == number else None
            for number, place in zip(ids, places.tolist(), strict=True)
        ]


def unknown_rows(source: GalleryStorage, target: GalleryStorage) -> Iterator[Row]:
    """The images of the target that the source does not hold at that path with these bytes."""
    for row in target.every_row():
        held = source.row_of(row.path)
        if held is None or held.sha256 != row.sha256:
            yield row


def moved_already(source: GalleryStorage, target: GalleryStorage) -> dict[int, Row]:
    """Id in the source -> the image as the target holds it."""
    found = {}
    for row in target.every_row():
        held = source.row_of(row.path)
        if held is not None and held.sha256 == row.sha256:
            found[held.id] = row
    return found


def move_images(source: Library, target: Library, advance: Callable[[int], None]) -> tuple[IdMap, int]:
    """Every image of the source that the target lacks; where all of them are, and how many were written now.
    ``advance(n)`` is called for n more of them."""
    numbers, written = IdMap(), 0
    present = moved_already(source.store, target.store)
    with ImageReader(source) as reader:
        for rows in blocks(source.store.every_row()):
            if all(row.id in present for row in rows):
                new: list[NewImage] = []
            else:
                new = [image for image in reader.images(rows) if image.row.id not in present]
            found = _put(target, new, [(present[row.id], row) for row in rows if row.id in present])
            for row in rows:
                numbers.add(row.id, found[row.id] if row.id in found else present[row.id].id)
            written += len(new)
            advance(len(rows))
    return numbers, written


def _put(target: Library, new: Sequence[NewImage], held: Sequence[tuple[Row, Row]]) -> dict[int, int]:
    """Write a block; ``held``: images of the target as they are, and as they are in the source. Returns id in the
    source -> id in the target, of new ones."""
    touched = [(there.id, row.mtime_ns) for there, row in held if there.mtime_ns != row.mtime_ns]
    if not new and not touched:
        return {}
    _keep_thumbnails(target, new)
    with target.store.transaction():
        for number, mtime_ns in touched:
            target.store.touch(number, mtime_ns)
        return {image.row.id: target.store.put(_unnumbered(image)) for image in new}


def _unnumbered(image: NewImage) -> NewImage:
    return replace(image, row=replace(image.row, id=0))


def _keep_thumbnails(target: Library, images: Sequence[NewImage]) -> None:
    """Before the images themselves: killed in between, there is one too many, and never one too few."""
    kept = [(image.row.sha256, image.thumbnail) for image in images if image.thumbnail is not None]
    if kept:
        with closing(Thumbnails(target.path)) as thumbnails:
            thumbnails.put_all(kept)
