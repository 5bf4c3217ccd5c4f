"""lookalike faces: compare, at the command line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lookalike.descriptors.neural import model_store
from portraits import DETECTOR, NAME, drawn_face, drawn_portrait, install_portraits
from samples import save
from terminal import here


@pytest.fixture(autouse=True)
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(model_store.VARIABLE, str(tmp_path / "models"))
    install_portraits(tmp_path / "models")


@pytest.fixture
def portraits(tmp_path: Path) -> tuple[Path, Path, Path]:
    """Two of one person, and one of two others."""
    a, b = (save(tmp_path / f"{n}.png", drawn_portrait({(1, 1): drawn_face(1, n)})) for n in range(2))
    return a, b, save(tmp_path / "two.png", drawn_portrait({(0, 0): drawn_face(2), (1, 1): drawn_face(3)}))


def test_compared_in_words_and_json(tmp_path: Path, portraits: tuple[Path, Path, Path]) -> None:
    """The probability, what else was seen, and a page with the drawing."""
    a, b, two = portraits
    page = tmp_path / "page.html"
    ran = here("faces", "compare", a, b, "--by", NAME, "--report", page)
    assert ran.code == 0, ran.err
    assert re.search(r"one person with probability > 99\.9 % \(distance 0\.0\d\d\)", ran.out)
    assert "data:image/webp" in page.read_text("utf-8")
    assert "one person with &gt; 99.9 %" in page.read_text("utf-8")
    other = here("faces", "compare", a, two, "--by", NAME)
    assert "two.png shows 2 faces; the largest was compared" in other.out
    fields = here("faces", "compare", a, two, "--by", NAME, "--json").json
    assert fields["probability"] < 0.1
    assert (fields["a_faces"], fields["b_faces"], fields["a"]["flaw"]) == (1, 2, None)
    assert len(fields["a"]["landmarks"]) == 5


def test_mistakes_are_named(tmp_path: Path, portraits: tuple[Path, Path, Path]) -> None:
    """No face: 1, as for a file that fails; a report over one of the images, and no such network: 2."""
    a, b, _ = portraits
    wall = save(tmp_path / "wall.png", drawn_portrait({}))
    ran = here("faces", "compare", a, wall, "--by", NAME)
    assert (ran.code, ran.err) == (1, f"lookalike: {wall}: no face is found in it\n")
    assert here("faces", "compare", a, b, "--by", NAME, "--report", a).code == 2
    ran = here("faces", "compare", a, b)
    assert ran.code == 2
    assert "lookalike models add faces --from" in ran.err


def test_a_known_model_is_added_from_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Terms and weaknesses are told; a call that mixes both ways is a mistake."""
    monkeypatch.setattr(model_store, "KNOWN", tmp_path / "known")
    monkeypatch.setenv(model_store.VARIABLE, str(tmp_path / "empty"))
    card = install_portraits(tmp_path / "known")
    ran = here("models", "add", NAME, "--from", card.with_suffix(".onnx"), tmp_path / "known" / DETECTOR)
    assert ran.code == 0, ran.err
    assert f"added {NAME}: {NAME}" in ran.out
    assert "terms: CC0-1.0" in ran.out
    assert "mind: sees nothing but colour" in ran.out
    assert here("models", "add", NAME, card).code == 2
    assert here("models", "verify").out.endswith(f"ok  {NAME}\n")
    assert here("models", "show", NAME).out.count("found by") == 1
