"""What the places are like in which two aligned images differ: something laid on the one, or other content in both.

Text, a banner or a sticker lies in few places, fills them, has few colours, and the other image has nothing of its own
there but what goes on around it. Where a template was filled in anew or something moved before a camera, there are
many places, and both images have structure in them. And of a copy even the grain agrees where nothing changed.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from lookalike.comparison.alignment.difference import Mask
from lookalike.types import Floats, Pixels

FLAT_STEP = 24  # grey levels: colours that are nearer than about this are one
TEXTURE_BLUR, NOISE_BLUR = 3.0, 1.0  # pixels: what is finer is texture, is grain
MIN_NOISE_PIXELS = 500

Two = tuple[Floats, Floats]


@dataclass(frozen=True, slots=True)
class ChangedContent:
    """The places that changed; the same whichever image comes first.

    ``share``: 0..1, of the overlap. ``places``: how many connected ones there are. ``largest_fill``: 0..1, how much of
    its bounding box the largest fills. ``largest_share``: 0..1, of all that changed. ``flatness``: 0..1, how much of
    what changed is one colour, in the image where that is more; ``other_flatness``: in the other. ``edge_balance``:
    0..1, the contrast there in the image with less of it, as a share of the other's. ``kept_texture``: -1..1,
    correlation of fine structure there. ``noise_correlation``: -1..1, of the finest detail where nothing changed;
    ``fine_noise_level``: its grey levels in the image that has less. Where nothing changed, all say that it agrees."""

    share: float
    places: int
    largest_fill: float
    largest_share: float
    flatness: float
    other_flatness: float
    edge_balance: float
    kept_texture: float
    noise_correlation: float
    fine_noise_level: float


def changed_content(
    pixels: tuple[Pixels, Pixels], greys: Two, slopes: Two, mask: Mask, blocks: Mask, changed: Mask
) -> ChangedContent:
    """``pixels``: both images, (h, w, 3), aligned; ``greys`` and ``slopes``: (h, w), their luma in grey levels and its
    gradient. ``mask``: where both are; ``blocks``: the neighbourhoods that changed; ``changed``: the pixels."""
    exact = changed & blocks
    places, fill, share = _places(blocks)
    flat = sorted(_flatness(one, exact) for one in pixels)
    noise_correlation, fine_noise_level = _noise(greys, slopes, mask & ~blocks)
    return ChangedContent(
        share=float(blocks.sum() / mask.sum()),
        places=places,
        largest_fill=fill,
        largest_share=share,
        flatness=flat[1],
        other_flatness=flat[0],
        edge_balance=_edge_balance(slopes, exact),
        kept_texture=_correlation(_finer(greys[0], TEXTURE_BLUR), _finer(greys[1], TEXTURE_BLUR), blocks),
        noise_correlation=noise_correlation,
        fine_noise_level=fine_noise_level,
    )


def _places(blocks: Mask) -> tuple[int, float, float]:
    """How many connected places there are; how much of its box the largest fills; its share of them all."""
    count, _, stats, _ = cv2.connectedComponentsWithStats(blocks.astype(np.uint8))
    if count < 2:
        return 0, 1.0, 1.0
    largest = stats[1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))]
    area = float(largest[cv2.CC_STAT_AREA])
    box = float(largest[cv2.CC_STAT_WIDTH] * largest[cv2.CC_STAT_HEIGHT])
    return count - 1, area / box, area / float(blocks.sum())


def _flatness(pixels: Pixels, where: Mask) -> float:
    """The share of these pixels that have the commonest colour."""
    if not where.any():
        return 1.0
    colours = pixels[where].astype(np.int32)
    shares = []
    for shift in (0, FLAT_STEP // 2):  # a colour may lie on the edge of a bin
        step = (colours + shift) // FLAT_STEP
        shares.append(np.bincount(step[:, 0] * 144 + step[:, 1] * 12 + step[:, 2]).max() / len(colours))
    return float(max(shares))


def _edge_balance(slopes: Two, where: Mask) -> float:
    if not where.any():
        return 1.0
    low, high = sorted(float(one[where].mean()) for one in slopes)
    return (low + 0.5) / (high + 0.5)


def _noise(greys: Two, slopes: Two, where: Mask) -> tuple[float, float]:
    """Correlation of the finest detail in the smoother half of these pixels, and its level in grey levels."""
    if where.sum() < MIN_NOISE_PIXELS:
        return 1.0, 0.0
    busy = np.maximum(*slopes)
    smooth = where & (busy <= np.median(busy[where][::7]))
    fine = _finer(greys[0], NOISE_BLUR), _finer(greys[1], NOISE_BLUR)
    return _correlation(*fine, smooth), min(float(one[smooth].std()) for one in fine)


def _finer(grey: Floats, blur: float) -> Floats:
    return np.asarray(grey - cv2.GaussianBlur(grey, (0, 0), blur), np.float32)


def _correlation(a: Floats, b: Floats, where: Mask) -> float:
    """1 where there is nothing to compare."""
    if where.sum() < 2:
        return 1.0
    x, y = a[where], b[where]
    x, y = x - x.mean(), y - y.mean()
    power = float(np.sqrt((x @ x) * (y @ y)))
    return float(x @ y) / power if power > 1e-3 else 1.0
