"""How probably the images of a gallery show what a text says, by the text tower of a network that the user brought.

A cosine alone says little: some images are near every text. So a text competes, in each image, with the names of
hundreds of other things (querybank normalisation: Bogolin et al., arXiv 2112.12777): the odds are those, by the scale
that the network was trained with, of the text against the RIVAL-th likeliest of these names, for an image may show a
few things at once. Names of what the text itself asks for are no rivals. Where a person's labels said how far these
odds are right (calibration/text_calibration.py), they go through that curve.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from lookalike.comparison.calibration import Calibration
from lookalike.descriptors import text_network
from lookalike.descriptors.base import DescriptorCard
from lookalike.descriptors.neural.text_model import NameVectors
from lookalike.gallery.index.text_columns import BLOCK, TextColumns, need_texts
from lookalike.gallery.storage.base import GalleryStorage
from lookalike.logistic import sigmoid
from lookalike.types import Floats, Ids
from lookalike.words.class_names import class_names
from lookalike.words.tag_head import tag_head
from lookalike.words.text_query import read_query
from lookalike.words.vocabulary import Concept

RIVAL = 3
EVERY = 4  # so manieth of the classes is a name: they are many, and much alike


def background_names() -> list[str]:
    """What texts are held against: the tags that Lookalike knows and one in EVERY of its classes, each once."""
    return list(dict.fromkeys([*tag_head().names, *class_names()[::EVERY]]))


def text_descriptors(cards: Mapping[str, DescriptorCard]) -> list[str]:
    """Those of these descriptors with which texts can be compared."""
    return [name for name in cards if text_network(name) is not None]


def text_measure(name: str) -> str:
    """What the curve of the descriptor ``name`` for texts is kept by."""
    return f"texts by {name}"


class ModelWords:
    """The images of a gallery that have a vector of the descriptor ``name``: ``ids`` (N,)."""

    def __init__(self, store: GalleryStorage, name: str, columns: TextColumns) -> None:
        self.network = need_texts(name)
        self.ids: Ids = columns.ids
        self._columns = columns
        tuning = store.tunings().get(text_measure(name))
        self._curve: Calibration | None = None if tuning is None else tuning.curve

    def probabilities(self, texts: Sequence[str]) -> Floats:
        """T texts -> (T, N) float32: how probably each image shows it."""
        odds = self.odds(texts)
        return np.asarray(sigmoid(odds) if self._curve is None else self._curve.probability(-odds), np.float32)

    def odds(self, texts: Sequence[str]) -> Floats:
        """T texts -> (T, N) float32: the log-odds of each against its rivals in each image, whatever the curve says."""
        names, queries = self.network.names(), self.network.encode(texts)
        rivals = np.stack([_rival(self._columns, names, is_rival(text, names)) for text in texts])
        found = np.empty((len(texts), len(self.ids)), np.float32)
        for start in range(0, len(self.ids), BLOCK):
            part = self._columns.vectors[start : start + BLOCK].astype(np.float32)
            found[:, start : start + BLOCK] = queries @ part.T
        return np.asarray(self.network.tower.scale * (found - rivals), np.float32)


def is_rival(text: str, names: NameVectors) -> NDArray[np.bool_]:
    """(K,): which names are of something else than the text asks for, itself included."""
    own = {text.lower()}
    for term in read_query(text).wanted:
        if isinstance(term, Concept):
            own |= {class_names()[number] for number in term.classes} | {tag_head().names[tag] for tag in term.tags}
            own.add(term.word)
    return np.array([name not in own and name.lower() not in own for name in names.names], bool)


def _rival(columns: TextColumns, names: NameVectors, allowed: NDArray[np.bool_]) -> Floats:
    """(N,): each image's cosine to the RIVAL-th likeliest of the names that are ``allowed``, or to the last where there
    are fewer; from those that are kept, or, where too few of these are allowed, from all."""
    kept = allowed[columns.places]
    place = kept.cumsum(axis=1) == RIVAL
    found: Floats = columns.cosines[np.arange(len(kept)), place.argmax(axis=1)]
    others = np.flatnonzero(~place.any(axis=1))
    for start in range(0, len(others), BLOCK):
        rows = others[start : start + BLOCK]
        found[rows] = _exact_rival(columns.vectors[rows].astype(np.float32) @ names.vectors[allowed].T)
    return found


def _exact_rival(cosines: Floats) -> Floats:
    """(N, K) -> (N,): the RIVAL-th largest of each row, the smallest where there are fewer, 0 where there is none."""
    if not cosines.shape[1]:
        return np.zeros(len(cosines), np.float32)
    place = max(cosines.shape[1] - RIVAL, 0)
    return np.asarray(np.partition(cosines, place, axis=1)[:, place], np.float32)
