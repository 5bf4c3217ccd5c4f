"""Tags of scenes and everyday things, "street", "person", "sofa", that a network's 1,000 classes do not name: a
logistic regression on what a gallery keeps of `content`, its vector and its likeliest classes.

Where a gallery also keeps what the network of `words` says, which looks at every place of an image by itself, both are
weighed against each other.

``tags.npz`` is written by ``recipes/word_tags.py``, ``tags.toml`` is its card. Both hold for the very network whose
fingerprint they name, and so does the curve by which the summed probability of classes becomes that of a word.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from lookalike.logistic import sigmoid
from lookalike.types import Floats

LEAST_MASS = 1e-3  # of a class: what is not among the likeliest that are kept counts as this
STEP = 12  # log-odds are kept in steps of 1 / 12, from -10 to 10
Steps = NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class TagHead:
    """``names``: of T tags. ``weights``: (T, D) float32 of the vector, ``class_weights``: (T,) of the log-odds of the
    tag's own classes, ``biases``: (T,). ``class_curve``: intercept, slope of the log-odds of classes, and of the
    logarithm of how many. ``distance_curve``: the same of the distance between two images, to whether they show the
    same kind of thing. ``network_curve``: intercept, slopes of the log-odds of vector and classes and of those of the
    network of `words`, to the log-odds of both together; ``network_places``: (T,) which of its numbers is each tag's.
    ``fingerprint``, ``network_fingerprint``: of the two descriptors. ``digest``: of all these numbers."""

    names: tuple[str, ...]
    weights: Floats
    class_weights: Floats
    biases: Floats
    class_curve: tuple[float, float, float]
    distance_curve: tuple[float, float]
    network_curve: tuple[float, float, float]
    network_places: NDArray[np.int64]
    fingerprint: str
    network_fingerprint: str
    digest: str

    def steps(self, vectors: Floats, masses: Floats, network: Floats, described: NDArray[np.bool_]) -> Steps:
        """(N, D) unit vectors, (N, T) the summed probabilities of each tag's classes, and (N, W) what the network of
        `words` says of the images that it has ``described`` -> (N, T) int8 log-odds."""
        odds = self.odds(vectors, masses)
        intercept, slope, network_slope = self.network_curve
        odds[described] = (
            intercept + slope * odds[described] + network_slope * network[described][:, self.network_places]
        )
        return np.asarray(np.clip(np.round(STEP * odds), -120, 120), np.int8)

    def odds(self, vectors: Floats, masses: Floats) -> Floats:
        """(N, D) unit vectors and (N, T) masses -> (N, T) float32, the log-odds by `content` alone."""
        own = self.class_weights * mass_odds(masses) + self.biases
        return np.asarray(vectors @ self.weights.T + own, np.float32)

    def by_classes(self, mass: Floats, count: int) -> Floats:
        """(N,) summed probabilities of a word's ``count`` classes -> (N,) float32: the probability that an image shows
        it. What one class alone stands for is rarer in most libraries than what a hundred stand for."""
        return np.asarray(sigmoid(self.class_odds(mass, count)), np.float32)

    def class_odds(self, mass: Floats, count: int) -> Floats:
        """The log-odds of that."""
        intercept, slope, per_class = self.class_curve
        odds = intercept + per_class * float(np.log(count)) + slope * mass_odds(mass)
        return np.asarray(odds, np.float32)

    def by_distance(self, distances: Floats) -> Floats:
        """(N,) distances of vectors -> (N,) float32: the probability that two images show the same kind of thing."""
        intercept, slope = self.distance_curve
        return np.asarray(sigmoid(intercept + slope * distances), np.float32)


def by_tags(steps: Steps) -> Floats:
    """(N, K) log-odds of a word's tags -> (N,) float32: the probability that an image shows any, that of the
    likeliest."""
    return np.asarray(sigmoid(steps.max(axis=1).astype(np.float64) / STEP), np.float32)


def class_mass(places: NDArray[np.uint16], shares: NDArray[np.float16], classes: Sequence[int], count: int) -> Floats:
    """(N, K) numbers of the likeliest of ``count`` classes and their probabilities -> (N,): those of ``classes`` added
    up."""
    wanted = np.zeros(count, bool)
    wanted[list(classes)] = True
    cells = np.flatnonzero(wanted[places])
    found = shares.reshape(-1)[cells].astype(np.float32)
    return np.bincount(cells // places.shape[1], found, len(places)).astype(np.float32)


def mass_odds(mass: Floats) -> Floats:
    """Log-odds of a summed probability, between those of LEAST_MASS and of 1 - LEAST_MASS."""
    clipped = np.clip(mass, LEAST_MASS, 1 - LEAST_MASS)
    return np.asarray(np.log(clipped / (1 - clipped)), np.float32)


@cache
def tag_head() -> TagHead:
    """The one that ships."""
    data = resources.files("lookalike.words").joinpath("tags.npz").read_bytes()
    stored = np.load(io.BytesIO(data))
    return TagHead(
        names=tuple(stored["names"].tolist()),
        weights=stored["weights"].astype(np.float32),
        class_weights=stored["class_weights"],
        biases=stored["biases"],
        class_curve=tuple(stored["class_curve"].tolist()),
        distance_curve=tuple(stored["distance_curve"].tolist()),
        network_curve=tuple(stored["network_curve"].tolist()),
        network_places=stored["network_places"].astype(np.int64),
        fingerprint=str(stored["made_by"]),
        network_fingerprint=str(stored["network_made_by"]),
        digest=hashlib.sha256(data).hexdigest()[:16],
    )
