"""Listing folders: every file is named once, nothing hangs, nothing vanishes."""

from __future__ import annotations

import os
import re
import unicodedata
from collections import Counter
from functools import partial
from pathlib import Path

import pytest

from lookalike.errors import UserError
from lookalike.gallery.ingest.leave_out import LeaveOut
from lookalike.gallery.ingest.listed import LeftOut, ListedFile, Skipped
from lookalike.gallery.ingest.scan import walk
from lookalike.paths import WalkPatterns
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


def litter(folder: Path) -> Path:
    """One image that is meant, and what a NAS, a Mac, a trash and a person put beside it."""
    for name in (
        "a.jpg",
        "old/b.jpg",
        "old/b.png",
        "@eaDir/a.jpg/SYNOPHOTO_THUMB_M.jpg",
        "._a.jpg",
        ".Trash-1000/files/a.jpg",
        "$RECYCLE.BIN/a.jpg",
        ".local/share/Trash/a.jpg",
        ".hidden/c.jpg",
        ".d.jpg",
        "cleared/a.jpg",
        "cleared/.lookalike-ignore",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")
    return folder


def walked(folder: Path, *sources: Path, exclude: tuple[str, ...] = (), include: tuple[str, ...] = ()) -> list[str]:
    """What a walk lists, relative to the folder."""
    patterns = WalkPatterns(exclude, include)
    entries = walk(sources or [folder], leave_out=partial(LeaveOut, patterns=patterns))
    return [os.path.relpath(entry.path, folder) for entry in entries if isinstance(entry, ListedFile)]


def test_litter_is_left_out_and_counted(tmp_path: Path) -> None:
    """Trash, thumbnails of a NAS, a Mac's shadow files, hidden and marked folders are told with their reasons."""
    folder = litter(tmp_path)
    assert walked(folder) == ["a.jpg", "old/b.jpg", "old/b.png"]
    reasons = Counter(entry.reason for entry in walk([folder]) if isinstance(entry, LeftOut))
    assert reasons == {"trash": 2, "thumbnails": 1, "system": 1, "hidden": 3, "marked": 1}


def test_what_is_named_is_walked(tmp_path: Path) -> None:
    """A hidden file, a trash folder and a marked one that a person names are his own choice."""
    folder = litter(tmp_path)
    assert walked(folder, folder / ".d.jpg", folder / ".Trash-1000", folder / "cleared") == [
        ".d.jpg",
        ".Trash-1000/files/a.jpg",
        "cleared/a.jpg",
    ]


@pytest.mark.parametrize(
    ("exclude", "include", "more", "less"),
    [
        (("*.png",), (), [], ["old/b.png"]),
        (("old/",), (), [], ["old/b.jpg", "old/b.png"]),
        (("old/*", "!*.png"), (), [], ["old/b.jpg"]),
        ((), (".*",), [".d.jpg", ".hidden/c.jpg"], []),
        ((".d*",), (".*",), [".hidden/c.jpg"], []),
        ((), (".Trash-1000", "cleared/"), [".Trash-1000/files/a.jpg", "cleared/a.jpg"], []),
        ((), (".local", ".local/share/Trash"), [".local/share/Trash/a.jpg"], []),
    ],
)
def test_patterns(
    tmp_path: Path, exclude: tuple[str, ...], include: tuple[str, ...], more: list[str], less: list[str]
) -> None:
    """As in .gitignore; a wildcard brings back hidden files, and never a trash, which only its name does."""
    expected = {"a.jpg", "old/b.jpg", "old/b.png"} | set(more)
    assert set(walked(litter(tmp_path), exclude=exclude, include=include)) == expected - set(less)


def test_a_pattern_means_a_name_however_it_is_composed(tmp_path: Path) -> None:
    """é typed as one sign excludes the é of a Mac, which is two."""
    (tmp_path / unicodedata.normalize("NFD", "Café")).mkdir()
    (tmp_path / unicodedata.normalize("NFD", "Café") / "a.jpg").write_bytes(b"x")
    assert walked(tmp_path, exclude=("Café/",)) == []


@pytest.mark.parametrize("pattern", ["!", "[z-a]"])
def test_a_pattern_that_does_not_parse(pattern: str) -> None:
    """It is named."""
    with pytest.raises(UserError, match=re.escape(pattern)):
        LeaveOut("/photos", WalkPatterns((pattern,)))
