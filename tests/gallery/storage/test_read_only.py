"""A gallery where nothing can be written, as on a read-only mount: it answers, and says what it cannot do."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

from lookalike.errors import GalleryReadOnly, GalleryVersion
from lookalike.gallery import Gallery
from lookalike.gallery.index import index_cache
from lookalike.gallery.library import FILE
from lookalike.gallery.storage import database, thumbnails
from lookalike.gallery.storage.database import MIGRATIONS
from lookalike.gallery.storage.thumbnails import Thumbnails
from samples import drawn, folder_of, save


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Six images, two of them the same."""
    folder = folder_of(tmp_path / "photos", 5)
    shutil.copy(folder / "0001.jpg", folder / "copy.jpg")
    return folder


@pytest.fixture
def place(tmp_path: Path, photos: Path) -> Path:
    """A gallery in a folder whose name an address would have to escape."""
    folder = tmp_path / "50% off? #1 é.gallery"
    with Gallery.create(folder) as gallery:
        gallery.add(photos)
        gallery.label_from_folders(photos.parent)
    return folder


@pytest.fixture(params=["alone", "shared"])
def read_only(request: pytest.FixtureRequest, place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing can be written; "alone": nor can SQLite's shared memory be made, as on a mount that nobody writes to."""
    monkeypatch.setattr(database, "may_write", lambda _: False)
    monkeypatch.setattr(thumbnails, "may_write", lambda _: False)
    if request.param == "alone":
        without_shared_memory(monkeypatch)
    return place


def without_shared_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite can open nothing that it would share with other processes."""
    real = sqlite3.connect

    def connect(address, **options):
        if "mode=ro" in str(address):
            raise sqlite3.OperationalError("unable to open database file")
        return real(address, **options)

    monkeypatch.setattr(sqlite3, "connect", connect)


def contents(folder: Path) -> dict[str, bytes]:
    return {one.name: one.read_bytes() for one in folder.rglob("*") if one.is_file() and one.name[-4:] != "-shm"}


@pytest.mark.usefixtures("read_only")
def test_it_answers(place: Path, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Searches, filters, groups, labels and the account of it, while nothing in its folder changes: index copies that
    cannot be written stay in memory."""
    monkeypatch.setattr(index_cache, "MIN_UNSAVED", 0)
    before = contents(place)
    with Gallery.open(place) as gallery:
        assert gallery.read_only
        assert gallery.search(photos / "0003.jpg", 1)[0].path == str(photos / "0003.jpg")
        assert [row.path for row in gallery.rows("path like '%0002%'")] == [str(photos / "0002.jpg")]
        assert [pair.relation for group in gallery.duplicates() for pair in group.pairs] == ["identical"]
        assert len(gallery.labels()) == gallery.info().images == 6
    assert {name: data for name, data in contents(place).items() if data} == before


@pytest.mark.usefixtures("read_only")
def test_what_writes_is_refused(place: Path, photos: Path) -> None:
    """Adding, forgetting and labelling say that it is read only; the rows are what they were."""
    save(photos / "new.jpg", drawn(20))
    with Gallery.open(place) as gallery:
        for write in (
            lambda: gallery.add(photos),
            lambda: gallery.remove([photos / "0000.jpg"]),
            lambda: gallery.forget_labels("folders"),
            lambda: gallery.forget_root(photos),
        ):
            with pytest.raises(GalleryReadOnly, match="read only"):
                write()
        assert (len(gallery), len(gallery.labels())) == (6, 6)


def test_another_process_may_write_meanwhile(place: Path, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who may only read sees what another process, which may write, has committed."""
    save(photos / "new.jpg", drawn(20))
    with Gallery.open(place) as writer:
        monkeypatch.setattr(database, "may_write", lambda _: False)
        with Gallery.open(place) as reader:
            assert (writer.add(photos).added, len(reader)) == (1, 7)
            assert reader.search(photos / "new.jpg", 1)[0].path == str(photos / "new.jpg")


@pytest.mark.usefixtures("read_only")
def test_an_earlier_format_is_refused(place: Path) -> None:
    """It cannot be brought up to date there, and is not read as what it is not."""
    plain = sqlite3.connect(f"{place.as_uri()}/{FILE}", uri=True)
    plain.execute(f"PRAGMA user_version = {len(MIGRATIONS) - 1}")
    plain.close()
    with pytest.raises(GalleryVersion, match="earlier format"):
        Gallery.open(place)


def test_what_a_killed_process_left_is_not_passed_over(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A log with something in it, which cannot be read there, is an error rather than an older state."""
    killed = tmp_path / "killed"
    with Gallery.open(place) as gallery:
        gallery.forget_labels("folders")
        shutil.copytree(place, killed, ignore=shutil.ignore_patterns("*-shm"))
    assert (killed / f"{FILE}-wal").stat().st_size
    monkeypatch.setattr(database, "may_write", lambda _: False)
    without_shared_memory(monkeypatch)
    with pytest.raises(GalleryReadOnly, match="not finished"):
        Gallery.open(killed)


@pytest.mark.usefixtures("read_only")
def test_thumbnails(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that are there are read and no more are kept; without any, they are kept in memory."""
    in_memory = Thumbnails(place)
    in_memory.put("a", 160, b"one")
    assert in_memory.get("a", 160) == b"one"
    in_memory.close()
    assert not (place / thumbnails.FILE).exists()
    with monkeypatch.context() as writable:
        writable.setattr(thumbnails, "may_write", lambda _: True)
        kept = Thumbnails(place)
        kept.put("b", 160, b"two")
        kept.close()
    there = Thumbnails(place)
    there.put("c", 160, b"three")
    assert (there.get("b", 160), there.get("c", 160)) == (b"two", None)
    there.close()
