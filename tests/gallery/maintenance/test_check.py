"""A gallery is damaged in every way that it can be: each is told, and what can be made again is made."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from lookalike.errors import GalleryReadOnly
from lookalike.gallery import Gallery
from lookalike.gallery.index import index_cache
from lookalike.gallery.library import FILE
from lookalike.gallery.maintenance.problems import CheckReport, Problem
from lookalike.gallery.storage import database
from lookalike.gallery.storage.thumbnails import FILE as THUMBNAILS
from lookalike.gallery.storage.thumbnails import whole_thumbnails
from regional import NAME, install_quarters
from samples import drawn, folder_of, save

COUNT = 6


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return folder_of(tmp_path / "photos", COUNT)


@pytest.fixture
def place(tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With a binary and two float descriptors, and saved index copies."""
    monkeypatch.setattr(index_cache, "MIN_UNSAVED", 0)
    with Gallery.create(tmp_path / "g.gallery", ["pdq", "colour", "structure"]) as gallery:
        gallery.add(photos)
        for by in ("pdq", "colour", "structure"):
            gallery.search(photos / "0000.jpg", by=by)
    return tmp_path / "g.gallery"


@pytest.fixture
def sql(place: Path) -> Iterator[Callable[..., list[tuple[object, ...]]]]:
    """Writes past the library."""
    plain = sqlite3.connect(place / FILE, isolation_level=None)
    yield lambda text, *values: plain.execute(text, values).fetchall()
    plain.close()


def checked(place: Path, **options: bool) -> CheckReport:
    with Gallery.open(place) as gallery:
        return gallery.check(**options)


def of_descriptor(name: str) -> str:
    return f"descriptor_id = (SELECT id FROM descriptors WHERE name = '{name}')"


def test_a_sound_gallery(place: Path, photos: Path) -> None:
    """Nothing is found in one that was just made, nor in one whose copies are behind, grown, shrunk or absent."""
    assert checked(place, read=True) == CheckReport(COUNT, True)
    with Gallery.open(place) as gallery:
        gallery.label_from_folders(photos.parent)
        gallery.add_verdicts([(photos / "0000.jpg", photos / "0001.jpg")], "same")
        save(photos / "new.jpg", drawn(40))
        gallery.add(photos)
        gallery.remove(photos / "0002.jpg")
        assert gallery.check() == CheckReport(COUNT, False)
        gallery.add_descriptor("texture")
        assert gallery.check() == CheckReport(COUNT, False)
        for file in (place / "index").iterdir():
            file.unlink()
        assert gallery.check() == CheckReport(COUNT, False)


