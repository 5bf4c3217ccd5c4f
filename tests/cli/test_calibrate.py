"""lookalike calibrate."""

from __future__ import annotations

from pathlib import Path

import pytest

from lookalike.comparison.calibration import Calibration
from lookalike.gallery import Gallery
from quickly import from_few_pairs
from samples import folder_of
from terminal import here


def test_it_fits_and_tells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The curves and what each was fitted on; a search needs no second fit. From few pairs, for how good the curves are
    is another test's business."""
    from_few_pairs(monkeypatch)
    folder_of(tmp_path / "photos", 22)
    with Gallery.create(tmp_path / "g", ["structure", "colour", "texture"]) as opened:
        opened.add(tmp_path / "photos")
    ran = here("calibrate", "-g", tmp_path / "g", "--json")
    curves = {curve["name"]: curve["origin"] for curve in ran.json["curves"]}
    assert (ran.code, set(curves), list(ran.json)) == (0, {"blend", "verified"}, ["curves"])
    assert "22 images of this library" in curves["blend"]
    assert here("search", tmp_path / "photos" / "0003.jpg", "-g", tmp_path / "g", "--precision", "0.9").err == ""


def test_it_forgets(tmp_path: Path) -> None:
    """--reset goes back to the shipped curves, and says how many there were."""
    with Gallery.create(tmp_path / "g", ["structure"]) as opened:
        store = opened._library.store
        with store.transaction():
            store.put_calibrations({"structure": Calibration(2.0, 1.0, "a test")})
        assert opened.is_calibrated
    ran = here("calibrate", "-g", tmp_path / "g", "--reset")
    assert (ran.code, "forgot 1 curve" in ran.out) == (0, True)
    with Gallery.open(tmp_path / "g") as opened:
        assert not opened.is_calibrated


def test_too_few(tmp_path: Path) -> None:
    """Too few images are the user's mistake."""
    folder_of(tmp_path / "photos", 3)
    Gallery.create(tmp_path / "g").close()
    ran = here("calibrate", "-g", tmp_path / "g")
    assert (ran.code, "20 images" in ran.err) == (2, True)
