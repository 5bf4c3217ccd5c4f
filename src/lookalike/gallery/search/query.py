"""The image that is looked for, or the part of it, and what is known of one that the gallery holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.descriptors import get, min_side
from lookalike.descriptors.base import Described, DescriptorCard
from lookalike.distance import normalise
from lookalike.errors import ImageMissing, UserError
from lookalike.gallery.elsewhere.read import load_row
from lookalike.gallery.search.options import Region, parse_region
from lookalike.gallery.storage.base import GalleryStorage
from lookalike.gallery.storage.embeddings import dtype_of
from lookalike.gallery.storage.row import Row
from lookalike.imaging import ImageSource, as_image, crop
from lookalike.types import Image

QuerySource = ImageSource | Row


@dataclass(frozen=True, slots=True)
class QueryVectors:
    """A query that was described elsewhere: name of a descriptor -> its vector, (D,) numbers, of Hamming descriptors
    (bits / 8,) bytes. A vector of zeros saw nothing. The image itself is not known here."""

    vectors: Mapping[str, NDArray[Any]]

    def described(self, cards: Mapping[str, DescriptorCard]) -> dict[str, Described]:
        """The vectors as these cards store them. Raises UserError for one that is not held, or is no such vector."""
        unknown = sorted(set(self.vectors) - set(cards))
        if unknown or not self.vectors:
            named = ", ".join(map(repr, unknown)) or "nothing"
            raise UserError(f"vectors of {named}; this gallery holds {', '.join(cards)}")
        return {name: _of_elsewhere(cards[name], vector) for name, vector in self.vectors.items()}


def query_image(source: QuerySource, names: Sequence[str], region: Region | None, least: int = 1) -> Image:
    """The query for these descriptors, or the part ``region`` of it; its shorter side at least ``least`` pixels where
    the file has them. Of an image of the gallery its file is read.

    Raises LoadError, or UserError for a region that is not within."""
    side = max(least, min_side(names)) if region is None else None
    whole = load_row(source, min_side=side) if isinstance(source, Row) else as_image(source, min_side=side)
    return whole if region is None else crop(whole, parse_region(region))


def is_blank(image: Image, names: Iterable[str]) -> bool:
    """Whether one of the descriptors sees nothing in it: it would be like every other blank image."""
    found = [get(name) for name in names]
    return any(float(one.describe([image]).contrast[0]) < one.card.min_contrast for one in found)


def stored_embeddings(
    store: GalleryStorage, cards: Mapping[str, DescriptorCard], names: Sequence[str], row: Row
) -> dict[str, Described]:
    """The vectors of an image that the gallery holds, by each of these descriptors, so that nothing is decoded.

    Raises ImageMissing if it was removed."""
    return {name: _stored(store, cards[name], row) for name in names}


def known_embeddings(
    store: GalleryStorage, cards: Mapping[str, DescriptorCard], names: Iterable[str], row: Row
) -> dict[str, Described]:
    """The same of those of the descriptors that are held; without those that the image lacks."""
    found = {name: store.vector(name, row.id) for name in names if name in cards}
    return {name: _described(cards[name], *one) for name, one in found.items() if one is not None}


def _stored(store: GalleryStorage, card: DescriptorCard, row: Row) -> Described:
    found = store.vector(card.name, row.id)
    if found is None:
        raise ImageMissing(f"{row.path}: not in this gallery any more")
    return _described(card, *found)


def _of_elsewhere(card: DescriptorCard, vector: NDArray[Any]) -> Described:
    packed = card.metric == "hamming"
    expected = (card.bits // 8,) if packed else (card.dim,)
    array = np.asarray(vector)
    if array.shape != expected or array.dtype.kind not in "iuf" or not np.isfinite(array).all():
        raise UserError(f"a vector of {card.name} is {expected[0]} finite numbers, not {array.shape} {array.dtype}")
    if packed and not ((array >= 0) & (array <= 255) & (array == np.floor(array))).all():
        raise UserError(f"a vector of {card.name} is {expected[0]} bytes, 0 to 255")
    row = array[None].astype(np.uint8 if packed else np.float64)
    if card.metric == "cosine":
        row = normalise(row)
    return Described(row if packed else row.astype(np.float32), np.array([float(row.any())], np.float32))


def _described(card: DescriptorCard, data: bytes, contrast: float) -> Described:
    vector = np.frombuffer(data, dtype_of(card))[None]
    exact = vector if card.metric == "hamming" else vector.astype(np.float32)
    return Described(exact, np.array([contrast], np.float32))
