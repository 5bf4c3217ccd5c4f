"""Adding: what is read and what is not, what became of every file, and whatever can happen meanwhile."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from lookalike.errors import StorageFull, UserError
from lookalike.gallery import Gallery
from lookalike.gallery.ingest import extract
from lookalike.gallery.storage.database import Database
from samples import drawn, folder_of, save


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return folder_of(tmp_path / "photos", 12)


@pytest.fixture
def gallery(tmp_path: Path):
    with Gallery.create(tmp_path / "g.gallery") as opened:
        yield opened


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths that were decoded, as they are."""
    seen: list[str] = []
    real = extract.load

    def counted(path, **options):
        seen.append(os.path.basename(path))
        return real(path, **options)

    monkeypatch.setattr(extract, "load", counted)
    return seen


def counts(report) -> tuple[int, int, int, int, int, int]:
    return (report.added, report.updated, report.unchanged, report.moved, report.skipped, len(report.failed))


def paths(gallery: Gallery) -> list[str]:
    return [os.path.basename(row.path) for row in gallery]


def vectors(gallery: Gallery) -> dict[str, bytes]:
    store = gallery._library.store
    ids, table = store.vectors("structure", dtype=np.uint8)
    rows = store.rows(ids.tolist())
    return {rows[int(number)].path: row.tobytes() for number, row in zip(ids, table, strict=True)}


def test_second_run_reads_nothing(gallery: Gallery, photos: Path, reads: list[str]) -> None:
    """Unchanged files are counted and not decoded again."""
    assert counts(gallery.add(photos)) == (12, 0, 0, 0, 0, 0)
    assert len(reads) == 12
    assert counts(gallery.add(photos)) == (0, 0, 12, 0, 0, 0)
    assert len(reads) == 12


def test_only_what_changed_is_read(gallery: Gallery, photos: Path, reads: list[str]) -> None:
    """A new and a changed file are read, and the changed one's old vector is gone."""
    gallery.add(photos)
    before = vectors(gallery)[str(photos / "0003.jpg")]
    reads.clear()
    save(photos / "0003.jpg", drawn(77))
    save(photos / "new.png", drawn(78))
    assert counts(gallery.add(photos)) == (1, 1, 11, 0, 0, 0)
    assert sorted(reads) == ["0003.jpg", "new.png"]
    assert vectors(gallery)[str(photos / "0003.jpg")] != before
    assert len(gallery) == 13


def test_a_touched_file_keeps_its_row(gallery: Gallery, photos: Path, reads: list[str]) -> None:
    """A file written again with the same bytes is hashed, not decoded, and stays the same image."""
    gallery.add(photos)
    number = next(row.id for row in gallery if row.path.endswith("0001.jpg"))
    reads.clear()
    os.utime(photos / "0001.jpg", ns=(1, 1))
    assert counts(gallery.add(photos)) == (0, 0, 12, 0, 0, 0)
    assert reads == []
    assert next(row.id for row in gallery if row.path.endswith("0001.jpg")) == number


def test_moved_content_is_recognised(gallery: Gallery, photos: Path, reads: list[str]) -> None:
    """A file that lies elsewhere now keeps its row, found by its sha256 and not decoded again."""
    gallery.add(photos)
    number = next(row.id for row in gallery if row.path.endswith("0005.jpg"))
    reads.clear()
    (photos / "sub").mkdir()
    (photos / "0005.jpg").rename(photos / "sub" / "other.jpg")
    assert counts(gallery.add(photos)) == (0, 0, 11, 1, 0, 0)
    assert reads == []
    assert next(row.path for row in gallery if row.id == number) == str(photos / "sub" / "other.jpg")


def test_a_copy_takes_over_the_vectors(gallery: Gallery, photos: Path, reads: list[str]) -> None:
    """A second file with known bytes is an image of its own, and is not decoded."""
    gallery.add(photos)
    reads.clear()
    shutil.copy(photos / "0005.jpg", photos / "copy.jpg")
    assert counts(gallery.add(photos)) == (1, 0, 12, 0, 0, 0)
    assert reads == []
    held = vectors(gallery)
    assert held[str(photos / "copy.jpg")] == held[str(photos / "0005.jpg")]


def test_every_file_is_accounted_for(gallery: Gallery, photos: Path, reads: list[str]) -> None:
    """Bad files are failures with a reason, are not read again until they change, and retry reads them."""
    (photos / "bad.jpg").write_bytes(b"\xff\xd8\xff\xe0 no")
    (photos / "empty.png").touch()
    (photos / "notes.txt").write_text("hello")
    report = gallery.add(photos)
    assert counts(report) == (12, 0, 0, 0, 1, 2)
    assert all(failure.reason for failure in report.failed)
    reads.clear()
    assert gallery.add(photos).failed == report.failed
    assert reads == []
    gallery.add(photos, retry_failed=True)
    assert sorted(reads) == ["bad.jpg", "empty.png"]
    save(photos / "bad.jpg", drawn(50))
    assert counts(gallery.add(photos)) == (1, 0, 12, 0, 1, 1)
    assert [os.path.basename(f.path) for f in gallery.info().failures] == ["empty.png"]


