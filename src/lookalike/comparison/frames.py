"""Two files of several frames or pages -> whether what they show is the same all the way through.

Equal first frames prove nothing: animations that begin alike go on differently, and a still is no copy of an animation
that contains it. The small views that loading made of the frames are laid on one another by the transform that holds
for the frames that stand for all. What counts is how each place changes over time, which neither colours nor what is
drawn over all frames alike can change. Pages are compared as a set.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from lookalike.types import Floats, Image, Pixels

SMOOTHED = 3  # pixels of a view over which noise of compression and dithering is averaged away
DRAWN_OVER = 20.0  # levels from which on the shown frames differ in a place, which is left out then
MIN_COMPARED = 0.15  # of a view's places: with fewer left nothing is proved
MOVES = 12.0  # levels by which some place changes where anything moves
MIN_CORRELATION = 0.8  # of the changes over time
STRONG_STEP = 0.25  # of the mean energy of change: steps with more are looked at one by one
MIN_STEP_CORRELATION = 0.5
MAX_OTHER_STEPS = 1  # another rhythm of frames may shift one
OTHER = 40.0  # levels from which on a place shows something else, at any of three neighbouring steps
MAX_OTHER_PLACES = 5
MIN_PAGE_CORRELATION = 0.8  # of the fine structure of two pages
BLANK_PAGE = 1.0  # standard deviation of fine structure, in levels, below which a page has none

Matrix = NDArray[np.float64]
Mask = NDArray[np.bool_]


def same_frames(a: Image, b: Image, matrix: Matrix | None) -> bool:
    """Whether two files, whose shown frames are copies, show the same in all of their frames.

    ``matrix``: (3, 3), a's pixels -> b's pixels, upright originals; None: the one lies on the whole of the other. False
    also where a file is too long, or too damaged, to be looked through."""
    if any(one.frames > 1 and one.samples is None for one in (a, b)):
        return False
    if "animation" in (a.sequence, b.sequence):
        return _same_animation(a, b, matrix)
    return a.frames == b.frames and _same_pages(a, b, matrix)


def _same_animation(a: Image, b: Image, matrix: Matrix | None) -> bool:
    first, second, covered, places = _over_time(a, b, matrix)
    moving = [covered.any() and np.abs(_changes(part[:, covered])).max() > MOVES for part in (first, second)]
    if not all(moving):
        return not any(moving)
    if places.mean() < MIN_COMPARED:
        return False
    first, second = first[:, places], second[:, places]
    changes = _changes(first), _changes(second)
    return (
        _correlation(*changes) >= MIN_CORRELATION
        and _other_steps(*changes) <= MAX_OTHER_STEPS
        and _other_places(first, second) <= MAX_OTHER_PLACES
    )


def _changes(levels: Floats) -> Floats:
    """(n, places): how far each is from its mean over time."""
    return np.asarray(levels - levels.mean(axis=0), np.float32)


def _over_time(a: Image, b: Image, matrix: Matrix | None) -> tuple[Floats, Floats, Mask, Mask]:
    """The luma of both at the same steps, (n, s, s) float32 each, a's laid on b's, the (s, s) places that both show,
    and those of them in which the shown frames are alike."""
    side = (a if a.samples is not None else b).samples.shape[1]  # type: ignore[union-attr]  # one is an animation
    onto = _onto(a, b, matrix, side)
    first, second = _luma([onto(view) for view in _views(a, side)]), _luma(_views(b, side))
    shown = _luma([onto(_shrunk(a, side))])[0], _luma([_shrunk(b, side)])[0]
    covered = onto(np.full((side, side), 255, np.uint8)) >= 254
    if not covered.any():
        return first, second, covered, covered
    gain, offset = _fitted(shown[0][covered], shown[1][covered])
    drawn_over = np.abs(shown[0] * gain + offset - shown[1]) > DRAWN_OVER
    steps = max(len(first), len(second))
    first, second = (np.broadcast_to(part, (steps, side, side)) for part in (first, second))
    near = cv2.dilate(drawn_over.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    return first, second[_rhythm(first * gain + offset, second)], covered, covered & ~near


def _views(image: Image, side: int) -> list[Pixels]:
    return [_shrunk(image, side)] if image.samples is None else list(image.samples)


def _shrunk(image: Image, side: int) -> Pixels:
    return np.asarray(cv2.resize(image.pixels, (side, side), interpolation=cv2.INTER_AREA), np.uint8)


def _luma(views: list[Pixels]) -> Floats:
    """(n, s, s) float32, smoothed."""
    smooth = [cv2.blur(view.mean(axis=2, dtype=np.float32), (SMOOTHED, SMOOTHED)) for view in views]
    return np.stack(smooth).astype(np.float32)


class _Onto:
    """Lays a view of a on the square views of b."""

    def __init__(self, matrix: Matrix, side: int) -> None:
        self._matrix, self._side = matrix[:2], side

    def __call__(self, view: Pixels) -> Pixels:
        size = (self._side, self._side)
        return np.asarray(cv2.warpAffine(view, self._matrix, size, flags=cv2.INTER_LINEAR), np.uint8)


def _onto(a: Image, b: Image, matrix: Matrix | None, side: int) -> _Onto:
    if matrix is None:
        return _Onto(np.eye(3), side)
    first, second = (np.diag([side / one.width, side / one.height, 1.0]) for one in (a, b))
    centre = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1.0]])  # of a pixel, whose number is its corner
    return _Onto(np.linalg.inv(centre) @ second @ matrix @ np.linalg.inv(first) @ centre, side)


def _fitted(first: Floats, second: Floats) -> tuple[float, float]:
    """Gain and offset that take the first one's levels to the second one's."""
    spread = first.var()
    gain = float(np.mean((first - first.mean()) * (second - second.mean())) / spread) if spread else 1.0
    return gain, float(second.mean() - gain * first.mean())


def _rhythm(first: Floats, second: Floats) -> list[int]:
    """Of each step of the first, that of the second, the same or a neighbour, which is most like it."""
    steps = range(len(first))
    near = [[step for step in (n - 1, n, n + 1) if step in steps] for n in steps]
    return [min(near[n], key=lambda step: float(np.abs(first[n] - second[step]).mean())) for n in steps]


def _correlation(first: Floats, second: Floats) -> float:
    energy = float((first**2).sum()) * float((second**2).sum())
    return float((first * second).sum()) / energy**0.5 if energy else 0.0


def _other_steps(first: Floats, second: Floats) -> int:
    """Steps at which much changes, and not the same."""
    energy = (first**2 + second**2).sum(axis=1)
    strong = np.flatnonzero(energy > STRONG_STEP * energy.mean())
    return sum(_correlation(first[n], second[n]) < MIN_STEP_CORRELATION for n in strong)


def _other_places(first: Floats, second: Floats) -> int:
    """Places that show something else, at the second worst step: another rhythm may shift one."""
    gain, offset = _fitted(first, second)
    steps = range(len(first))
    counts = []
    for n in steps:
        near = [step for step in (n - 1, n, n + 1) if step in steps]
        apart = np.min([np.abs(first[step] * gain + offset - second[n]) for step in near], axis=0)
        counts.append(int((apart > OTHER).sum()))
    return sorted(counts)[-2]


def _same_pages(a: Image, b: Image, matrix: Matrix | None) -> bool:
    """Whether each page of the one is a page of the other."""
    if a.samples is None or b.samples is None:
        return False
    onto = _onto(a, b, matrix, a.samples.shape[1])
    first, second = ([_fine(page) for page in pages] for pages in (map(onto, a.samples), b.samples))
    same = np.array([[_same_page(one, other) for other in second] for one in first])
    return bool(same.any(axis=0).all() and same.any(axis=1).all())


def _fine(page: Pixels) -> Floats:
    """(s, s) float32: the luma without what changes slowly."""
    luma = page.mean(axis=2, dtype=np.float32)
    return np.asarray(cv2.blur(luma, (SMOOTHED, SMOOTHED)) - cv2.GaussianBlur(luma, (0, 0), 8), np.float32)


def _same_page(first: Floats, second: Floats) -> bool:
    blank = [part.std() < BLANK_PAGE for part in (first, second)]
    return all(blank) if any(blank) else _correlation(first, second) >= MIN_PAGE_CORRELATION
