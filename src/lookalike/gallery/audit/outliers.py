"""Images that are unlike all others, and those of a size or shape that is rare in their data set.

What is rare is told by the median and the median absolute deviation, which outliers themselves hardly move: modified
z-scores above 3.5 (Iglewicz and Hoaglin, How to detect and handle outliers, 1993).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lookalike.descriptors.base import DescriptorCard
from lookalike.gallery.audit.findings import ImageFinding
from lookalike.gallery.index.faiss_index import FaissIndex
from lookalike.gallery.storage.base import GalleryStorage
from lookalike.gallery.storage.embeddings import Embeddings
from lookalike.gallery.storage.row import Row

NEIGHBOURS = 10  # so that a few foreign images, alike among themselves, are far from most of their nearest
MIN_IMAGES = 20  # fewer have no usual distance, size or shape
MAX_SCORE = 3.5
DEVIATIONS = 1.4826  # median absolute deviations in a standard deviation, if values are normal
LEAST_DISTANCE = 0.5  # of the median negative distance, that an outlier is away from its nearest at least
LEAST_SIZE_STEP, LEAST_SHAPE_STEP = 2.0, 1.0  # doublings: a quarter of the pixels, half as wide
MIN_SIDE = 32  # pixels, below which an image is small whatever the others are
SEARCH_BLOCK = 4096


def find_outliers(store: GalleryStorage, card: DescriptorCard, rows: Sequence[Row]) -> list[ImageFinding]:
    """The images whose nearest others are unusually far away, the farthest first: the mean distance to the NEIGHBOURS
    nearest (Angiulli and Pizzuti, "Fast outlier detection in high dimensional spaces", 2002). Of byte-identical images
    the first counts; what shows nothing is left out."""
    first = {row.sha256: row for row in reversed(rows)}
    ids = np.array(sorted(row.id for row in first.values()), np.int64)
    embeddings = Embeddings.read(store, {card.name: card}, [card.name], ids)
    if len(embeddings) < MIN_IMAGES:
        return []
    distances = _mean_distances(embeddings.vectors[card.name], card)
    limit = max(_upper_limit(distances), LEAST_DISTANCE * card.median_negative_distance)
    paths = {row.id: row.path for row in rows}
    return [
        ImageFinding(
            paths[int(embeddings.ids[place])],
            float(distances[place]),
            limit,
            f"far from all others by {card.name}: {distances[place]:.2f} from its nearest, usually "
            f"{np.median(distances):.2f}",
        )
        for place in np.argsort(-distances, kind="stable").tolist()
        if distances[place] > limit
    ]


def odd_sizes(rows: Sequence[Row]) -> list[ImageFinding]:
    """The images with far fewer or far more pixels than is usual, and tiny ones; the smallest first."""
    areas = np.array([row.width * row.height for row in rows], np.float64)
    odd, limit = _odd(np.log2(np.maximum(areas, 1)), LEAST_SIZE_STEP)
    usual = float(np.median(areas)) if len(areas) else 0.0
    found = []
    for place in np.argsort(areas, kind="stable").tolist():
        row = rows[place]
        size = f"{row.width} × {row.height} pixels"
        if min(row.width, row.height) < MIN_SIDE:
            found.append(ImageFinding(row.path, float(min(row.width, row.height)), float(MIN_SIDE), f"tiny: {size}"))
        elif odd[place]:
            times = areas[place] / usual
            said = f"{times:.3g} times" if times > 1 else f"1 / {1 / times:.3g} of"
            reason = f"{size}, {said} what is usual"
            found.append(
                ImageFinding(row.path, float(areas[place]), usual * 2 ** (limit if times > 1 else -limit), reason)
            )
    return found


def odd_shapes(rows: Sequence[Row]) -> list[ImageFinding]:
    """The images that are far wider or far taller than is usual, the tallest first."""
    shapes = np.array([row.width / row.height for row in rows], np.float64)
    odd, limit = _odd(np.log2(shapes), LEAST_SHAPE_STEP)
    usual = float(np.median(shapes)) if len(shapes) else 1.0
    return [
        ImageFinding(
            rows[place].path,
            float(shapes[place]),
            usual * 2 ** (limit if shapes[place] > usual else -limit),
            f"{rows[place].width} × {rows[place].height}: width / height {shapes[place]:.2f}, usually {usual:.2f}",
        )
        for place in np.argsort(shapes, kind="stable").tolist()
        if odd[place]
    ]


def _mean_distances(vectors: NDArray[np.generic], card: DescriptorCard) -> NDArray[np.float64]:
    """(N, D) -> (N,), to the NEIGHBOURS nearest others: of what is found the image itself, or one as near, is first."""
    index = FaissIndex(card.metric, card.dim)
    index.add(np.arange(len(vectors)), vectors)
    blocks = range(0, len(vectors), SEARCH_BLOCK)
    found = [index.search(vectors[start : start + SEARCH_BLOCK], NEIGHBOURS + 1)[1] for start in blocks]
    return np.asarray(np.concatenate(found)[:, 1:].mean(axis=1), np.float64)


def _odd(values: NDArray[np.float64], least: float) -> tuple[NDArray[np.bool_], float]:
    """(N,) -> (N,), which are too far from the median on either side, and how far that is."""
    if len(values) < MIN_IMAGES:
        return np.zeros(len(values), bool), least
    away = np.abs(values - np.median(values))
    limit = max(MAX_SCORE * DEVIATIONS * float(np.median(away)), least)
    return away > limit, limit


def _upper_limit(values: NDArray[np.float64]) -> float:
    middle = float(np.median(values))
    return middle + MAX_SCORE * DEVIATIONS * float(np.median(np.abs(values - middle)))
