"""The fast copy of regions: against plain numpy, with filters, removal, lists that are trained, and broken files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lookalike.gallery.index import region_index
from lookalike.gallery.index.region_index import RegionIndex, nlist_for
from lookalike.gallery.storage.region_codec import MAX_REGIONS

DIM, IMAGES, EACH = 32, 60, 8


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"PQ_BITS": 4, "NPROBE": 4, "IVF_FROM": 100}.items():
        monkeypatch.setattr(region_index, name, value)


def regions() -> tuple[np.ndarray, np.ndarray]:
    """Numbers of regions, and unit vectors about 12 centres."""
    rng = np.random.default_rng(3)
    centres = rng.normal(size=(12, DIM))
    vectors = centres[rng.integers(0, 12, IMAGES * EACH)] + 0.3 * rng.normal(size=(IMAGES * EACH, DIM))
    numbers = (np.arange(1, IMAGES + 1)[:, None] * MAX_REGIONS + np.arange(EACH)).ravel()
    return numbers, (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def filled(lists: int) -> RegionIndex:
    numbers, vectors = regions()
    index = RegionIndex(DIM, lists)
    if lists:
        index.train(vectors)
    index.add(numbers, vectors)
    return index


def test_flat_is_what_comparing_with_each_gives() -> None:
    """The ten most alike by numpy's products are those of the index, but for near ties; so with only some allowed, and
    with whole images alone."""
    numbers, vectors = regions()
    index, queries = filled(0), vectors[::50]
    allowed = np.arange(5, 40, 3)
    result = (
        (numbers > 0, index.search(queries, 10)),
        (np.isin(numbers // MAX_REGIONS, allowed), index.search(queries, 10, allowed)),
        (numbers % MAX_REGIONS == 0, index.search_wholes(queries, 10)),
        (
            (numbers % MAX_REGIONS == 0) & np.isin(numbers // MAX_REGIONS, allowed),
            index.search_wholes(queries, 10, allowed),
        ),
    )
    for inside, (found, alike) in result:
        products = np.where(inside, queries @ vectors.T, -2)
        assert (np.diff(alike, axis=1) <= 0).all()
        for row, ten in zip(products, found, strict=True):
            assert set(ten) <= set(numbers[inside])
            assert row[np.isin(numbers, ten)].min() >= np.sort(row)[-10] - 0.02


def test_fewer_than_asked_for_are_filled_up() -> None:
    """With -1, as where a filter leaves one image."""
    found = filled(0).search(regions()[1][:1], EACH + 2, np.array([7]))[0][0]
    assert set(found) == {*(7 * MAX_REGIONS + np.arange(EACH)), -1}
    assert filled(0).search_wholes(regions()[1][:1], 3, np.array([7]))[0].tolist() == [[7 * MAX_REGIONS, -1, -1]]
    assert filled(6).search_wholes(regions()[1][:1], 2, np.array([999]))[0].tolist() == [[-1, -1]]


@pytest.mark.parametrize("lists", [0, 6])
def test_what_is_removed_is_gone(lists: int) -> None:
    """All regions of the images, and no other; unknown images are ignored."""
    index = filled(lists)
    index.remove(np.array([3, 7, 99_999]))
    assert len(index) == (IMAGES - 2) * EACH
    found = index.search(regions()[1], IMAGES * EACH)[0]
    assert set(np.unique(found // MAX_REGIONS)) <= {-1, *range(1, IMAGES + 1)} - {3, 7}


@pytest.mark.parametrize("lists", [0, 6])
def test_it_comes_back_from_its_file(lists: int, tmp_path: Path) -> None:
    """With the same answers, and with what it is; a file that is cut short or of something else is refused."""
    index, queries = filled(lists), regions()[1][::40]
    file = tmp_path / "index.faiss"
    index.save(file)
    again = RegionIndex.load(file, DIM)
    assert (again.lists, again.last_image, len(again)) == (lists, IMAGES, IMAGES * EACH)
    np.testing.assert_array_equal(again.search(queries, 9)[0], index.search(queries, 9)[0])
    with pytest.raises(ValueError, match="48"):
        RegionIndex.load(file, 48)
    file.write_bytes(file.read_bytes()[:2000])
    with pytest.raises(RuntimeError):
        RegionIndex.load(file, DIM)


def test_lists_are_the_same_every_time() -> None:
    """Trained on the same vectors, they give the same answers; most of the nearest are among them."""
    numbers, vectors = regions()
    queries = vectors[::40]
    found = filled(6).search(queries, 50)[0]
    np.testing.assert_array_equal(found, filled(6).search(queries, 50)[0])
    near = [set(numbers[np.argsort(-row)[:10]]) for row in queries @ vectors.T]
    assert np.mean([len(one & set(result)) / 10 for one, result in zip(near, found, strict=True)]) >= 0.9


def test_an_index_is_outgrown() -> None:
    """A flat one from IVF_FROM on, a listed one at more than four times as many regions as its lists are for."""
    numbers, vectors = regions()
    index = RegionIndex(DIM)
    index.add(numbers[:100], vectors[:100])
    assert not index.needs_rebuild
    index.add(numbers[100:101], vectors[100:101])
    assert index.needs_rebuild
    assert (nlist_for(120), nlist_for(480), nlist_for(500_000)) == (7, 15, 509)
    assert filled(7).needs_rebuild
    assert not filled(8).needs_rebuild
