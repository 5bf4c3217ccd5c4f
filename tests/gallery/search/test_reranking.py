"""What is found is looked at: relation, place and probability of a hit, and what is no copy after all."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import astuple
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from corpora import Corpora
from lookalike.errors import UserError
from lookalike.gallery import Gallery
from lookalike.imaging import from_array
from lookalike.imaging.manipulations import apply
from samples import drawn, photograph, photographs_among_drawings, reduced, save

COUNT = 27
SIZE = (320, 240)


@pytest.fixture(scope="module")
def photos(corpora: Corpora) -> Path:
    """Drawn images, and three real photographs among them."""
    return corpora.photos(photographs_among_drawings, COUNT)


@pytest.fixture(scope="module")
def gallery(corpora: Corpora) -> Iterator[Gallery]:
    with Gallery.open(corpora.indexed(photographs_among_drawings, COUNT).gallery) as opened:
        yield opened


def overlap(a, b) -> float:
    """Intersection over union of two boxes (x, y, width, height)."""
    wide = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    high = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    shared = max(wide, 0) * max(high, 0)
    return shared / (a[2] * a[3] + b[2] * b[3] - shared)


def test_a_crop_and_its_place(gallery: Gallery) -> None:
    """A quarter of a photograph finds it first, as a crop, and tells where it lies."""
    part = reduced("coffee")[60:210, 110:310]
    hit = gallery.search(from_array(np.ascontiguousarray(part)), 3)[0]
    assert (Path(hit.path).name, hit.relation, hit.verified) == ("coffee.jpg", "crop", True)
    assert (hit.box_in, hit.probability > 0.99, hit.inliers > 20) == ("image", True, True)
    assert hit.box is not None
    assert overlap(astuple(hit.box), (110, 60, 200, 150)) > 0.95


def test_an_image_in_another(gallery: Gallery) -> None:
    """A photograph pasted onto something else is found, and told where it lies in the query."""
    query = drawn(99, 600, 500).copy()
    query[120:420, 150:550] = reduced("astronaut")
    hit = gallery.search(from_array(query), 3)[0]
    assert (Path(hit.path).name, hit.relation, hit.box_in) == ("astronaut.jpg", "crop", "query")
    assert hit.box is not None
    assert overlap(astuple(hit.box), (150, 120, 400, 300)) > 0.95


@pytest.mark.parametrize(
    ("edit", "relation"), [("mirror", "mirrored"), ("rotate-90", "rotated"), ("sticker", "edited")]
)
def test_what_was_done(gallery: Gallery, edit: str, relation: str) -> None:
    """The first hit says how the query was made from it."""
    hit = gallery.search(from_array(apply(edit, reduced("chelsea"))), 1)[0]
    assert (Path(hit.path).name, hit.relation) == ("chelsea.jpg", relation)


def test_strangers_stay_strangers(gallery: Gallery) -> None:
    """Of an image that has no copy none of the hits is one, and precision leaves nothing."""
    hits = gallery.search(from_array(drawn(4711, *SIZE)), 10)
    assert len(hits) == 10
    assert max(hit.probability for hit in hits) < 0.5
    assert all(hit.verified for hit in hits)
    assert gallery.search(from_array(drawn(4711, *SIZE)), 10, precision=0.5) == []


def test_switched_off(gallery: Gallery) -> None:
    """rerank=0 looks at nothing, in the order of distance; rerank=2 at two; other measures look only if asked."""
    query = from_array(apply("crop-50", reduced("coffee")))
    plain = gallery.search(query, 10, rerank=0)
    assert not any(hit.verified for hit in plain)
    assert [hit.distance for hit in plain] == sorted(hit.distance for hit in plain)
    assert sum(hit.verified for hit in gallery.search(query, 10, rerank=2)) == 2
    assert not any(hit.verified for hit in gallery.search(query, 10, by="colour"))
    assert any(hit.verified for hit in gallery.search(query, 10, by="colour", rerank=3))
    assert not any(hit.verified for hit in gallery.search(query, 10, views=True))
    with pytest.raises(UserError, match="rerank"):
        gallery.search(query, rerank=-1)


@pytest.mark.parametrize("what", ["gone", "other", "broken"])
def test_a_file_that_is_not_there(corpora: Corpora, tmp_path: Path, what: str) -> None:
    """A hit whose file vanished, was replaced or broken since stays, by its vectors, and is marked as not verified."""
    corpus = corpora.copied(tmp_path, photographs_among_drawings, COUNT)
    folder = corpus.photos
    with Gallery.open(corpus.gallery) as opened:
        file = folder / "coffee.jpg"
        if what == "gone":
            file.unlink()
        elif what == "other":
            shutil.copyfile(folder / "chelsea.jpg", file)
        else:
            file.write_bytes(file.read_bytes()[:500])
        hits = opened.search(from_array(apply("jpeg-50", reduced("coffee"))), 30)
        found = next(hit for hit in hits if hit.path == str(file))
        assert (found.verified, found.box, found.inliers) == (False, None, 0)
        assert len(hits) == COUNT + 3


def test_kept_keypoints(corpora: Corpora, tmp_path: Path) -> None:
    """A gallery that keeps keypoints gives the answers of one that does not, and forgets them with the image."""
    corpus = corpora.copied(tmp_path, photographs_among_drawings, COUNT, keypoints=True)
    with Gallery.open(corpus.gallery) as opened:
        query = from_array(apply("crop-50", reduced("coffee")))
        first = opened.search(query, 1)[0]
        assert (Path(first.path).name, first.relation, first.verified) == ("coffee.jpg", "crop", True)
        count = "SELECT count(*), max(length(data)) FROM keypoints"
        with sqlite3.connect(corpus.gallery / "gallery.sqlite") as database:
            held, largest = database.execute(count).fetchone()
        assert held == COUNT + 3
        assert largest <= 9 + 500 * 136
        opened.remove([corpus.photos / "coffee.jpg"])
        with sqlite3.connect(corpus.gallery / "gallery.sqlite") as database:
            assert database.execute(count).fetchone()[0] == COUNT + 2
        database.close()


def test_a_copy_of_the_file_takes_the_keypoints_over(photos: Path, tmp_path: Path) -> None:
    """The same bytes under another name are not read again, and have keypoints as well."""
    with Gallery.create(tmp_path / "g", ["structure"], keypoints=True) as opened:
        opened.add(photos / "coffee.jpg")
        shutil.copyfile(photos / "coffee.jpg", tmp_path / "again.jpg")
        opened.add(tmp_path / "again.jpg")
        rows = {Path(row.path).name: opened._library.store.keypoints(row.id) for row in opened}
    assert rows["coffee.jpg"] == rows["again.jpg"] != None  # noqa: E711  both have some


def test_duplicates_are_looked_at(tmp_path: Path) -> None:
    """True copies stay and are told; a pair that lies alike and is no copy is dropped, unless nothing is looked at."""
    folder = tmp_path / "photos"
    save(folder / "coffee.jpg", reduced("coffee"), quality=92)
    save(folder / "coffee-small.jpg", apply("sticker", reduced("coffee")), quality=60)
    soft = np.asarray(Pillow.fromarray(drawn(7, *SIZE)).resize((8, 6)).resize(SIZE, Pillow.Resampling.BICUBIC))
    for number in (1, 2):  # one backdrop, two things before it
        before = soft.copy()
        before[80:160, 120:200] = photograph("coffee.png")[100 * number : 100 * number + 80, 200:280]
        save(folder / f"backdrop-{number}.png", before)
    with Gallery.create(tmp_path / "g") as opened:
        opened.add(folder)
        loaded, plain = opened.duplicates(precision=0.5), opened.duplicates(precision=0.5, verify=False)
        pair = next(group.pairs[0] for group in loaded if "coffee" in group.keep)
        assert (pair.relation, pair.verified, "overlay" in pair.edits) == ("edited", True, True)
        assert not any(pair.verified for group in plain for pair in group.pairs)
        assert {Path(group.keep).name for group in loaded} <= {Path(group.keep).name for group in plain}


def test_progress_counts_pairs(tmp_path: Path) -> None:
    """Progress goes up to the number of pairs that are looked at."""
    folder = tmp_path / "photos"
    for number in range(3):
        save(folder / f"{number}.jpg", reduced("coffee"), quality=90 - 5 * number)
    result: list[tuple[int, int]] = []
    with Gallery.create(tmp_path / "g") as opened:
        opened.add(folder)
        groups = opened.duplicates(progress=lambda done, total: result.append((done, total)))
    assert [len(group.pairs) for group in groups] == [2]
    assert result == [(1, 2), (2, 2)]
