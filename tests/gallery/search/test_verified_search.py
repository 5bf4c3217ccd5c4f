"""A search that looks: its order, galleries of every kind, the query's region, and keypoints that are kept."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import astuple, replace
from pathlib import Path

import numpy as np
import pytest

import lookalike as la
from corpora import Corpora
from lookalike.comparison import glance
from lookalike.comparison.alignment.align import KeypointImage
from lookalike.comparison.edit_classifier import COPIES
from lookalike.descriptors.keypoints import keypoints
from lookalike.errors import GalleryDamaged, UserError
from lookalike.gallery import Gallery
from lookalike.gallery.library import FILE
from lookalike.gallery.search.options import RERANK_TOP_K
from lookalike.gallery.search.vector_search import VectorSource
from lookalike.gallery.storage.keypoint_codec import KEPT, unpacked
from lookalike.imaging import from_array, load
from lookalike.imaging.manipulations import apply
from lookalike.types import Hit, Image
from samples import drawn, folder_of, photographs_among_drawings, reduced, save

NAMES = ("astronaut", "coffee", "chelsea")


@pytest.fixture(scope="module")
def photos(corpora: Corpora) -> Path:
    """27 drawn images and three photographs."""
    return corpora.photos(photographs_among_drawings, 27)


@pytest.fixture(scope="module")
def gallery(corpora: Corpora) -> Iterator[Gallery]:
    with Gallery.open(corpora.indexed(photographs_among_drawings, 27).gallery) as opened:
        yield opened


@pytest.fixture
def own(corpora: Corpora, tmp_path: Path) -> Iterator[tuple[Gallery, Path]]:
    """A gallery that keeps keypoints, over files that a test may spoil."""
    corpus = corpora.copied(tmp_path, photographs_among_drawings, 27, keypoints=True)
    with Gallery.open(corpus.gallery) as opened:
        yield opened, corpus.photos


def names(hits: list[Hit]) -> list[str]:
    return [Path(hit.path).stem for hit in hits]


def counted(find: Callable[[Image], KeypointImage], seen: list[str | None]) -> Callable[[Image], KeypointImage]:
    """The same, which notes the paths of the images."""

    def noted(image: Image) -> KeypointImage:
        seen.append(image.path)
        return find(image)

    return noted


def shared(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    """Intersection over union of two boxes (x, y, width, height)."""
    sides = [min(a[i] + a[i + 2], b[i] + b[i + 2]) - max(a[i], b[i]) for i in (0, 1)]
    common = max(sides[0], 0) * max(sides[1], 0)
    return common / (a[2] * a[3] + b[2] * b[3] - common)


@pytest.mark.parametrize("name", NAMES)
def test_a_mirrored_part(gallery: Gallery, name: str) -> None:
    """A mirrored part of a photograph is found first, as mirrored, and its box is where it was cut out."""
    part = np.ascontiguousarray(reduced(name)[40:265, 60:360, :][:, ::-1])
    hit = gallery.search(from_array(part), 3)[0]
    assert (name, "mirrored", "image", True) == (Path(hit.path).stem, hit.relation, hit.box_in, hit.verified)
    assert hit.box is not None
    assert shared(astuple(hit.box), (60, 40, 300, 225)) > 0.9


def test_a_region_is_a_query_of_its_own(gallery: Gallery) -> None:
    """Asked with a region, the box in the query is in pixels of the image that the region is a part of."""
    page = np.full((700, 900, 3), 240, np.uint8)
    page[300:600, 400:800] = reduced("astronaut")
    hit = gallery.search(from_array(page), 1, region=(350, 250, 500, 400))[0]
    assert (Path(hit.path).stem, hit.verified, hit.box_in) == ("astronaut", True, "query")
    assert hit.box is not None
    assert shared(astuple(hit.box), (400, 300, 400, 300)) > 0.9


def test_the_order(gallery: Gallery, photos: Path) -> None:
    """The same bytes first, though not looked at; then copies, the surest first; then the others by distance."""
    same, other = gallery.search(photos / "coffee.jpg", 2)
    assert (Path(same.path).stem, same.relation, same.verified, same.probability) == ("coffee", "identical", False, 1.0)
    assert other.verified
    hits = gallery.search(from_array(apply("crop-50", reduced("coffee"))), 40, rerank=RERANK_TOP_K)
    assert hits[0].probability > 0.5 > max(hit.probability for hit in hits[1:])
    assert [hit.distance for hit in hits[1:]] == sorted(hit.distance for hit in hits[1:])
    assert sorted((h.verified for h in hits), reverse=True) == [True] * RERANK_TOP_K + [False] * (30 - RERANK_TOP_K)


def test_a_copy_from_behind_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Copies lie before strangers, the surest by `compare` first, however far their vectors are."""
    folder = folder_of(tmp_path / "photos", 8)
    save(folder / "whole.jpg", reduced("coffee"), quality=92)
    save(folder / "noisy.jpg", apply("noise", apply("jpeg-10", reduced("coffee"))), quality=30)
    query = from_array(apply("jpeg-50", reduced("coffee")))
    with Gallery.create(tmp_path / "g") as gallery:
        gallery.add(folder)
        real = VectorSource.candidates

        def backwards(*given: object, **options: object) -> list[Hit]:
            found = real(*given, **options)
            return [replace(hit, distance=float(place)) for place, hit in enumerate(reversed(found))]

        monkeypatch.setattr(VectorSource, "candidates", backwards)
        hits = gallery.search(query, 10)
        odds = {file.stem: la.compare(query, file).odds or math.inf for file in folder.iterdir()}
        surest = sorted(("whole", "noisy"), key=lambda name: -odds[name])
        assert odds[surest[0]] > odds[surest[1]] > 0
        assert names(hits)[:2] == surest
        assert [hit.distance for hit in hits[2:]] == sorted(hit.distance for hit in hits[2:])
        assert names(gallery.search(query, 1)) == surest[:1]


