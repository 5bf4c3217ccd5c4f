"""lookalike compare: the library's comparison of two images, or of each with each."""

from __future__ import annotations

from pathlib import Path

import pytest

import lookalike as la
from lookalike.types import Comparison, to_json
from samples import drawn, save
from terminal import fields, here, process


@pytest.fixture
def images(tmp_path: Path) -> list[Path]:
    """An image, a mirrored JPEG of it, and another image."""
    pixels = drawn(1)
    return [
        save(tmp_path / "a.png", pixels),
        save(tmp_path / "b.jpg", pixels[:, ::-1].copy()),
        save(tmp_path / "c.png", drawn(2)),
    ]


def test_json(images: list[Path]) -> None:
    """A list of one: the two names and the fields of the library's answer, on one line; nothing on stderr."""
    ran = process("compare", *images[:2], "--json")
    assert (ran.code, ran.err) == (0, "")
    assert list(ran.json) == ["comparisons"]
    (comparison,) = ran.json["comparisons"]
    assert list(comparison) == ["a", "b", *fields(Comparison)]
    expected = to_json(la.compare(*images[:2]))
    assert {"a": str(images[0]), "b": str(images[1]), **expected} == comparison
    assert (comparison["relation"], comparison["orientation"]) == ("mirrored", "mirrored")


def test_each_with_each(images: list[Path]) -> None:
    """Three images are three pairs, in one list."""
    ran = here("compare", *images, "--json")
    a, b, c = map(str, images)
    assert [(p["a"], p["b"]) for p in ran.json["comparisons"]] == [(a, b), (a, c), (b, c)]


def test_words(images: list[Path]) -> None:
    """For people: relation, turn, probability and every distance."""
    ran = here("compare", *images[:2])
    assert (ran.code, ran.err) == (0, "")
    assert "\nmirrored, copy with probability" in ran.out
    assert ran.out.count("mirrored") == 1
    for word in ("colour", "texture", "structure", "pdq", "%"):
        assert word in ran.out
    negative = here("compare", images[0], images[2]).out
    assert "unrelated, copy" in negative or "similar, copy" in negative


def test_mistakes(images: list[Path], tmp_path: Path) -> None:
    """One image is too few, a missing file is the user's mistake, a damaged one a failed file."""
    (tmp_path / "bad.jpg").write_text("no image")
    for arguments, code, word in (
        ([], 2, "Missing argument"),
        ([images[0]], 2, "two images"),
        ([images[0], tmp_path / "none.jpg"], 2, "none.jpg"),
        ([images[0], tmp_path / "bad.jpg"], 1, "bad.jpg"),
    ):
        ran = here("compare", *arguments, "--json")
        assert (ran.code, ran.out) == (code, "")
        assert word in ran.err


def test_a_report(images: list[Path], tmp_path: Path) -> None:
    """--report writes a page with the images of every pair."""
    assert here("compare", *images, "--report", tmp_path / "r.html").code == 0
    page = (tmp_path / "r.html").read_text("utf-8")
    assert all(path.name in page for path in images)
    assert "mirrored" in page
