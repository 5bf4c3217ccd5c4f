"""Frames of a video -> where another video may be shown within them, as a picture in the picture.

What is laid over a video has straight edges that stay where they are, whatever moves on either side of them. And the
network of regions proposes it again and again in the same place, as it proposes objects (R-CNN: Girshick et al., arXiv
1311.2524, who describe each proposal by itself, as is done with these).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations, product

import cv2
import numpy as np
from numpy.typing import NDArray

from lookalike.descriptors import region_network
from lookalike.descriptors.video import View
from lookalike.types import Floats, Image

REGIONS = "regions"
MAX_VIEWS = 6  # of these at most MAX_OUTLINED by their edges, the others proposals
MAX_OUTLINED = 4
SAME_PLACE = 0.6  # intersection over union from which on two boxes are one

WIDTH, HEIGHT = 240, 180  # pixels at which edges are sought
STRONG_EDGE = 30.0  # levels: stronger ones count no more
BESIDE = 9  # pixels across a line over which what else changes there is taken off
LINES = 14  # the strongest in either direction, besides the borders
LINE_LENGTH = 40  # pixels of a line that are looked at to find it
LINE_WIDTH = 3
SHORTEST, LONGEST = 0.2, 0.85  # share of the frame's side that a box's side has

PROPOSALS = 24  # the surest of a frame
MIN_AREA, MAX_AREA = 0.015, 0.8  # of the frame
STAYS = 0.7  # intersection over union of the proposals of several frames for what stays in its place


def inset_views(frames: Sequence[Image]) -> list[View]:
    """Where another video may lie in these frames, which are spread over a video: at most MAX_VIEWS."""
    outlined = _apart(View(*box) for box in _outlined(frames))
    proposed = (View(*box) for box in _proposed(frames))
    found = _apart([*(view for view, _ in zip(outlined, range(MAX_OUTLINED), strict=False)), *proposed])
    return [view for view, _ in zip(found, range(MAX_VIEWS), strict=False)]


def _apart(views: Iterable[View]) -> Iterator[View]:
    """Those that do not lie where an earlier one lies."""
    kept: list[View] = []
    for view in views:
        if all(_overlap(_corners([view]), _corners([other]))[0, 0] < SAME_PLACE for other in kept):
            kept.append(view)
            yield view


def _corners(views: Sequence[View]) -> Floats:
    return np.array([(one.x, one.y, one.x + one.width, one.y + one.height) for one in views], np.float32)


def _overlap(a: Floats, b: Floats) -> Floats:
    """(N, 4) and (M, 4), left, top, right, bottom -> (N, M) intersection over union."""
    low, high = np.maximum(a[:, None, :2], b[None, :, :2]), np.minimum(a[:, None, 2:], b[None, :, 2:])
    shared = np.prod(np.maximum(high - low, 0), axis=2)
    areas = [np.prod(part[:, 2:] - part[:, :2], axis=1) for part in (a, b)]
    return np.asarray(shared / (areas[0][:, None] + areas[1][None] - shared), np.float32)


# --- by edges that stay -------------------------------------------------------------------------------


def _outlined(frames: Sequence[Image]) -> list[tuple[float, float, float, float]]:
    """Boxes (x, y, width, height as shares), those first whose weakest side is strongest. Sides on the border of the
    frame have no edge."""
    small = [cv2.resize(one.pixels, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA).mean(axis=2) for one in frames]
    luma = np.stack(small).astype(np.float32)
    upright, level = _steady_edges(luma), _steady_edges(luma.transpose(0, 2, 1))
    found = []
    for (left, right), (top, bottom) in product(_spans(upright), _spans(level)):
        sides = [*_strengths(upright, (left, right), top, bottom), *_strengths(level, (top, bottom), left, right)]
        if len(sides) >= 2 and min(sides) > 0:
            box = (left / WIDTH, top / HEIGHT, (right - left) / WIDTH, (bottom - top) / HEIGHT)
            found.append((min(sides), box))
    return [box for _, box in sorted(found, reverse=True)]


def _steady_edges(luma: Floats) -> NDArray[np.float64]:
    """(N, h, w) -> (h + 1, w - 1): summed from the top, how strong the edge between two neighbouring columns is in all
    frames together, beyond what changes beside it."""
    strength = np.minimum(np.abs(np.diff(luma, axis=2)), STRONG_EDGE).mean(axis=0)
    strength -= cv2.blur(strength, (BESIDE, 1))
    return np.pad(np.cumsum(strength, axis=0, dtype=np.float64), ((1, 0), (0, 0)))


def _spans(summed: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Pairs of lines that may be the two sides of a box; a line is the number of the pixel behind it."""
    along = (summed[LINE_LENGTH:] - summed[:-LINE_LENGTH]).max(axis=0)
    width = len(along) + 1
    lines = [0, width]
    for place in np.argsort(-along):
        if len(lines) == LINES + 2:
            break
        if min(abs(int(place) + 1 - line) for line in lines) >= LINE_WIDTH:
            lines.append(int(place) + 1)
    return [(a, b) for a, b in combinations(sorted(lines), 2) if SHORTEST * width <= b - a <= LONGEST * width]


def _strengths(summed: NDArray[np.float64], lines: tuple[int, int], start: int, end: int) -> list[float]:
    """The mean strength of each of these lines between two places; none of the frame's border."""
    inner = [line - 1 for line in lines if 0 < line <= summed.shape[1]]
    return [float(summed[end, line] - summed[start, line]) / (end - start) for line in inner]


# --- by proposals that stay ---------------------------------------------------------------------------


def _proposed(frames: Sequence[Image]) -> Iterator[tuple[float, float, float, float]]:
    """Boxes that are proposed in the same place in most frames, those first that are so most surely."""
    boxes, scores, numbers = _proposals(frames)
    corners = np.column_stack([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]])
    overlap = _overlap(corners, corners)
    left = np.ones(len(boxes), bool)
    while left.any():
        near = (overlap >= STAYS) & left
        support = np.zeros(len(boxes))
        for number in range(len(frames)):
            support += (near * np.where(numbers == number, scores, 0)).max(axis=1, initial=0)
        best = int(np.argmax(np.where(left, support, -1)))
        x, y, width, height = np.median(boxes[near[best]], axis=0).tolist()
        yield x, y, width, height
        left &= overlap[best] < SAME_PLACE


def _proposals(frames: Sequence[Image]) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """Boxes (N, 4) of the surest proposals of all frames, how sure each is, and the number of its frame."""
    boxes, scores, numbers = [np.zeros((0, 4), np.float32)], [np.zeros(0, np.float32)], [np.zeros(0, np.int64)]
    for number, found in enumerate(region_network(REGIONS).regions(frames)):
        rows = np.argsort(-found.scores, kind="stable")[:PROPOSALS]
        area = found.boxes[rows, 2] * found.boxes[rows, 3]
        rows = rows[(found.scores[rows] > 0) & (area >= MIN_AREA) & (area <= MAX_AREA)]
        boxes.append(found.boxes[rows])
        scores.append(found.scores[rows])
        numbers.append(np.full(len(rows), number))
    return np.concatenate(boxes), np.concatenate(scores), np.concatenate(numbers)
