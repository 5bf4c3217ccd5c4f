"""The gallery on the disk: created whole, opened only if it is sound and ours."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from lookalike.errors import GalleryDamaged, GalleryExists, GalleryMissing, GalleryVersion, UserError
from lookalike.gallery import Gallery
from lookalike.gallery.storage import database
from samples import drawn, folder_of, save


def test_created_whole_or_not_at_all(tmp_path: Path) -> None:
    """An existing place is refused, and a refused gallery leaves nothing behind."""
    Gallery.create(tmp_path / "g").close()
    with pytest.raises(GalleryExists):
        Gallery.create(tmp_path / "g")
    with pytest.raises(UserError, match="no descriptor"):
        Gallery.create(tmp_path / "h", descriptors=("nonsense",))
    assert [path.name for path in tmp_path.iterdir()] == ["g"]


def test_a_missing_gallery_says_how_to_make_one(tmp_path: Path) -> None:
    """Opening what is not there names the command that makes it."""
    with pytest.raises(GalleryMissing, match="lookalike index"):
        Gallery.open(tmp_path / "no")


@pytest.mark.parametrize("length", [0, 50, 4096, 20000, -1])
def test_a_file_cut_short_is_refused(tmp_path: Path, length: int) -> None:
    """Whatever is left of the file, opening says that it is damaged, and never returns an empty gallery."""
    folder_of(tmp_path / "photos", 30)
    with Gallery.create(tmp_path / "g") as gallery:
        gallery.add(tmp_path / "photos")
    file = tmp_path / "g" / "gallery.sqlite"
    whole = file.read_bytes()
    file.write_bytes(whole[:length])
    with pytest.raises(GalleryDamaged):
        Gallery.open(tmp_path / "g")


def test_strange_files_are_refused(tmp_path: Path) -> None:
    """Another program's database, a text file and an empty folder are no galleries."""
    for name in ("other", "text", "empty"):
        (tmp_path / name).mkdir()
    sqlite3.connect(tmp_path / "other" / "gallery.sqlite").execute("CREATE TABLE t (x)").connection.close()
    (tmp_path / "text" / "gallery.sqlite").write_text("hello " * 100)
    for name in ("other", "text", "empty"):
        with pytest.raises(GalleryDamaged, match="not a gallery"):
            Gallery.open(tmp_path / name)


def test_a_newer_gallery_is_refused(tmp_path: Path) -> None:
    """A gallery of a later format names both formats and the way out."""
    Gallery.create(tmp_path / "g").close()
    connection = sqlite3.connect(tmp_path / "g" / "gallery.sqlite")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(GalleryVersion, match=r"format 99.*pip install"):
        Gallery.open(tmp_path / "g")


def test_an_older_gallery_is_brought_up_to_date(tmp_path: Path, monkeypatch) -> None:
    """Missing migrations are run once, in order, and keep the images; a failing one changes nothing."""
    folder_of(tmp_path / "photos", 3)
    with Gallery.create(tmp_path / "g") as gallery:
        gallery.add(tmp_path / "photos")
    real = database.resources.files("lookalike.gallery.storage")
    (tmp_path / "sql").mkdir()
    shipped = database.MIGRATIONS
    for name in shipped:
        (tmp_path / "sql" / name).write_text(real.joinpath(name).read_text())
    (tmp_path / "sql" / "more.sql").write_text("CREATE TABLE extra (x); ")
    (tmp_path / "sql" / "bad.sql").write_text("CREATE TABLE half (x); CREATE TABLE extra (x);")
    monkeypatch.setattr(database.resources, "files", lambda _: tmp_path / "sql")
    monkeypatch.setattr(database, "MIGRATIONS", (*shipped, "more.sql"))
    with Gallery.open(tmp_path / "g") as gallery:
        assert len(gallery) == 3
        assert gallery._library.store._db.pragma("user_version") == len(shipped) + 1
    monkeypatch.setattr(database, "MIGRATIONS", (*shipped, "more.sql", "bad.sql"))
    with pytest.raises(Exception, match="extra already exists"):
        Gallery.open(tmp_path / "g")
    connection = sqlite3.connect(tmp_path / "g" / "gallery.sqlite")
    assert connection.execute("PRAGMA user_version").fetchone() == (len(shipped) + 1,)
    assert connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'half'").fetchone() == (0,)
    connection.close()


def test_vectors_of_another_version_are_refused(tmp_path: Path, monkeypatch) -> None:
    """A gallery made with another version of a descriptor is refused, with its name."""
    Gallery.create(tmp_path / "g").close()
    from lookalike.descriptors.hashes import structure

    other = replace(structure.CARD, version=structure.CARD.version + 1)
    monkeypatch.setattr(structure.Structure, "card", other)
    with pytest.raises(GalleryVersion, match="'structure'"):
        Gallery.open(tmp_path / "g")


def test_the_index_copies_can_be_thrown_away(tmp_path: Path, monkeypatch) -> None:
    """Deleted, damaged or stale, the FAISS files are made again from the store with the same answers."""
    monkeypatch.setattr("lookalike.gallery.index.index_cache.MIN_UNSAVED", 1)
    folder_of(tmp_path / "photos", 20)
    query = save(tmp_path / "q.png", drawn(5))

    def answers() -> list[tuple[str, float]]:
        with Gallery.open(tmp_path / "g") as gallery:
            found = [hit for by in ("blend", "colour", "texture") for hit in gallery.search(query, 5, by=by)]
            return [(hit.path, round(hit.distance, 4)) for hit in found]

    with Gallery.create(tmp_path / "g") as gallery:
        gallery.add(tmp_path / "photos")
    expected = answers()
    index = tmp_path / "g" / "index"
    files = list(index.glob("*.faiss"))
    assert len(files) == 3
    for file in files:
        file.write_bytes(b"damaged")
    assert answers() == expected
    for file in index.iterdir():
        file.unlink()
    assert answers() == expected


def test_another_process_is_seen_at_once(tmp_path: Path) -> None:
    """What one connection adds or removes, the next search of another one finds or no longer finds."""
    photos = folder_of(tmp_path / "photos", 8)
    query = save(tmp_path / "q.png", drawn(100))
    with Gallery.create(tmp_path / "g") as first, Gallery.open(tmp_path / "g") as second:
        first.add(photos)
        assert len(second.search(query, 20)) == 8
        first.add(query)
        assert second.search(query, 1)[0].relation == "identical"
        first.remove(query)
        assert str(query) not in [hit.path for hit in second.search(query, 20)]


def test_info_adds_up(tmp_path: Path) -> None:
    """Counts, formats and sizes are those of the files."""
    photos = folder_of(tmp_path / "photos", 4)
    save(photos / "x.png", drawn(9))
    with Gallery.create(tmp_path / "g") as gallery:
        gallery.add(photos)
        info = gallery.info()
    assert info.images == 5
    assert info.formats == {"JPEG": 4, "PNG": 1}
    assert info.image_bytes == sum(path.stat().st_size for path in photos.iterdir())
    assert info.folders == (str(photos),)
