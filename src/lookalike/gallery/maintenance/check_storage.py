"""Looks over what the gallery itself keeps: the database, a sound vector of every descriptor for every image,
thumbnails and index copies. Reads only."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from lookalike.descriptors.base import DescriptorCard
from lookalike.descriptors.video import DESCRIPTOR
from lookalike.errors import GalleryDamaged
from lookalike.gallery.index.index_cache import IndexCache
from lookalike.gallery.library import Library
from lookalike.gallery.maintenance.problems import FRAMES, Problem
from lookalike.gallery.storage.embeddings import dtype_of, width_of
from lookalike.gallery.storage.thumbnails import FILE as THUMBNAILS
from lookalike.gallery.storage.thumbnails import whole_thumbnails

BLOCK = 20_000  # vectors that are read at a time


def storage_problems(library: Library) -> list[Problem]:
    """All of one moment, whatever other processes write meanwhile. Where the database is damaged, nothing else is."""
    try:
        with library.store.snapshot():
            return list(_problems(library))
    except GalleryDamaged as error:
        return [Problem("storage", library.place, str(error))]


def _problems(library: Library) -> Iterator[Problem]:
    found = library.store.check()
    if found != "ok":
        yield Problem("storage", library.place, f"{found}; restore a backup, or index the folders into a new gallery")
        return
    yield from _thumbnail_problems(library)
    for name, card in library.cards.items():
        problems = list(_vector_problems(library, name, card))
        yield from problems or _index_problems(library.index, name)
    for name in library.region_cards:
        problems = list(_region_problems(library, name))
        yield from problems or _index_problems(library.region_index, name)
    if DESCRIPTOR in library.cards:
        problems = list(_frame_problems(library))
        yield from problems or _index_problems(library.frame_index, DESCRIPTOR, FRAMES)


def _index_problems(index: IndexCache, name: str, what: str | None = None) -> Iterator[Problem]:
    """Of a descriptor whose vectors are sound; else the copy begins anew in any case. ``what``: in its place."""
    if reason := index.flaw(name):
        yield Problem("index", what or name, reason)


def _vector_problems(library: Library, name: str, card: DescriptorCard) -> Iterator[Problem]:
    for number in library.store.lacking(name):
        yield Problem("vectors", name, "has no vector of this descriptor", number)
    after = 0
    while block := library.store.packed_vectors(name, after, BLOCK):
        for number, data, contrast in block:
            if reason := _unsound(data, contrast, card):
                yield Problem("vectors", name, reason, number)
        after = block[-1][0]


def _unsound(data: bytes, contrast: float, card: DescriptorCard) -> str | None:
    """What is wrong with a stored vector, if anything is."""
    size = width_of(card) * np.dtype(dtype_of(card)).itemsize
    if len(data) != size:
        return f"its vector has {len(data)} bytes, not {size}"
    if card.metric != "hamming" and not np.isfinite(np.frombuffer(data, dtype_of(card))).all():
        return "its vector is not finite"
    return None if math.isfinite(contrast) else "its contrast is not finite"


def _region_problems(library: Library, name: str) -> Iterator[Problem]:
    for number in library.store.lacking(name):
        yield Problem("regions", name, "was not asked for its regions", number)
    for number in library.store.regions.damaged(name):
        yield Problem("regions", name, "its regions are damaged", number)


def _frame_problems(library: Library) -> Iterator[Problem]:
    for number in library.store.frames.lacking(DESCRIPTOR):
        yield Problem("frames", DESCRIPTOR, "has no frames", number)
    for number in library.store.frames.damaged(DESCRIPTOR):
        yield Problem("frames", DESCRIPTOR, "its frames are damaged", number)
    for number in library.store.sounds.lacking():
        yield Problem("sound", DESCRIPTOR, "its sound was not looked for", number)
    for number in library.store.sounds.damaged():
        yield Problem("sound", DESCRIPTOR, "its sound is damaged", number)


def _thumbnail_problems(library: Library) -> Iterator[Problem]:
    """Where paths are kept, a missing one is made when it is asked for."""
    needed = library.store.digests() if library.store.privacy.retention == "thumbnails" else set()
    try:
        kept = whole_thumbnails(library.path)
    except GalleryDamaged as error:
        yield Problem("thumbnails", THUMBNAILS, str(error))
        return
    if lost := len(needed - kept):
        yield Problem("thumbnails", THUMBNAILS, f"{lost:,} images have no thumbnail any more")
