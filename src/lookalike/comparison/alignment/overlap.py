"""The common part of two images, laid on one another, and what differs there.

Everything is measured at the scale of the coarser image, so that a copy of another size is no other image; what
changed is told after the best change of colours has been undone, so that a recoloured copy is none either.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from lookalike.comparison.alignment.matching import Matrix, corners, inverse, moved
from lookalike.types import Floats, Image, Pixels

SIDE = 320  # pixels of the common part's longer side
WINDOW = 11  # pixels: within such squares structure is compared
FAINT = 0.012  # standard deviation in a window, of 0..1, below which there is no structure
STEPS = 25  # of the refinement
FAR = 6.0  # pixels of the common part that a refinement may move by
LEAST = 12  # pixels: a common part smaller than this says nothing
PLAIN = 0.12  # of 0..1: what differs by more is another colour
CHANGED = 0.05  # the same, where the structure is another one as well
TRACE = 0.04  # what adjoins it and differs by more than this belongs to it,
NOISE = 8.0  # if that is more than so many times the median


@dataclass(frozen=True, slots=True)
class Overlap:
    """The common part: ``a`` and ``b`` (h, w, 3) uint8, ``mask`` (h, w) bool where both are.

    ``to_a``, ``to_b``: (3, 3), pixels of the common part -> pixels of the upright originals."""

    a: Pixels
    b: Pixels
    mask: NDArray[np.bool_]
    to_a: Matrix
    to_b: Matrix


def overlap(a: Image, b: Image, matrix: Matrix) -> Overlap | None:
    """The common part of two images, a lying on b by ``matrix`` (pixels of the originals); None if there is hardly
    any."""
    held_a, held_b = _held(a), _held(b)
    between = inverse(held_b) @ matrix @ held_a  # pixels of the arrays
    if abs(np.linalg.det(between[:2, :2])) > 1:  # b shows more in the same place: a is the coarser one
        found = _common(b.pixels, a.pixels, inverse(between))
        return found and replace(found, a=found.b, b=found.a, to_a=held_a @ found.to_b, to_b=held_b @ found.to_a)
    found = _common(a.pixels, b.pixels, between)
    return found and replace(found, to_a=held_a @ found.to_a, to_b=held_b @ found.to_b)


def _held(image: Image) -> Matrix:
    """Pixels of the array -> pixels of the original."""
    height, width = image.pixels.shape[:2]
    return np.diag([image.width / width, image.height / height, 1.0])


def _common(fine: Pixels, coarse: Pixels, matrix: Matrix) -> Overlap | None:
    """``fine`` is sampled where ``coarse`` has its pixels, ``matrix`` leading from the one to the other."""
    height, width = coarse.shape[:2]
    place = moved(matrix, corners(fine.shape[1], fine.shape[0]))
    low = np.maximum(np.floor(place.min(0)), 0).astype(int)
    high = np.minimum(np.ceil(place.max(0)), (width, height)).astype(int)
    if (high - low).min() < LEAST:
        return None
    scale = min(1.0, SIDE / (high - low).max())
    size = tuple(np.maximum(np.rint((high - low) * scale), 1).astype(int).tolist())
    cut = coarse[low[1] : high[1], low[0] : high[0]]
    to_coarse = _scaling((high - low) / size, low)
    to_fine = np.linalg.inv(matrix) @ to_coarse
    second = cut if scale == 1 else cv2.resize(cut, size, interpolation=cv2.INTER_AREA)
    first, mask = _sampled(fine, to_fine, size)
    return Overlap(first, np.ascontiguousarray(second), mask, to_fine, to_coarse) if mask.any() else None


def _sampled(fine: Pixels, to_fine: Matrix, size: tuple[int, int]) -> tuple[Pixels, NDArray[np.bool_]]:
    """``fine`` seen through ``to_fine``, shrunk first, so that fine texture does not alias; and where it is."""
    shrink = float(np.sqrt(abs(np.linalg.det(to_fine[:2, :2]))))
    height, width = fine.shape[:2]
    if shrink > 1:
        small = max(1, round(width / shrink)), max(1, round(height / shrink))
        to_fine = _scaling(np.array([small[0] / width, small[1] / height]), np.zeros(2)) @ to_fine
        fine, (width, height) = np.asarray(cv2.resize(fine, small, interpolation=cv2.INTER_AREA), np.uint8), small
    centred = _SHIFT @ to_fine @ np.linalg.inv(_SHIFT)  # warpAffine counts from the middle of the first pixel
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    seen = cv2.warpAffine(fine, centred[:2], size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    y, x = np.mgrid[: size[1], : size[0]] + 0.5
    where = np.stack([x, y], -1).reshape(-1, 2) @ to_fine[:2, :2].T + to_fine[:2, 2]
    mask = (where >= 0).all(1) & (where[:, 0] <= width) & (where[:, 1] <= height)
    return np.asarray(seen, np.uint8), mask.reshape(size[1], size[0])


_SHIFT = np.array([[1, 0, -0.5], [0, 1, -0.5], [0, 0, 1.0]])


def _scaling(scale: NDArray[np.floating], shift: NDArray[np.generic]) -> Matrix:
    return np.array([[scale[0], 0, shift[0]], [0, scale[1], shift[1]], [0, 0, 1]], np.float64)


def refined(part: Overlap, inverted: bool) -> Matrix | None:
    """(3, 3), pixels of the upright original a -> b, made better than a pixel by enhanced correlation (Evangelidis and
    Psarakis, 2008). None where it finds nothing better nearby."""
    first, second = (cv2.GaussianBlur(_luma(pixels), (0, 0), 1.0) for pixels in (part.a, part.b))
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, STEPS, 1e-4)
    start, mask = np.eye(2, 3, dtype=np.float32), part.mask.astype(np.uint8)
    try:
        _, found = cv2.findTransformECC(
            second, 1 - first if inverted else first, start, cv2.MOTION_AFFINE, criteria, mask, 5
        )
    except cv2.error:  # it did not converge
        return None
    back = np.vstack([found, [0, 0, 1]]).astype(np.float64)  # from where a pixel of b is to where it is in a
    if not np.isfinite(back).all() or np.abs(back - np.eye(3)).max() > FAR:
        return None
    centred = np.linalg.inv(_SHIFT) @ back @ _SHIFT
    return np.asarray(part.to_b @ np.linalg.inv(part.to_a @ centred), np.float64)


# --- what differs


@dataclass(frozen=True, slots=True)
class Difference:
    """``agreement``: -1..1, mean correlation of structure in small windows, where there is any: in the share
    ``structured`` of the common part. ``changed``: share of
    the common part that is something else. ``tone``: 0..1, mean difference of colour. ``detail``: the logarithm of how
    much sharper b is than a. ``where``: (h, w) bool, what changed."""

    agreement: float
    structured: float
    changed: float
    tone: float
    detail: float
    grain: float
    even: float
    where: NDArray[np.bool_]


def difference(part: Overlap, inverted: bool = False) -> Difference:
    """What differs in the common part of two images."""
    a, b = (pixels.astype(np.float32) / np.float32(255) for pixels in (part.a, part.b))
    mask = cv2.erode(part.mask.astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=0).astype(np.bool_)
    if not mask.any():
        mask = part.mask
    luma = [_luma(pixels) for pixels in (part.a, part.b)]
    # Softened, because one of the two was sampled between its pixels.
    soft = [np.asarray(cv2.GaussianBlur(x, (0, 0), 0.7), np.float32) for x in luma]
    alike, structured = _structure(soft[0], soft[1], mask)
    agreement = float(alike[structured].mean()) if structured.any() else 0.0
    where = _where(a, b, np.abs(alike), structured, mask)
    small = [cv2.blur(x, (9, 9)) for x in (a, b)]
    tone = float(np.abs(small[0] - small[1])[mask].mean())
    sharp = [_sharpness(x, mask & ~where) for x in soft]
    grain, even = _grain(luma[0], luma[1], mask)
    return Difference(
        -agreement if inverted else agreement,
        float(structured[mask].mean()),
        float(where[mask].mean()),
        tone,
        float(np.log(sharp[1] / sharp[0])),
        grain,
        even,
        where,
    )


def _luma(pixels: Pixels) -> Floats:
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.float32) / np.float32(255)


def _structure(a: Floats, b: Floats, mask: NDArray[np.bool_]) -> tuple[Floats, NDArray[np.bool_]]:
    """(h, w) correlation in the window around each pixel, and where either image has structure there."""
    size = (WINDOW, WINDOW)
    weight = cv2.blur(mask.astype(np.float32), size, borderType=cv2.BORDER_CONSTANT).clip(min=1e-3)

    def mean(x: Floats) -> Floats:
        summed = cv2.blur(np.where(mask, x, 0).astype(np.float32), size, borderType=cv2.BORDER_CONSTANT)
        return np.asarray(summed / weight, np.float32)

    mean_a, mean_b = mean(a), mean(b)
    a, b = a - mean_a, b - mean_b
    deviation_a, deviation_b = (np.sqrt(mean(x * x).clip(min=0)) for x in (a, b))
    alike = mean(a * b) / (deviation_a * deviation_b).clip(min=1e-6)
    return alike.clip(-1, 1), mask & (np.maximum(deviation_a, deviation_b) > FAINT)


def _where(
    a: Floats, b: Floats, alike: Floats, structured: NDArray[np.bool_], mask: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """What is something else in b than in a, once the best change of colours is undone: where that is plain to see, and
    from there on as far as any trace of it goes (hysteresis, Canny, 1986)."""
    apart = np.minimum(_unexplained(a, b, mask), _unexplained(b, a, mask))
    plain = ((apart > PLAIN) | ((apart > CHANGED) & structured & (alike < 0.5))) & mask
    plain = _cleaned(plain, cv2.MORPH_OPEN, 5)
    if not plain.any():
        return plain
    traces = _cleaned(plain | ((apart > max(TRACE, NOISE * np.median(apart[mask]))) & mask), cv2.MORPH_OPEN, 3)
    count, spots = cv2.connectedComponents(traces.astype(np.uint8))
    chosen = np.zeros(count, np.bool_)
    chosen[spots[plain]] = True
    chosen[0] = False  # what is no trace
    return (_cleaned(chosen[spots], cv2.MORPH_CLOSE, 9) | plain) & mask


def _cleaned(where: NDArray[np.bool_], how: int, size: int) -> NDArray[np.bool_]:
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    return np.asarray(cv2.morphologyEx(where.astype(np.uint8), how, kernel), np.bool_)


def _unexplained(a: Floats, b: Floats, mask: NDArray[np.bool_]) -> Floats:
    """(h, w): how far b is from the best change of a's colours, both blurred; the fit overlooks what is far off."""
    first, second = (cv2.GaussianBlur(x, (0, 0), 1.5) for x in (a, b))
    x = np.concatenate([first, first**2, np.ones_like(first[..., :1])], -1)
    rows = np.flatnonzero(mask)[:: max(1, int(mask.sum()) // 4000)]
    told, right = x.reshape(-1, 7)[rows], second.reshape(-1, 3)[rows]
    weight = np.ones(len(rows), np.float32)
    for _ in range(4):
        scaled = told * weight[:, None]
        fitted = np.linalg.solve(scaled.T @ told + 1e-3 * np.eye(7, dtype=np.float32), scaled.T @ right)
        weight = (1 / (1 + (_farthest(told @ fitted - right) / 0.04) ** 2)).astype(np.float32)
    return _farthest(x @ fitted - second)


def _farthest(x: NDArray[np.floating]) -> Floats:
    """(..., 3) -> (...): the largest of three, without sign."""
    x = np.abs(x)
    return np.asarray(np.maximum(np.maximum(x[..., 0], x[..., 1]), x[..., 2]), np.float32)


def _grain(a: Floats, b: Floats, mask: NDArray[np.bool_]) -> tuple[float, float]:
    """How large the finest difference is, and the logarithm of how much larger in the smoother half of the pixels."""
    apart = b - a
    fine = (apart - cv2.GaussianBlur(apart, (0, 0), 1.0))[mask]
    coarse = cv2.GaussianBlur((a + b) / 2, (0, 0), 1.5)
    busy = cv2.GaussianBlur((coarse - cv2.GaussianBlur(coarse, (0, 0), 3.0)) ** 2, (0, 0), 3.0)[mask]
    smooth = busy <= np.median(busy)
    parts = [float(fine[chosen].std()) if chosen.any() else 0.0 for chosen in (smooth, ~smooth)]
    return float(fine.std()), float(np.log((parts[0] + 1e-3) / (parts[1] + 1e-3)))


def _sharpness(luma: Floats, mask: NDArray[np.bool_]) -> float:
    """Fine contrast as a share of coarse contrast: what blur takes away and sharpening adds, whatever the tones."""
    fine = luma - cv2.GaussianBlur(luma, (0, 0), 1.0)
    coarse = cv2.GaussianBlur(luma, (0, 0), 1.0) - cv2.GaussianBlur(luma, (0, 0), 3.0)
    if not mask.any():
        return 1.0
    return float((np.sqrt((fine[mask] ** 2).mean()) + 1e-4) / (np.sqrt((coarse[mask] ** 2).mean()) + 1e-3))
