"""A gallery with something in every table, and all that stands in the tables of one: for tests that move galleries."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np

from lookalike.comparison.calibration import Calibration
from lookalike.descriptors.sound import SoundDescription
from lookalike.descriptors.video import VideoDescription
from lookalike.gallery import Gallery
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

HELD = ("structure", "pdq", PARTS, FACES)
KEYS = {  # column -> the table that its numbers are of, and what is written in their place
    "image_id": ("images", "path"),
    "descriptor_id": ("descriptors", "name"),
    "item_id": ("items", "code"),
}
OWN = ("uuid", "backfills ", "item files", "place ")  # of meta: what is each gallery's own


def fill_gallery(folder: Path) -> Path:
    """The gallery ``folder/a`` of images in ``folder/photos``, with models in ``folder/models``, which the environment
    names. Eight images and a video that is not there."""
    install_portraits(folder / "models")
    install_quarters(folder / "models")
    for who in (1, 2):
        for number in range(2):
            save(folder / "photos" / f"{who}-{number}.png", drawn_portrait({(number, 1): drawn_face(who, number)}))
    folder_of(folder / "photos", 5)
    (folder / "photos" / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 and no more")
    with Gallery.create(folder / "a", HELD, keypoints=True) as gallery:
        gallery.add(folder / "photos", exclude=["*.gif"])
        gallery.remove(folder / "photos" / "0000.jpg")  # ids do not begin at 1, nor follow one another
        gallery.group_faces()
        gallery.name_face(folder / "photos" / "1-0.png", "Ada")
        gallery.group_faces()
        gallery.add_verdicts([(folder / "photos/0001.jpg", folder / "photos/0002.jpg")], "different")
        gallery.add_verdicts([(folder / "photos/0001.jpg", folder / "photos/0003.jpg")], "same")
        _fill(gallery, folder)
    return folder / "a"


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
