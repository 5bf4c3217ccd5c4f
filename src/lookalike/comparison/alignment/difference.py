"""What differs in the overlap of two images, after the best change of colours has been undone: a recoloured copy is no
other image."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from lookalike.comparison.alignment.overlap import Overlap, luma
from lookalike.types import Floats

NCC_WINDOW = 11  # pixels: structure is compared within such squares
MIN_DEVIATION = 0.012  # standard deviation in a window, of 0..1, below which there is no structure
CHANGED_COLOUR = 0.12  # of 0..1: what differs by more is another colour
CHANGED_STRUCTURE = 0.05  # the same, where the structure is another one as well
TRACE = 0.04  # what adjoins it and differs by more than this belongs to it,
TRACE_OVER_MEDIAN = 8.0  # if that is more than so many times the median
FIT_PIXELS = 4000  # that the change of colours is fitted on, about
FIT_OUTLIER = 0.04  # of 0..1: what is farther off counts less in the fit
FIT_STEPS = 4

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Difference:
    """How b differs from a in their overlap.

    ``local_ncc``: -1..1, mean normalised cross-correlation in small windows, where there is structure: in the share
    ``structured`` of the overlap. ``changed``: the share that is something else. ``tone``: 0..1, mean difference of
    colour. ``sharpness_log_ratio``: the logarithm of how much sharper b is. ``noise_level``: 0..1, standard deviation
    of the finest difference. ``noise_flat_ratio``: the logarithm of how much more of it there is in the smoother half
    of the pixels than in the other. ``mask``: (h, w) bool, what changed."""

    local_ncc: float
    structured: float
    changed: float
    tone: float
    sharpness_log_ratio: float
    noise_level: float
    noise_flat_ratio: float
    mask: Mask

    def reversed(self) -> Difference:
        """The same with a and b in each other's place."""
        return replace(self, sharpness_log_ratio=-self.sharpness_log_ratio)


def difference(part: Overlap, inverted: bool = False) -> Difference:
    """What differs in the overlap of two images. ``inverted``: one of them is a negative."""
    a, b = (pixels.astype(np.float32) / np.float32(255) for pixels in (part.a, part.b))
    mask = cv2.erode(part.mask.astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=0).astype(np.bool_)
    if not mask.any():
        mask = part.mask
    lumas = [luma(pixels) for pixels in (part.a, part.b)]
    # Softened, because one of the two was sampled between its pixels.
    soft = [np.asarray(cv2.GaussianBlur(x, (0, 0), 0.7), np.float32) for x in lumas]
    ncc, structured = _local_ncc(soft[0], soft[1], mask)
    mean_ncc = float(ncc[structured].mean()) if structured.any() else 0.0
    changed = _changed(a, b, np.abs(ncc), structured, mask)
    sharpness = [_sharpness(x, mask & ~changed) for x in soft]
    noise_level, noise_flat_ratio = _noise(lumas[0], lumas[1], mask)
    return Difference(
        local_ncc=-mean_ncc if inverted else mean_ncc,
        structured=float(structured[mask].mean()),
        changed=float(changed[mask].mean()),
        tone=_tone(a, b, mask),
        sharpness_log_ratio=float(np.log(sharpness[1] / sharpness[0])),
        noise_level=noise_level,
        noise_flat_ratio=noise_flat_ratio,
        mask=changed,
    )


def _tone(a: Floats, b: Floats, mask: Mask) -> float:
    small = [cv2.blur(x, (9, 9)) for x in (a, b)]
    return float(np.abs(small[0] - small[1])[mask].mean())


def _local_ncc(a: Floats, b: Floats, mask: Mask) -> tuple[Floats, Mask]:
    """(h, w) correlation in the window around each pixel, and where either image has structure there."""
    size = (NCC_WINDOW, NCC_WINDOW)
    weight = cv2.blur(mask.astype(np.float32), size, borderType=cv2.BORDER_CONSTANT).clip(min=1e-3)

    def mean(x: Floats) -> Floats:
        summed = cv2.blur(np.where(mask, x, 0).astype(np.float32), size, borderType=cv2.BORDER_CONSTANT)
        return np.asarray(summed / weight, np.float32)

    mean_a, mean_b = mean(a), mean(b)
    a, b = a - mean_a, b - mean_b
    deviation_a, deviation_b = (np.sqrt(mean(x * x).clip(min=0)) for x in (a, b))
    ncc = mean(a * b) / (deviation_a * deviation_b).clip(min=1e-6)
    return ncc.clip(-1, 1), mask & (np.maximum(deviation_a, deviation_b) > MIN_DEVIATION)


