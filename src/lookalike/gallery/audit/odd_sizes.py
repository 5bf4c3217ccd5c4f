"""Images of a size or shape that is rare in their data set."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lookalike.gallery.audit.findings import ImageFinding
from lookalike.gallery.audit.rare import odd
from lookalike.gallery.storage.row import Row

LEAST_SIZE_STEP, LEAST_SHAPE_STEP = 2.0, 1.0  # doublings: a quarter of the pixels, twice as long for its width
MIN_SIDE = 32  # pixels, below which an image is small whatever the others are


def odd_sizes(rows: Sequence[Row]) -> list[ImageFinding]:
    """The images with far fewer or far more pixels than is usual, and tiny ones; the smallest first."""
    areas = np.array([row.width * row.height for row in rows], np.float64)
    is_odd, limit = odd(np.log2(np.maximum(areas, 1)), LEAST_SIZE_STEP)
    usual = float(np.median(areas)) if len(areas) else 0.0
    found = []
    for place in np.argsort(areas, kind="stable").tolist():
        row = rows[place]
        size = f"{row.width} × {row.height} pixels"
        if min(row.width, row.height) < MIN_SIDE:
            found.append(ImageFinding(row.path, float(min(row.width, row.height)), float(MIN_SIDE), f"tiny: {size}"))
        elif is_odd[place]:
            times = areas[place] / usual
            said = f"{times:.3g} times" if times > 1 else f"1 / {1 / times:.3g} of"
            reason = f"{size}, {said} what is usual"
            found.append(
                ImageFinding(row.path, float(areas[place]), usual * 2 ** (limit if times > 1 else -limit), reason)
            )
    return found


def odd_shapes(rows: Sequence[Row]) -> list[ImageFinding]:
    """The images that are far longer or far squarer than is usual, the longest first. Whether they stand or lie does
    not count: among photographs of 3:2, one of 2:3 is no odd one."""
    shapes = np.array([max(row.width, row.height) / min(row.width, row.height) for row in rows], np.float64)
    is_odd, limit = odd(np.log2(shapes), LEAST_SHAPE_STEP)
    usual = float(np.median(shapes)) if len(shapes) else 1.0
    return [
        ImageFinding(
            rows[place].path,
            float(shapes[place]),
            usual * 2 ** (limit if shapes[place] > usual else -limit),
            f"{rows[place].width} × {rows[place].height}: the longer side is {shapes[place]:.2f} times the shorter, "
            f"usually {usual:.2f}",
        )
        for place in np.argsort(-shapes, kind="stable").tolist()
        if is_odd[place]
    ]