def test_vectors_that_are_lost_or_damaged(place: Path, photos: Path, sql: Callable[..., object]) -> None:
    """Lost, of another length, not finite: each is told with its image, and made again as it was."""
    before = sql("SELECT descriptor_id, image_id, vector FROM vectors ORDER BY 1, 2")
    sql(f"DELETE FROM vectors WHERE image_id = 1 AND {of_descriptor('pdq')}")
    sql(f"UPDATE vectors SET vector = x'00' WHERE image_id = 2 AND {of_descriptor('pdq')}")
    size = sql(f"SELECT length(vector) FROM vectors WHERE image_id = 3 AND {of_descriptor('colour')}")[0][0]
    infinite = np.full(size // 2, np.inf, np.float16).tobytes()
    sql(f"UPDATE vectors SET vector = ? WHERE image_id = 3 AND {of_descriptor('colour')}", infinite)
    expected = [("pdq", 1, "no vector"), ("pdq", 2, "bytes, not"), ("colour", 3, "not finite")]
    found = [(one.what, one.image, one) for one in checked(place).problems if one.kind == "vectors"]
    assert [one[:2] for one in found] == [one[:2] for one in expected]
    assert all(reason in one[2].reason for one, (*_, reason) in zip(found, expected, strict=True))
    report = checked(place, repair=True)
    assert (report.problems, [one.image for one in report.repaired if one.kind == "vectors"]) == ((), [1, 2, 3])
    assert sql("SELECT descriptor_id, image_id, vector FROM vectors ORDER BY 1, 2") == before
    with Gallery.open(place) as gallery:
        hits = gallery.search(photos / "0001.jpg", COUNT, by="pdq")
        assert hits == gallery.search(photos / "0001.jpg", COUNT, by="pdq", exact=True)


def test_what_cannot_be_made_again_stays_a_problem(place: Path, photos: Path, sql: Callable[..., object]) -> None:
    """The vector of an image whose file is gone; the others are repaired all the same."""
    sql(f"DELETE FROM vectors WHERE image_id IN (1, 2) AND {of_descriptor('pdq')}")
    (photos / "0000.jpg").unlink()
    report = checked(place, repair=True)
    assert [(one.kind, one.image) for one in report.problems] == [("vectors", 1), ("files", 1)]
    assert [one.image for one in report.repaired if one.kind == "vectors"] == [2]


def test_index_copies(place: Path, photos: Path, sql: Callable[..., object]) -> None:
    """One that cannot be read, one of another gallery, one with other vectors: thrown away, and made anew."""
    (place / "index" / "pdq.json").write_text("{")
    manifest = (place / "index" / "colour.json").read_text()
    (place / "index" / "colour.json").write_text(manifest.replace('"gallery": "', '"gallery": "x'))
    sql(f"UPDATE vectors SET vector = zeroblob(length(vector)) WHERE image_id = 4 AND {of_descriptor('structure')}")
    found = checked(place).problems
    assert [(one.kind, one.what) for one in found] == [("index", name) for name in ("pdq", "colour", "structure")]
    assert "other vectors" in found[2].reason
    report = checked(place, repair=True)
    assert (report.problems, len(report.repaired)) == ((), 3)
    with Gallery.open(place) as gallery:
        assert gallery.search(photos / "0001.jpg", by="pdq")[0].path == str(photos / "0001.jpg")
        assert gallery.check() == CheckReport(COUNT, False)


def test_files(place: Path, photos: Path) -> None:
    """Gone, changed, and, only if they are read, damaged behind an unchanged size and time."""
    (photos / "0001.jpg").unlink()
    save(photos / "0002.jpg", drawn(50))
    with (photos / "0003.jpg").open("r+b") as stream:
        stream.seek(300)
        stream.write(b"rot")
    with Gallery.open(place) as gallery:
        row = gallery.row(4)
        os.utime(row.path, ns=(row.mtime_ns, row.mtime_ns))
        os.utime(photos / "0004.jpg")
    plain = {one.image: one.reason for one in checked(place).problems}
    assert [(number, reason.split()[0]) for number, reason in plain.items()] == [
        (2, "gone"),
        (3, "changed"),
        (5, "changed"),
    ]
    read = {one.image: one.reason for one in checked(place, read=True).problems}
    assert list(read) == [2, 3, 4]
    assert "damaged?" in read[4]


def test_a_folder_that_is_away_is_one_problem(place: Path, photos: Path) -> None:
    """An unmounted drive is told once, not once for each image."""
    photos.rename(photos.with_name("drive"))
    (problem,) = checked(place).problems
    assert (problem.kind, problem.what) == ("roots", str(photos))


def test_a_damaged_database(place: Path, sql: Callable[..., object]) -> None:
    """SQLite's own check is told; nothing else is believed, and nothing repaired."""
    sql("PRAGMA wal_checkpoint(TRUNCATE)")
    page = int(sql("SELECT rootpage FROM sqlite_master WHERE name = 'vectors'")[0][0])
    size = int(sql("PRAGMA page_size")[0][0])
    with (place / FILE).open("r+b") as stream:
        stream.seek((page - 1) * size)
        stream.write(b"\xff" * size)
    for repair in (False, True):
        (problem,) = checked(place, repair=repair).problems
        assert problem.kind == "storage"


def test_rows_of_no_image(place: Path, sql: Callable[..., object]) -> None:
    """A label that belongs to nothing is a damage of the database."""
    sql("PRAGMA foreign_keys = OFF")
    sql("INSERT INTO labels VALUES (77, 'x', 1, 'csv')")
    (problem,) = checked(place).problems
    assert "belong to no image: 1" in problem.reason


def test_regions(tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Regions that are cut short are described again."""
    install_quarters(tmp_path / "models")
    monkeypatch.setenv("LOOKALIKE_MODELS", str(tmp_path / "models"))
    with Gallery.create(tmp_path / "r.gallery", ["structure", NAME]) as gallery:
        gallery.add(photos)
    plain = sqlite3.connect(tmp_path / "r.gallery" / FILE, isolation_level=None)
    before = plain.execute("SELECT image_id, data FROM regions ORDER BY 1").fetchall()
    plain.execute("UPDATE regions SET data = substr(data, 1, 20) WHERE image_id = 2")
    plain.execute("DELETE FROM regions WHERE image_id = 3")
    report = checked(tmp_path / "r.gallery", repair=True)
    assert (report.problems, sorted(one.image for one in report.repaired)) == ((), [2, 3])
    assert plain.execute("SELECT image_id, data FROM regions ORDER BY 1").fetchall() == before
    plain.close()


def test_thumbnails_that_can_be_made_again(place: Path) -> None:
    """A damaged file of them is thrown away."""
    (place / THUMBNAILS).write_bytes(b"no database" * 100)
    report = checked(place, repair=True)
    assert (report.problems, [one.kind for one in report.repaired]) == ((), ["thumbnails"])
    assert not (place / THUMBNAILS).exists()


def test_thumbnails_that_are_all_that_is_left(tmp_path: Path, photos: Path) -> None:
    """Without paths, a lost or broken one is told and never thrown away with the others."""
    with Gallery.create(tmp_path / "t.gallery", ["structure"], retention="thumbnails") as gallery:
        gallery.add(photos)
        digests = sorted(row.sha256 for row in gallery)
    plain = sqlite3.connect(tmp_path / "t.gallery" / THUMBNAILS, isolation_level=None)
    plain.execute("DELETE FROM thumbnails WHERE sha256 = ?", digests[:1])
    plain.execute("UPDATE thumbnails SET data = substr(data, 1, 50) WHERE sha256 = ?", digests[1:2])
    plain.close()
    assert checked(tmp_path / "t.gallery", repair=True).problems == (
        Problem("thumbnails", THUMBNAILS, "2 images have no thumbnail any more"),
    )
    assert len(whole_thumbnails(tmp_path / "t.gallery")) == COUNT - 2


def test_repairing_where_nothing_can_be_written(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is checked, and not repaired."""
    monkeypatch.setattr(database, "may_write", lambda _: False)
    assert checked(place) == CheckReport(COUNT, False)
    with pytest.raises(GalleryReadOnly):
        checked(place, repair=True)
