"""Long work made short, for tests that are not about how well it is done."""

from __future__ import annotations

import pytest

from lookalike.gallery.calibration import calibrate


def from_few_pairs(patch: pytest.MonkeyPatch) -> None:
    """A calibration takes one pair of each kind for each image, in place of several."""
    for name in ("EDITS_PER_IMAGE", "HARD_NEGATIVES", "RANDOM_NEGATIVES", "POSSIBLE_COPIES"):
        patch.setattr(calibrate, name, 1)