def test_an_image_that_breaks_leaves_the_gallery(gallery: Gallery, photos: Path) -> None:
    """A file that was an image and no longer is one is a failure, and no longer found."""
    gallery.add(photos)
    (photos / "0000.jpg").write_bytes(b"no more")
    assert counts(gallery.add(photos)) == (0, 0, 11, 0, 0, 1)
    assert "0000.jpg" not in paths(gallery)


def test_vanished_between_listing_and_reading(gallery: Gallery, photos: Path, monkeypatch) -> None:
    """A file that is listed and then deleted is a failure that says so; the others are added."""
    real = extract.load

    def late(path, **options):
        if path.endswith("0004.jpg"):
            os.unlink(path)
        return real(path, **options)

    monkeypatch.setattr(extract, "load", late)
    report = gallery.add(photos)
    assert counts(report) == (11, 0, 0, 0, 0, 1)
    assert "vanished" in report.failed[0].reason


def test_a_descriptor_that_breaks_costs_one_image(gallery: Gallery, photos: Path, monkeypatch) -> None:
    """Should describing an image raise, that file is a failure and its chunk is not lost."""
    real = extract.describe_all

    def fragile(images, names):
        if any(image.path.endswith("0006.jpg") for image in images):
            raise ZeroDivisionError("boom")
        return real(images, names)

    monkeypatch.setattr(extract, "describe_all", fragile)
    report = gallery.add(photos)
    assert counts(report) == (11, 0, 0, 0, 0, 1)
    assert "boom" in report.failed[0].reason


def test_names_of_every_kind(gallery: Gallery, tmp_path: Path) -> None:
    """Spaces, newlines, emoji and bytes that are no UTF-8 are stored, found and removed under their exact name."""
    odd = ["a b.png", "line\nbreak.png", "🐈.png", os.fsdecode(b"caf\xe9.png"), "%_'\".png"]
    for number, name in enumerate(odd):
        save(tmp_path / "odd" / "x.png", drawn(number)).rename(tmp_path / "odd" / name)
    assert counts(gallery.add(tmp_path / "odd")) == (5, 0, 0, 0, 0, 0)
    assert sorted(paths(gallery)) == sorted(odd)
    for number, name in enumerate(odd):
        hits = gallery.search(tmp_path / "odd" / name, 1)
        assert (os.path.basename(hits[0].path), hits[0].relation) == (odd[number], "identical")
    assert gallery.remove([tmp_path / "odd" / name for name in odd]) == 5
    assert len(gallery) == 0


def test_an_empty_folder(gallery: Gallery, tmp_path: Path) -> None:
    """Nothing to add is no failure, and an empty gallery answers with nothing."""
    (tmp_path / "none").mkdir()
    assert counts(gallery.add(tmp_path / "none")) == (0, 0, 0, 0, 0, 0)
    assert gallery.search(save(tmp_path / "q.png", drawn(1))) == []
    assert gallery.duplicates() == []


def test_refresh_forgets_files_that_are_gone(gallery: Gallery, photos: Path) -> None:
    """Gone files are forgotten; a whole folder that is gone is taken for an unmounted drive, whose images are
    kept until the folder itself is forgotten."""
    gallery.add(photos)
    (photos / "0000.jpg").unlink()
    assert gallery.refresh() == [str(photos / "0000.jpg")]
    photos.rename(photos.with_name("unmounted"))
    with pytest.raises(Exception, match="mounted"):
        gallery.refresh()
    assert len(gallery) == 11
    assert (gallery.refresh(force=True), len(gallery)) == ([], 11)
    assert (gallery.forget_root(photos), len(gallery)) == (11, 0)


