"""Score normalisation: how like a fixed crowd of images an image is (SSCD, arXiv 2202.10261, section 4.4).

A page of text or a clear sky is near to many images, so that a small distance to it says little.
``score_normalization.npz`` holds the `copy` vectors of a few hundred training photographs and drawn things, written by
``recipes/crowd.py``.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.types import Floats

NEAREST = 3


def background_similarity(vectors: NDArray[Any]) -> Floats:
    """(N, D) unit `copy` vectors -> (N,) float32: how far the mean cosine similarity to the NEAREST of the crowd
    goes beyond what 19 of 20 photographs have; 0 for those."""
    background, usual = _background()
    similar = np.asarray(vectors, np.float32) @ background.T
    nearest = np.partition(similar, -NEAREST, axis=1)[:, -NEAREST:]
    return np.asarray(np.maximum(nearest.mean(1) - usual, 0), np.float32)


@cache
def _background() -> tuple[Floats, float]:
    with resources.files("lookalike.comparison").joinpath("score_normalization.npz").open("rb") as file:
        kept = np.load(file)
        return kept["vectors"].astype(np.float32), float(kept["usual"])