@pytest.mark.parametrize("held", [["copy"], ["copy", "pdq"], ["copy", "structure", "content"]])
def test_galleries_of_few_descriptors(photos: Path, tmp_path: Path, held: list[str]) -> None:
    """What a gallery does not hold is no hindrance: both images are described anew; nor is a mixed measure."""
    query = from_array(apply("crop-50", reduced("coffee")))
    with Gallery.create(tmp_path / "g", held) as gallery:
        gallery.add(photos)
        for by in (None, ",".join(f"{name}=1" for name in held)):
            hits = gallery.search(query, 3, by=by, rerank=5)
            assert (Path(hits[0].path).stem, hits[0].relation, hits[0].verified) == ("coffee", "crop", True)


@pytest.mark.parametrize("what", ["gone", "other", "broken", "folder"])
def test_what_cannot_be_looked_at_stays_as_it_was(own: tuple[Gallery, Path], what: str) -> None:
    """A file that is gone, changed, broken or a folder now is told by its vectors, as with rerank=0."""
    gallery, folder = own
    query = from_array(apply("jpeg-50", reduced("coffee")))
    before = next(hit for hit in gallery.search(query, 30, rerank=0) if "coffee" in hit.path)
    file = folder / "coffee.jpg"
    if what == "broken":
        file.write_bytes(file.read_bytes()[:700])
    else:
        file.unlink()
    if what == "other":
        save(file, reduced("chelsea"), quality=92)
    if what == "folder":
        file.mkdir()
    hits = gallery.search(query, 30)
    assert before == next(hit for hit in hits if "coffee" in hit.path)
    assert not before.verified
    assert sum(hit.verified for hit in hits) == RERANK_TOP_K - 1


def test_switched_off_is_as_it_was(gallery: Gallery) -> None:
    """With rerank=0 nothing is looked at, by any measure, and the order is that of the distances."""
    query = from_array(apply("crop-50", reduced("coffee")))
    for by in ("copy", "colour", "blend"):
        hits = gallery.search(query, 30, by=by, rerank=0)
        assert [hit.distance for hit in hits] == sorted(hit.distance for hit in hits)
        assert {(None, None, 0, (), False)} == {(h.box, h.box_in, h.inliers, h.edits, h.verified) for h in hits}
    assert gallery.search(query, 30, by="colour") == gallery.search(query, 30, by="colour", rerank=0)


def test_views_exclude_looking(gallery: Gallery) -> None:
    """Both at once are the user's mistake; views alone look at nothing."""
    with pytest.raises(UserError, match="views"):
        gallery.search(from_array(reduced("coffee")), views=True, rerank=5)
    assert not any(h.verified for h in gallery.search(from_array(reduced("coffee")), 3, views=True, rerank=0))


