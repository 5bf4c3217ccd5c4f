"""The drawing for people: it is there for every pair, what it shows is in its place, and what is missing is said."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from lookalike.comparison.explain import draw as drawing
from lookalike.comparison.explain.attribution import Explanation, explain
from lookalike.comparison.explain.canvas import (
    CANVAS_WIDTH,
    MARGIN,
    MAX_IMAGE_HEIGHT,
    Word,
    blank_canvas,
    fit_image,
    printable_name,
    text_width,
    truncate_middle,
    write_words,
)
from lookalike.comparison.explain.draw import CHANGED_COLOUR, MATCH_COLOUR, draw
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


def has(canvas: np.ndarray, colour: tuple[int, int, int]) -> bool:
    return bool((np.abs(canvas.astype(int) - colour).max(-1) < 3).any())


def words_on(monkeypatch: pytest.MonkeyPatch, explanation: Explanation) -> str:
    """All words on the canvas."""
    words: list[str] = []
    real_line, real_words = drawing.text_line, drawing.write_words
    monkeypatch.setattr(drawing, "text_line", lambda text: (words.append(text), real_line(text))[1])
    monkeypatch.setattr(
        drawing, "write_words", lambda canvas, w: (words.extend(one.text for one in w), real_words(canvas, w))[1]
    )
    draw(explanation)
    return " | ".join(words)


@pytest.mark.parametrize("name", ODD)
def test_any_pair_can_be_drawn(name: str) -> None:
    """With another image and with itself: a canvas of the usual width, neither endless nor empty."""
    image, negative = from_array(ODD[name]), from_array(drawn(9))
    for other in (image, negative):
        canvas = draw(explain(image, other))
        assert (canvas.shape[1:], canvas.dtype) == ((CANVAS_WIDTH, 3), np.uint8)
        assert 600 < len(canvas) < 2400
        assert canvas.std() > 5


def test_what_changed_is_marked_in_its_place(edited: Explanation) -> None:
    """The colour of changes lies in the third image of its row, and nowhere if nothing changed."""
    canvas = draw(edited)
    rows, columns = np.nonzero(np.abs(canvas.astype(int) - CHANGED_COLOUR).max(-1) < 3)
    assert columns.min() > 2 * CANVAS_WIDTH / 3
    assert np.ptp(columns) > 50
    assert np.ptp(rows) > 50
    assert not has(draw(replace(edited, changed_mask=np.zeros_like(edited.changed_mask), changed=())), CHANGED_COLOUR)


def test_matches_are_joined(edited: Explanation) -> None:
    """Dots of the matches are drawn, none of unrelated images."""
    assert has(draw(edited), MATCH_COLOUR)
    negatives = explain(from_array(photograph("coffee.png")), from_array(ODD["one colour"]))
    assert not has(draw(negatives), MATCH_COLOUR)


def test_words(edited: Explanation, monkeypatch: pytest.MonkeyPatch) -> None:
    """The relation, every edit, the similarity and every cue stand on the canvas."""
    text = words_on(monkeypatch, edited)
    assert text.startswith("Edited")
    for word in (*edited.comparison.edits, "matching keypoints", "1 region changed", "colour", "geometry", "together"):
        assert word in text


def test_what_is_missing_is_said(edited: Explanation, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an alignment, maps and contributions there is a line in place of each."""
    bare = replace(edited, alignment=None, changed_mask=None, changed=(), content_a=None, contributions={})
    text = words_on(monkeypatch, bare)
    for word in ("keypoints do not match", "cannot be aligned", "does not say", "Nothing had to be weighed"):
        assert word in text


def test_the_box_is_drawn_where_more_is_shown() -> None:
    """The image that shows more is pale beyond the box, and as it was within; whichever comes first."""
    pixels = photograph("chelsea.png")
    whole, part = from_array(pixels), from_array(pixels[60:240, 80:330].copy())
    for a, b, left in ((whole, part, MARGIN), (part, whole, CANVAS_WIDTH // 2)):
        explanation = explain(a, b)
        assert explanation.comparison.box is not None
        columns = np.nonzero(np.abs(draw(explanation).astype(int) - drawing.BOX_COLOUR).max(-1) < 3)[1]
        assert left <= columns.min()
        assert columns.max() < left + CANVAS_WIDTH // 2


def test_frames_keep_proportions() -> None:
    """An image is fitted into its column; a place of the original is found again by ``scale``."""
    frame = fit_image(drawn(1, 200, 100), 2, (400, 200))
    assert frame.pixels.shape[0] == pytest.approx(frame.pixels.shape[1] / 2, abs=1)
    assert (400 * frame.scale[0], 200 * frame.scale[1]) == frame.pixels.shape[1::-1]
    assert fit_image(ODD["1x5000"], 2).pixels.shape[0] == MAX_IMAGE_HEIGHT


def test_names_fit_and_can_be_shown() -> None:
    """Accents go, what the font lacks becomes "?", what is too long loses its middle."""
    assert printable_name("été\n漢.jpg") == "ete??.jpg"
    short = truncate_middle("a" * 300 + "end", 16, 200)
    assert text_width(short, 16) <= 200
    assert short.endswith("end")
    assert truncate_middle("short", 16, 200) == "short"


def test_words_leave_the_canvas_alone() -> None:
    """Writing gives a new canvas, darker where the word stands."""
    before = blank_canvas(40)
    canvas = write_words(before, [Word("word", 10, 30)])
    assert before.min() == 255
    assert canvas[:, :100].min() < 60
    assert canvas[:, 200:].min() == 255
