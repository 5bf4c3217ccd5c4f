"""Regions in a gallery: found by their parts, added afterwards, counted as objects."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import cv2
import numpy as np
import pytest

from lookalike.descriptors.neural import model_store
from lookalike.descriptors.neural.region_model import OBJECT_THRESHOLD
from lookalike.errors import GalleryVersion, UserError
from lookalike.gallery import Gallery
from lookalike.gallery.index import region_index, region_index_cache
from lookalike.gallery.search import region_search, second_chance
from lookalike.gallery.search.allowed import Allowed
from lookalike.imaging import from_array
from regional import NAME, install_quarters
from samples import PHOTOGRAPHS, drawn, folder_of, photograph, save

COUNT = 30


@pytest.fixture(scope="module", autouse=True)
def network(tmp_path_factory: pytest.TempPathFactory):
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("models")
        patch.setenv(model_store.VARIABLE, str(folder))
        install_quarters(folder)
        yield folder


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder_of(tmp_path_factory.mktemp("regions") / "photos", COUNT)


@pytest.fixture(scope="module")
def gallery(photos: Path):
    with Gallery.create(photos.parent / "g.gallery", ["structure", NAME]) as opened:
        assert opened.add(photos).added == COUNT
        yield opened


def quarter(number: int, right: bool = True) -> np.ndarray:
    """The upper right (or left) quarter of a drawn image, 160 x 120."""
    return np.ascontiguousarray(drawn(number)[:60, 80:] if right else drawn(number)[:60, :80])


def test_a_part_finds_its_whole(gallery: Gallery) -> None:
    """A quarter finds the image that it was cut from, and the box is that quarter in pixels."""
    for number in range(0, COUNT, 5):
        best = gallery.search(from_array(quarter(number)), 3, by=NAME, rerank=0)[0]
        assert Path(best.path).stem == f"{number:04}"
        assert best.box_in == "image"
        assert best.box is not None
        at = (best.box.x, best.box.y, best.box.width, best.box.height)
        np.testing.assert_allclose(at, (80, 0, 80, 60), atol=0.01)


def test_a_part_of_the_query_is_a_whole_image(gallery: Gallery) -> None:
    """An image that fills a quarter of a collage is found, and the box is that quarter of the query."""
    collage = drawn(900, 320, 240)
    collage[120:, :160] = drawn(7)
    best = gallery.search(from_array(collage), 3, by=NAME, rerank=0)[0]
    assert Path(best.path).stem == "0007"
    assert best.box_in == "query"
    assert best.box is not None
    np.testing.assert_allclose((best.box.x, best.box.y, best.box.width, best.box.height), (0, 120, 160, 120), atol=0.01)


def test_a_region_of_the_query_is_looked_for(gallery: Gallery) -> None:
    """With a region, that part of the query alone is looked for; one outside, empty or not finite is told."""
    scene = drawn(901, 320, 240)
    scene[100:160, 200:280] = quarter(3)
    hits = gallery.search(from_array(scene), 1, by=NAME, region=(200, 100, 80, 60), rerank=0)
    assert Path(hits[0].path).stem == "0003"
    for wrong in ((400, 0, 10, 10), (0, 0, 0, 5), (float("nan"), 0, 10, 10)):
        with pytest.raises(UserError, match="region"):
            gallery.search(from_array(scene), by=NAME, region=wrong)
    assert gallery.search(from_array(scene), by=NAME, region=(5, 5, 1, 1), rerank=0) == []


def test_the_index_tells_what_comparing_with_all_tells(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fast search and the slow one give the same hits, with a filter, and through lists that were trained."""
    query = from_array(quarter(11))
    slow = gallery.search(query, 5, by=NAME, exact=True, rerank=0)
    assert gallery.search(query, 5, by=NAME, rerank=0) == slow
    monkeypatch.setattr(region_search, "EXACT_SEARCH_LIMIT", 0)
    kept = gallery.search(query, 5, by=NAME, where="path like '%1%'", rerank=0)
    assert kept == gallery.search(query, 5, by=NAME, where="path like '%1%'", exact=True, rerank=0)
    assert all("1" in hit.path for hit in kept)
    for name, value in {"IVF_FROM": 50, "NLIST_FACTOR": 0.2, "NPROBE": 2, "PQ_BITS": 4}.items():
        monkeypatch.setattr(region_index, name, value)
    with Gallery.open(gallery.path) as again:
        listed = again.search(query, 5, by=NAME, rerank=0)
    assert listed[0] == slow[0]
    with Gallery.open(gallery.path) as saved:
        assert saved.search(query, 5, by=NAME, rerank=0) == listed


