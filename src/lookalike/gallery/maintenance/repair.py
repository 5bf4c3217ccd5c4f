"""Makes again what can be made again: vectors, regions and frames from files; index copies and thumbnails if needed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from lookalike.descriptors.video import DESCRIPTOR
from lookalike.gallery.ingest.backfill import backfill, spec_of
from lookalike.gallery.library import Library
from lookalike.gallery.maintenance.problems import FRAMES, Kind, Problem
from lookalike.gallery.storage.thumbnails import FILE as THUMBNAILS
from lookalike.types import Progress


def mend(library: Library, problems: Sequence[Problem], progress: Progress | None) -> None:
    """What is damaged is thrown away, what is missing is made; what cannot be made again stays as it is."""
    images = defaultdict[tuple[Kind, str], list[int]](list)
    for one in problems:
        if one.image is not None and one.kind in ("vectors", "regions", "frames", "sound"):
            images[one.kind, one.what].append(one.image)
    for (kind, name), numbers in images.items():
        _describe_again(library, kind, name, numbers, progress)
    for one in problems:
        if one.kind == "index" and one.what == FRAMES:
            library.frame_index.discard(DESCRIPTOR)
        elif one.kind == "index":
            (library.region_index if one.what in library.region_cards else library.index).discard(one.what)
        elif one.kind == "thumbnails" and not library.store.privacy.opaque:
            _discard_thumbnails(library)


def _describe_again(library: Library, kind: Kind, name: str, numbers: Sequence[int], progress: Progress | None) -> None:
    """Damaged vectors break every search, so that none is better; new ones need the files, and so their paths."""
    with library.store.transaction():
        if kind == "vectors":
            library.store.forget_vectors(name, numbers)
        elif kind == "regions":
            library.store.regions.forget(name, numbers)
        elif kind == "sound":
            library.store.sounds.forget(numbers)
        else:
            library.store.frames.forget(name, numbers)
    if not library.store.privacy.opaque:
        backfill(library.store, spec_of([name]), progress)


def _discard_thumbnails(library: Library) -> None:
    for end in ("", "-wal", "-shm"):
        (library.path / f"{THUMBNAILS}{end}").unlink(missing_ok=True)
