"""A trained descriptor beside `content`: what is said of it follows from the files alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import lookalike as la
from classes import classes_in
from lookalike.training.data.image_cache import NO_LABEL, ImageCache, cache_images
from lookalike.training.tasks.beside_content import average_precisions, beside_content, content_section

ROWS = np.arange(1, 12)  # of those, held out


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> ImageCache:
    folder = tmp_path_factory.mktemp("beside")
    return cache_images(classes_in(folder / "p", (6, 6)), 32, folder / "cache", labelled=True)


def by_loops(distances: np.ndarray, labels: np.ndarray) -> list[float]:
    """The average precision of each query that has others of its class."""
    found = []
    for query in range(len(labels)):
        order = [row for row in np.argsort(distances[query], kind="stable") if row != query]
        hits = [labels[row] == labels[query] for row in order]
        found.append(np.mean([np.mean(hits[: place + 1]) for place, hit in enumerate(hits) if hit]))
    return found


def test_content_sees_the_files(images: ImageCache) -> None:
    """Its average precision is that of the vectors that `describe` gives of the files."""
    own = np.random.default_rng(0).normal(size=(11, 4)).astype(np.float32)
    found = beside_content(own, "euclidean", images, ROWS)
    vectors = la.describe([images.root / images.paths[row] for row in ROWS], "content")
    labels = images.labels[ROWS]
    ours = by_loops(((own[:, None] - own) ** 2).sum(2), labels)
    theirs = by_loops(1 - vectors @ vectors.T, labels)
    assert (found.ours, found.content) == pytest.approx((np.mean(ours), np.mean(theirs)), abs=1e-5)
    assert found.gain.value == pytest.approx(np.mean(ours) - np.mean(theirs), abs=1e-5)
    assert found.metrics == {"mAP": found.ours, "content mAP": found.content}


def test_worse_and_better(images: ImageCache) -> None:
    """Vectors that tell nothing are called worse, with what to do; a difference of nothing is called none."""
    random = np.random.default_rng(1).normal(size=(11, 4)).astype(np.float32)
    worse = beside_content(random, "cosine", images, ROWS)
    assert worse.gain.verdict == "worse"
    assert "worse than `content`" in worse.sentence
    assert "go on searching by `content`" in worse.sentence
    assert content_section(worse).lede.startswith("As a descriptor it is worse than `content`: mAP ")
    vectors = la.describe([images.root / images.paths[row] for row in ROWS], "content")
    same = beside_content(vectors, "cosine", images, ROWS)
    assert (same.gain.value, same.gain.verdict) == (0, "open")
    assert "no difference from `content` that these images could prove" in same.sentence


def test_nothing_to_retrieve(images: ImageCache) -> None:
    """One class alone, or no two images of any: nothing is said."""
    vectors = np.eye(12, dtype=np.float32)
    assert beside_content(vectors[:4], "cosine", images, np.arange(4)) is None
    assert beside_content(vectors[:2], "cosine", images, np.array([0, 11])) is None
    unlabelled = replace(images, labels=np.full(12, NO_LABEL))
    assert beside_content(vectors, "cosine", unlabelled, np.arange(12)) is None


def test_a_file_that_is_gone_is_one_query_less(images: ImageCache) -> None:
    """What was trained on may have been moved since; the others are compared."""
    paths = ("gone.png", *images.paths[1:])
    found = beside_content(np.eye(12, dtype=np.float32), "cosine", replace(images, paths=paths), np.arange(12))
    assert found.gain.count == 11


def test_one_of_its_class_is_no_query() -> None:
    """Two of a kind are queries for each other, a single one is not, but stands among what is ranked."""
    vectors = np.array([[0.0], [1.0], [0.4]], np.float32)
    assert average_precisions(vectors, "euclidean", np.array([0, 0, 1])).tolist() == [0.5, 0.5]
