"""Leaks, class balance, and sizes and shapes that are rare."""

from __future__ import annotations

import numpy as np
import pytest

from lookalike.gallery.audit.class_balance import class_balance
from lookalike.gallery.audit.leakage import split_leaks
from lookalike.gallery.audit.odd_sizes import odd_shapes, odd_sizes
from lookalike.gallery.audit.outliers import class_distances
from lookalike.gallery.audit.rare import MIN_IMAGES
from lookalike.gallery.storage.row import Row
from lookalike.types import Group, Pair


def group(*paths: str) -> Group:
    keep, *others = paths
    return Group(keep, tuple(others), tuple(Pair(keep, path, 0.1, 0.9, "edited") for path in others))


def test_groups_of_several_splits_are_leaks() -> None:
    """The others are copies within one; an image of no split leaks nowhere."""
    splits = {"a": "train", "b": "test", "c": "train", "d": "train", "e": "", "f": "test"}
    leaks, within = split_leaks([group("a", "b"), group("c", "d"), group("e", "f"), group("a", "e", "f")], splits)
    assert [[(one.path, one.split, one.relation) for one in leak.images] for leak in leaks] == [
        [("a", "train", None), ("b", "test", "edited")],
        [("a", "train", None), ("e", "", "edited"), ("f", "test", "edited")],
    ]
    assert [one.keep for one in within] == ["c", "e"]


def test_class_balance() -> None:
    """Counts by class and split, the ratio, the entropy by an explicit sum, rare classes, and those that a split
    lacks."""
    labelled = [("rose", "train")] * 60 + [("rose", "test")] * 20 + [("tulip", "train")] * 78 + [("lily", "test")] * 2
    balance = class_balance(labelled, ["test", "train"])
    assert balance is not None
    assert balance.counts == {
        "rose": {"test": 20, "train": 60},
        "tulip": {"train": 78},
        "lily": {"test": 2},
    }
    entropy = -sum(n / 160 * np.log(n / 160) for n in (80, 78, 2))
    assert balance.imbalance == 40
    assert balance.effective_classes == pytest.approx(np.exp(entropy))
    assert balance.rare == ("lily",)
    assert balance.missing == (("tulip", "test"), ("lily", "train"))


def test_one_class_has_no_balance() -> None:
    """Nothing to compare."""
    assert class_balance([("rose", "")] * 5, []) is None


def rows(*sizes: tuple[int, int]) -> list[Row]:
    return [
        Row(n, f"{n}.png", f"{n}", 1, 0, width, height, "PNG", None, None) for n, (width, height) in enumerate(sizes)
    ]


def test_odd_sizes_and_shapes() -> None:
    """By the median: five times as many pixels, three times as long, tiny; twice as many are usual variety, and so is
    an image that stands among others that lie."""
    usual = [(400, 300)] * MIN_IMAGES
    odd = [(900, 675), (560, 420), (150, 600), (24, 18), (400, 600)]
    found = rows(*usual, *odd)
    assert [one.path for one in odd_sizes(found)] == ["23.png", "20.png"]
    assert [one.path for one in odd_shapes(found)] == ["22.png"]
    assert odd_shapes(found)[0].value == 4
    assert "tiny: 24 × 18" in odd_sizes(found)[0].reason


def test_a_few_images_have_no_usual_size() -> None:
    """Tiny ones are told all the same."""
    assert [one.path for one in odd_sizes(rows((400, 300), (9, 9), (4000, 3000)))] == ["1.png"]


def test_distances_to_classes() -> None:
    """By an explicit loop; one without a class is held against the nearest."""
    directions = np.array([[1, 0, 0], [0.8, 0.6, 0], [0.6, 0.8, 0], [0, 0, 1], [0, 0.6, 0.8], [0, 1, 0]], np.float32)
    kinds = np.array([0, 0, 0, 1, 1, -1])
    to_class, to_nearest = class_distances(directions, kinds)
    means = [directions[:3].sum(axis=0), directions[3:5].sum(axis=0)]
    for place, vector in enumerate(directions):
        away = [1 - vector @ mean / np.linalg.norm(mean) for mean in means]
        own = kinds[place] if kinds[place] >= 0 else int(np.argmin(away))
        assert to_nearest[place] == pytest.approx(min(away), abs=1e-6)
        expected = np.median([1 - vector @ other for other, kind in zip(directions, kinds, strict=True) if kind == own])
        assert to_class[place] == pytest.approx(expected, abs=1e-6)
