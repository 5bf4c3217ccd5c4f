"""The sheet for people: it is there for every pair, what it shows is in its place, and what is missing is told."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from lookalike.comparison.explain import draw as drawing
from lookalike.comparison.explain.attribution import Explanation, explain
from lookalike.comparison.explain.canvas import (
    MARGIN,
    TALLEST,
    WIDTH,
    Word,
    blank,
    framed,
    in_letters,
    length,
    shortened,
    written,
)
from lookalike.comparison.explain.draw import CHANGED, MATCH, draw
from lookalike.imaging import from_array
from samples import drawn, photograph

random = np.random.default_rng(6)
ODD = {
    "1x1": random.integers(0, 256, (1, 1, 3), np.uint8),
    "1x5000": random.integers(0, 256, (5000, 1, 3), np.uint8),
    "5000x1": random.integers(0, 256, (1, 5000, 3), np.uint8),
    "10:1": drawn(4, 900, 90),
    "one colour": np.full((120, 160, 3), (200, 30, 60), np.uint8),
    "grey": drawn(5)[..., :1].repeat(3, 2),
    "other": drawn(6),
}


@pytest.fixture(scope="module")
def edited() -> Explanation:
    """A photograph and its copy with a disc on it."""
    pixels = photograph("chelsea.png")
    return explain(from_array(pixels), from_array(cv2.circle(pixels.copy(), (320, 90), 50, (230, 20, 40), -1)))


def has(sheet: np.ndarray, colour: tuple[int, int, int]) -> bool:
    return bool((np.abs(sheet.astype(int) - colour).max(-1) < 3).any())


def said(monkeypatch: pytest.MonkeyPatch, explanation: Explanation) -> str:
    """All words that are put on the sheet."""
    words: list[str] = []
    real_note, real_written = drawing.note, drawing.written
    monkeypatch.setattr(drawing, "note", lambda text: (words.append(text), real_note(text))[1])
    monkeypatch.setattr(
        drawing, "written", lambda paper, w: (words.extend(one.text for one in w), real_written(paper, w))[1]
    )
    draw(explanation)
    return " | ".join(words)


@pytest.mark.parametrize("name", ODD)
def test_any_pair_can_be_drawn(name: str) -> None:
    """With a stranger and with itself: a sheet of the usual width, neither endless nor empty."""
    image, stranger = from_array(ODD[name]), from_array(drawn(9))
    for other in (image, stranger):
        sheet = draw(explain(image, other))
        assert (sheet.shape[1:], sheet.dtype) == ((WIDTH, 3), np.uint8)
        assert 600 < len(sheet) < 2400
        assert sheet.std() > 5


def test_what_changed_is_marked_in_its_place(edited: Explanation) -> None:
    """The colour of changes lies in the third image of its row, and nowhere if nothing changed."""
    sheet = draw(edited)
    rows, columns = np.nonzero(np.abs(sheet.astype(int) - CHANGED).max(-1) < 3)
    assert columns.min() > 2 * WIDTH / 3
    assert np.ptp(columns) > 50
    assert np.ptp(rows) > 50
    assert not has(draw(replace(edited, where=np.zeros_like(edited.where), changed=())), CHANGED)


def test_matches_are_joined(edited: Explanation) -> None:
    """Dots of the matches are drawn, none of strangers."""
    assert has(draw(edited), MATCH)
    strangers = explain(from_array(photograph("coffee.png")), from_array(ODD["one colour"]))
    assert not has(draw(strangers), MATCH)


def test_words(edited: Explanation, monkeypatch: pytest.MonkeyPatch) -> None:
    """The relation, every edit, the similarity and every cue stand on the sheet."""
    text = said(monkeypatch, edited)
    assert text.startswith("Edited")
    for word in (*edited.comparison.edits, "matching keypoints", "1 region changed", "colour", "geometry", "together"):
        assert word in text


def test_what_is_missing_is_told(edited: Explanation, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a place, without maps and without shares there is a line in place of each."""
    bare = replace(edited, finding=None, where=None, changed=(), content_a=None, shares={})
    text = said(monkeypatch, bare)
    for word in ("No keypoints", "no way to lay", "does not tell", "Nothing had to be weighed"):
        assert word in text


def test_the_box_is_drawn_where_more_is_shown() -> None:
    """The image that shows more is pale beyond the box, and as it was within; whichever comes first."""
    pixels = photograph("chelsea.png")
    whole, part = from_array(pixels), from_array(pixels[60:240, 80:330].copy())
    for a, b, left in ((whole, part, MARGIN), (part, whole, WIDTH // 2)):
        explanation = explain(a, b)
        assert explanation.comparison.box is not None
        columns = np.nonzero(np.abs(draw(explanation).astype(int) - drawing.BOX).max(-1) < 3)[1]
        assert left <= columns.min()
        assert columns.max() < left + WIDTH // 2


def test_frames_keep_proportions() -> None:
    """An image is fitted into its column; a place of the original is found again by ``grow``."""
    frame = framed(drawn(1, 200, 100), 2, (400, 200))
    assert frame.shown.shape[0] == pytest.approx(frame.shown.shape[1] / 2, abs=1)
    assert (400 * frame.grow[0], 200 * frame.grow[1]) == frame.shown.shape[1::-1]
    assert framed(ODD["1x5000"], 2).shown.shape[0] == TALLEST


def test_names_fit_and_can_be_shown() -> None:
    """Accents go, what the font lacks becomes "?", what is too long loses its middle."""
    assert in_letters("été\n漢.jpg") == "ete??.jpg"
    short = shortened("a" * 300 + "end", 16, 200)
    assert length(short, 16) <= 200
    assert short.endswith("end")
    assert shortened("short", 16, 200) == "short"


def test_words_leave_the_paper_alone() -> None:
    """Writing gives a new sheet, darker where the word stands."""
    paper = blank(40)
    sheet = written(paper, [Word("word", 10, 30)])
    assert paper.min() == 255
    assert sheet[:, :100].min() < 60
    assert sheet[:, 200:].min() == 255