def test_lists_are_made_anew_for_many_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Made for 60 regions, they stay for 150 and are made anew for 350; every image is in them."""
    for name, value in {"IVF_FROM": 50, "NLIST_FACTOR": 0.5, "NPROBE": 50, "PQ_BITS": 4}.items():
        monkeypatch.setattr(region_index, name, value)
    monkeypatch.setattr(region_index_cache, "IMAGES_PER_READ", 7)
    lists = []
    with Gallery.create(tmp_path / "g", [NAME]) as opened:
        for count in (12, 30, 70):
            opened.add(folder_of(tmp_path / "photos", count))
            best = opened.search(from_array(quarter(count - 1)), 1, by=NAME, rerank=0)[0]
            assert Path(best.path).stem == f"{count - 1:04}"
            index = opened._library.region_index.get(NAME)
            lists.append(index.lists)
            assert len(index) == 5 * count
    assert lists == [3, 3, 9]


def test_a_blank_query_finds_nothing(gallery: Gallery) -> None:
    """A blank image is like no other, for all blank ones would be alike."""
    assert gallery.search(from_array(np.full((50, 50, 3), 90, np.uint8)), by=NAME, rerank=0) == []


def test_a_panorama_is_found_by_a_part(gallery: Gallery, tmp_path: Path) -> None:
    """An image of 10 to 1 is held by its windows as well."""
    wide = drawn(77, 1200, 120)
    gallery.add(save(tmp_path / "wide.png", wide))
    hits = gallery.search(from_array(np.ascontiguousarray(wide[:, 520:700])), 3, by=NAME, rerank=0)
    assert "wide.png" in [Path(hit.path).name for hit in hits]
    gallery.remove(tmp_path / "wide.png")
    again = gallery.search(from_array(wide), COUNT + 1, by=NAME, rerank=0)
    assert "wide.png" not in [Path(hit.path).name for hit in again]


def test_objects_are_asked_for(gallery: Gallery) -> None:
    """The number of objects and their names are what the quarters' mean red says, counted by hand."""
    many, persons = set(), set()
    for row in gallery.rows():
        reds = [float(x) for x in _reds(int(Path(row.path).stem))]
        if abs(min(abs(red - OBJECT_THRESHOLD) for red in reds)) < 0.02:
            continue
        many |= {row.path} if sum(red >= OBJECT_THRESHOLD for red in reds) >= 3 else set()
        persons |= {row.path} if reds[0] >= OBJECT_THRESHOLD or reds[2] >= OBJECT_THRESHOLD else set()
    sure = {
        row.path
        for row in gallery.rows()
        if min(abs(r - OBJECT_THRESHOLD) for r in _reds(int(Path(row.path).stem))) >= 0.02
    }
    asked = {row.path for row in gallery.rows("objects >= 3")} & sure
    assert asked == many
    assert {row.path for row in gallery.rows("object = 'person'")} & sure == persons
    assert {row.path for row in gallery.rows("object != 'person'")} & sure == sure - persons
    assert {row.path for row in gallery.rows("object in ('person', 'x')")} & sure == persons
    assert {row.path for row in gallery.rows("object like 'PERS%'")} & sure == persons


def _reds(number: int) -> list[float]:
    pixels = drawn(number)[..., 0] / 255
    return [pixels[y : y + 60, x : x + 80].mean() for y in (0, 60) for x in (0, 80)]


def test_without_regions_it_says_how_to_add_them(photos: Path, tmp_path: Path, gallery: Gallery) -> None:
    """A gallery made without names the command; then only regions are computed, and the answers are the same."""
    with Gallery.create(tmp_path / "g", ["structure"]) as plain:
        plain.add(photos)
        with pytest.raises(UserError, match=f"--with {NAME}"):
            plain.search(from_array(quarter(4)), by=NAME)
        before = vectors(plain)
        done: list[tuple[int, int]] = []
        report = plain.add_descriptor(NAME, progress=lambda a, b: done.append((a, b)))
        assert (report.updated, report.failed, done[-1]) == (COUNT, (), (COUNT, COUNT))
        assert vectors(plain) == before
        query = from_array(quarter(4))
        assert plain.search(query, 5, by=NAME, rerank=0) == gallery.search(query, 5, by=NAME, rerank=0)
        assert plain.add_descriptor(NAME).updated == 0


def test_interrupted_it_goes_on(tmp_path: Path) -> None:
    """Ctrl-C loses nothing that was written; gone and changed files are failures, and the others get their regions."""
    folder = folder_of(tmp_path / "photos", 20)
    with Gallery.create(tmp_path / "g", ["structure"]) as plain:
        plain.add(folder)
        (folder / "0001.jpg").unlink()
        save(folder / "0002.jpg", drawn(500))

        def stop(*_: int) -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            plain.add_descriptor(NAME, progress=stop)
    with Gallery.open(tmp_path / "g") as again:
        report = again.add_descriptor(NAME)
        assert 0 < report.updated < 18
        assert report.updated + report.unchanged == 18
        assert [Path(failure.path).name for failure in report.failed] == ["0001.jpg", "0002.jpg"]


def vectors(gallery: Gallery) -> list[tuple[object, ...]]:
    return gallery._library.store._db.all("SELECT * FROM vectors ORDER BY 1, 2")


