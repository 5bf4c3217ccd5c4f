"""Whether a network is measured on images that it was trained on: what it learnt by heart proves nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lookalike.descriptors.neural import model_store
from lookalike.descriptors.neural.image_digests import short_digests
from lookalike.descriptors.neural.model_store import ModelCard
from lookalike.errors import ModelError


@dataclass(frozen=True, slots=True)
class TrainingOverlap:
    """Of the ``images`` that a descriptor was measured on, those that its ``model`` was ``trained`` on, and those that
    its training ``held_out``, which chose the best step and the thresholds. ``unknown``: why that cannot be told."""

    by: str
    model: str
    images: int
    trained: int
    held_out: int
    unknown: str = ""

    @property
    def sentence(self) -> str:
        """For people."""
        if self.unknown:
            return f"{self.by}: which images its network was trained on cannot be told: {self.unknown}"
        others = self.images - self.trained - self.held_out
        shares = f"{self.held_out:,} were held out by its training, {others:,} it has never seen"
        if not self.trained:
            return f"{self.by}: none of the {self.images:,} images was trained on; {shares}"
        return (
            f"{self.by}: {self.trained:,} of the {self.images:,} images were trained on, so its figures are too good; "
            f"{shares}"
        )

    @property
    def is_warning(self) -> bool:
        """Whether the figures are not to be trusted."""
        return bool(self.trained or self.unknown)


def training_overlaps(by: Sequence[str], sha256s: Sequence[str]) -> tuple[TrainingOverlap, ...]:
    """How many of the files with these digests are among the images that the model of each descriptor was trained on,
    if its card names them."""
    owners = {output.name: card for card in model_store.all_models() if card.image_digests for output in card.outputs}
    return tuple(_overlap(name, owners[name], sha256s) for name in by if name in owners)


def _overlap(name: str, card: ModelCard, sha256s: Sequence[str]) -> TrainingOverlap:
    try:
        known = model_store.trained_on(card)
    except ModelError as error:
        return TrainingOverlap(name, card.name, len(sha256s), 0, 0, str(error))
    digests = short_digests(sha256s)
    trained, held_out = (int(np.isin(digests, part).sum()) for part in (known.trained, known.held_out))
    return TrainingOverlap(name, card.name, len(sha256s), trained, held_out)
