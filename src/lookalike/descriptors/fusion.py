"""Blend: several distances as one weighted sum, with weights that the user sets. Nothing of it is stored in a gallery.

Each distance is first divided by what two unrelated photographs typically have, so that bits, angles and
colour differences add up: 0 is the same, 1 is as far apart as two unrelated photographs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.descriptors.registry import exists, get, names
from lookalike.distance import normalise_weights, weighted_sum
from lookalike.errors import UserError
from lookalike.logistic import fit
from lookalike.types import Floats

BLEND = "blend"
# Learnt with learn_weights() from 250 photographs, each against eleven edits of itself and of its closest other.
DEFAULT_WEIGHTS: Mapping[str, float] = {"colour": 0.05, "texture": 0.15, "structure": 0.8}  # see recipes/log.md
LEARNING_L2 = 1.0  # examples: a few pairs move the weights, none of them rules


@dataclass(frozen=True, slots=True)
class Blend:
    """``weights``: descriptor name -> weight. Any sum will do: it is made 1, zeros are dropped.

    Raises UserError for an unknown name, a weight that is negative or not finite, or no weight above zero.
    """

    weights: Mapping[str, float]

    def __post_init__(self) -> None:
        for name in self.weights:
            get(name)
        weights = {name: weight for name, weight in normalise_weights(self.weights).items() if weight > 0}
        object.__setattr__(self, "weights", weights)

    @property
    def names(self) -> tuple[str, ...]:
        """The descriptors whose distances ``combine`` needs."""
        return tuple(self.weights)

    def combine(self, distances: Mapping[str, NDArray[Any]]) -> Floats:
        """Descriptor name -> distances, all of one shape, each in its own unit -> float32 of that shape."""
        return weighted_sum(_normalised(distances, self.names), self.weights)

    def distance(self, distances: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
        """The distance that ranks: a single descriptor's own, or what ``combine`` makes of several."""
        return distances[self.names[0]] if len(self.names) == 1 else self.combine(distances)


def learn_weights(distances: Mapping[str, NDArray[Any]], same: NDArray[Any]) -> dict[str, float]:
    """The weights that separate labelled pairs best: descriptor name -> weight; they add up to 1.

    ``distances``: descriptor name -> (N,), in its own unit; ``same``: (N,) bool, true for pairs that match. Two pairs
    are enough, one of each kind. Logistic regression without negative weights.
    """
    scaled = _normalised(distances, tuple(distances))
    table = np.column_stack([-column for column in scaled.values()]) if scaled else np.empty((len(same), 0))
    model = fit(table, same, l2=LEARNING_L2, nonnegative=True)
    weights = dict(zip(scaled, model.coefficients, strict=True))
    if not any(weights.values()):
        raise UserError(
            "no descriptor separates matching from non-matching pairs: the former are closer by none of them"
        )
    return normalise_weights(weights)


def parse_by(text: str) -> Blend:
    """ "blend", the name of a descriptor, or "colour=2,texture=1" -> Blend. Raises UserError otherwise."""
    if text.strip() == BLEND:
        return Blend(DEFAULT_WEIGHTS)
    if "=" not in text:
        return Blend({_known(text): 1.0})
    weights: dict[str, float] = {}
    for part in text.split(","):
        name, _, value = part.partition("=")
        if _known(name) in weights:
            raise UserError(f"{name.strip()!r} is there twice in {text!r}")
        weights[_known(name)] = _weight(value, part)
    return Blend(weights)


def _normalised(distances: Mapping[str, NDArray[Any]], names: tuple[str, ...]) -> dict[str, Floats]:
    missing = [name for name in names if name not in distances]
    if missing:
        raise UserError(f"no distance given for {', '.join(missing)}")
    return {
        name: np.asarray(distances[name], np.float32) / np.float32(get(name).card.median_negative_distance)
        for name in names
    }


def _known(name: str) -> str:
    known = name.strip()
    if not exists(known):
        raise UserError(f"no descriptor {known!r}; there are {', '.join(names())} and {BLEND}")
    return known


def _weight(value: str, part: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise UserError(f"{part.strip()!r} is not name=weight, as in colour=2") from None
