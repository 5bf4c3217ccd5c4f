"""lookalike compare --explain and --report: the reasons as an image, as JSON, and on the page."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from lookalike.comparison.explain.attribution import explain, explanation_json
from lookalike.comparison.explain.draw import draw
from lookalike.errors import UserError
from lookalike.report.atomic_file import write_image
from samples import photograph, save
from terminal import here, process


@pytest.fixture
def images(tmp_path: Path) -> list[Path]:
    """A photograph, a part of it, and another photograph."""
    pixels = photograph("chelsea.png")
    return [
        save(tmp_path / "a.png", pixels),
        save(tmp_path / "b.jpg", pixels[60:240, 80:330], quality=90),
        save(tmp_path / "c.png", photograph("coffee.png")),
    ]


def test_an_image_and_json(images: list[Path], tmp_path: Path) -> None:
    """--explain writes the library's sheet and --json prints the library's reasons, on one line; nothing on stderr."""
    a, b = map(str, images[:2])
    ran = process("compare", a, b, "--explain", tmp_path / "why.png", "--json")
    assert (ran.code, ran.err) == (0, "")
    explanation = explain(a, b)
    assert {"comparisons": [json.loads(json.dumps({"a": a, "b": b, **explanation_json(explanation)}))]} == ran.json
    with Pillow.open(tmp_path / "why.png") as written:
        np.testing.assert_array_equal(draw(explanation), np.asarray(written))


@pytest.mark.parametrize(("ending", "known"), [(".jpg", "JPEG"), (".WEBP", "WEBP"), (".tiff", "TIFF"), (".bmp", "BMP")])
def test_endings(images: list[Path], tmp_path: Path, ending: str, known: str) -> None:
    """Any ending that Pillow writes, in capitals too; no other file stays behind."""
    before = set(tmp_path.iterdir())
    place = tmp_path / f"why{ending}"
    assert here("compare", *images[:2], "--explain", place).code == 0
    with Pillow.open(place) as written:
        assert written.format == known
    assert set(tmp_path.iterdir()) - before == {place}


def test_words_for_people(images: list[Path]) -> None:
    """What was done, and where the one lies in the other, each in a line; strangers have neither."""
    out = here("compare", *images[:2]).out
    assert "edits: " in out
    assert "cropped" in out
    assert "B lies in A at (80, 60), 250 x 180 pixels, " in out
    assert "matching keypoints" in out
    assert "lies in" not in here("compare", images[0], images[2]).out


def test_mistakes(images: list[Path], tmp_path: Path) -> None:
    """Three images, an ending of no image, a place that is not there and one of the two images: each is named."""
    a, b, c = images
    before = a.read_bytes()
    for arguments, word in (
        ([a, b, c, "--explain", tmp_path / "why.png"], "--report shows each with each"),
        ([a, "--explain", tmp_path / "why.png"], "two images"),
        ([a, b, "--explain", tmp_path / "why.txt"], "'.txt'"),
        ([a, b, "--explain", tmp_path / "why"], "ending ''"),
        ([a, b, "--explain", tmp_path / "none" / "why.png"], "cannot be written here"),
        ([a, b, "--explain", tmp_path], "directory"),
        ([a, b, "--explain", a], "one of the images that are compared"),
        ([a, tmp_path / "none.jpg", "--explain", tmp_path / "why.png"], "none.jpg"),
    ):
        ran = here("compare", *arguments)
        assert (ran.code, ran.out) == (2, "")
        assert word in ran.err
    assert before == a.read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {"a.png", "b.jpg", "c.png"}


def test_a_format_that_cannot_hold_it(tmp_path: Path) -> None:
    """Where Pillow knows the ending and still cannot write colours, the user is told, and nothing is written."""
    with pytest.raises(UserError, match=r"why\.xbm: not to be written in this format"):
        write_image(tmp_path / "why.xbm", np.zeros((4, 5, 3), np.uint8))
    assert list(tmp_path.iterdir()) == []


def test_an_image_that_fails_leaves_the_old_one(tmp_path: Path) -> None:
    """What was there stays when the new image cannot take its place."""
    (tmp_path / "why.png").mkdir()
    (tmp_path / "why.png" / "kept").write_text("here")
    with pytest.raises(UserError, match="Name another file"):
        write_image(tmp_path / "why.png", np.zeros((4, 5, 3), np.uint8))
    assert [path.name for path in tmp_path.iterdir()] == ["why.png"]
    assert (tmp_path / "why.png" / "kept").read_text() == "here"


def test_the_report_says_why(images: list[Path], tmp_path: Path) -> None:
    """Each pair of the page has its sheet, within the page; the box lies in the image that shows more."""
    assert here("compare", *images, "--report", tmp_path / "r.html").code == 0
    page = (tmp_path / "r.html").read_text("utf-8")
    assert page.count('<figure class="reasons"') == 3
    assert page.count('<img src="data:image/webp;base64,') == 3 + 6
    assert "edited: " in page
    first = page[page.index('data-set aria-label="Comparison 1"') :]
    assert first.index("left:") < first.index("b.jpg")


def test_of_many_pairs_only_the_related_say_why(
    images: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page of more than EXPLAINED_PAIRS pairs has no sheet for strangers."""
    monkeypatch.setattr(sys.modules["lookalike.cli.compare"], "EXPLAINED_PAIRS", 2)
    assert here("compare", *images, "--report", tmp_path / "r.html").code == 0
    assert (tmp_path / "r.html").read_text("utf-8").count('<figure class="reasons"') == 1
