"""Classification: a softmax over the logits of a model's classes.

The temperature on the card makes the probabilities mean what they say (Guo et al., "On Calibration of Modern Neural
Networks", arXiv 1706.04599); below the card's ``abstain_below`` nothing is said.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lookalike.descriptors.neural import model_store
from lookalike.descriptors.neural.model_card import ModelCard, read_card
from lookalike.descriptors.neural.onnx_model import Labels, softmax
from lookalike.errors import UserError
from lookalike.types import Floats, Image, Label


@dataclass(frozen=True, slots=True)
class Classified:
    """``probabilities``: (N, C) float32, each row adds up to 1; zeros where the network gave no number.
    ``labels``: what its C classes are called, and when it says nothing. ``source``: who says so."""

    probabilities: Floats
    labels: Labels
    source: str

    def top(self, row: int, k: int = 1, min_probability: float | None = None) -> tuple[Label, ...]:
        """The k most probable labels of an image, best first; none if the best is below
        ``min_probability``, by default the
        card's ``abstain_below``."""
        probabilities = self.probabilities[row]
        threshold = self.labels.abstain_below if min_probability is None else min_probability
        best = np.argsort(-probabilities, kind="stable")[:k].tolist()
        if probabilities[best[0]] <= 0 or probabilities[best[0]] < threshold:
            return ()
        return tuple(Label(self.labels.names[n], float(probabilities[n]), self.source) for n in best)


def classify(images: Sequence[Image], card: ModelCard) -> Classified:
    """N images of any size -> the probability of each class.

    Raises UserError for a model without labels, ModelMissing, ModelDamaged, ModelCardInvalid."""
    labels = labels_of(card)
    logits = model_store.network(card).logits(images)
    return Classified(softmax(logits, labels.temperature), labels, source_of(card))


def classifier(name: str | Path) -> ModelCard:
    """The card of a classifier: a model's name, or the path of a card or of the ONNX file beside it.

    Raises UserError for an unknown name and for a model without labels, ModelCardInvalid for a bad card."""
    path = Path(name)
    card = read_card(path.with_suffix(".toml")) if path.suffix in (".toml", ".onnx") else model_store.find(str(name))
    labels_of(card)
    return card


def labels_of(card: ModelCard) -> Labels:
    """Raises UserError for a model without labels."""
    if card.labels is None:
        raise UserError(
            f"the model {card.name!r} is no classifier: its card, {card.path}, has no table [labels]; "
            "see docs/how-to/models.md"
        )
    return card.labels


def source_of(card: ModelCard) -> str:
    """Who a label comes from: the model's name, and 12 hex digits that change with the file, with what is done to an
    image before it, and with the table [labels]."""
    identity = repr((card.sha256, card.input, labels_of(card)))
    return f"{card.name} {hashlib.sha256(identity.encode()).hexdigest()[:12]}"
