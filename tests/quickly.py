"""Long work made short, for tests that are not about how well it is done."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

from lookalike.gallery.calibration import calibrate


def from_few_pairs(patch: pytest.MonkeyPatch) -> None:
    """A calibration takes one pair of each kind for each image, in place of several."""
    for name in ("EDITS_PER_IMAGE", "HARD_NEGATIVES", "RANDOM_NEGATIVES", "POSSIBLE_COPIES"):
        patch.setattr(calibrate, name, 1)


def without_export(patch: pytest.MonkeyPatch) -> None:
    """Training ends with a file that is no network: torch's exporter takes longer than a training of a few steps. For
    tests that never read that file."""
    from lookalike.training.export import onnx_export

    def written(_network: object, _names: object, _side: int, path: Path, *_: object, **__: object) -> str:
        path.write_bytes(b"no network")
        return sha256(b"no network").hexdigest()

    patch.setattr(onnx_export, "_written", written)
