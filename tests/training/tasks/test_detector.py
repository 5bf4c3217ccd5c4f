"""A detector of a user's own boxes: it is trained, measured, resumed and refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from boxes import coco_in
from lookalike.errors import UserError
from lookalike.training.models.region_net import Detector
from lookalike.training.tasks import pretrained
from lookalike.training.tasks.detector import DetectorSettings, train_detector

SMALL = DetectorSettings(side=96, steps=2, batch=4)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return coco_in(tmp_path_factory.mktemp("drawn") / "p", 12)


@pytest.fixture(autouse=True)
def random_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """In place of the shipped network."""
    network = Detector().eval()
    monkeypatch.setattr(pretrained, "restore_detector", lambda _: network)


def quiet(*_: int) -> None:
    pass


def test_what_is_made(file: Path, tmp_path: Path) -> None:
    """Metrics are numbers, the classes are those of the file, what is held out is not trained on; a second call with
    the same folder goes on where the first one ended, and measures the same."""
    made = train_detector(file, SMALL, tmp_path, quiet)
    assert made.objects is not None
    assert (made.objects.names, made.objects.count, made.objects.query_sides) == (("disc", "square"), 32, (32,))
    assert (made.images, made.details["held_out"], made.details["trunk"]) == (10, 2, "frozen")
    assert all(np.isfinite(value) for value in made.metrics.values())
    assert (made.complete, made.step, made.dim) == (True, 2, 256)
    again = train_detector(file, SMALL, tmp_path, quiet)
    assert again.metrics == made.metrics


def test_another_set_of_classes_is_refused(file: Path, tmp_path: Path) -> None:
    """A run folder goes with its classes."""
    train_detector(file, replace(SMALL, steps=1), tmp_path, quiet)
    other = file.with_name("other.json")
    other.write_text(file.read_text().replace('"disc"', '"ball"'))
    with pytest.raises(UserError, match="another classes"):
        train_detector(other, replace(SMALL, steps=1), tmp_path, quiet)


def test_a_side_that_makes_no_cells(file: Path, tmp_path: Path) -> None:
    """It is refused before anything is read."""
    with pytest.raises(UserError, match="multiple of 16"):
        train_detector(file, replace(SMALL, side=100), tmp_path, quiet)
