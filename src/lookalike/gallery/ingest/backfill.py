"""Describes the images of a gallery that lack a descriptor, and reads no others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from lookalike.descriptors import get
from lookalike.descriptors.neural.region_model import RegionDescriptor
from lookalike.descriptors.video import DESCRIPTOR
from lookalike.gallery.ingest.extract import ExtractionSpec, Job, Unusable, describe_rows, gallery_spec, read_file
from lookalike.gallery.ingest.listed import ListedFile
from lookalike.gallery.library import Library
from lookalike.gallery.load_verified import CHANGED, load_or_failure
from lookalike.gallery.storage.base import GalleryStorage, NewImage
from lookalike.gallery.storage.row import Row
from lookalike.imaging import MAX_PIXELS
from lookalike.parallel import in_order
from lookalike.types import AddReport, Failure, Image, Progress

CHUNK = 8  # images that are described together, and written in one transaction: what a killed process can lose


def declare(store: GalleryStorage, name: str) -> None:
    """The gallery holds this descriptor from now on. Raises UserError for an unknown one."""
    descriptor = get(name)
    if name in store.fingerprints():
        return
    with store.transaction():
        store.put_descriptor(descriptor.card)
        mark_regions(store, name)


def mark_regions(store: GalleryStorage, name: str) -> None:
    """Within a transaction: of which classes the regions of this descriptor are, if it gives any."""
    descriptor = get(name)
    if isinstance(descriptor, RegionDescriptor):
        store.regions.mark({name: descriptor.names})


def spec_of(names: Sequence[str]) -> ExtractionSpec:
    """These descriptors, of whole images and of regions."""
    regions = tuple(name for name in names if isinstance(get(name), RegionDescriptor))
    return ExtractionSpec(tuple(name for name in names if name not in regions), regions=regions)


def backfill(
    store: GalleryStorage,
    spec: ExtractionSpec,
    progress: Progress | None,
    max_pixels: int = MAX_PIXELS,
    side: int | None = None,
) -> AddReport:
    """Describe every image that lacks one of these descriptors, each decoded once. A file that is gone, unreadable or
    not the one that was indexed is a failure, and stays as it is. Interrupted, the next call goes on.

    ``side``: pixels that the shorter side of a decoded image keeps; what these descriptors need, if nothing is said."""
    lacking = lacking_any(store, (*spec.names, *spec.regions))
    done, failed = 0, []
    chunks = (list(store.rows(lacking[at : at + CHUNK]).values()) for at in range(0, len(lacking), CHUNK))
    for results in in_order(partial(_described, rows, spec, side or spec.side, max_pixels) for rows in chunks):
        with store.transaction():
            add_lacking(store, [one for one in results if isinstance(one, NewImage)])
        failed += [one for one in results if isinstance(one, Failure)]
        done += len(results)
        if progress:
            progress(done, len(lacking))
    return AddReport(updated=done - len(failed), unchanged=store.count() - len(lacking), failed=tuple(failed))


def lacking_any(store: GalleryStorage, names: Sequence[str]) -> list[int]:
    """Ids of the images that lack one of these descriptors, or several, and of the videos that lack frames or sound."""
    videos = [*store.frames.lacking(DESCRIPTOR), *store.sounds.lacking()] if DESCRIPTOR in names else []
    return sorted({*videos, *(number for name in names for number in store.lacking(name))})


def add_lacking(store: GalleryStorage, results: Sequence[NewImage]) -> None:
    """Within a transaction: what these held images lack. What another process has removed meanwhile is left out."""
    for name in dict.fromkeys(name for one in results for name in one.vectors):
        vectors = {one.row.id: one.vectors[name] for one in results if name in one.vectors}
        classes = {one.row.id: one.classes[name] for one in results if name in one.classes}
        store.put_vectors(name, vectors, classes)
    there = store.rows([one.row.id for one in results])
    for one in results:
        if one.row.id in there:
            store.regions.put(one.row.id, one.regions)
            store.frames.put(one.row.id, one.frames)
            store.sounds.put(one.row.id, one.sound)


def _described(rows: Sequence[Row], spec: ExtractionSpec, side: int, max_pixels: int) -> list[NewImage | Failure]:
    """One result per row, in their order."""
    read = [
        _video(row, max_pixels) if row.is_video else load_or_failure(row, min_side=side, max_pixels=max_pixels)
        for row in rows
    ]
    loaded = [(row, one) for row, one in zip(rows, read, strict=True) if isinstance(one, Image)]
    found = iter(describe_rows(loaded, spec))
    return [next(found) if isinstance(one, Image) else one for one in read]


def _video(row: Row, max_pixels: int) -> NewImage | Failure:
    """The video, if its file still is the one that was indexed."""
    file = ListedFile(row.path, row.bytes, row.mtime_ns, is_video=True)
    outcome = read_file(Job(file), ExtractionSpec(()), max_pixels)
    if isinstance(outcome, Unusable):
        return outcome.failure
    if not isinstance(outcome, NewImage) or outcome.row.sha256 != row.sha256:
        return Failure(row.path, CHANGED)
    return replace(outcome, row=row)


def add_descriptor(library: Library, name: str, progress: Progress | None, max_pixels: int) -> AddReport:
    """As ``Gallery.add_descriptor``."""
    descriptor = get(name)
    if library.store.count() and name not in library.store.fingerprints():
        library.store.privacy.need_paths("describing images afterwards")
    declare(library.store, name)
    held = library.region_cards if isinstance(descriptor, RegionDescriptor) else library.cards
    held[name] = descriptor.card
    return backfill(library.store, spec_of([name]), progress, max_pixels)


def describe_lacking(library: Library, progress: Progress | None, max_pixels: int) -> AddReport:
    """As ``Gallery.describe_lacking``."""
    store = library.store
    names = store.unfinished()
    if not names:
        return AddReport(unchanged=store.count())
    if store.privacy.opaque:  # only ``add`` sees the files
        report = AddReport(unchanged=store.count() - len(lacking_any(store, names)))
    else:
        whole = replace(gallery_spec(library), thumbnails=False)
        report = backfill(store, spec_of(names), progress, max_pixels, whole.side)
    with store.transaction():
        store.set_finished([name for name in names if not lacking_any(store, [name])])
    return report
