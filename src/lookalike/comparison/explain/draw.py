"""An explanation as one image for people. Nothing is worked out here: arrays and words in, pixels out.

From above: the relation; the two images and their matches; their overlap and what was changed; where their content is
similar; what each cue contributes.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lookalike.comparison.explain.attribution import Explanation
from lookalike.comparison.explain.canvas import (
    CANVAS_WIDTH,
    GREY_INK,
    INK,
    LINE,
    MARGIN,
    WHITE,
    Colour,
    ScaledImage,
    Word,
    blank_canvas,
    blend_pixels,
    fit_image,
    printable_name,
    section,
    side_by_side,
    text_line,
    text_width,
    truncate_middle,
    write_words,
)
from lookalike.formatting import percent
from lookalike.types import Box, Floats, Image, Pixels

MAX_LINES = 60  # matches that are drawn, at most
FULL_COLOUR_SHARE = 2.5  # of the mean share of a cell in a similarity of 1: from there on a cell has the full colour
BAR_HEIGHT, LABEL_WIDTH = 34, 330  # pixels: the height of a bar with its room, the width of what stands before it
MATCH_COLOUR: Colour = (0, 150, 136)
BOX_COLOUR: Colour = (255, 122, 0)
CHANGED_COLOUR: Colour = (214, 0, 110)
POSITIVE_COLOUR: Colour = (224, 90, 20)
NEGATIVE_COLOUR: Colour = (38, 104, 190)
BASELINE_COLOUR: Colour = (176, 184, 180)
SUM_COLOUR: Colour = (52, 60, 56)
CUE_LABELS = {
    "colour": "colour",
    "texture": "texture",
    "structure": "structure",
    "copy": "copy, by the network",
    "content": "content, by the network",
    "geometry": "geometry: keypoints and their transform",
    "pixels": "pixels: what agrees in the overlap",
    "changed content": "content: what is something else there",
}


def draw(explanation: Explanation) -> Pixels:
    """(h, WIDTH, 3) uint8, h from 700 to 2,200: the canvas that shows this explanation."""
    rows = [
        _heading(explanation),
        section("The two images", _images(explanation)),
        section("Aligned", _overlap(explanation)),
        section("Where their content is similar", _content(explanation)),
        section("What each cue contributes", _chart(explanation)),
        blank_canvas(MARGIN // 2),
    ]
    return np.concatenate(rows)


# --- the heading


def _heading(explanation: Explanation) -> Pixels:
    found = explanation.comparison
    edits = ", ".join(edit for edit in found.edits if edit != found.relation)
    title = f"{found.relation.capitalize()}: {edits}" if edits else found.relation.capitalize()
    sure = f"copy with probability {percent(found.probability, found.relation)}"
    facts = "   ·   ".join([sure, *_facts(explanation)])
    words = [
        Word(truncate_middle(title, 40, CANVAS_WIDTH - 2 * MARGIN), MARGIN, 66, 40, bold=0.6),
        Word(facts, MARGIN, 99, 19, GREY_INK),
    ]
    return write_words(blank_canvas(112), words)


def _facts(explanation: Explanation) -> Iterable[str]:
    found = explanation.comparison
    if found.orientation not in ("upright", found.relation):
        yield found.orientation
    if found.inliers:
        yield _count(found.inliers, "matching keypoint")
    if explanation.changed:
        area = sum(region.share for region in explanation.changed)
        yield f"{_count(len(explanation.changed), 'region')} changed, {percent(area)} of B"


def _count(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


# --- the two images


def _images(explanation: Explanation) -> Pixels:
    """Side by side; the place of the one in the other, and lines between what is at the same place."""
    found, images = explanation.comparison, (explanation.a, explanation.b)
    frames = [fit_image(image.pixels, 2, (image.width, image.height)) for image in images]
    if found.box is not None:
        outer = 0 if found.box_in == "a" else 1
        frames[outer] = _with_box(frames[outer], found.box)
    canvas, positions = side_by_side(
        frames, [_caption(letter, image) for letter, image in zip("AB", images, strict=True)]
    )
    points = explanation.points(MAX_LINES)
    a, b = (points[:, n] * frames[n].scale + positions[n] for n in (0, 1))
    if len(points):
        return _draw_matches(canvas, a, b)
    return np.concatenate([canvas, text_line(_why_no_lines(explanation))])


def _why_no_lines(explanation: Explanation) -> str:
    if explanation.alignment is None:
        return "Their keypoints do not match, and they are not similar when they are aligned as a whole."
    return "There are too few keypoints: the two were aligned as a whole."


def _caption(letter: str, image: Image) -> str:
    name = printable_name(os.path.basename(image.path)) if image.path else ""
    return "   ".join(part for part in (letter, name, f"{image.width} x {image.height}") if part)


def _with_box(frame: ScaledImage, box: Box) -> ScaledImage:
    """What lies beyond the box, which is in pixels of the original, is pale."""
    (across, down), (high, wide) = frame.scale, frame.pixels.shape[:2]
    left, top = max(round(box.x * across), 1), max(round(box.y * down), 1)
    right = min(round((box.x + box.width) * across), wide) - 2
    bottom = min(round((box.y + box.height) * down), high) - 2
    pixels = blend_pixels(frame.pixels, np.full_like(frame.pixels, 255), 0.45)
    pixels[top:bottom, left:right] = frame.pixels[top:bottom, left:right]
    for thick, colour in ((5, WHITE), (3, BOX_COLOUR)):
        cv2.rectangle(pixels, (left, top), (right, bottom), colour, thick)
    return ScaledImage(pixels, frame.scale)


def _draw_matches(canvas: Pixels, a: NDArray[np.floating], b: NDArray[np.floating]) -> Pixels:
    """Thin lines from each place of a to that of b, (N, 2) pixels of the paper; dots at their ends."""
    ends = [np.rint(16 * positions).astype(int).tolist() for positions in (a, b)]  # OpenCV's sixteenths of a pixel
    lines = canvas.copy()
    for one, other in zip(*ends, strict=True):
        cv2.line(lines, one, other, MATCH_COLOUR, 1, cv2.LINE_AA, 4)
    canvas = blend_pixels(canvas, lines, 0.55)
    for end in (*ends[0], *ends[1]):
        cv2.circle(canvas, end, 56, WHITE, -1, cv2.LINE_AA, 4)
        cv2.circle(canvas, end, 40, MATCH_COLOUR, -1, cv2.LINE_AA, 4)
    return canvas


# --- the overlap


def _overlap(explanation: Explanation) -> Pixels:
    """a as it lies on b, b, and b with what was changed."""
    alignment, changed_mask = explanation.alignment, explanation.changed_mask
    if alignment is None:
        return text_line("They cannot be aligned.")
    if changed_mask is None:
        return text_line(
            "They are no copies: what differs where the one comes nearest to the other would mean nothing."
        )
    overlap = alignment.overlap
    first = np.where(overlap.mask[..., None], overlap.a, np.uint8(255))
    frames = [fit_image(first, 3), fit_image(overlap.b, 3), _changes(fit_image(overlap.b, 3), changed_mask)]
    counted = _count(len(explanation.changed), "changed region")
    last = f"{counted} in B" if explanation.changed else "No region of B is something else in A"
    return side_by_side(frames, ["What both show, in A", "The same in B", last])[0]


def _changes(frame: ScaledImage, changed_mask: NDArray[np.bool_]) -> ScaledImage:
    """The image in pale grey; in colour, washed over and outlined what was changed."""
    high, wide = frame.pixels.shape[:2]
    grey = cv2.cvtColor(cv2.cvtColor(frame.pixels, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    pale = blend_pixels(np.asarray(grey, np.uint8), np.full_like(frame.pixels, 255), 0.5)
    smooth = cv2.resize(changed_mask.astype(np.float32), (wide, high), interpolation=cv2.INTER_LINEAR)
    mask = (cv2.GaussianBlur(smooth, (0, 0), 1.5) > 0.5).astype(np.uint8)
    washed = blend_pixels(frame.pixels, np.full_like(frame.pixels, CHANGED_COLOUR), 0.4)
    pixels = np.where(mask[..., None] > 0, washed, pale)
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(pixels, outlines, -1, CHANGED_COLOUR, 2, cv2.LINE_AA)
    return ScaledImage(pixels, frame.scale)


# --- content


def _content(explanation: Explanation) -> Pixels:
    """Both images, with what each place adds to the similarity of their content."""
    first, second = explanation.content_a, explanation.content_b
    if first is None or second is None:
        return text_line("The model of `content` does not say what each place of an image adds to it.")
    pairs = ((explanation.a, first), (explanation.b, second))
    frames = [_heatmap(fit_image(image.pixels, 2), heat) for image, heat in pairs]
    captions = [
        f"{letter}: all places add up to {heat.sum():.3f}" for letter, (_, heat) in zip("AB", pairs, strict=True)
    ]
    return np.concatenate([side_by_side(frames, captions)[0], _legend()])


def _legend() -> Pixels:
    text = "To the cosine similarity of their content a place"
    x = MARGIN + text_width(text, 16) + 24
    words = [
        Word(text, MARGIN, 18, 16, GREY_INK),
        Word("adds", x + 22, 18, 16, GREY_INK),
        Word("or takes away", x + 102, 18, 16, GREY_INK),
    ]
    line = write_words(blank_canvas(34), words)
    for left, colour in ((round(x), POSITIVE_COLOUR), (round(x) + 80, NEGATIVE_COLOUR)):
        line[5:19, left : left + 14] = colour
    return line


def _heatmap(frame: ScaledImage, heat: Floats) -> ScaledImage:
    """The image in grey, the places that add to the similarity in one colour, those that take from it in another."""
    high, wide = frame.pixels.shape[:2]
    strength = cv2.resize(heat * heat.size / FULL_COLOUR_SHARE, (wide, high), interpolation=cv2.INTER_LINEAR).clip(
        -1, 1
    )[..., None]
    grey = cv2.cvtColor(frame.pixels, cv2.COLOR_RGB2GRAY)[..., None] * 0.7 + 255 * 0.3
    colour = np.where(strength > 0, np.array(POSITIVE_COLOUR), np.array(NEGATIVE_COLOUR))
    cover = 0.75 * np.abs(strength)
    return ScaledImage(np.rint(grey * (1 - cover) + colour * cover).astype(np.uint8), frame.scale)


# --- cues


@dataclass(frozen=True, slots=True)
class _Bar:
    """From one logarithm of the odds to another."""

    label: str
    start: float
    end: float
    colour: Colour
    bold: float = 0.0

    @property
    def value(self) -> str:
        step = self.end - self.start
        return f"{step:+.1f}" if abs(step) >= 0.05 else "0"


def _bars(explanation: Explanation) -> list[_Bar]:
    """Where the odds begin, what each cue adds to them or takes, and where they end."""
    odds = explanation.baseline + explanation.prior
    bars = [_Bar("before they are compared", 0.0, odds, BASELINE_COLOUR)]
    for cue, contribution in explanation.contributions.items():
        bars.append(
            _Bar(CUE_LABELS[cue], odds, odds + contribution, POSITIVE_COLOUR if contribution > 0 else NEGATIVE_COLOUR)
        )
        odds += contribution
    return [*bars, _Bar("together", 0.0, odds, SUM_COLOUR, 0.35)]


def _chart(explanation: Explanation) -> Pixels:
    """Each bar begins where the one above it ends."""
    if not explanation.contributions:
        return text_line("Nothing had to be weighed: the two are the same, pixel by pixel.")
    bars = _bars(explanation)
    ends = [end for bar in bars for end in (bar.start, bar.end)]
    scale = (CANVAS_WIDTH - 2 * MARGIN - LABEL_WIDTH - 80) / max(max(ends) - min(ends), 1.0)
    zero = MARGIN + LABEL_WIDTH - round(min(ends) * scale)
    canvas = blank_canvas(BAR_HEIGHT * len(bars) + 46)
    canvas[: BAR_HEIGHT * len(bars), zero : zero + 1] = GREY_INK
    words = _axis(zero, canvas.shape[0] - 22)
    for row, bar in enumerate(bars):
        left, right = sorted(zero + round(end * scale) for end in (bar.start, bar.end))
        top, edge = row * BAR_HEIGHT, zero + round(bar.end * scale)
        if row < len(bars) - 2:
            canvas[top + 7 : top + BAR_HEIGHT + 7, edge : edge + 1] = LINE
        canvas[top + 7 : top + BAR_HEIGHT - 7, left:right] = bar.colour
        canvas[top + 7 : top + BAR_HEIGHT - 7, right + 4 : right + 16 + round(text_width(bar.value, 16))] = 255
        ink = INK if bar.value != "0" else GREY_INK
        words.append(Word(bar.label, MARGIN, top + 22, 17, ink, bold=bar.bold))
        words.append(Word(bar.value, right + 10, top + 22, 16, ink, bold=bar.bold))
    return write_words(canvas, words)


def _axis(zero: int, y: int) -> list[Word]:
    return [
        Word("logarithm of the odds that the two are copies", MARGIN, y, 15, GREY_INK),
        Word("no copies", zero - 12, y, 15, GREY_INK, "rs"),
        Word("copies", zero + 12, y, 15, GREY_INK),
    ]
