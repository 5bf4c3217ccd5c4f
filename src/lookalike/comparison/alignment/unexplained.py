"""What differs between two aligned images beyond what recompression and resampling explain: the proof that the one is
the other re-encoded.

Both are brought to the scale of the coarser one, the one's tones to the other's by a monotone curve, and only what
differs by more than a pixel's shift (the local slope) and a few grey levels is counted, in small blocks. Nothing is
fitted, and the whole is not weighed: two receipts of one shop have the same paper, and one block with another sum in
it. What the changed places are like, says changed_content.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from lookalike.comparison.alignment.changed_content import ChangedContent, changed_content
from lookalike.comparison.alignment.difference import Mask, colour_residual
from lookalike.comparison.alignment.overlap import overlap
from lookalike.comparison.alignment.transforms import Matrix
from lookalike.types import Floats, Image, Pixels

SIDES = (256, 640)  # pixels of the longer side at which two images are held against one another, least and most
BLUR = 1.2  # pixels: one of the two was sampled between its pixels
BLOCK = 24  # pixels: differences are averaged over such squares
SPOT = 8  # pixels: the same, so small that a single digit fills it
LEVELS = 4.0  # grey levels that recompression alone changes
CHROMA_LEVELS = 14.0  # the same for colour, which is kept at half the size
CHANGED_BLOCK = 1.0  # grey levels beyond that: from here on a block is changed
CURVE_PIXELS = 20_000  # that the tone curve is fitted on, about
CURVE_BINS = 64  # of grey levels, for the tone curve
MIN_BIN = 10  # pixels: a bin with fewer says nothing
STRUCTURED_SLOPE = 3.0  # grey levels per pixel, mean of a block: from here on it has structure
COMMON_PERCENT = 20.0  # of the blocks with structure: more is left in all others
COLOURED, SAME_COLOUR, OTHER_COLOUR = 12, 6, 30  # grey levels between the channels of a colour, and between two colours


@dataclass(frozen=True, slots=True)
class Unexplained:
    """How two aligned images differ beyond recompression; the same whichever comes first.

    All but the last three in grey levels. ``worst_block``: mean over the block where most is left; ``worst_spot``: the
    same over a spot of a block; ``worst_chroma``: the same as the first of colour alone; ``coarse_block``: the most
    that is left once both are blurred by a block, as pixelating and posterising leave nothing then; ``common_block``:
    what is left in four of five blocks that have structure.
    ``recoloured_part``: 0..0.5, the smaller of two shares: what kept its colour, and what has quite another one.
    ``mask``: (h, w) bool, what changed. ``content``: what it is like."""

    worst_block: float
    worst_spot: float
    worst_chroma: float
    coarse_block: float
    common_block: float
    recoloured_part: float
    mask: Mask
    content: ChangedContent


def unexplained(
    a: Image,
    b: Image,
    matrix: Matrix,
    changed: Mask | None = None,
    inverted: bool = False,
    sides: tuple[int, int] = SIDES,
) -> Unexplained | None:
    """What is left of the difference of a, laid on b by ``matrix`` (pixels of the originals), and b; None where they
    hardly overlap. ``changed``: what a coarser look found, of any size; it takes no part in the fit of tones.
    ``inverted``: one of them is a negative. ``sides``: pixels of the longer side that they are seen at, least and
    most."""
    part = overlap(a, b, matrix, sides)
    if part is None:
        return None
    mask = cv2.erode(part.mask.astype(np.uint8), np.ones((5, 5), np.uint8), borderValue=0).astype(np.bool_)
    if not mask.any():
        return None
    pixels = part.a, 255 - part.b if inverted else part.b
    fit = _without(mask, changed)
    greys = _grey(pixels[0]), _grey(pixels[1])
    soft = _blurred(greys[0]), _blurred(greys[1])
    slopes = slope(soft[0]), slope(soft[1])
    least_slope = np.minimum(*slopes)
    toned = _same_tones(*soft, mask, fit)
    luma = np.where(mask, _beyond(*toned, least_slope), np.float32(0))
    halves = _half(pixels[0]), _half(pixels[1])
    chroma = np.where(mask, np.maximum(_tint(*halves, fit) - CHROMA_LEVELS - 2 * least_slope, 0), np.float32(0))
    whole = _block_mean(mask.astype(np.float32)) > 0.9
    blocks, tinted = np.where(whole, _block_mean(luma), 0), np.where(whole, _block_mean(chroma), 0)
    where = (np.maximum(blocks, tinted) > CHANGED_BLOCK) & mask
    return Unexplained(
        worst_block=float(blocks.max()),
        worst_spot=float(np.where(whole, _block_mean(luma, SPOT), 0).max()),
        worst_chroma=float(tinted.max()),
        coarse_block=_coarse_block(*toned, mask),
        common_block=_common_block(blocks, least_slope, mask),
        recoloured_part=_recoloured_part(_half(halves[0]), _half(halves[1])),
        mask=where,
        content=changed_content(pixels, greys, slopes, mask, where, np.maximum(luma, chroma) > 0),
    )


def slope(grey: Floats) -> Floats:
    """(h, w): grey levels per pixel, the most of a pixel and its neighbours."""
    x, y = cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)
    return np.asarray(cv2.dilate(cv2.magnitude(x, y), np.ones((3, 3), np.uint8)) / 8, np.float32)


def _grey(pixels: Pixels) -> Floats:
    return cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)


def _blurred(grey: Floats) -> Floats:
    return np.asarray(cv2.GaussianBlur(grey, (0, 0), BLUR), np.float32)


def _half(pixels: Pixels) -> Pixels:
    size = max(1, pixels.shape[1] // 2), max(1, pixels.shape[0] // 2)
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def _without(mask: Mask, changed: Mask | None) -> Mask:
    """The mask without what changed and its neighbourhood, if something is left of it."""
    if changed is None:
        return mask
    large = cv2.resize(changed.astype(np.uint8), mask.shape[::-1], interpolation=cv2.INTER_NEAREST)
    rest = mask & ~cv2.dilate(large, np.ones((9, 9), np.uint8)).astype(np.bool_)
    return rest if rest.sum() > mask.sum() / 10 else mask


def _same_tones(a: Floats, b: Floats, mask: Mask, fit: Mask) -> tuple[Floats, Floats]:
    """Both with the tones of one of them, in the direction that leaves less: no curve parts what clipping joined."""
    step = max(1, int(fit.sum()) // CURVE_PIXELS)
    first, second = a[fit][::step], b[fit][::step]
    pairs = (a, _toned(b, _tone_curve(first, second))), (_toned(a, _tone_curve(second, first)), b)
    return min(pairs, key=lambda pair: float(cv2.absdiff(*pair)[mask].sum()))


def _toned(grey: Floats, curve: Floats) -> Floats:
    return np.asarray(curve[np.clip(grey, 0, 255).astype(np.uint8)], np.float32)


def _tone_curve(target: Floats, levels: Floats) -> Floats:
    """(256,): level -> the median of the target there, made monotone (gamma, brightness, contrast)."""
    order = np.argsort(levels)
    levels, target = levels[order], target[order]
    edges = np.searchsorted(levels, np.linspace(0, 256, CURVE_BINS + 1))
    bins = [(levels[low:high], target[low:high]) for low, high in pairwise(edges) if high - low >= MIN_BIN]
    grid = np.arange(256, dtype=np.float32)
    if not bins:
        return grid
    at = np.array([float(level[len(level) // 2]) for level, _ in bins])
    value = _rising([float(np.partition(y, len(y) // 2)[len(y) // 2]) for _, y in bins], [len(y) for _, y in bins])
    # Beyond the levels that were seen, the curve goes on as it was there.
    curve = np.interp(grid, at, value) + np.minimum(grid - at[0], 0) + np.maximum(grid - at[-1], 0)
    return np.asarray(curve, np.float32)


def _rising(values: Sequence[float], weights: Sequence[int]) -> NDArray[np.float64]:
    """The rising values that are nearest (pool adjacent violators, Ayer et al., 1955): a few pixels that something was
    laid on pull little."""
    pools: list[tuple[float, int, int]] = []  # mean, weight, how many values
    for value, weight in zip(values, weights, strict=True):
        pools.append((value, weight, 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (a, w, n), (b, v, m) = pools[-2:]
            pools[-2:] = [((a * w + b * v) / (w + v), w + v, n + m)]
    return np.repeat([mean for mean, _, _ in pools], [count for _, _, count in pools])


def _beyond(a: Floats, b: Floats, slopes: Floats) -> Floats:
    """(h, w): grey levels that neither a pixel's shift nor recompression explains."""
    return np.asarray(np.maximum(cv2.absdiff(a, b) - LEVELS - slopes, 0), np.float32)


