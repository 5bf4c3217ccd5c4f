"""A gallery of version 1, which knew no keypoints, opened today."""

from __future__ import annotations

import os
import sqlite3
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from importlib import resources
from pathlib import Path
from threading import Barrier

import pytest

from lookalike.gallery import Gallery
from lookalike.gallery.library import FILE
from lookalike.gallery.storage.database import APPLICATION_ID, MIGRATIONS, Database
from lookalike.gallery.storage.privacy import Privacy
from samples import folder_of

COUNT = 6


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A gallery as version 1 wrote it: its schema, and rows that it could have."""
    photos = folder_of(tmp_path / "photos", COUNT)
    with Gallery.create(tmp_path / "new", ["structure", "colour"]) as gallery:
        gallery.add(photos)
    (tmp_path / "old").mkdir()
    database = sqlite3.connect(tmp_path / "old" / FILE)
    database.execute("PRAGMA journal_mode = WAL")
    database.executescript(resources.files("lookalike.gallery.storage").joinpath("schema.sql").read_text("utf-8"))
    database.execute("ATTACH ? AS new", (str(tmp_path / "new" / FILE),))
    database.execute("INSERT INTO descriptors SELECT id, name, fingerprint, card FROM new.descriptors")
    for earlier, table in {"meta": "meta", "pictures": "images", "vectors": "vectors", "roots": "roots"}.items():
        columns = [one[1] for one in database.execute(f"PRAGMA table_info({earlier})")]
        if table == "vectors":  # whose columns have other names today, and come first
            columns = [one[1] for one in database.execute("PRAGMA new.table_info(vectors)")][: len(columns)]
        database.execute(f"INSERT INTO {earlier} SELECT {', '.join(columns)} FROM new.{table}")
    database.execute("INSERT INTO decisions VALUES ('a', 'b', 'different')")
    database.execute("INSERT INTO labels SELECT id, 'cat', 1, 'csv' FROM pictures")
    database.execute("DELETE FROM meta WHERE key <> 'uuid'")
    database.commit()
    database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    database.execute("PRAGMA user_version = 1")
    database.close()
    return tmp_path / "old"


def version(gallery: Path) -> tuple[int, set[str]]:
    database = sqlite3.connect(gallery / FILE)
    tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    found = database.execute("PRAGMA user_version").fetchone()[0]
    database.close()
    return found, tables


def test_it_is_as_it_was(old: Path, tmp_path: Path) -> None:
    """Opened, it has the newest format, the same images and answers, and no keypoints; new images get none."""
    assert version(old)[0] == 1
    assert "keypoints" not in version(old)[1]
    query = tmp_path / "photos" / "0002.jpg"
    with Gallery.open(old) as gallery, Gallery.open(tmp_path / "new") as new:
        assert len(gallery) == COUNT
        assert gallery.search(query, rerank=0) == new.search(query, rerank=0)
        assert not gallery.keeps_keypoints
        assert gallery.retention == "paths"
        assert gallery.verdicts() == [("a", "b", "different")]
        assert len(gallery.ids("frames is null and damage is null")) == len(gallery.ids("format = 'PNG'"))
        assert gallery.label_counts() == {"csv": {"cat": COUNT}}
        gallery.add([folder_of(tmp_path / "more", 2, first=50)])
        assert gallery._library.store._db.all("SELECT count(*) FROM keypoints") == [(0,)]
        hits = gallery.search(query, 5, rerank=5)
        assert [hit.verified for hit in hits[1:]] == [True] * 4
        gallery.remove(query)
        assert len(gallery) == COUNT + 1
    assert version(old)[0] == len(MIGRATIONS)


def test_opaque_names_are_carried_over(old: Path, tmp_path: Path) -> None:
    """A gallery without paths whose images were "picture-..." has "image-..." instead, and knows every file still."""
    database = sqlite3.connect(old / FILE)
    key = database.execute("SELECT value FROM meta WHERE key = 'uuid'").fetchone()[0]
    database.execute("INSERT INTO meta VALUES ('keeps', 'vectors')")
    database.execute("DELETE FROM roots")
    for number, path in database.execute("SELECT id, name FROM pictures").fetchall():
        name = "picture-" + Privacy("vectors", key).name(path).removeprefix("image-")
        database.execute("UPDATE pictures SET path = ?, name = ? WHERE id = ?", (name.encode(), name, number))
    database.execute("INSERT INTO failures VALUES (?, 'picture-0 is cut short', 1, 1)", (b"picture-0",))
    database.commit()
    database.close()
    with Gallery.open(old) as gallery:
        assert gallery.retention == "vectors"
        assert [(one.path, one.reason) for one in gallery.info().failures] == [("image-0", "image-0 is cut short")]
        assert gallery.add(tmp_path / "photos").unchanged == COUNT
        assert all(row.path.startswith("image-") for row in gallery)
        assert len(gallery.ids("path like 'image-%'")) == COUNT


def test_names_are_composed(old: Path) -> None:
    """A name that a Mac took apart (NFD) is found as it is typed; its path keeps its bytes."""
    apart = unicodedata.normalize("NFD", "/photos/Été.jpg")
    database = sqlite3.connect(old / FILE)
    database.execute("UPDATE pictures SET path = ?, name = ? WHERE id = 1", (apart.encode(), apart))
    database.commit()
    database.close()
    with Gallery.open(old) as gallery:
        assert [row.path for row in gallery.rows("path like '%été.jpg'")] == [apart]
        assert gallery.rows_at(["/photos/Été.jpg"])["/photos/Été.jpg"].path == apart


def test_many_open_it_at_once(old: Path) -> None:
    """Whoever comes first brings it up to date; the others find it so, and nobody sees an error."""
    many = 8
    barrier = Barrier(many)

    def opened(_: int) -> int:
        barrier.wait()
        with Gallery.open(old) as gallery:
            return len(gallery)

    with ThreadPoolExecutor(many) as pool:
        assert [COUNT] * many == list(pool.map(opened, range(many)))
    assert version(old)[0] == len(MIGRATIONS)


def test_another_comes_between(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between seeing that it is old and taking the lock, another process brings it all the way: nothing is done twice,
    also where doing it twice would pass unseen."""
    transaction = Database.transaction

    def late(database: Database) -> AbstractContextManager[None]:
        monkeypatch.undo()
        Gallery.open(old).close()
        return transaction(database)

    monkeypatch.setattr(Database, "transaction", late)
    with Gallery.open(old) as gallery:
        assert len(gallery) == COUNT
    assert version(old)[0] == len(MIGRATIONS)


@pytest.mark.skipif(os.name == "nt", reason="bytes on the disk are compared")
def test_opened_twice(old: Path) -> None:
    """A gallery that is up to date is not written to by opening it."""
    Gallery.open(old).close()
    before = (old / FILE).read_bytes()
    Gallery.open(old).close()
    assert before == (old / FILE).read_bytes()
