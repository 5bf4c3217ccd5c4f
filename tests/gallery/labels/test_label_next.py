"""Which images to label next: by hand-made vectors, whose answer can be seen, and by photographs."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
import pytest

from lookalike.errors import UserError
from lookalike.gallery import Gallery
from lookalike.gallery.labels.label_next import choose, covered_by
from lookalike.types import Label
from samples import photograph, save


def test_choices_cover_what_is_not_covered_yet() -> None:
    """Two clusters and an image by itself: the larger cluster first, then the other one, then the one alone; a cluster
    that labelled images stand for comes last, however large."""
    clusters = [0] * 5 + [1] * 3 + [2]
    alike = np.array([[0.9 if a == b else 0.0 for b in clusters] for a in clusters], np.float32)
    np.fill_diagonal(alike, 1.0)
    covered = np.zeros(9, np.float32)
    assert [clusters[row] for row in choose(alike, covered, 3)] == [0, 1, 2]
    covered[:5] = 0.9
    assert [clusters[row] for row in choose(alike, covered, 3)] == [1, 2, 0]


def test_labelled_images_cover_those_like_them() -> None:
    """By an explicit loop: the eighth power of the largest cosine; nothing without any."""
    vectors = np.array([[1, 0], [0.6, 0.8], [0, -1]], np.float32)
    labelled = np.array([[0.8, 0.6], [0, 1]], np.float32)
    expected = [max(max(float(a @ b), 0.0) ** 8 for b in labelled) for a in vectors]
    assert covered_by(vectors, labelled) == pytest.approx(expected, abs=1e-6)
    assert covered_by(vectors, labelled[:0]).tolist() == [0, 0, 0]


def test_each_image_once() -> None:
    """Asked for more than there are, it gives all, though the last ones add nothing."""
    alike = np.ones((4, 4), np.float32)
    assert sorted(choose(alike, np.zeros(4, np.float32), 9)) == [0, 1, 2, 3]


def test_greedy_is_near_the_best() -> None:
    """Of all sets of three, none covers more than 1 / (1 - 1 / e) times as much (Nemhauser and others, 1978)."""
    generator = np.random.default_rng(3)
    points = generator.normal(size=(14, 2))
    alike = np.exp(-((points[:, None] - points) ** 2).sum(axis=2)).astype(np.float32)
    before = (generator.random(14) / 2).astype(np.float32)

    def added(rows: tuple[int, ...]) -> float:
        return sum(max(0.0, *(float(alike[x, y] - before[y]) for x in rows)) for y in range(14))

    best = max(added(rows) for rows in combinations(range(14), 3))
    assert added(tuple(choose(alike, before, 3))) >= (1 - 1 / np.e) * best


@pytest.fixture
def gallery(tmp_path: Path) -> Gallery:
    """Four crops each of a cat and of a cup, three of a rocket, and one photograph of an astronaut."""
    for name, count in (("chelsea.png", 4), ("coffee.png", 4), ("rocket.jpg", 3), ("astronaut.png", 1)):
        pixels = photograph(name)
        for n in range(count):
            crop = pixels[5 * n : pixels.shape[0] - 3 * n, 4 * n :]
            save(tmp_path / "photos" / f"{Path(name).stem}{n}.png", cv2.resize(crop, (240, 200)))
    opened = Gallery.create(tmp_path / "g", ["content"])
    opened.add(tmp_path / "photos")
    return opened


def test_first_one_of_each_kind(gallery: Gallery) -> None:
    """While nothing is labelled, one of each kind, the commonest kinds first."""
    with gallery:
        found = gallery.next_labels(4)
    assert {Path(one.path).stem[:-1] for one in found[:2]} == {"chelsea", "coffee"}
    assert [Path(one.path).stem[:-1] for one in found[2:]] == ["rocket", "astronaut"]
    assert [one.like for one in found] == [3, 3, 2, 0]
    assert found[0].reason == "nothing is labelled yet; 3 more like it"
    assert {one.uncertainty for one in found} == {1.0}


def test_then_what_is_unlike_the_labelled_ones(gallery: Gallery, tmp_path: Path) -> None:
    """Labelled images are not asked for again, and others of their kind come last, surely called like them."""
    photos = tmp_path / "photos"
    with gallery:
        gallery.put_labels(
            {
                str(photos / "chelsea0.png"): [Label("cat", 1.0, "csv")],
                str(photos / "coffee0.png"): [Label("cup", 1.0, "csv")],
                str(photos / "rocket0.png"): [Label("rocket", 0.9, "words 1")],
            }
        )
        found = gallery.next_labels(20)
        assert [one.path for one in gallery.next_labels(1, where="path like '%chelsea%'")] == [
            one.path for one in found if "chelsea" in one.path
        ][:1]
        with pytest.raises(UserError, match="count"):
            gallery.next_labels(0)
    assert [Path(one.path).stem[:-1] for one in found[:2]] == ["rocket", "astronaut"]
    assert found[0].reason == "unlike what is labelled; 2 more like it"
    assert len(found) == 10
    cat = next(one for one in found if "chelsea" in one.path)
    assert next(iter(cat.probabilities)) == "cat"
    assert cat.uncertainty < 0.1
    assert sum(cat.probabilities.values()) <= 1
