"""A gallery moved to another storage: all of it is there, whatever happens on the way, and nothing else is touched."""

from __future__ import annotations

import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from everything import HELD, everything, fill_gallery
from lookalike.descriptors import get
from lookalike.descriptors.neural import model_store
from lookalike.errors import GalleriesDiffer, GalleryMissing, UserError
from lookalike.gallery import Gallery
from lookalike.gallery.migration import move_images
from lookalike.gallery.storage.base import NewImage
from lookalike.gallery.storage.sqlite_engine import FILE
from lookalike.types import Label
from regional import NAME as PARTS
from samples import folder_of
from terminal import here


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a gallery ``a`` with something in every table, and of what it was made of. Not to be changed."""
    folder = tmp_path_factory.mktemp("full")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(model_store.VARIABLE, str(folder / "models"))
        fill_gallery(folder)
        yield folder


@pytest.fixture(autouse=True)
def models(full: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(model_store.VARIABLE, str(full / "models"))


@pytest.fixture
def source(full: Path, tmp_path: Path) -> Path:
    """A copy of it to write to."""
    shutil.copytree(full / "a", tmp_path / "a")
    return tmp_path / "a"


def test_every_table_is_moved(full: Path, tmp_path: Path) -> None:
    """Each holds the same rows; none of them was empty; the source is as it was."""
    before = (full / "a" / FILE).read_bytes()
    steps: list[tuple[int, int]] = []
    report = Gallery.migrate(full / "a", tmp_path / "b", progress=lambda *step: steps.append(step))
    expected = everything(full / "a")
    assert [table for table, rows in expected.items() if not rows] == []
    assert everything(tmp_path / "b") == expected
    assert (report.images, report.videos, report.moved, report.present) == (8, 1, 9, 0)
    assert (report.searches, report.recall) == (8, 1.0)
    assert (report.verified["images"], report.verified["vectors of pdq"], report.verified["labels"]) == (9, 8, 2)
    assert (full / "a" / FILE).read_bytes() == before
    assert steps[-1] == (18, 18)
    with Gallery.open(full / "a") as a, Gallery.open(tmp_path / "b") as b:
        assert list(b.default_by) == list(a.default_by)
        assert {one.what for one in b.check().problems} == {str(full / "film.mp4")}  # which never was there
        assert [row.path for row in b] == [row.path for row in a]


def test_said_again_it_is_only_verified(full: Path, tmp_path: Path) -> None:
    """Nothing is written a second time."""
    Gallery.migrate(full / "a", tmp_path / "b")
    before = everything(tmp_path / "b")
    report = Gallery.migrate(full / "a", tmp_path / "b")
    assert (report.moved, report.present) == (0, 9)
    assert everything(tmp_path / "b") == before


def test_interrupted_it_goes_on(full: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was moved stays, and the rest follows, wherever it was interrupted."""
    monkeypatch.setattr("lookalike.gallery.migration.image_reader.blocks.__defaults__", (2,))
    for stop in (2, 6, 9):

        def halt(done: int, _: int, stop: int = stop) -> None:
            if done >= stop:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            Gallery.migrate(full / "a", tmp_path / "b", progress=halt)
        with Gallery.open(tmp_path / "b") as gallery:
            assert len(gallery) == stop
    assert Gallery.migrate(full / "a", tmp_path / "b").present == 9
    assert everything(tmp_path / "b") == everything(full / "a")


@pytest.mark.kills
def test_killed_it_goes_on(full: Path, tmp_path: Path) -> None:
    """A process that is killed after any of its transactions leaves nothing that the next one trips over."""
    script = (
        "import os, signal, sys; from lookalike.gallery import Gallery; "
        "from lookalike.gallery.storage.database import Database; "
        "from contextlib import contextmanager; real = Database.transaction; left = [int(sys.argv[3])]\n"
        "@contextmanager\n"
        "def transaction(self):\n"
        "    with real(self): yield\n"
        "    left[0] -= 1\n"
        "    if left[0] == 0: os.kill(os.getpid(), signal.SIGKILL)\n"
        "Database.transaction = transaction; Gallery.migrate(sys.argv[1], sys.argv[2])"
    )
    codes = []
    for count in range(4, 16, 3):
        ran = subprocess.run([sys.executable, "-c", script, full / "a", tmp_path / "b", str(count)], check=False)
        codes.append(ran.returncode)
    assert codes[0] == -signal.SIGKILL
    assert Gallery.migrate(full / "a", tmp_path / "b").images == 8
    assert everything(tmp_path / "b") == everything(full / "a")


