"""The index of regions against numpy: every region, lists, filters, what was removed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lookalike.distance import normalise
from lookalike.gallery import regionindex
from lookalike.gallery.packing import MOST
from lookalike.gallery.regionindex import RegionIndex, lists_for
from lookalike.types import Floats

DIM, PICTURES, EACH = 32, 120, 8


@pytest.fixture
def vectors() -> Floats:
    """(PICTURES * EACH, DIM), in families, as regions come."""
    random = np.random.default_rng(4)
    families = random.normal(size=(30, DIM))
    near = families[random.integers(0, 30, PICTURES * EACH)] + 0.4 * random.normal(size=(PICTURES * EACH, DIM))
    return normalise(near).astype(np.float32)


NUMBERS = (np.arange(1, PICTURES + 1)[:, None] * MOST + np.arange(EACH)).ravel()


def index_of(vectors: Floats, lists: int, monkeypatch: pytest.MonkeyPatch) -> RegionIndex:
    monkeypatch.setattr(regionindex, "BITS", 4)
    monkeypatch.setattr(regionindex, "PROBES", lists)
    made = RegionIndex(DIM, lists)
    if lists:
        made.train(vectors)
    made.add(NUMBERS, vectors)
    return made


@pytest.mark.parametrize(("lists", "least"), [(0, 0.97), (4, 0.6)])
def test_the_nearest_are_those_of_numpy(
    lists: int, least: float, vectors: Floats, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the ten nearest by exact cosine nearly all, in a byte a number; of product codes, which only propose, most."""
    index = index_of(vectors, lists, monkeypatch)
    expected = NUMBERS[np.argsort(-(vectors[:20] @ vectors.T), axis=1)[:, :10]]
    found = index.search(vectors[:20], 10)
    shared = [len(set(a) & set(b)) / 10 for a, b in zip(expected.tolist(), found.tolist(), strict=True)]
    assert np.mean(shared) >= least


@pytest.mark.parametrize("lists", [0, 4])
def test_what_is_removed_is_gone(lists: int, vectors: Floats, monkeypatch: pytest.MonkeyPatch) -> None:
    """No region of a removed picture is found; the others still are."""
    index = index_of(vectors, lists, monkeypatch)
    gone = np.arange(1, 41)
    index.remove(np.append(gone, 9999))
    found = index.search(vectors[:50], 30)
    assert len(index) == (PICTURES - 40) * EACH
    assert not np.isin(found // MOST, gone).any()
    assert (found >= 0).all()


@pytest.mark.parametrize("lists", [0, 4])
def test_a_filter_leaves_its_pictures(lists: int, vectors: Floats, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only regions of the allowed pictures are told; of these the whole ones alone where parts are not asked for."""
    index = index_of(vectors, lists, monkeypatch)
    allowed = np.array([3, 50, 120, 5000])
    found = index.search(vectors[:5], 30, allowed)
    assert set((found[found >= 0] // MOST).tolist()) == {3, 50, 120}
    wholes = index.search(vectors[:5], 30, allowed, wholes=True)
    assert set(wholes[wholes >= 0].tolist()) == {3 * MOST, 50 * MOST, 120 * MOST}


@pytest.mark.parametrize("lists", [0, 4])
def test_it_comes_back_from_a_file(
    lists: int, vectors: Floats, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Saved and loaded it gives the same answers; made twice of the same, too; another file is refused."""
    index = index_of(vectors, lists, monkeypatch)
    index.save(tmp_path / "a.faiss")
    loaded = RegionIndex.load(tmp_path / "a.faiss", DIM, lists > 0)
    again = index_of(vectors, lists, monkeypatch)
    expected = index.search(vectors[:9], 12, np.arange(20, 90))
    for other in (loaded, again):
        np.testing.assert_array_equal(expected, other.search(vectors[:9], 12, np.arange(20, 90)))
    with pytest.raises(ValueError, match="not 16"):
        RegionIndex.load(tmp_path / "a.faiss", 16, lists > 0)
    (tmp_path / "b.faiss").write_bytes(b"no index")
    with pytest.raises(RuntimeError):
        RegionIndex.load(tmp_path / "b.faiss", DIM, lists > 0)


def test_lists_grow_with_the_regions(vectors: Floats, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as keep them about as full; without any, or with four times too many in each, the index is outgrown."""
    assert [lists_for(count) for count in (0, 1_500, 500_000, 3_200_000)] == [1, 1, 256, 2048]
    flat, listed = index_of(vectors, 0, monkeypatch), index_of(vectors, 4, monkeypatch)
    assert (flat.outgrown, listed.outgrown) == (False, False)
    monkeypatch.setattr(regionindex, "LISTED_FROM", PICTURES * EACH - 1)
    monkeypatch.setattr(regionindex, "FILLED", PICTURES * EACH // 16 - 1)
    assert (flat.outgrown, listed.outgrown) == (True, True)
