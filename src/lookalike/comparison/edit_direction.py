"""Which of two copies was edited: who of them lost colour, tones or sharpness, has something laid over or around it,
or shows a part only.

Only what points one way is told. A copy that is darker than the other may be the edited one or the original; one that
has no colour where the other one has, cannot be the original.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from lookalike.comparison.alignment.align import Alignment
from lookalike.comparison.alignment.overlap import Overlap, luma
from lookalike.types import Floats, Pixels, Side

FRAMES = ("screenshot", "inside another image", "caption", "padded", "border")  # something was added around
CROPPED, FRAMED = "cropped", "border"
MIN_OUTSIDE = 0.02  # of an image: where less of it is outside the overlap, nothing was added or cut off
LEVEL = 8  # grey levels of lightness in which colours are compared
COLOUR, COLOUR_LOSS = 0.008, 0.5  # of 0..1: a deviation of colours that is one; the share of it that a greyed copy has
FLAT, TEXTURED = 0.002, 0.012  # of 0..1: deviations in a small window, of what has no tones, and of what has
DARKEST, BRIGHTEST = 5, 250  # grey levels: what lies outside was cut off
TONES = 4.0  # grey levels, standard deviation from which on they are many
LOST_TONES = 0.02  # share of the overlap that is cut off in the one and has many tones in the other
LESS_SHARP = 0.4  # log ratio of sharpness: what blur does, and resampling does not
EDGE_RATIO = 1.1  # how much stronger edges are in what was laid over an image
FLAT_COVER = 0.25  # share of a changed place that is flat in the one and textured in the other: it was covered

Mask = NDArray[np.bool_]


def edit_direction(alignment: Alignment, edits: Collection[str], evidence: Mapping[str, float]) -> dict[str, Side]:
    """Edit -> the image it was done to, "a" or "b", as far as that can be told of two copies.

    ``edits``: what the ``evidence`` names, as from ``detect_edits``. Of a recoloured copy it is told that it was
    "greyed", or "clipped" (tones are lost)."""
    found: dict[str, Side] = {}
    for cue in (_greyed, _clipped, _overlaid, _sharpness):
        found |= cue(alignment.overlap, alignment, edits)
    return found | _surroundings(alignment, edits, evidence)


def _less(a: float, b: float, ratio: float) -> Side | None:
    """The one that has less than ``ratio`` of what the other has."""
    if a < ratio * b:
        return "a"
    return "b" if b < ratio * a else None


def _other(side: Side) -> Side:
    return "b" if side == "a" else "a"


# --- colours and tones


def _greyed(part: Overlap, _alignment: Alignment, _edits: Collection[str]) -> dict[str, Side]:
    a, b = (_colourfulness(pixels, part.mask) for pixels in (part.a, part.b))
    side = _less(a, b, COLOUR_LOSS) if max(a, b) > COLOUR else None
    return {"greyed": side} if side else {}


def _colourfulness(pixels: Pixels, mask: Mask) -> float:
    """Deviation of the colours from those that follow from the lightness: none in grey and in toned images."""
    values = cv2.cvtColor(np.ascontiguousarray(pixels[::2, ::2]), cv2.COLOR_RGB2YCrCb)[mask[::2, ::2]]
    level, colours = values[:, 0] // LEVEL, values[:, 1:].astype(np.float64) / 255
    counts = np.bincount(level).clip(min=1)
    means = np.stack([np.bincount(level, colours[:, n]) / counts for n in range(2)], axis=1)
    return float(np.sqrt(((colours - means[level]) ** 2).mean()))


def _clipped(part: Overlap, _alignment: Alignment, edits: Collection[str]) -> dict[str, Side]:
    """Blown out, crushed or posterised: one end of the scale, where the other one has many tones."""
    if "recoloured" not in edits:
        return {}
    a, b = part.a[part.mask].astype(np.float32), part.b[part.mask].astype(np.float32)
    lost = _lost_tones(a, b), _lost_tones(b, a)
    side = _less(*lost, 1 / 3) if max(lost) > LOST_TONES else None
    return {"clipped": _other(side)} if side else {}


def _lost_tones(one: Floats, other: Floats) -> float:
    """The share of the (N, 3) values of the one that are black or white, and have many tones in the other."""
    ends = (one > BRIGHTEST).all(axis=1), (one < DARKEST).all(axis=1)
    return float(sum(there.mean() for there in ends if there.any() and other[there].mean(axis=1).std() > TONES))


# --- what was laid over it


def _overlaid(part: Overlap, alignment: Alignment, edits: Collection[str]) -> dict[str, Side]:
    """What was laid over an image has edges where the image goes on without any, or is flat where that is not."""
    changed = alignment.difference.mask
    if "overlay" not in edits or "pixelated" in edits or not changed.any():
        return {}
    a, b = (float(flat[changed].mean()) for flat in _flat(part))
    if max(a, b) > FLAT_COVER:
        return {"overlay": "a" if a > b else "b"}
    ring = _ring(changed) & part.mask
    edges = [_edges(pixels)[ring].mean() if ring.any() else 0.0 for pixels in (part.a, part.b)]
    side = _less(float(edges[0]), float(edges[1]), 1 / EDGE_RATIO)
    return {"overlay": _other(side)} if side else {}


def _flat(part: Overlap) -> tuple[Mask, Mask]:
    """(h, w): where a is flat and b has texture, and the other way about."""
    a, b = (_deviation(pixels) for pixels in (part.a, part.b))
    return (a < FLAT) & (b > TEXTURED), (b < FLAT) & (a > TEXTURED)


def _deviation(pixels: Pixels) -> Floats:
    """(h, w): standard deviation of the lightness in windows of 3 x 3."""
    light = luma(pixels)
    mean = cv2.blur(light, (3, 3))
    return np.asarray(np.sqrt((cv2.blur(light**2, (3, 3)) - mean**2).clip(min=0)), np.float32)


def _ring(mask: Mask) -> Mask:
    """Where the outline of what changed is, give or take two pixels."""
    image, kernel = mask.astype(np.uint8), np.ones((5, 5), np.uint8)
    return np.asarray(cv2.dilate(image, kernel) > cv2.erode(image, kernel), np.bool_)


def _edges(pixels: Pixels) -> Floats:
    """(h, w): the strongest gradient of three channels."""
    values = pixels.astype(np.float32)
    return np.asarray(np.hypot(cv2.Sobel(values, cv2.CV_32F, 1, 0), cv2.Sobel(values, cv2.CV_32F, 0, 1)).max(-1))


# --- sharpness


def _sharpness(_part: Overlap, alignment: Alignment, edits: Collection[str]) -> dict[str, Side]:
    ratio = alignment.difference.sharpness_log_ratio
    if abs(ratio) > LESS_SHARP:
        return {"blurred": "a" if ratio > 0 else "b"}
    if "sharpened" in edits and "blurred" not in edits:
        return {"sharpened": "b" if ratio > 0 else "a"}
    return {}


# --- around it


def _surroundings(alignment: Alignment, edits: Collection[str], evidence: Mapping[str, float]) -> dict[str, Side]:
    """Who shows more has something added around it, or the other one is a part of it."""
    outer: Side = alignment.box_in
    if max(alignment.outside_a, alignment.outside_b) <= MIN_OUTSIDE:
        return {}
    frame = next((name for name in FRAMES if name in edits), None)
    if CROPPED in edits:
        return {} if frame else {CROPPED: _other(outer)}
    if frame or evidence["outside_overlap_plain"] > evidence["outside_overlap"]:
        return {frame or FRAMED: outer}
    return {}
