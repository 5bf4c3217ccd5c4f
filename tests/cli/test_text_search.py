"""lookalike search --text: the library's answer as a table, as JSON, as a page; what cannot be, is said."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from corpora import Corpora
from lookalike.gallery import Gallery
from lookalike.types import to_json
from samples import photograph_path
from terminal import process


def cat_and_coffee(folder: Path) -> None:
    """Two photographs."""
    folder.mkdir()
    for name in ("chelsea.png", "coffee.png"):
        shutil.copy(photograph_path(name), folder / name)


@pytest.fixture(scope="module")
def gallery(corpora: Corpora) -> Path:
    return corpora.indexed(cat_and_coffee, descriptors=("content", "colour")).gallery


def test_json_is_what_the_library_says(gallery: Path) -> None:
    """One object with the library's field names, and the text."""
    ran = process("search", "-g", gallery, "--text", "beautiful cat", "--json")
    with Gallery.open(gallery) as opened:
        expected = to_json(opened.search_text("beautiful cat"))
    assert (ran.code, ran.json) == (0, {"text": "beautiful cat", **expected})


def test_the_table_and_the_page_say_why(gallery: Path, tmp_path: Path) -> None:
    """The image, its probability, the word; the unknown word on stderr; a page beside it."""
    ran = process("search", "-g", gallery, "--text", "beautiful cat", "--report", tmp_path / "r.html")
    assert ran.code == 0
    assert "chelsea.png" in ran.out
    assert "coffee.png" not in ran.out
    assert "no idea of: beautiful" in ran.err
    page = (tmp_path / "r.html").read_text("utf-8")
    assert "chelsea.png" in page
    assert "beautiful cat" in page


def test_nothing_like_that_is_said(gallery: Path) -> None:
    """No hit, no table, the best probability instead; --not takes a hit away."""
    for given in (("--text", "violin"), ("--text", "cat", "--not", "cat")):
        ran = process("search", "-g", gallery, *given)
        assert (ran.code, ran.out) == (0, "")
        assert "nothing like that here" in ran.err


def test_a_search_needs_an_image_or_words(gallery: Path) -> None:
    """And words go with one image at most."""
    assert process("search", "-g", gallery).code == 2
    assert process("search", "-g", gallery, "--text", "cat", "a.jpg", "b.jpg").code == 2
