"""Listing folders: every file is named once, nothing hangs, nothing vanishes."""

from __future__ import annotations

import os
from pathlib import Path

from lookalike.gallery.ingest.scan import ListedFile, Skipped, walk
from lookalike.types import Failure
from samples import drawn, save


def names(entries: list[object], kind: type) -> list[str]:
    return [os.path.basename(entry.path) for entry in entries if isinstance(entry, kind)]


def test_finds_images_by_name_and_by_content(tmp_path: Path) -> None:
    """An image without its extension is found, notes and videos are skipped, and all are told."""
    save(tmp_path / "a.jpg", drawn(1))
    (tmp_path / "unnamed").write_bytes((tmp_path / "a.jpg").read_bytes())
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "empty").touch()
    entries = list(walk([tmp_path]))
    assert names(entries, ListedFile) == ["a.jpg", "unnamed"]
    assert names(entries, Skipped) == ["empty", "notes.txt"]


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    """Links to a parent, to each other and to themselves end the walk, and each file is listed once."""
    save(tmp_path / "in" / "a.jpg", drawn(1))
    (tmp_path / "in" / "up").symlink_to(tmp_path)
    (tmp_path / "self.jpg").symlink_to(tmp_path / "self.jpg")
    (tmp_path / "dead.jpg").symlink_to(tmp_path / "nowhere")
    entries = list(walk([tmp_path, tmp_path / "in"]))
    assert names(entries, ListedFile) == ["a.jpg"]
    assert sorted(names(entries, Failure)) == ["dead.jpg", "self.jpg"]


def test_a_pipe_is_not_opened(tmp_path: Path) -> None:
    """A FIFO, even one named like an image, is skipped rather than waited for."""
    os.mkfifo(tmp_path / "pipe.jpg")
    assert names(list(walk([tmp_path])), Skipped) == ["pipe.jpg"]
    assert isinstance(next(walk([tmp_path / "pipe.jpg"])), Failure)


def test_names_of_every_kind(tmp_path: Path) -> None:
    """Spaces, newlines, emoji and bytes that are no UTF-8 come through unchanged."""
    wanted = ["a b.jpg", "line\nbreak.jpg", "🐈.jpg", os.fsdecode(b"caf\xe9.jpg")]
    for name in wanted:
        (tmp_path / name).write_bytes(b"x")
    assert sorted(names(list(walk([tmp_path])), ListedFile)) == sorted(wanted)


def test_a_missing_source_is_told(tmp_path: Path) -> None:
    """A file or folder that is not there is a Failure, not an exception."""
    assert list(walk([tmp_path / "no"])) == [Failure(str(tmp_path / "no"), "no such file")]


def test_very_deep_folders(tmp_path: Path) -> None:
    """Depth is limited by the system's path length, not by Python's recursion."""
    folders = [str(tmp_path / "d")]
    os.mkdir(folders[0])
    while len(folders) < 1500:
        folders.append(folders[-1] + "/d")
        os.mkdir(folders[-1])
    Path(folders[-1] + "/a.jpg").write_bytes(b"x")
    assert names(list(walk([tmp_path])), ListedFile) == ["a.jpg"]
    os.unlink(folders[-1] + "/a.jpg")  # pytest's own clean-up would not get down there
    for folder in reversed(folders):
        os.rmdir(folder)


def test_the_gallery_itself_is_left_out(tmp_path: Path) -> None:
    """A gallery that lies in the folder it indexes does not list its own files."""
    (tmp_path / "g.gallery").mkdir()
    (tmp_path / "g.gallery" / "x.jpg").write_bytes(b"x")
    assert list(walk([tmp_path], avoid=str(tmp_path / "g.gallery"))) == []
