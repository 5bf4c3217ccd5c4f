"""lookalike compare: the library's comparison of two pictures, or of each with each."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import lookalike as la
from lookalike.types import Comparison, to_json
from samples import drawn, save
from terminal import fields, here, process


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    """A picture, a mirrored JPEG of it, and another picture."""
    pixels = drawn(1)
    return [
        save(tmp_path / "a.png", pixels),
        save(tmp_path / "b.jpg", pixels[:, ::-1].copy()),
        save(tmp_path / "c.png", drawn(2)),
    ]


def test_json(pictures: list[Path]) -> None:
    """The two names and the fields of the library's answer, on one line; nothing on stderr."""
    ran = process("compare", *pictures[:2], "--json")
    assert (ran.code, ran.err) == (0, "")
    assert list(ran.json) == ["a", "b", *fields(Comparison)]
    expected = to_json(la.compare(*pictures[:2]))
    assert {"a": str(pictures[0]), "b": str(pictures[1]), **expected} == ran.json
    assert (ran.json["relation"], ran.json["turn"]) == ("mirrored", "mirrored")


def test_each_with_each(pictures: list[Path]) -> None:
    """Three pictures are three pairs, a line of JSON each."""
    ran = here("compare", *pictures, "--json")
    a, b, c = map(str, pictures)
    assert [(p["a"], p["b"]) for p in map(json.loads, ran.out.splitlines())] == [(a, b), (a, c), (b, c)]


def test_words(pictures: list[Path]) -> None:
    """For people: relation, turn, probability and every distance."""
    ran = here("compare", *pictures[:2])
    assert (ran.code, ran.err) == (0, "")
    for word in ("mirrored (mirrored)", "colour", "texture", "structure", "pdq", "%"):
        assert word in ran.out
    stranger = here("compare", pictures[0], pictures[2]).out
    assert "unrelated, copy" in stranger or "similar, copy" in stranger


def test_mistakes(pictures: list[Path], tmp_path: Path) -> None:
    """One picture is too few, a missing file is the user's mistake, a damaged one a failed file."""
    (tmp_path / "bad.jpg").write_text("no picture")
    for arguments, code, word in (
        ([], 2, "Missing argument"),
        ([pictures[0]], 2, "two pictures"),
        ([pictures[0], tmp_path / "none.jpg"], 2, "none.jpg"),
        ([pictures[0], tmp_path / "bad.jpg"], 1, "bad.jpg"),
    ):
        ran = here("compare", *arguments, "--json")
        assert (ran.code, ran.out) == (code, "")
        assert word in ran.err


def test_a_report(pictures: list[Path], tmp_path: Path) -> None:
    """--report writes a page with the pictures of every pair."""
    assert here("compare", *pictures, "--report", tmp_path / "r.html").code == 0
    page = (tmp_path / "r.html").read_text("utf-8")
    assert all(path.name in page for path in pictures)
    assert "mirrored" in page
