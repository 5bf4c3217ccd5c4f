"""Whether a descriptor that was trained retrieves better than `content`, which is there without any training."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from lookalike.descriptors import get
from lookalike.distance import METRICS, Metric
from lookalike.errors import LookalikeError
from lookalike.evaluation import ranking_metrics
from lookalike.formatting import gain_text
from lookalike.imaging import load
from lookalike.intervals import Interval, paired_interval
from lookalike.parallel import in_order
from lookalike.training.data.image_cache import ImageCache
from lookalike.training.data.image_folder import Rows, evenly_spaced
from lookalike.training.export.training_page import Section, Table
from lookalike.types import Floats

CONTENT = "content"
MAX_IMAGES = 2000  # held-out images that retrieve one another

Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class BesideContent:
    """Mean average precision of retrieving the others of a class among held-out images, each 0..1: ``ours``, by the
    trained descriptor, and ``content``, by the shipped one; ``gain``: ours less that of `content`, image by image."""

    ours: float
    content: float
    gain: Interval

    @property
    def metrics(self) -> dict[str, float]:
        return {"mAP": self.ours, "content mAP": self.content}

    @property
    def sentence(self) -> str:
        """What came of it, as far as these images can show, and what to do."""
        measured = (
            f"mAP {100 * self.ours:.1f} against {100 * self.content:.1f} on {self.gain.count:,} held-out images "
            f"(difference {gain_text(self.gain)})"
        )
        if self.gain.verdict == "worse":
            return f"as a descriptor it is worse than `content`: {measured}; go on searching by `content`"
        if self.gain.verdict == "better":
            return f"as a descriptor it is better than `content`: {measured}"
        return f"as a descriptor it shows no difference from `content` that these images could prove: {measured}"


def beside_content(vectors: Floats, metric: Metric, images: ImageCache, rows: Rows) -> BesideContent | None:
    """(H, D) vectors of the held-out ``rows``, by class -> both; `content` sees the files as it would in use.

    None where no two held-out images are of one class, or fewer than two classes are held out."""
    chosen = evenly_spaced(np.arange(len(rows)), MAX_IMAGES)
    kept = chosen[images.labels[rows[chosen]] >= 0]
    if not _retrievable(images.labels[rows[kept]]):
        return None
    contents, there = _contents(images, rows[kept])
    kept, contents = kept[there], contents[there]
    labels = images.labels[rows[kept]]
    if not _retrievable(labels):
        return None
    ours, theirs = average_precisions(vectors[kept], metric, labels), average_precisions(contents, "cosine", labels)
    return BesideContent(float(ours.mean()), float(theirs.mean()), paired_interval(theirs, ours))


def average_precisions(vectors: Floats, metric: Metric, labels: Rows) -> Doubles:
    """(N, D) vectors, (N,) labels -> (Q,): of each image that has others of its class, which all others are ranked
    for."""
    near = np.array(METRICS[metric](vectors, vectors), np.float32)
    np.fill_diagonal(near, np.inf)
    relevant = (labels[:, None] == labels) & ~np.eye(len(labels), dtype=bool)
    queries = relevant.any(axis=1)
    return ranking_metrics.average_precision(near[queries], relevant[queries])


def _retrievable(labels: Rows) -> bool:
    counts = np.unique(labels, return_counts=True)[1]
    return len(counts) > 1 and bool(counts.max() > 1)


def _contents(images: ImageCache, rows: Rows) -> tuple[Floats, NDArray[np.bool_]]:
    """(N, D) by `content`, and (N,) whether the file is still there to be described."""
    found = list(in_order(_tasks(images, rows)))
    there = np.array([one is not None for one in found], np.bool_)
    empty = np.zeros(get(CONTENT).card.dim, np.float32)
    return np.stack([empty if one is None else one for one in found]), there


def _tasks(images: ImageCache, rows: Rows) -> Iterator[partial[Floats | None]]:
    for row in rows.tolist():
        yield partial(_content, images.root / images.paths[row])


def _content(file: object) -> Floats | None:
    descriptor = get(CONTENT)
    try:
        image = load(str(file), min_side=descriptor.card.min_side)
    except LookalikeError:  # gone or changed since it was read: one query less
        return None
    vector: Floats = np.asarray(descriptor.describe([image]).vectors[0], np.float32)
    return vector


def content_section(found: BesideContent) -> Section:
    """For the page."""
    rows = (("this descriptor", f"{found.ours:.3f}"), ("content", f"{found.content:.3f}"))
    sentence = found.sentence[0].upper() + found.sentence[1:] + "."
    lede = f"{sentence} Each held-out image searches the others for those of its class."
    return Section("Beside `content`", lede, tables=(Table(("", "mAP"), rows),))
