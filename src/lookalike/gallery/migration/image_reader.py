"""Reads all that one gallery holds of its images, a block at a time, as it was written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from itertools import islice
from types import TracebackType
from typing import Self

from lookalike.gallery.library import Library
from lookalike.gallery.storage import frame_codec, sound_codec
from lookalike.gallery.storage.base import NewImage, PackedFace, PackedRegions
from lookalike.gallery.storage.row import Row
from lookalike.gallery.storage.thumbnails import FILE as THUMBNAILS
from lookalike.gallery.storage.thumbnails import KEPT, Thumbnails

BLOCK = 256  # images in memory at a time, and in one transaction: what a killed process can lose


def blocks(rows: Iterable[Row], size: int = BLOCK) -> Iterator[list[Row]]:
    """``size`` rows at a time."""
    each = iter(rows)
    while block := list(islice(each, size)):
        yield block


class ImageReader:
    """What a gallery holds of given images. In a ``with`` statement; not for several threads at once."""

    def __init__(self, library: Library) -> None:
        self._store = library.store
        self._names, self._region_names = tuple(library.cards), tuple(library.region_cards)
        self._moving = {name: set(self._store.frames.images(name)) for name in self._names}
        self._sounding = set(self._store.sounds.videos())
        self._open = ExitStack()
        self._thumbnails = thumbnails_of(library, self._open)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def images(self, rows: Sequence[Row]) -> list[NewImage]:
        """Of these rows, which follow one another in the order of ids."""
        ids = [row.id for row in rows]
        vectors = {name: self._vectors(name, ids) for name in self._names}
        classes = {name: self._store.classes_of(name, ids) for name in self._names}
        regions = {name: self._regions(name, ids) for name in self._region_names}
        return [
            NewImage(
                row=row,
                vectors={name: found[row.id] for name, found in vectors.items() if row.id in found},
                keypoints=self._store.keypoints(row.id) if self._store.keeps_keypoints() else None,
                regions={name: found[row.id] for name, found in regions.items() if row.id in found},
                thumbnail=None if self._thumbnails is None else self._thumbnails.get(row.sha256, KEPT),
                classes={name: found[row.id] for name, found in classes.items() if row.id in found},
                frames=self._frames(row.id),
                sound=self._sound(row.id),
            )
            for row in rows
        ]

    def _vectors(self, name: str, ids: Sequence[int]) -> dict[int, tuple[bytes, float]]:
        found = self._store.packed_vectors(name, ids[0] - 1, len(ids))
        wanted = set(ids)
        return {number: (vector, contrast) for number, vector, contrast in found if number in wanted}

    def _regions(self, name: str, ids: Sequence[int]) -> dict[int, PackedRegions]:
        objects = self._store.regions.objects_by(name, ids)
        faces = self._store.faces.of_images(name, ids)
        return {
            number: PackedRegions(
                data,
                objects.get(number, {}),
                tuple(PackedFace(one.landmarks, one.utility, one.flaw) for one in faces.get(number, ())),
            )
            for number, data in self._store.regions.packed(name, ids)
        }

    def _frames(self, number: int) -> dict[str, bytes]:
        found = {name: self._store.frames.of_image(name, number) for name, ids in self._moving.items() if number in ids}
        return {name: frame_codec.packed(one) for name, one in found.items() if one is not None}

    def _sound(self, number: int) -> bytes | None:
        return sound_codec.packed(self._store.sounds.of_video(number)) if number in self._sounding else None


def thumbnails_of(library: Library, stack: ExitStack) -> Thumbnails | None:
    """Those that cannot be made again, for the gallery keeps no paths; closed with the ``stack``."""
    if library.store.privacy.retention != "thumbnails" or not (library.path / THUMBNAILS).exists():
        return None
    found = Thumbnails(library.path)
    stack.callback(found.close)
    return found
