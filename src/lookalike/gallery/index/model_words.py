"""How probably the images of a gallery show what a text says, by the text tower of a network that the user brought.

A cosine alone says little: some images are near every text. So a text competes, in each image, with the names of
hundreds of other things (querybank normalisation: Bogolin et al., arXiv 2112.12777): the odds are those, by the scale
that the network was trained with, of the text against the RIVAL-th likeliest of these names, for an image may show a
few things at once. Names of what the text itself asks for are no rivals.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from lookalike.descriptors import text_network
from lookalike.descriptors.base import DescriptorCard
from lookalike.descriptors.neural.text_model import NameVectors, TextNetwork
from lookalike.errors import UserError
from lookalike.gallery.storage.base import GalleryStorage
from lookalike.gallery.storage.embeddings import Embeddings
from lookalike.logistic import sigmoid
from lookalike.types import Floats, Ids
from lookalike.words.class_names import class_names
from lookalike.words.tag_head import tag_head
from lookalike.words.text_query import read_query
from lookalike.words.vocabulary import Concept

RIVAL = 3
EVERY = 4  # so manieth of the classes is a name: they are many, and much alike
BLOCK = 4096  # images held against all names at a time


def background_names() -> list[str]:
    """What texts are held against: the tags that Lookalike knows and one in EVERY of its classes, each once."""
    return list(dict.fromkeys([*tag_head().names, *class_names()[::EVERY]]))


def text_descriptors(cards: Mapping[str, DescriptorCard]) -> list[str]:
    """Those of these descriptors with which texts can be compared."""
    return [name for name in cards if text_network(name) is not None]


class ModelWords:
    """The images of a gallery that have a vector of the descriptor ``card``: ``ids`` (N,)."""

    def __init__(self, store: GalleryStorage, card: DescriptorCard, ids: Ids | None = None) -> None:
        network = text_network(card.name)
        if network is None:
            raise UserError(f"{card.name!r} reads no texts; a model with a text tower does: lookalike models import")
        self.network: TextNetwork = network
        found = Embeddings.read(store, {card.name: card}, [card.name], ids)
        self.ids = found.ids
        self._vectors = found.vectors[card.name]

    def probabilities(self, texts: Sequence[str]) -> Floats:
        """T texts -> (T, N) float32: how probably each image shows it."""
        names, queries = self.network.names(), self.network.encode(texts)
        rivals = [is_rival(text, names) for text in texts]
        found = np.empty((len(texts), len(self.ids)), np.float32)
        for start in range(0, len(self.ids), BLOCK):
            vectors = self._vectors[start : start + BLOCK].astype(np.float32)
            others = vectors @ names.vectors.T
            for row, query in enumerate(queries):
                margin = vectors @ query - _rival(others[:, rivals[row]])
                found[row, start : start + BLOCK] = sigmoid(self.network.tower.scale * margin)
        return found


def is_rival(text: str, names: NameVectors) -> NDArray[np.bool_]:
    """(K,): which names are of something else than the text asks for, itself included."""
    own = {text.lower()}
    for term in read_query(text).wanted:
        if isinstance(term, Concept):
            own |= {class_names()[number] for number in term.classes} | {tag_head().names[tag] for tag in term.tags}
            own.add(term.word)
    return np.array([name not in own and name.lower() not in own for name in names.names], bool)


def _rival(similarities: Floats) -> Floats:
    """(N, K) -> (N,): the RIVAL-th largest of each row, or the smallest where there are fewer."""
    place = max(similarities.shape[1] - RIVAL, 0)
    return np.asarray(np.partition(similarities, place, axis=1)[:, place], np.float32)
