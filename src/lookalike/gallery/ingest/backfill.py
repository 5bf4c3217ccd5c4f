"""Adds a descriptor to a gallery that was made without it: reads the images that lack it alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from lookalike.descriptors import describe_all, get, min_side
from lookalike.descriptors.neural.region_model import RegionNetwork
from lookalike.errors import ModelError
from lookalike.gallery.ingest.extract import packed_classes, packed_regions, packed_vectors
from lookalike.gallery.library import Library
from lookalike.gallery.load_verified import load_or_failure
from lookalike.gallery.storage.base import GalleryStorage, PackedRegions
from lookalike.gallery.storage.row import Row
from lookalike.imaging import MAX_PIXELS
from lookalike.parallel import in_order
from lookalike.types import AddReport, Failure, Image, Progress

CHUNK = 8  # images that are described together, and written in one transaction: what a killed process can lose


@dataclass(frozen=True, slots=True)
class Extracted:
    """What a descriptor gives of one image: a vector and its contrast, perhaps its packed ``classes``; or regions."""

    row: Row
    vector: tuple[bytes, float] | None = None
    regions: PackedRegions | None = None
    classes: bytes | None = None


def declare(store: GalleryStorage, name: str) -> None:
    """The gallery holds this descriptor from now on. Raises UserError for an unknown one."""
    descriptor = get(name)
    if name in store.fingerprints():
        return
    with store.transaction():
        store.put_descriptor(descriptor.card)
        if isinstance(descriptor, RegionNetwork):
            store.regions.mark({name: descriptor.output.names})


def backfill(store: GalleryStorage, name: str, progress: Progress | None, max_pixels: int = MAX_PIXELS) -> AddReport:
    """Describe every image that lacks this descriptor. A file that is gone, unreadable or not the one that was indexed
    is a failure, and stays as it is. Interrupted, the next call goes on."""
    lacking = store.lacking(name)
    done, failed = 0, []
    chunks = (list(store.rows(lacking[at : at + CHUNK]).values()) for at in range(0, len(lacking), CHUNK))
    for results in in_order(partial(_described, rows, name, max_pixels) for rows in chunks):
        _write(store, name, [one for one in results if isinstance(one, Extracted)])
        failed += [one for one in results if isinstance(one, Failure)]
        done += len(results)
        if progress:
            progress(done, len(lacking))
    return AddReport(updated=done - len(failed), unchanged=store.count() - len(lacking), failed=tuple(failed))


def _write(store: GalleryStorage, name: str, results: Sequence[Extracted]) -> None:
    """What another process has removed meanwhile is left out."""
    with store.transaction():
        store.put_vectors(
            name,
            {one.row.id: one.vector for one in results if one.vector is not None},
            {one.row.id: one.classes for one in results if one.classes is not None},
        )
        there = store.rows([one.row.id for one in results])
        for one in results:
            if one.regions is not None and one.row.id in there:
                store.regions.put(one.row.id, {name: one.regions})


def _described(rows: Sequence[Row], name: str, max_pixels: int) -> list[Extracted | Failure]:
    """One result per row, in their order."""
    read = [load_or_failure(row, min_side=min_side([name]), max_pixels=max_pixels) for row in rows]
    found = iter(_extracted([(row, one) for row, one in zip(rows, read, strict=True) if isinstance(one, Image)], name))
    return [one if isinstance(one, Failure) else next(found) for one in read]


def _extracted(loaded: Sequence[tuple[Row, Image]], name: str) -> list[Extracted | Failure]:
    """All at once; should one of them break the descriptor, one by one, so that the others are kept."""
    images = [image for _, image in loaded]
    try:
        if isinstance(get(name), RegionNetwork):
            regions = packed_regions(images, [name])
            return [Extracted(row, regions=one[name]) for (row, _), one in zip(loaded, regions, strict=True)]
        described = describe_all(images, [name])
        return [
            Extracted(row, packed_vectors(described, n)[name], classes=packed_classes(described, n).get(name))
            for n, (row, _) in enumerate(loaded)
        ]
    except ModelError:
        raise  # no fault of the images
    except Exception as error:
        if len(loaded) > 1:
            return [outcome for one in loaded for outcome in _extracted([one], name)]
        return [Failure(loaded[0][0].path, f"could not be described: {error}")]


def add_descriptor(library: Library, name: str, progress: Progress | None, max_pixels: int) -> AddReport:
    """As ``Gallery.add_descriptor``."""
    descriptor = get(name)
    if library.store.count() and name not in library.store.fingerprints():
        library.store.privacy.need_paths("describing images afterwards")
    declare(library.store, name)
    held = library.region_cards if isinstance(descriptor, RegionNetwork) else library.cards
    held[name] = descriptor.card
    return backfill(library.store, name, progress, max_pixels)
