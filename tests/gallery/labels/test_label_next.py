"""Which images to label next: by hand-made vectors, whose answer can be seen, and by photographs."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
import pytest

from lookalike.errors import UserError
from lookalike.gallery import Gallery
from lookalike.gallery.labels.label_next import choose
from lookalike.types import Label
from samples import photograph, save


def test_choices_cover_what_is_unsure() -> None:
    """Two clusters and an image by itself: the larger cluster first, then the other one, then the one alone; unsure
    images weigh more than many sure ones."""
    clusters = [0] * 5 + [1] * 3 + [2]
    alike = np.array([[0.9 if a == b else 0.0 for b in clusters] for a in clusters], np.float32)
    np.fill_diagonal(alike, 1.0)
    unsure = np.ones(9, np.float32)
    assert [clusters[row] for row in choose(alike, unsure, 3)] == [0, 1, 2]
    unsure[:5] = 0.01
    assert [clusters[row] for row in choose(alike, unsure, 2)] == [1, 2]


def test_each_image_once() -> None:
    """Asked for more than there are, it gives all, though the last ones add nothing."""
    alike = np.ones((4, 4), np.float32)
    assert sorted(choose(alike, np.ones(4, np.float32), 9)) == [0, 1, 2, 3]


def test_greedy_is_near_the_best() -> None:
    """Of all sets of three, none covers more than 1 / (1 - 1 / e) times as much (Nemhauser and others, 1978)."""
    generator = np.random.default_rng(3)
    points = generator.normal(size=(14, 2))
    alike = np.exp(-((points[:, None] - points) ** 2).sum(axis=2)).astype(np.float32)
    unsure = generator.random(14).astype(np.float32)

    def covered(rows: tuple[int, ...]) -> float:
        return sum(float(unsure[y]) * max(float(alike[x, y]) for x in rows) for y in range(14))

    best = max(covered(rows) for rows in combinations(range(14), 3))
    assert covered(tuple(choose(alike, unsure, 3))) >= (1 - 1 / np.e) * best


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