def test_something_else_is_refused(source: Path, full: Path, tmp_path: Path) -> None:
    """A gallery with other images, verdicts, descriptors or retention, the same one, and what is no gallery: nothing is
    written to any of them."""
    for name, descriptors, options in (("kind", ["pdq"], {}), ("opaque", ["structure"], {"retention": "vectors"})):
        Gallery.create(tmp_path / name, descriptors, **options).close()
    with Gallery.create(tmp_path / "images", HELD, keypoints=True) as other:
        other.add(folder_of(tmp_path / "others", 1))
    with Gallery.create(tmp_path / "roots", HELD, keypoints=True) as other:
        store = other._library.store
        with store.transaction():
            store.put_root("/elsewhere")
    said = {"kind": "other vectors", "opaque": "other vectors", "images": "0000.jpg", "roots": "a folder", "a": "same"}
    for name, words in said.items():
        before = everything(tmp_path / name)
        with pytest.raises(UserError, match=words):
            Gallery.migrate(source if name == "a" else full / "a", tmp_path / name)
        assert everything(tmp_path / name) == before
    with pytest.raises(GalleryMissing):
        Gallery.migrate(tmp_path / "none", tmp_path / "b")
    assert not (tmp_path / "b").exists()
    assert here("migrate", full / "a", tmp_path / "images").code == 2


def test_what_is_written_meanwhile_is_moved(
    source: Path, full: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An image that comes, one that goes, and a label that changes while images are moved."""
    real, again = move_images.move_images, []

    def moving(*given: object) -> object:
        found = real(*given)
        if not again:
            again.append(True)
            with Gallery.open(source) as gallery, gallery._library.store.transaction():
                store = gallery._library.store
                first = store.row_of(str(full / "photos" / "0001.jpg"))
                store.labels.put([(first.id, Label("late", 1.0, "csv"))])
                store.labels.clear("csv", [store.row_of(str(full / "photos" / "0002.jpg")).id])
                store.forget([str(full / "photos" / "0003.jpg")])
                store.put(NewImage(replace(first, id=0, path="/late.jpg", sha256="ef" * 32), {}))
        return found

    monkeypatch.setattr("lookalike.gallery.migration.migrate.move_images", moving)
    Gallery.migrate(source, tmp_path / "b")
    assert everything(tmp_path / "b") == everything(source)


def test_a_difference_is_told(full: Path, tmp_path: Path) -> None:
    """A vector, a region or a word that is another one in the target is an error that names its kind."""
    Gallery.migrate(full / "a", tmp_path / "b")
    changes = {
        "vectors of structure": "UPDATE vectors SET vector = zeroblob(length(vector)) WHERE descriptor_id = 1",
        "keypoints": "UPDATE keypoints SET data = x'00'",
        f"regions of {PARTS}": "UPDATE objects SET count = count + 1",
    }
    for kind, sql in changes.items():
        shutil.copytree(tmp_path / "b", tmp_path / kind)
        with closing(sqlite3.connect(tmp_path / kind / FILE)) as database, database:
            database.execute(sql)
        with pytest.raises(GalleriesDiffer, match=kind):
            Gallery.migrate(full / "a", tmp_path / kind)


def test_what_is_to_be_described_anew_stays_so(source: Path, tmp_path: Path) -> None:
    """A descriptor that a newer version has replaced is unfinished in the target as well, and is finished there."""
    with Gallery.open(source) as gallery, gallery._library.store.transaction():
        gallery._library.store.replace_descriptor(get("pdq").card)
    Gallery.migrate(source, tmp_path / "b")
    with Gallery.open(tmp_path / "b") as moved:
        assert moved.lacking() == {"pdq": 8}
        assert moved.describe_lacking().updated == 8
        assert moved.lacking() == {}


def test_the_commands_of_the_guide(full: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each one between folders does what the page says; test_every_direction.py goes to the engines."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(full / "a", "photos.gallery")
    page = (Path(__file__).parents[3] / "docs/how-to/migrate.md").read_text("utf-8")
    lines = [line for line in re.findall(r"^lookalike (.+)$", page, re.MULTILINE) if "://" not in line]
    assert [here(*line.split()).code for line in lines] == [0, 0]


def test_a_gallery_without_paths(tmp_path: Path) -> None:
    """Opaque names stay, files are known under them afterwards, and the thumbnails come along."""
    photos = folder_of(tmp_path / "photos", 3)
    with Gallery.create(tmp_path / "a", ["structure"], retention="thumbnails") as gallery:
        gallery.add(photos)
    report = Gallery.migrate(tmp_path / "a", tmp_path / "b")
    assert report.verified["thumbnails"] == 3
    with Gallery.open(tmp_path / "b") as moved:
        assert moved.add(photos).unchanged == 3
        assert moved.check().problems == ()
    with Gallery.open(tmp_path / "a") as gallery:
        assert [row.path for row in gallery] == [row.path for row in Gallery.open(tmp_path / "b")]


def test_the_command(full: Path, tmp_path: Path) -> None:
    """Words for people, one object for programs."""
    ran = here("migrate", full / "a", tmp_path / "b")
    assert (ran.code, ran.err) == (0, "")
    assert "now holds 8 images and 1 video: 9 moved, 0 were there" in ran.out
    assert "8 searches: 100% of the nearest found" in ran.out
    found = here("migrate", full / "a", tmp_path / "b", "--json").json
    assert (found["moved"], found["present"], found["verified"]["verdicts"]) == (0, 9, 2)