def test_progress_counts_every_file(gallery: Gallery, photos: Path) -> None:
    """Progress ends at the number of listed files, and never goes back."""
    (photos / "notes.txt").write_text("hello")
    seen: list[tuple[int, int]] = []
    gallery.add(photos, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (13, 13)
    assert seen == sorted(seen)


def test_a_full_disk_keeps_what_is_committed(tmp_path: Path, monkeypatch) -> None:
    """SQLite's own "database or disk is full" becomes StorageFull; committed batches stay, and the next run goes on."""
    monkeypatch.setattr("lookalike.gallery.ingest.ingest.BATCH", 8)
    photos = folder_of(tmp_path / "photos", 60)
    with Gallery.create(tmp_path / "g.gallery") as gallery:
        database: Database = gallery._library.store._db
        database.all(f"PRAGMA max_page_count = {database.pragma('page_count') + 40}")
        with pytest.raises(StorageFull, match="kept"):
            gallery.add(photos)
        kept = len(gallery)
        assert 0 < kept < 60
        assert gallery._library.store.check() == "ok"
        database.all("PRAGMA max_page_count = 100000")
        assert gallery.add(photos).added == 60 - kept


RUN = """
import signal, sys, time, lookalike.gallery.ingest.ingest as ingest, lookalike.gallery.ingest.extract as extract
from lookalike import Gallery
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
ingest.BATCH = 4
def told(*given, real=extract.load, **options):
    print(".", end="", flush=True)
    time.sleep(0.01)
    return real(*given, **options)
if sys.argv[3] == "tell":
    extract.load = told
gallery = Gallery.open(sys.argv[1])
print("ready", flush=True)
print(gallery.add(sys.argv[2]), flush=True)
"""


def start(gallery: Path, photos: Path, mode: str = "quiet") -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, str(gallery), str(photos), mode],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.mark.kills
@pytest.mark.full
def test_killed_at_any_moment(tmp_path: Path) -> None:
    """After each of many kill -9, all committed rows are there, whole, and SQLite says ok; the next run finishes."""
    photos = folder_of(tmp_path / "photos", 200)
    path = tmp_path / "g.gallery"
    Gallery.create(path).close()
    held = 0
    for moment in range(10):
        process = start(path, photos)
        time.sleep(0.01 + 0.017 * moment)
        process.kill()
        process.communicate()
        with Gallery.open(path) as gallery:
            assert gallery._library.store.check() == "ok"
            assert len(gallery) >= held
            held = len(gallery)
            assert len(vectors(gallery)) == held
    with Gallery.open(path) as gallery:
        report = gallery.add(photos)
        assert (report.added, report.unchanged) == (200 - held, held)
        interrupted = vectors(gallery)
    with Gallery.create(tmp_path / "fresh.gallery") as fresh:
        fresh.add(photos)
        assert interrupted == vectors(fresh)


@pytest.mark.kills
def test_ctrl_c_commits_what_was_read(tmp_path: Path) -> None:
    """Interrupted, the process ends soon, keeps what it read, and leaves a gallery that goes on."""
    photos = folder_of(tmp_path / "photos", 300)
    path = tmp_path / "g.gallery"
    Gallery.create(path).close()
    process = start(path, photos, mode="tell")
    assert process.stdout.read(100) == "." * 100  # so many files were read, or are being read
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert "KeyboardInterrupt" in errors
    with Gallery.open(path) as gallery:
        kept = len(gallery)
        assert 0 < kept < 300
        assert gallery.add(photos).added == 300 - kept


@pytest.mark.slow
def test_two_processes_at_once(tmp_path: Path) -> None:
    """Two processes that add the same folder at the same time end with each image once."""
    photos = folder_of(tmp_path / "photos", 120)
    path = tmp_path / "g.gallery"
    Gallery.create(path).close()
    both = [start(path, photos), start(path, photos)]
    for process in both:
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
    with Gallery.open(path) as gallery:
        assert len(gallery) == len(vectors(gallery)) == 120
        assert gallery._library.store.check() == "ok"


def test_patterns_are_remembered_with_their_folder(gallery: Gallery, photos: Path) -> None:
    """What was excluded stays so at the next run, in a folder below too; an empty list takes it back."""
    save(photos / "raw" / "x.png", drawn(90))
    save(photos / "raw" / "y.jpg", drawn(91))
    first = gallery.add(photos, exclude=["*.png"])
    assert (first.added, first.left_out) == (13, {"excluded": 1})
    assert counts(gallery.add(photos)) == (0, 0, 13, 0, 0, 0)
    assert gallery.add(photos / "raw").left_out == {"excluded": 1}
    assert gallery.add(photos, exclude=[]).added == 1
    assert gallery.add(photos).left_out == {}


def test_a_folder_that_is_named_is_walked_though_a_pattern_of_the_folder_above_excludes_it(
    gallery: Gallery, photos: Path
) -> None:
    """Who names it wants it."""
    save(photos / "raw" / "x.png", drawn(90))
    assert gallery.add(photos, exclude=["raw/"]).left_out == {"excluded": 1}
    assert gallery.add(photos / "raw").added == 1


def test_a_wrong_pattern_changes_nothing(gallery: Gallery, photos: Path) -> None:
    """Neither is the folder remembered nor anything read."""
    with pytest.raises(UserError, match="gitignore"):
        gallery.add(photos, exclude=["[z-a]"])
    assert (len(gallery), gallery.info().folders) == (0, ())