def test_small_and_odd_images(tmp_path: Path) -> None:
    """Images of a pixel, a line, or one colour are looked at, or found by nothing, without an error."""
    shapes = ((1, 1), (1, 300), (300, 1), (9, 9), (16, 500), (40, 40))
    for number, (height, width) in enumerate(shapes):
        save(tmp_path / "photos" / f"{number}.png", drawn(number, width, height))
    save(tmp_path / "photos" / "white.png", np.full((50, 50, 3), 255, np.uint8))
    with Gallery.create(tmp_path / "g", keypoints=True) as gallery:
        gallery.add(tmp_path / "photos")
        for number, (height, width) in enumerate(shapes):
            for query in (drawn(number, width, height), np.full((height, width, 3), 255, np.uint8)):
                assert len(gallery.search(from_array(query), 20)) <= len(shapes) + 1
        assert gallery.duplicates(precision=0.5) is not None


# --- keypoints that are kept


def test_kept_are_those_found_anew(own: tuple[Gallery, Path]) -> None:
    """What the gallery keeps of a file is what looking at it again finds, at most KEPT, and takes at most 68 kB."""
    gallery, folder = own
    assert gallery.keeps_keypoints
    assert gallery.info().keypoints
    for row in gallery:
        data = gallery._library.store.keypoints(row.id)
        assert data is not None
        assert len(data) <= 68_009
        kept, found = unpacked(data), keypoints(load(folder / Path(row.path).name, min_side=400), KEPT)
        assert np.array_equal(found.points, kept.points)
        assert np.array_equal(found.vectors, kept.vectors)
        assert np.float32(found.pixel_scale) == np.float32(kept.pixel_scale)


def test_kept_keypoints_are_used(own: tuple[Gallery, Path], gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    """No keypoints are looked for in the library's images; the answer is that of a gallery that keeps none."""
    anew: dict[str, list[str | None]] = {}
    for scale in ("coarse_keypoints", "with_keypoints"):
        monkeypatch.setattr(glance, scale, counted(getattr(glance, scale), anew.setdefault(scale, [])))
    for edit, name in (("crop-50", "coffee"), ("mirror", "chelsea"), ("sticker", "astronaut"), ("crop-25", "chelsea")):
        query = from_array(apply(edit, reduced(name)))
        plain = gallery.search(query, 5, rerank=RERANK_TOP_K)
        assert any(any(of) for of in anew.values())  # of files of the library
        [of.clear() for of in anew.values()]
        cached = own[0].search(query, 5, rerank=RERANK_TOP_K)
        assert {scale: [None] * len(of) for scale, of in anew.items()} == anew  # of the query alone,
        assert max(map(len, anew.values())) == 1  # and once at either scale
        [of.clear() for of in anew.values()]
        assert names(plain) == names(cached)
        copies = [[hit.relation if hit.relation in COPIES else None for hit in hits] for hits in (plain, cached)]
        assert copies[0] == copies[1]  # of what is no copy, rounded keypoints may say "similar" or "unrelated"
        assert [hit.verified for hit in plain] == [hit.verified for hit in cached]
        assert plain[0].probability == pytest.approx(cached[0].probability, abs=0.02)
        assert (plain[0].box is None) == (cached[0].box is None)
        if plain[0].box and cached[0].box:
            assert shared(astuple(plain[0].box), astuple(cached[0].box)) > 0.95


def test_none_are_kept_unless_asked_for(gallery: Gallery) -> None:
    """A gallery made without keypoints has none, and says so."""
    assert not gallery.keeps_keypoints
    assert not gallery.info().keypoints
    assert {None} == {gallery._library.store.keypoints(row.id) for row in gallery}


def test_a_changed_image_has_new_keypoints(own: tuple[Gallery, Path]) -> None:
    """Added again with another content, a path has the keypoints of the new one; removed, none are left."""
    gallery, folder = own
    save(folder / "coffee.jpg", reduced("chelsea"), quality=80)
    gallery.add(folder)
    row = next(row for row in gallery if row.path.endswith("coffee.jpg"))
    kept = unpacked(gallery._library.store.keypoints(row.id) or b"")
    assert np.array_equal(keypoints(load(folder / "coffee.jpg", min_side=400), KEPT).vectors, kept.vectors)
    gallery.remove(str(row.path) for row in list(gallery))
    assert gallery._library.store._db.all("SELECT count(*) FROM keypoints") == [(0,)]


def test_damaged_keypoints(own: tuple[Gallery, Path]) -> None:
    """Keypoints that are cut short make the gallery damaged, and the error names it and the image."""
    gallery, folder = own
    with sqlite3.connect(gallery.path / FILE) as database:
        database.execute("UPDATE keypoints SET data = substr(data, 1, length(data) - 3)")
    database.close()
    with pytest.raises(GalleryDamaged, match=rf"{gallery.path}: keypoints of {folder}.*new gallery"):
        gallery.search(from_array(reduced("coffee")))
