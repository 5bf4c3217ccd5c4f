"""Adds a descriptor to a gallery that was made without it: reads the images that lack it alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from lookalike.descriptors import describe_all, get, min_side
from lookalike.descriptors.neural.region_model import RegionNetwork
from lookalike.errors import LoadError, ModelError
from lookalike.gallery.ingest.extract import regions_of, vectors_of
from lookalike.gallery.storage.row import Row
from lookalike.gallery.storage.store import Store
from lookalike.imaging import MAX_PIXELS, load
from lookalike.parallel import in_order
from lookalike.types import AddReport, Failure, Image, Progress

CHUNK = 8  # images that are described together, and written in one transaction: what a killed process can lose


class Target(Protocol):
    """Where a kind of descriptor is lacking, and how it is computed and written."""

    def lacking(self) -> list[int]:
        """Ids of the images that lack it, in ascending order."""

    def describe(self, images: Sequence[Image]) -> list[Any]:
        """One value per image; safe to call from many threads."""

    def put(self, found: Sequence[tuple[int, Any]]) -> None:
        """Write (image id, value) pairs; call within a transaction."""


@dataclass(frozen=True, slots=True)
class RegionTarget:
    """The regions of a network."""

    store: Store
    name: str

    def lacking(self) -> list[int]:
        return self.store.regions.lacking(self.name)

    def describe(self, images: Sequence[Image]) -> list[Any]:
        return list(regions_of(images, [self.name]))

    def put(self, found: Sequence[tuple[int, Any]]) -> None:
        for number, regions in found:
            self.store.regions.put(number, regions)


@dataclass(frozen=True, slots=True)
class VectorTarget:
    """The vectors of whole images, and their contrast."""

    store: Store
    name: str

    def lacking(self) -> list[int]:
        return self.store.lacking(self.name)

    def describe(self, images: Sequence[Image]) -> list[Any]:
        described = describe_all(images, [self.name])
        return [vectors_of(described, number)[self.name] for number in range(len(images))]

    def put(self, found: Sequence[tuple[int, Any]]) -> None:
        self.store.put_vectors(self.name, found)


def hold(store: Store, name: str) -> None:
    """The gallery holds this descriptor from now on. Raises UserError for one that nobody knows."""
    if name in store.cards():
        return
    descriptor = get(name)
    with store.transaction():
        store.put_descriptor(descriptor.card)
        if isinstance(descriptor, RegionNetwork):
            store.regions.mark({name: descriptor.gives.names})


def describe_lacking(store: Store, name: str, progress: Progress | None, max_pixels: int = MAX_PIXELS) -> AddReport:
    """Compute the descriptor for every image that lacks it. A file that is gone, unreadable or not the one that was
    indexed is a failure, and stays as it is. Interrupted, the next call goes on."""
    target: Target = RegionTarget(store, name) if name in store.regions.names() else VectorTarget(store, name)
    lacking = target.lacking()
    done, failed = 0, []
    chunks = (list(store.rows(lacking[at : at + CHUNK]).values()) for at in range(0, len(lacking), CHUNK))
    for outcomes in in_order(partial(_described, rows, name, target.describe, max_pixels) for rows in chunks):
        with store.transaction():
            held = store.rows([row.id for row, _ in outcomes])
            target.put([(row.id, one) for row, one in outcomes if row.id in held and not isinstance(one, Failure)])
        failed += [one for _, one in outcomes if isinstance(one, Failure)]
        done += len(outcomes)
        if progress:
            progress(done, len(lacking))
    return AddReport(updated=done - len(failed), unchanged=store.count() - len(lacking), failed=tuple(failed))


def _described(
    rows: Sequence[Row], name: str, describe: Callable[[Sequence[Image]], list[Any]], max_pixels: int
) -> list[tuple[Row, Any]]:
    """(image, its value or why there is none)."""
    loaded = [(row, _loaded(row, name, max_pixels)) for row in rows]
    images = [image for _, image in loaded if isinstance(image, Image)]
    values: Iterator[Any] = iter(_each(images, describe))
    return [(row, next(values) if isinstance(image, Image) else image) for row, image in loaded]


def _each(images: Sequence[Image], describe: Callable[[Sequence[Image]], list[Any]]) -> list[Any]:
    """All at once; should one of them break the descriptor, one by one, so that the others are kept."""
    if not images:
        return []
    try:
        return describe(images)
    except ModelError:
        raise  # no fault of the images
    except Exception as error:
        if len(images) > 1:
            return [value for image in images for value in _each([image], describe)]
        return [Failure(images[0].path or "", f"could not be described: {error}")]


def _loaded(row: Row, name: str, max_pixels: int) -> Image | Failure:
    try:
        image = load(row.path, min_side=min_side([name]), max_pixels=max_pixels)
    except LoadError as error:
        return Failure(row.path, error.reason)
    if image.sha256 != row.sha256:
        return Failure(row.path, "changed since it was indexed; index its folder again")
    return image