def test_copies_share_and_nothing_stays_behind(tmp_path: Path) -> None:
    """A file with the same bytes takes the regions over; removed images leave no region and no object."""
    folder = folder_of(tmp_path / "photos", 2)
    with Gallery.create(tmp_path / "g", [NAME]) as opened:
        opened.add(folder)
        (folder / "copy.jpg").write_bytes((folder / "0000.jpg").read_bytes())
        opened.add(folder)
        assert opened._library.store._db.all("SELECT count(*), count(DISTINCT data) FROM regions") == [(3, 2)]
        assert [Path(hit.path).name for hit in opened.search(folder / "copy.jpg", 2, rerank=0)] == [
            "0000.jpg",
            "copy.jpg",
        ]
        opened.remove(list(folder.iterdir()))
        assert opened._library.store._db.all(
            "SELECT (SELECT count(*) FROM regions), (SELECT count(*) FROM objects)"
        ) == [(0, 0)]


def test_of_another_version_is_refused(tmp_path: Path) -> None:
    """Regions of another version of the network cannot be compared with this one's."""
    with Gallery.create(tmp_path / "g", [NAME]):
        pass
    with sqlite3.connect(tmp_path / "g" / "gallery.sqlite") as database:
        database.execute("UPDATE descriptors SET fingerprint = 'another'")
    with pytest.raises(GalleryVersion, match=NAME):
        Gallery.open(tmp_path / "g")


def test_verified_hits_keep_a_box(gallery: Gallery) -> None:
    """Laid on one another, a part of an image has a box in it still."""
    best = gallery.search(from_array(quarter(8)), 3, by=NAME)[0]
    assert Path(best.path).stem == "0008"
    assert best.verified
    assert best.box is not None


def test_verified_boxes_of_a_part_of_the_query_lie_where_they_are(gallery: Gallery) -> None:
    """With ``region``, a box in the query is in pixels of all of it, and a box in a hit in those of the hit."""
    scene = drawn(902, 480, 360)
    scene[180:300, 280:440] = drawn(12)
    best = gallery.search(from_array(scene), 1, by=NAME, region=(120, 60, 320, 240))[0]
    assert (Path(best.path).stem, best.verified, best.box_in) == ("0012", True, "query")
    assert best.box is not None
    at = (best.box.x, best.box.y, best.box.width, best.box.height)
    np.testing.assert_allclose(at, (280, 180, 160, 120), atol=6)
    scene[120:180, 200:280] = quarter(13)
    inner = gallery.search(from_array(scene), 1, by=NAME, region=(200, 120, 80, 60))[0]
    assert (Path(inner.path).stem, inner.verified, inner.box_in) == ("0013", True, "image")
    assert inner.box is not None
    np.testing.assert_allclose((inner.box.x, inner.box.y, inner.box.width, inner.box.height), (80, 0, 80, 60), atol=6)


def test_copy_has_a_second_chance(tmp_path: Path, photos: Path) -> None:
    """What ``copy`` alone does not look at is verified if its regions are near, and told in the unit of ``copy``."""
    with Gallery.create(tmp_path / "g", ["copy", NAME]) as opened:
        opened.add(photos)
        part = from_array(quarter(8))
        every = {hit.path: hit.distance for hit in opened.search(part, COUNT, by="copy", rerank=0)}
        hits = opened.search(part, COUNT, by="copy", rerank=1)
        assert sorted(hit.path for hit in hits) == sorted({hit.path for hit in hits})
        assert all(hit.distance == pytest.approx(every[hit.path], abs=1e-4) for hit in hits)
        assert "0008" in [Path(hit.path).stem for hit in opened.search(part, 2, by="copy", rerank=1)]


def test_an_image_that_lies_within_the_query(tmp_path: Path) -> None:
    """The shipped networks: a photograph pasted at a fifth of the width is first among the photographs, the ground
    itself left out; one of the proposals is about its place. Nothing lies within a blank image."""
    files = [save(tmp_path / "photos" / name, photograph(name)) for name in PHOTOGRAPHS if name != "rocket.jpg"]
    scene = cv2.resize(photograph("rocket.jpg"), (1000, 750))
    scene[300:433, 600:800] = cv2.resize(photograph("coffee.png"), (200, 133), interpolation=cv2.INTER_AREA)
    best = 0.0
    for box in second_chance._proposals("regions", from_array(scene)):
        width, height = min(box.x + box.width, 800) - max(box.x, 600), min(box.y + box.height, 433) - max(box.y, 300)
        shared = max(width, 0) * max(height, 0)
        best = max(best, shared / (box.width * box.height + 200 * 133 - shared))
    assert best > 0.6
    with Gallery.create(tmp_path / "g", ["copy", "regions"]) as opened:
        opened.add(files)
        assert opened.search(from_array(scene), 1, by="copy", rerank=0)[0].probability < 0.01
        found = second_chance.second_chance(opened._library, "regions", "copy", from_array(scene), 1, None)
        assert Path(found[0]).name == "coffee.png"
        assert len(found) <= second_chance.WITHIN + 1
        ids = np.array([row.id for row in opened if not row.path.endswith("coffee.png")])
        allowed = Allowed(opened._library, ids)
        others = second_chance.second_chance(opened._library, "regions", "copy", from_array(scene), 1, allowed)
        assert others
        assert not any(path.endswith("coffee.png") for path in others)
        blank = from_array(np.full((300, 400, 3), 128, np.uint8))
        assert second_chance.second_chance(opened._library, "regions", "copy", blank, 5, None) == ()
