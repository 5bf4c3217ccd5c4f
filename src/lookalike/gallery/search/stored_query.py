"""What the gallery knows of an image that it holds: its vectors, so that nothing is decoded to look for its like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from lookalike.descriptors.base import Described, DescriptorCard
from lookalike.errors import ImageMissing
from lookalike.gallery.storage.embeddings import dtype_of
from lookalike.gallery.storage.row import Row
from lookalike.gallery.storage.store import Store


def held(store: Store, cards: Mapping[str, DescriptorCard], names: Sequence[str], row: Row) -> dict[str, Described]:
    """The stored vectors of an image by each of these descriptors. Raises ImageMissing if it was removed."""
    return {name: _described(store, cards[name], row) for name in names}


def _described(store: Store, card: DescriptorCard, row: Row) -> Described:
    found = store.vector(card.name, row.id)
    if found is None:
        raise ImageMissing(f"{row.path}: not in this gallery any more")
    data, contrast = found
    vector = np.frombuffer(data, dtype_of(card))[None]
    exact = vector if card.metric == "hamming" else vector.astype(np.float32)
    return Described(exact, np.array([contrast], np.float32))
