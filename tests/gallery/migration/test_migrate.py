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

import numpy as np
import pytest

from lookalike.comparison.calibration import Calibration
from lookalike.descriptors import get
from lookalike.descriptors.neural import model_store
from lookalike.descriptors.sound import SoundDescription
from lookalike.descriptors.video import VideoDescription
from lookalike.errors import GalleriesDiffer, GalleryMissing, UserError
from lookalike.gallery import Gallery
from lookalike.gallery.migration import move_images
from lookalike.gallery.storage.base import FaceWord, Item, NewImage, Prediction, Tuning
from lookalike.gallery.storage.frame_codec import packed as packed_frames
from lookalike.gallery.storage.row import Row
from lookalike.gallery.storage.sound_codec import packed as packed_sound
from lookalike.gallery.storage.sqlite_engine import FILE
from lookalike.types import Label
from portraits import NAME as FACES
from portraits import drawn_face, drawn_portrait, install_portraits
from regional import NAME as PARTS
from regional import install_quarters
from samples import folder_of, save
from terminal import here

KEYS = {  # column -> the table that its numbers are of, and what is written in their place
    "image_id": ("images", "path"),
    "descriptor_id": ("descriptors", "name"),
    "item_id": ("items", "code"),
}
OWN = ("uuid", "backfills ", "item files", "place ")  # of meta: what is each gallery's own


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A gallery with something in every table, and files that it was made of. Not to be changed."""
    folder = tmp_path_factory.mktemp("full")
    install_portraits(folder / "models")
    install_quarters(folder / "models")
    for who in (1, 2):
        for number in range(2):
            save(folder / "photos" / f"{who}-{number}.png", drawn_portrait({(number, 1): drawn_face(who, number)}))
    folder_of(folder / "photos", 5)
    (folder / "photos" / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 and no more")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(model_store.VARIABLE, str(folder / "models"))
        with Gallery.create(folder / "a", ["structure", "pdq", PARTS, FACES], keypoints=True) as gallery:
            gallery.add(folder / "photos", exclude=["*.gif"])
            gallery.remove(folder / "photos" / "0000.jpg")  # ids do not begin at 1, nor follow one another
            gallery.group_faces()
            gallery.name_face(folder / "photos" / "1-0.png", "Ada")
            gallery.group_faces()
            gallery.add_verdicts([(folder / "photos/0001.jpg", folder / "photos/0002.jpg")], "different")
            gallery.add_verdicts([(folder / "photos/0001.jpg", folder / "photos/0003.jpg")], "same")
            _fill(gallery, folder)
        yield folder


def _fill(gallery: Gallery, folder: Path) -> None:
    """What takes long to come by, or needs a decoder, is written as the verbs would write it."""
    store = gallery._library.store
    first, second = (store.row_of(str(folder / "photos" / name)) for name in ("0001.jpg", "0002.jpg"))
    film = VideoDescription(np.array([0.0, 0.5], np.float32), np.eye(2, 4, dtype=np.float16))
    sound = SoundDescription(np.arange(3, dtype=np.uint32), np.ones(3, np.uint32), np.ones(3, np.uint8), None)
    video = Row(0, str(folder / "film.mp4"), "ab" * 32, 9, 8, 40, 30, "MP4", None, None, 2, None, "h264", 1.1, 2.0, 7)
    with store.transaction():
        store.put(NewImage(video, {}, frames={"structure": packed_frames(film)}, sound=packed_sound(sound)))
        store.labels.put_classifier("m:1", "m", ["rose", "tulip"])
        said = Prediction(first.id, (Label("rose", 0.7, "m:1"),))
        store.labels.put_predictions("m:1", "m", 2, [said, Prediction(second.id, ())])
        store.labels.put([(second.id, Label("café", 1.0, "csv"))])
        store.put_calibrations({"structure": Calibration(1.5, -2.0, "fitted")})
        store.put_tuning("blend", Tuning(Calibration(2.5, 1.0, "pairs"), {"structure": 1.0}))
        store.items.put_columns({"price": "number", "size": "text"})
        store.items.put(Item("A", "Shirt", (first.path, second.path), {"price": 9.5, "size": "M"}))
        store.items.put(Item("B", "Hat", ("/nowhere.jpg",), {}))
        store.faces.keep_words(FACES, [FaceWord(second.id, (0.1, 0.2, 0.3, 0.4), None, True)])
        store.faces.set_unswept({"cd" * 32})


@pytest.fixture(autouse=True)
def models(full: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(model_store.VARIABLE, str(full / "models"))


@pytest.fixture
def source(full: Path, tmp_path: Path) -> Path:
    """A copy of it to write to."""
    shutil.copytree(full / "a", tmp_path / "a")
    return tmp_path / "a"


def everything(gallery: Path) -> dict[str, list[str]]:
    """Table -> all that stands in it, in the database itself, with names in the place of numbers that are the
    gallery's own: an oracle that shares no code with what is tested."""
    with closing(sqlite3.connect(gallery / FILE)) as database:
        tables = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        found = {table: _rows(database, table) for table in tables if table not in ("sqlite_sequence", "removals")}
    found["meta"] = [row for row in found["meta"] if not any(f"'{own}" in row for own in OWN)]
    return found


def _rows(database: sqlite3.Connection, table: str) -> list[str]:
    columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
    rows = []
    for values in database.execute(f"SELECT * FROM {table}").fetchall():
        named = dict(zip(columns, values, strict=True))
        for key in {"id", "seq", "revision"} & set(named):
            del named[key]
        for key in KEYS.keys() & named.keys():
            other, name = KEYS[key]
            named[key] = database.execute(f"SELECT {name} FROM {other} WHERE id = ?", (named[key],)).fetchone()
        if named.get("person_id") is not None:
            named["person_id"] = _person(database, named["person_id"])
        rows.append(repr(sorted(named.items())))
    return sorted(rows)


def _person(database: sqlite3.Connection, number: int) -> object:
    """A name, or all faces of the group."""
    sql = "SELECT p.path, f.place FROM faces f JOIN images p ON p.id = f.image_id WHERE f.person_id = ? ORDER BY 1, 2"
    return database.execute("SELECT name FROM persons WHERE id = ?", (number,)).fetchone()[0] or str(
        database.execute(sql, (number,)).fetchall()
    )


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
    with Gallery.create(tmp_path / "images", ["structure", "pdq", PARTS, FACES], keypoints=True) as other:
        other.add(folder_of(tmp_path / "others", 1))
    with Gallery.create(tmp_path / "roots", ["structure", "pdq", PARTS, FACES], keypoints=True) as other:
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
    """Each one does what the page says."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(full / "a", "photos.gallery")
    page = (Path(__file__).parents[3] / "docs/how-to/migrate.md").read_text("utf-8")
    lines = re.findall(r"^lookalike (.+)$", page, re.MULTILINE)
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
