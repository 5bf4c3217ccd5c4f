"""Images that are unlike all others.

Where the classes are known, an outlier is far from its own class and from every other one: the median distance to its
class, which a dozen foreign images in one folder do not move, and the distance to the nearest mean of a class, which a
wrong label leaves small; both in standard deviations, added up. Where they are not, the mean distance to the nearest
(Angiulli and Pizzuti, "Fast outlier detection in high dimensional spaces", 2002), to as many that foreign images alike
among themselves are not their own. Both were chosen on four labelled sets; local outlier factors, Mahalanobis distances
and what principal components leave found fewer there (benchmarks/audit.py reports on others).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from lookalike.descriptors.base import DescriptorCard
from lookalike.distance import cosine, normalise
from lookalike.gallery.audit.findings import ImageFinding
from lookalike.gallery.audit.rare import MAX_SCORE, MIN_IMAGES, scores, upper_limit
from lookalike.gallery.index.faiss_index import FaissIndex
from lookalike.gallery.storage.base import GalleryStorage
from lookalike.gallery.storage.embeddings import Embeddings
from lookalike.gallery.storage.row import Row
from lookalike.types import Floats

NEIGHBOURS, MOST_NEIGHBOURS = 10, 100
NEIGHBOUR_SHARE = 0.05  # of all images
MIN_OF_CLASS = 5  # images; a smaller class has no usual distance
MOST_OF_CLASS = 200  # of a class, to which distances are taken
LEAST_DISTANCE = 0.5  # of the median negative distance, that an outlier is away from others at least
SEARCH_BLOCK = 4096


def find_outliers(
    store: GalleryStorage, card: DescriptorCard, rows: Sequence[Row], labels: Mapping[str, str]
) -> list[ImageFinding]:
    """The images that are unusually far from the others, the farthest first. ``labels``: path -> class, of those that
    have one. Of byte-identical images the first counts; what shows nothing is left out."""
    first = {row.sha256: row for row in reversed(rows)}
    ids = np.array(sorted(row.id for row in first.values()), np.int64)
    embeddings = Embeddings.read(store, {card.name: card}, [card.name], ids)
    if len(embeddings) < MIN_IMAGES:
        return []
    paths = {row.id: row.path for row in rows}
    called = [paths[number] for number in embeddings.ids.tolist()]
    vectors = embeddings.vectors[card.name]
    kinds = _kinds([labels.get(path, "") for path in called])
    if card.metric == "cosine" and kinds.max() > 0:
        return _by_classes(called, np.asarray(vectors, np.float32), kinds, card)
    return _by_neighbours(called, vectors, card)


def _kinds(labels: Sequence[str]) -> NDArray[np.int64]:
    """(N,) numbers of the classes, -1 for none and for small ones."""
    names, numbers, counts = np.unique(labels, return_inverse=True, return_counts=True)
    kept = (counts >= MIN_OF_CLASS) & (names != "")
    return np.where(kept, np.cumsum(kept) - 1, -1)[numbers]


def _by_classes(
    paths: Sequence[str], vectors: Floats, kinds: NDArray[np.int64], card: DescriptorCard
) -> list[ImageFinding]:
    to_class, to_nearest = class_distances(vectors, kinds)
    unlike = scores(scores(to_class) + scores(to_nearest))
    far = (unlike > MAX_SCORE) & (to_class > LEAST_DISTANCE * card.median_negative_distance)
    usual = float(np.median(to_class))
    return [
        ImageFinding(
            paths[place],
            float(unlike[place]),
            MAX_SCORE,
            f"unlike its class and all others by {card.name}: {to_class[place]:.2f} from its class, usually "
            f"{usual:.2f}",
        )
        for place in np.argsort(-unlike, kind="stable").tolist()
        if far[place]
    ]


def class_distances(vectors: Floats, kinds: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(N, D) unit vectors and (N,) numbers of classes from 0, -1 for none -> (N,) the median cosine distance to the
    images of one's own class, of one without a class to the nearest class, and (N,) the distance to the nearest mean of
    a class."""
    members = [np.flatnonzero(kinds == kind) for kind in range(int(kinds.max()) + 1)]
    to_means = cosine(vectors, normalise(np.stack([vectors[one].mean(axis=0) for one in members])))
    own = np.where(kinds < 0, to_means.argmin(axis=1), kinds)
    to_class = np.empty(len(vectors))
    for kind, of_class in enumerate(members):
        some = of_class[:: -(-len(of_class) // MOST_OF_CLASS)]
        asked = np.flatnonzero(own == kind)
        for start in range(0, len(asked), SEARCH_BLOCK):
            block = asked[start : start + SEARCH_BLOCK]
            to_class[block] = np.median(cosine(vectors[block], vectors[some]), axis=1)
    return to_class, np.asarray(to_means.min(axis=1), np.float64)


def _by_neighbours(paths: Sequence[str], vectors: NDArray[np.generic], card: DescriptorCard) -> list[ImageFinding]:
    distances = _mean_distances(vectors, card)
    limit = max(upper_limit(distances), LEAST_DISTANCE * card.median_negative_distance)
    usual = float(np.median(distances))
    return [
        ImageFinding(
            paths[place],
            float(distances[place]),
            limit,
            f"far from all others by {card.name}: {distances[place]:.2f} from its nearest, usually {usual:.2f}",
        )
        for place in np.argsort(-distances, kind="stable").tolist()
        if distances[place] > limit
    ]


def _mean_distances(vectors: NDArray[np.generic], card: DescriptorCard) -> NDArray[np.float64]:
    """(N, D) -> (N,), to the nearest others: of what is found the image itself, or one as near, is first."""
    neighbours = int(np.clip(NEIGHBOUR_SHARE * len(vectors), NEIGHBOURS, MOST_NEIGHBOURS))
    index = FaissIndex(card.metric, card.dim)
    index.add(np.arange(len(vectors)), vectors)
    blocks = range(0, len(vectors), SEARCH_BLOCK)
    found = [index.search(vectors[start : start + SEARCH_BLOCK], neighbours + 1)[1] for start in blocks]
    return np.asarray(np.concatenate(found)[:, 1:].mean(axis=1), np.float64)
