"""A copy of a gallery: of one moment, whole or not there, while others write."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from lookalike.errors import GalleryDamaged, GalleryExists, StorageFull, UserError
from lookalike.gallery import Gallery
from lookalike.gallery.library import FILE
from lookalike.gallery.maintenance import backup as backing_up
from lookalike.gallery.storage.thumbnails import FILE as THUMBNAILS
from samples import folder_of


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return folder_of(tmp_path / "photos", 6)


@pytest.fixture
def place(tmp_path: Path, photos: Path) -> Path:
    with Gallery.create(tmp_path / "g.gallery", ["structure", "pdq"]) as gallery:
        gallery.add(photos)
        gallery.label_from_folders(photos.parent)
        gallery.add_verdicts([(photos / "0000.jpg", photos / "0001.jpg")], "different")
    return tmp_path / "g.gallery"


def names(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir())


def test_everything_is_in_it(place: Path, photos: Path, tmp_path: Path) -> None:
    """Images, labels, verdicts and answers are the same; nothing else lies beside."""
    with Gallery.open(place) as gallery:
        size = gallery.backup(tmp_path / "copy")
        with Gallery.open(tmp_path / "copy") as copy:
            assert list(copy) == list(gallery)
            assert (copy.labels(), copy.verdicts()) == (gallery.labels(), gallery.verdicts())
            assert copy.search(photos / "0003.jpg") == gallery.search(photos / "0003.jpg")
            assert copy.check(read=True).problems == ()
    assert names(tmp_path / "copy") == [FILE]
    assert size == (tmp_path / "copy" / FILE).stat().st_size
    assert names(tmp_path) == ["copy", "g.gallery", "photos"]


def test_it_is_of_one_moment(place: Path, photos: Path, tmp_path: Path) -> None:
    """What another process is in the middle of writing is not in it, and what it commits afterwards neither."""
    with Gallery.open(place) as writer, Gallery.open(place) as reader:
        with writer._library.store.transaction():
            writer._library.store.forget([str(photos / "0000.jpg")])
            reader.backup(tmp_path / "copy")
        assert len(writer) == 5
    with Gallery.open(tmp_path / "copy") as copy:
        assert len(copy) == 6


def test_thumbnails_that_cannot_be_made_again(tmp_path: Path, photos: Path) -> None:
    """A gallery without paths takes its thumbnails along."""
    with Gallery.create(tmp_path / "t.gallery", ["structure"], retention="thumbnails") as gallery:
        gallery.add(photos)
        gallery.backup(tmp_path / "copy")
    assert names(tmp_path / "copy") == [FILE, THUMBNAILS]
    with Gallery.open(tmp_path / "copy") as copy:
        assert copy.check().problems == ()


def test_what_is_there_is_never_overwritten(place: Path, tmp_path: Path) -> None:
    """Unless it is a gallery, and is to be replaced; a folder of anything else is safe even then."""
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "dear.txt").write_text("dear")
    with Gallery.open(place) as gallery:
        gallery.backup(tmp_path / "copy")
        for target, replace in (("copy", False), ("letters", False), ("letters", True)):
            with pytest.raises(GalleryExists):
                gallery.backup(tmp_path / target, replace=replace)
        with pytest.raises(UserError, match="gallery itself"):
            gallery.backup(place / "copy")
        gallery.forget_labels("folders")
        gallery.backup(tmp_path / "copy", replace=True)
    with Gallery.open(tmp_path / "copy") as copy:
        assert copy.labels() == []
    assert names(tmp_path) == ["copy", "g.gallery", "letters", "photos"]


def test_a_full_disk_leaves_no_copy(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither half a new one nor anything in place of the last one."""

    def full(_: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with Gallery.open(place) as gallery:
        gallery.backup(tmp_path / "copy")
        before = (tmp_path / "copy" / FILE).read_bytes()
        gallery.forget_labels("folders")
        monkeypatch.setattr(backing_up, "_sync", full)
        for target in ("other", "copy"):
            with pytest.raises(StorageFull, match="No space"):
                gallery.backup(tmp_path / target, replace=True)
    assert (tmp_path / "copy" / FILE).read_bytes() == before
    assert names(tmp_path) == ["copy", "g.gallery", "photos"]


def test_a_failed_exchange_is_taken_back(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the new copy cannot be put in place, the old one is there again."""
    real = Path.rename

    def rename(self: Path, target: Path) -> Path:
        if self.name.endswith(".draft"):
            raise OSError(errno.EIO, "Input/output error")
        return real(self, target)

    with Gallery.open(place) as gallery:
        gallery.backup(tmp_path / "copy")
        monkeypatch.setattr(Path, "rename", rename)
        with pytest.raises(StorageFull):
            gallery.backup(tmp_path / "copy", replace=True)
    assert names(tmp_path) == ["copy", "g.gallery", "photos"]


def test_a_damaged_gallery_is_not_copied(place: Path, tmp_path: Path) -> None:
    """Nobody is to replace a good copy with it."""
    with Gallery.open(place) as gallery:
        store = gallery._library.store
        page, size = (
            int(store._db.all(sql)[0][0])
            for sql in ("SELECT rootpage FROM sqlite_master WHERE name = 'vectors'", "PRAGMA page_size")
        )
        store._db.all("PRAGMA wal_checkpoint(TRUNCATE)")
    with (place / FILE).open("r+b") as stream:
        stream.seek((page - 1) * size)
        stream.write(b"\xff" * size)
    with Gallery.open(place) as gallery, pytest.raises(GalleryDamaged):
        gallery.backup(tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


RUN = """
import sys, time
from lookalike import Gallery
from lookalike.gallery.maintenance import backup
real = backup._sync
def slow(path):
    real(path)
    print("ready", flush=True)
    time.sleep(60)
backup._sync = slow
Gallery.open(sys.argv[1]).backup(sys.argv[2], replace=True)
"""


@pytest.mark.kills
def test_killed_in_the_middle(place: Path, tmp_path: Path) -> None:
    """The last copy is there as it was; the next run makes a new one."""
    with Gallery.open(place) as gallery:
        gallery.backup(tmp_path / "copy")
        before = (tmp_path / "copy" / FILE).read_bytes()
        gallery.forget_labels("folders")
        command = [sys.executable, "-c", RUN, str(place), str(tmp_path / "copy")]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout.readline() == "ready\n"
        process.kill()
        process.communicate()
        assert (tmp_path / "copy" / FILE).read_bytes() == before
        gallery.backup(tmp_path / "copy", replace=True)
    with Gallery.open(tmp_path / "copy") as copy:
        assert copy.labels() == []
