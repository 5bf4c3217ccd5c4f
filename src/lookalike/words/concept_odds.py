"""How probably images show what a word stands for, by what the network `content` says of each of them."""

from __future__ import annotations

from functools import cache

import numpy as np

from lookalike.types import Floats
from lookalike.words.tag_head import tag_head
from lookalike.words.vocabulary import Concept, vocabulary


def concept_odds(concept: Concept, vectors: Floats, probabilities: Floats) -> Floats:
    """(N, D) unit vectors and (N, C) probabilities of classes -> (N,) log-odds, of the likelier of the word's tags and
    of its classes; a tag of the very word knows of its classes."""
    head, found = tag_head(), []
    if concept.tags:
        masses = np.stack([probabilities[:, list(classes)].sum(axis=1) for classes in _classes_of_tags()], axis=1)
        found.append(head.odds(vectors, masses)[:, list(concept.tags)].max(axis=1))
    if concept.classes and not concept.tagged:
        mass = probabilities[:, list(concept.classes)].sum(axis=1)
        found.append(head.class_odds(mass, len(concept.classes)))
    return np.asarray(np.max(found, axis=0), np.float32)


@cache
def _classes_of_tags() -> tuple[tuple[int, ...], ...]:
    concepts = [vocabulary().find(name) for name in tag_head().names]
    return tuple(one.classes if one else () for one in concepts)