def _block_mean(x: Floats, side: int = BLOCK) -> Floats:
    return np.asarray(cv2.boxFilter(x, -1, (side, side), borderType=cv2.BORDER_CONSTANT), np.float32)


def _tint(a: Pixels, b: Pixels, fit: Mask) -> Floats:
    """(h, w) as ``fit``, which is twice as large: grey levels of colour that the best change of colours leaves."""
    soft = [np.asarray(cv2.GaussianBlur(x, (0, 0), BLUR), np.float32) / np.float32(255) for x in (a, b)]
    small = cv2.resize(fit.astype(np.uint8), a.shape[1::-1], interpolation=cv2.INTER_NEAREST).astype(np.bool_)
    left = np.minimum(colour_residual(soft[0], soft[1], small), colour_residual(soft[1], soft[0], small))
    return np.asarray(cv2.resize(left, fit.shape[::-1], interpolation=cv2.INTER_LINEAR), np.float32) * np.float32(255)


def _coarse_block(a: Floats, b: Floats, mask: Mask) -> float:
    share = np.maximum(_block_mean(mask.astype(np.float32)), 0.1)
    means = [np.asarray(_block_mean(np.where(mask, x, np.float32(0))) / share, np.float32) for x in (a, b)]
    left = _beyond(means[0], means[1], np.minimum(slope(means[0]), slope(means[1])))
    inner = cv2.erode(mask.astype(np.uint8), np.ones((BLOCK, BLOCK), np.uint8), borderValue=0).astype(np.bool_)
    return float(left[inner].max()) if inner.any() else 0.0


def _common_block(blocks: Floats, slopes: Floats, mask: Mask) -> float:
    structured = mask & (_block_mean(slopes) > STRUCTURED_SLOPE)
    return float(np.percentile(blocks[structured][::16], COMMON_PERCENT)) if structured.sum() > 16 else 0.0


def _recoloured_part(a: Pixels, b: Pixels) -> float:
    hues = [x.astype(np.int16) - cv2.cvtColor(x, cv2.COLOR_RGB2GRAY).astype(np.int16)[..., None] for x in (a, b)]
    apart = np.abs(hues[0] - hues[1]).max(2)
    coloured = np.minimum(np.ptp(hues[0], axis=2), np.ptp(hues[1], axis=2)) > COLOURED
    return float(min((coloured & (apart < SAME_COLOUR)).mean(), (apart > OTHER_COLOUR).mean()))
