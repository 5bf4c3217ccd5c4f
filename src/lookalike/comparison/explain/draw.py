"""An explanation as one image for people. Nothing is worked out here: arrays and words in, pixels out.

From above: what was found; the two images and what joins them; the one laid on the other and what was changed; where
their content is alike; what each cue says.
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
    INK,
    LINE,
    MARGIN,
    SOFT,
    WHITE,
    WIDTH,
    Colour,
    Frame,
    Word,
    blank,
    framed,
    in_letters,
    length,
    mixed,
    note,
    shelf,
    shortened,
    titled,
    written,
)
from lookalike.formatting import percent
from lookalike.types import Box, Floats, Image, Pixels

LINES = 60  # matches that are drawn, at most
FULL = 2.5  # of the mean share of a cell in a similarity of 1: from there on a cell has the full colour
BAR, LABELS = 34, 330  # pixels: the height of a bar with its room, the width of what stands before it
MATCH: Colour = (0, 150, 136)
BOX: Colour = (255, 122, 0)
CHANGED: Colour = (214, 0, 110)
FOR: Colour = (224, 90, 20)
AGAINST: Colour = (38, 104, 190)
BEGIN: Colour = (176, 184, 180)
SUM: Colour = (52, 60, 56)
SAID = {
    "colour": "colour",
    "texture": "texture",
    "structure": "structure",
    "copy": "copy, by the network",
    "content": "content, by the network",
    "geometry": "geometry: how one lies on the other",
    "pixels": "pixels: what agrees there",
}


def draw(explanation: Explanation) -> Pixels:
    """(h, WIDTH, 3) uint8, h from 700 to 2,200: the sheet that shows this explanation."""
    rows = [
        _heading(explanation),
        titled("The two images", _images(explanation)),
        titled("Laid on one another", _laid(explanation)),
        titled("Where their content is alike", _content(explanation)),
        titled("What each cue says", _chart(explanation)),
        blank(MARGIN // 2),
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
        Word(shortened(title, 40, WIDTH - 2 * MARGIN), MARGIN, 66, 40, heavy=0.6),
        Word(facts, MARGIN, 99, 19, SOFT),
    ]
    return written(blank(112), words)


def _facts(explanation: Explanation) -> Iterable[str]:
    found = explanation.comparison
    if found.turn not in ("upright", found.relation):
        yield found.turn
    if found.inliers:
        yield _counted(found.inliers, "matching keypoint")
    if explanation.changed:
        share = sum(region.share for region in explanation.changed)
        yield f"{_counted(len(explanation.changed), 'region')} changed, {percent(share)} of B"


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


# --- the two images


def _images(explanation: Explanation) -> Pixels:
    """Side by side; the place of the one in the other, and lines between what is at the same place."""
    found, images = explanation.comparison, (explanation.a, explanation.b)
    frames = [framed(image.pixels, 2, (image.width, image.height)) for image in images]
    if found.box is not None:
        outer = 0 if found.box_in == "a" else 1
        frames[outer] = _with_box(frames[outer], found.box)
    paper, places = shelf(frames, [_named(letter, image) for letter, image in zip("AB", images, strict=True)])
    points = explanation.points(LINES)
    a, b = (points[:, n] * frames[n].grow + places[n] for n in (0, 1))
    if len(points):
        return _joined(paper, a, b)
    return np.concatenate([paper, note(_why_no_lines(explanation))])


def _why_no_lines(explanation: Explanation) -> str:
    if explanation.finding is None:
        return (
            "No keypoints of the two agree on a place, and they do not look alike when laid on one another as a whole."
        )
    return "There are no keypoints to go by: the two were laid on one another as a whole."


def _named(letter: str, image: Image) -> str:
    name = in_letters(os.path.basename(image.path)) if image.path else ""
    return "   ".join(part for part in (letter, name, f"{image.width} x {image.height}") if part)


def _with_box(frame: Frame, box: Box) -> Frame:
    """What lies beyond the box, which is in pixels of the original, is pale."""
    (across, down), (high, wide) = frame.grow, frame.shown.shape[:2]
    left, top = max(round(box.x * across), 1), max(round(box.y * down), 1)
    right = min(round((box.x + box.width) * across), wide) - 2
    bottom = min(round((box.y + box.height) * down), high) - 2
    shown = mixed(frame.shown, np.full_like(frame.shown, 255), 0.45)
    shown[top:bottom, left:right] = frame.shown[top:bottom, left:right]
    for thick, colour in ((5, WHITE), (3, BOX)):
        cv2.rectangle(shown, (left, top), (right, bottom), colour, thick)
    return Frame(shown, frame.grow)


def _joined(paper: Pixels, a: NDArray[np.floating], b: NDArray[np.floating]) -> Pixels:
    """Thin lines from each place of a to that of b, (N, 2) pixels of the paper; dots at their ends."""
    ends = [np.rint(16 * places).astype(int).tolist() for places in (a, b)]  # OpenCV's sixteenths of a pixel
    lines = paper.copy()
    for one, other in zip(*ends, strict=True):
        cv2.line(lines, one, other, MATCH, 1, cv2.LINE_AA, 4)
    paper = mixed(paper, lines, 0.55)
    for end in (*ends[0], *ends[1]):
        cv2.circle(paper, end, 56, WHITE, -1, cv2.LINE_AA, 4)
        cv2.circle(paper, end, 40, MATCH, -1, cv2.LINE_AA, 4)
    return paper


# --- laid on one another


def _laid(explanation: Explanation) -> Pixels:
    """a as it lies on b, b, and b with what was changed."""
    finding, where = explanation.finding, explanation.where
    if finding is None:
        return note("There is no way to lay the one on the other.")
    if where is None:
        return note("They are no copies: what differs where the one comes nearest to the other would say nothing.")
    part = finding.part
    first = np.where(part.mask[..., None], part.a, np.uint8(255))
    frames = [framed(first, 3), framed(part.b, 3), _changes(framed(part.b, 3), where)]
    counted = _counted(len(explanation.changed), "changed region")
    last = f"{counted} in B" if explanation.changed else "No region of B is something else in A"
    return shelf(frames, ["What both show, in A", "The same in B", last])[0]


def _changes(frame: Frame, where: NDArray[np.bool_]) -> Frame:
    """The image in pale grey; in colour, washed over and outlined what was changed."""
    high, wide = frame.shown.shape[:2]
    grey = cv2.cvtColor(cv2.cvtColor(frame.shown, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    pale = mixed(np.asarray(grey, np.uint8), np.full_like(frame.shown, 255), 0.5)
    smooth = cv2.resize(where.astype(np.float32), (wide, high), interpolation=cv2.INTER_LINEAR)
    mask = (cv2.GaussianBlur(smooth, (0, 0), 1.5) > 0.5).astype(np.uint8)
    washed = mixed(frame.shown, np.full_like(frame.shown, CHANGED), 0.4)
    shown = np.where(mask[..., None] > 0, washed, pale)
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(shown, outlines, -1, CHANGED, 2, cv2.LINE_AA)
    return Frame(shown, frame.grow)


# --- content


def _content(explanation: Explanation) -> Pixels:
    """Both images, with what each place adds to the similarity of their content."""
    first, second = explanation.content_a, explanation.content_b
    if first is None or second is None:
        return note("The model that gives `content` does not tell what each place of an image adds to it.")
    pairs = ((explanation.a, first), (explanation.b, second))
    frames = [_heated(framed(image.pixels, 2), heat) for image, heat in pairs]
    captions = [
        f"{letter}: all places add up to {heat.sum():.3f}" for letter, (_, heat) in zip("AB", pairs, strict=True)
    ]
    return np.concatenate([shelf(frames, captions)[0], _legend()])


def _legend() -> Pixels:
    text = "To the cosine similarity of their content a place"
    x = MARGIN + length(text, 16) + 24
    words = [
        Word(text, MARGIN, 18, 16, SOFT),
        Word("adds", x + 22, 18, 16, SOFT),
        Word("or takes away", x + 102, 18, 16, SOFT),
    ]
    line = written(blank(34), words)
    for left, colour in ((round(x), FOR), (round(x) + 80, AGAINST)):
        line[5:19, left : left + 14] = colour
    return line


def _heated(frame: Frame, heat: Floats) -> Frame:
    """The image in grey, the places that add to the similarity in one colour, those that take from it in another."""
    high, wide = frame.shown.shape[:2]
    strength = cv2.resize(heat * heat.size / FULL, (wide, high), interpolation=cv2.INTER_LINEAR).clip(-1, 1)[..., None]
    grey = cv2.cvtColor(frame.shown, cv2.COLOR_RGB2GRAY)[..., None] * 0.7 + 255 * 0.3
    colour = np.where(strength > 0, np.array(FOR), np.array(AGAINST))
    cover = 0.75 * np.abs(strength)
    return Frame(np.rint(grey * (1 - cover) + colour * cover).astype(np.uint8), frame.grow)


# --- cues


@dataclass(frozen=True, slots=True)
class _Bar:
    """From one logarithm of the odds to another."""

    label: str
    start: float
    end: float
    colour: Colour
    heavy: float = 0.0

    @property
    def value(self) -> str:
        step = self.end - self.start
        return f"{step:+.1f}" if abs(step) >= 0.05 else "0"


def _bars(explanation: Explanation) -> list[_Bar]:
    """Where the odds begin, what each cue adds to them or takes, and where they end."""
    odds = explanation.strangers + explanation.prior
    bars = [_Bar("before they are compared", 0.0, odds, BEGIN)]
    for cue, share in explanation.shares.items():
        bars.append(_Bar(SAID[cue], odds, odds + share, FOR if share > 0 else AGAINST))
        odds += share
    return [*bars, _Bar("together", 0.0, odds, SUM, 0.35)]


def _chart(explanation: Explanation) -> Pixels:
    """Each bar begins where the one above it ends."""
    if not explanation.shares:
        return note("Nothing had to be weighed: the two are the same, pixel by pixel.")
    bars = _bars(explanation)
    ends = [end for bar in bars for end in (bar.start, bar.end)]
    scale = (WIDTH - 2 * MARGIN - LABELS - 80) / max(max(ends) - min(ends), 1.0)
    zero = MARGIN + LABELS - round(min(ends) * scale)
    paper = blank(BAR * len(bars) + 46)
    paper[: BAR * len(bars), zero : zero + 1] = SOFT
    words = _axis(zero, paper.shape[0] - 22)
    for row, bar in enumerate(bars):
        left, right = sorted(zero + round(end * scale) for end in (bar.start, bar.end))
        top, edge = row * BAR, zero + round(bar.end * scale)
        if row < len(bars) - 2:
            paper[top + 7 : top + BAR + 7, edge : edge + 1] = LINE
        paper[top + 7 : top + BAR - 7, left:right] = bar.colour
        paper[top + 7 : top + BAR - 7, right + 4 : right + 16 + round(length(bar.value, 16))] = 255
        ink = INK if bar.value != "0" else SOFT
        words.append(Word(bar.label, MARGIN, top + 22, 17, ink, heavy=bar.heavy))
        words.append(Word(bar.value, right + 10, top + 22, 16, ink, heavy=bar.heavy))
    return written(paper, words)


def _axis(zero: int, y: int) -> list[Word]:
    return [
        Word("logarithm of the odds that the two are copies", MARGIN, y, 15, SOFT),
        Word("no copies", zero - 12, y, 15, SOFT, "rs"),
        Word("copies", zero + 12, y, 15, SOFT),
    ]
