"""ARCHITECTURE.md tells how a query goes through the files; here one is followed."""

from __future__ import annotations

import re
import sys
import threading
from pathlib import Path
from types import FrameType

import lookalike
from lookalike.gallery import Gallery
from samples import drawn as draw
from samples import folder_of, save

ROOT = Path(lookalike.__file__).parent
TEXT = (Path(__file__).parents[3] / "ARCHITECTURE.md").read_text("utf-8")


def documented() -> list[str]:
    """The files of the numbered list, in its order."""
    section = TEXT.split("## The walk of one query")[1].split("\n## ")[0]
    return re.findall(r"^\d+\. `([\w/]+\.py)`", section, re.MULTILINE)


def test_the_walk_is_as_told(tmp_path: Path) -> None:
    """A search with re-ranking enters the documented files in the documented order; none stands there twice."""
    folder = folder_of(tmp_path / "photos", 4)
    save(tmp_path / "query.jpg", draw(2)[::2, ::2], quality=70)
    entered: dict[str, None] = {}

    def follow(frame: FrameType, event: str, _: object) -> None:
        file = Path(frame.f_code.co_filename)
        if event == "call" and file.is_relative_to(ROOT):
            entered.setdefault(file.relative_to(ROOT).as_posix())

    with Gallery.create(tmp_path / "g") as gallery:
        gallery.add(folder)
        threading.setprofile(follow)
        sys.setprofile(follow)
        try:
            hits = gallery.search(tmp_path / "query.jpg", 2)
        finally:
            sys.setprofile(None)
            threading.setprofile(None)
    assert [hit.verified for hit in hits] == [True, True]
    files = documented()
    assert len(set(files)) == len(files) >= 10
    assert [file for file in entered if file in files] == files
