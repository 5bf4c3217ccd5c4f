"""Score normalisation: how similar an image is to a fixed set of background images (SSCD, arXiv 2202.10261, section
4.4).

A page of text or a clear sky is near to many images (hubness), so that a small distance to it says little.
``score_normalization.npz`` holds the vectors of a few hundred training photographs and drawn things by the network
whose card says ``score_normalization``, written by ``recipes/score_normalization.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.descriptors.base import DescriptorCard
from lookalike.types import Floats

NEAREST = 3


@dataclass(frozen=True, slots=True)
class _Background:
    """``vectors``: (B, D) float32, unit length. ``usual``: what 19 of 20 photographs stay under. ``fingerprint``: of
    the descriptor that made them."""

    vectors: Floats
    usual: float
    fingerprint: str


def is_normalised(card: DescriptorCard) -> bool:
    """Whether scores of this descriptor are normalised: its card says so, and the background images are described by
    the very same network."""
    return card.score_normalization and card.fingerprint == _background().fingerprint


def background_similarity(vectors: NDArray[Any]) -> Floats:
    """(N, D) unit vectors of a descriptor that ``is_normalised`` -> (N,) float32: how far the mean cosine similarity to
    the NEAREST background images goes beyond what 19 of 20 photographs have; 0 for those."""
    background = _background()
    similarity = np.asarray(vectors, np.float32) @ background.vectors.T
    nearest = np.partition(similarity, -NEAREST, axis=1)[:, -NEAREST:]
    return np.asarray(np.maximum(nearest.mean(1) - background.usual, 0), np.float32)


@cache
def _background() -> _Background:
    with resources.files("lookalike.comparison").joinpath("score_normalization.npz").open("rb") as file:
        stored = np.load(file)
        return _Background(stored["vectors"].astype(np.float32), float(stored["usual"]), str(stored["made_by"]))