def _changed(a: Floats, b: Floats, ncc: Floats, structured: Mask, mask: Mask) -> Mask:
    """What is something else in b than in a, once the best change of colours is undone: where that is plain to see, and
    from there on as far as any trace of it goes (hysteresis, Canny, 1986)."""
    a, b = (np.asarray(cv2.GaussianBlur(x, (0, 0), 1.5), np.float32) for x in (a, b))
    error = np.minimum(colour_residual(a, b, mask), colour_residual(b, a, mask))
    plain = ((error > CHANGED_COLOUR) | ((error > CHANGED_STRUCTURE) & structured & (ncc < 0.5))) & mask
    plain = _morphology(plain, cv2.MORPH_OPEN, 5)
    if not plain.any():
        return plain
    trace = max(TRACE, TRACE_OVER_MEDIAN * np.median(error[mask]))
    traces = _morphology(plain | ((error > trace) & mask), cv2.MORPH_OPEN, 3)
    count, regions = cv2.connectedComponents(traces.astype(np.uint8))
    chosen = np.zeros(count, np.bool_)
    chosen[regions[plain]] = True
    chosen[0] = False  # what is no trace
    return (_morphology(chosen[regions], cv2.MORPH_CLOSE, 9) | plain) & mask


def _morphology(mask: Mask, operation: int, size: int) -> Mask:
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    return np.asarray(cv2.morphologyEx(mask.astype(np.uint8), operation, kernel), np.bool_)


def colour_residual(a: Floats, b: Floats, mask: Mask) -> Floats:
    """(h, w): how far b is from the best change of a's colours; the fit, on ``mask``, overlooks what is far off."""
    rows = np.flatnonzero(mask)[:: max(1, int(mask.sum()) // FIT_PIXELS)]
    chosen, target = a.reshape(-1, 3)[rows], b.reshape(-1, 3)[rows]
    features = np.concatenate([chosen, chosen**2, np.ones_like(chosen[:, :1])], -1)
    weight = np.ones(len(rows), np.float32)
    for _ in range(FIT_STEPS):
        weighted = features * weight[:, None]
        fitted = np.linalg.solve(weighted.T @ features + 1e-3 * np.eye(7, dtype=np.float32), weighted.T @ target)
        far_off = np.abs(features @ fitted - target).max(1)
        weight = (1 / (1 + (far_off / FIT_OUTLIER) ** 2)).astype(np.float32)
    linear, square, constant = fitted[:3].T, fitted[3:6].T, fitted[6:].T
    changed = cv2.transform(a, np.hstack([linear, constant])) + cv2.transform(a * a, np.ascontiguousarray(square))
    first, second, third = cv2.split(cv2.absdiff(changed, b))
    return np.asarray(cv2.max(cv2.max(first, second), third), np.float32)


def _noise(a: Floats, b: Floats, mask: Mask) -> tuple[float, float]:
    """How large the finest difference is, and the logarithm of how much larger in the smoother half of the pixels."""
    error = b - a
    fine = (error - cv2.GaussianBlur(error, (0, 0), 1.0))[mask]
    coarse = cv2.GaussianBlur((a + b) / 2, (0, 0), 1.5)
    busy = cv2.GaussianBlur((coarse - cv2.GaussianBlur(coarse, (0, 0), 3.0)) ** 2, (0, 0), 3.0)[mask]
    flat = busy <= np.median(busy)
    parts = [float(fine[chosen].std()) if chosen.any() else 0.0 for chosen in (flat, ~flat)]
    return float(fine.std()), float(np.log((parts[0] + 1e-3) / (parts[1] + 1e-3)))


def _sharpness(x: Floats, mask: Mask) -> float:
    """Fine contrast as a share of coarse contrast: what blur takes away and sharpening adds, whatever the tones."""
    fine = x - cv2.GaussianBlur(x, (0, 0), 1.0)
    coarse = cv2.GaussianBlur(x, (0, 0), 1.0) - cv2.GaussianBlur(x, (0, 0), 3.0)
    if not mask.any():
        return 1.0
    return float((np.sqrt((fine[mask] ** 2).mean()) + 1e-4) / (np.sqrt((coarse[mask] ** 2).mean()) + 1e-3))
