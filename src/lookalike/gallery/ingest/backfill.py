"""Adds a descriptor of regions to a gallery that was made without: reads the images that lack it alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from lookalike.descriptors import min_side, region_network
from lookalike.errors import LoadError
from lookalike.gallery.ingest.extract import regions_of
from lookalike.gallery.storage.regions import Packed
from lookalike.gallery.storage.row import Row
from lookalike.gallery.storage.store import Store
from lookalike.imaging import MAX_PIXELS, load
from lookalike.parallel import in_order
from lookalike.types import AddReport, Failure, Image, Progress

CHUNK = 8  # images that are described together, and written in one transaction: what a killed process can lose

Told = tuple[Row, dict[str, Packed] | Failure]


def hold(store: Store, name: str) -> None:
    """The gallery holds the regions of this network from now on. Raises UserError for a descriptor without regions."""
    network = region_network(name)
    if name not in store.cards():
        with store.transaction():
            store.put_descriptor(network.card)
            store.regions.mark({name: network.output.names})


def describe_lacking(store: Store, name: str, progress: Progress | None, max_pixels: int = MAX_PIXELS) -> AddReport:
    """The regions of every image that was not asked for them. A file that is gone, unreadable or not the one that was
    indexed is a failure, and stays as it is. Interrupted, the next call goes on."""
    lacking = store.regions.lacking(name)
    updated, failed = 0, []
    chunks = (list(store.rows(lacking[at : at + CHUNK]).values()) for at in range(0, len(lacking), CHUNK))
    for told in in_order(partial(_described, rows, name, max_pixels) for rows in chunks):
        with store.transaction():
            for row, found in told:
                if not isinstance(found, Failure) and store.rows([row.id]):
                    store.regions.put(row.id, found)
        failed += [found for _, found in told if isinstance(found, Failure)]
        updated = updated + len(told)
        if progress:
            progress(updated, len(lacking))
    return AddReport(updated=updated - len(failed), unchanged=store.count() - len(lacking), failed=tuple(failed))


def _described(rows: Sequence[Row], name: str, max_pixels: int) -> list[Told]:
    loaded = [(row, _loaded(row, name, max_pixels)) for row in rows]
    images = [image for _, image in loaded if isinstance(image, Image)]
    found: Iterator[dict[str, Packed]] = iter(regions_of(images, [name]))
    return [(row, next(found) if isinstance(image, Image) else image) for row, image in loaded]


def _loaded(row: Row, name: str, max_pixels: int) -> Image | Failure:
    try:
        image = load(row.path, min_side=min_side([name]), max_pixels=max_pixels)
    except LoadError as error:
        return Failure(row.path, error.reason)
    if image.sha256 != row.sha256:
        return Failure(row.path, "changed since it was indexed; index its folder again")
    return image
