"""A descriptor of whole images, added to a gallery that was made without it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lookalike.errors import UserError
from lookalike.gallery import Gallery
from lookalike.gallery.index import index_cache
from samples import drawn, folder_of, save

COUNT = 20


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = folder_of(tmp_path / "photos", COUNT)
    save(folder / "blank.png", np.full((120, 160, 3), 90, np.uint8))
    return folder


def vectors(gallery: Gallery, name: str) -> list[tuple[Any, ...]]:
    """(path, contrast, vector) of every image that has one, by path."""
    sql = """SELECT p.path, v.contrast, v.vector FROM vectors v JOIN images p ON p.id = v.image_id
             JOIN descriptors d ON d.id = v.descriptor_id WHERE d.name = ? ORDER BY p.path"""
    return list(gallery._library.store._db.all(sql, (name,)))


def test_it_is_as_if_it_had_been_there_from_the_start(photos: Path, tmp_path: Path) -> None:
    """Vectors and contrasts are those of a gallery made with it, blank images included; others are not touched; a
    search by it answers the same; once more there is nothing to do."""
    done: list[tuple[int, int]] = []
    with (
        Gallery.create(tmp_path / "g", ["structure"]) as gallery,
        Gallery.create(tmp_path / "h", ["structure", "colour"]) as whole,
    ):
        gallery.add(photos)
        whole.add(photos)
        before = vectors(gallery, "structure")
        report = gallery.add_descriptor("colour", progress=lambda a, b: done.append((a, b)))
        assert (report.updated, report.unchanged, report.failed) == (COUNT + 1, 0, ())
        assert done[-1] == (COUNT + 1, COUNT + 1)
        assert vectors(gallery, "colour") == vectors(whole, "colour")
        assert vectors(gallery, "structure") == before
        query = save(tmp_path / "query.png", drawn(3)[10:100, 20:150])
        assert gallery.search(query, 5, by="colour") == whole.search(query, 5, by="colour")
        again = gallery.add_descriptor("colour")
        assert (again.updated, again.unchanged) == (0, COUNT + 1)
    with Gallery.open(tmp_path / "g") as opened:
        assert list(opened.info().descriptors) == ["structure", "colour"]
        save(photos / "new.png", drawn(77))
        assert opened.add(photos).added == 1
        assert len(vectors(opened, "colour")) == COUNT + 2


def test_files_that_are_gone_or_changed(photos: Path, tmp_path: Path) -> None:
    """They are failures and keep what they had; the others get their vectors."""
    with Gallery.create(tmp_path / "g", ["structure"]) as gallery:
        gallery.add(photos)
        (photos / "0001.jpg").unlink()
        save(photos / "0002.jpg", drawn(500))
        report = gallery.add_descriptor("colour")
        assert [Path(one.path).name for one in report.failed] == ["0001.jpg", "0002.jpg"]
        assert report.updated == COUNT - 1
        assert len(vectors(gallery, "structure")) == COUNT + 1
        with pytest.raises(UserError, match="nonsense"):
            gallery.add_descriptor("nonsense")
        assert list(gallery.info().descriptors) == ["structure", "colour"]


KILLED = """
import os, signal, sys
from lookalike.gallery import Gallery
def stop(done, total):
    os.kill(os.getpid(), signal.SIGKILL)
Gallery.open(sys.argv[1]).add_descriptor("colour", progress=stop)
"""


@pytest.mark.kills
def test_killed_it_goes_on(photos: Path, tmp_path: Path) -> None:
    """After kill -9 the gallery is whole and keeps the batches that were written; the next run reads the rest alone."""
    with Gallery.create(tmp_path / "g", ["structure"]) as gallery:
        gallery.add(photos)
    assert subprocess.run([sys.executable, "-c", KILLED, tmp_path / "g"], check=False).returncode == -9
    with Gallery.open(tmp_path / "g") as gallery:
        assert gallery._library.store.check() == "ok"
        written = len(vectors(gallery, "colour"))
        assert 0 < written < COUNT + 1
        report = gallery.add_descriptor("colour")
        assert (report.updated, report.unchanged) == (COUNT + 1 - written, written)
        assert len(vectors(gallery, "colour")) == COUNT + 1


def test_an_index_copy_learns_of_vectors_that_come_late(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Searched while half of them are there and newer images have them, saved or in memory: the rest is found after."""
    monkeypatch.setattr(index_cache, "MIN_UNSAVED", 0)

    def stop(*_: int) -> None:
        raise KeyboardInterrupt

    late = photos / "0019.jpg"
    with Gallery.create(tmp_path / "g", ["structure"]) as gallery:
        gallery.add(photos)
        with pytest.raises(KeyboardInterrupt):
            gallery.add_descriptor("colour", progress=stop)
        save(photos / "new.png", drawn(77))
        gallery.add(photos)
        early = {hit.path for hit in gallery.search(late, COUNT, by="colour")}
        assert str(photos / "new.png") in early
        assert len(early) < COUNT
    for _ in range(2):
        with Gallery.open(tmp_path / "g") as gallery:
            gallery.add_descriptor("colour")
            found = [hit.path for hit in gallery.search(drawn_file(tmp_path), COUNT + 5, by="colour")]
            assert len(found) == COUNT + 1
            assert gallery.search(drawn_file(tmp_path), COUNT + 5, by="colour", exact=True)[0].path == found[0]


def drawn_file(folder: Path) -> Path:
    """A query that lies nowhere in the gallery."""
    return save(folder / "query.png", drawn(19, 200, 150))
