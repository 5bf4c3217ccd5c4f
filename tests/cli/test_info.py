"""lookalike info: what a gallery holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from lookalike.gallery import Gallery, GalleryInfo
from lookalike.types import to_json
from samples import folder_of
from terminal import fields, here, process


@pytest.fixture
def gallery(tmp_path: Path) -> Path:
    folder_of(tmp_path / "photos", 4)
    (tmp_path / "photos" / "bad.jpg").write_text("no image")
    with Gallery.create(tmp_path / "g") as opened:
        opened.add(tmp_path / "photos")
    return tmp_path / "g"


def test_json(gallery: Path) -> None:
    """One document with the library's fields and figures; nothing else on either stream."""
    ran = process("info", "-g", gallery, "--json")
    assert (ran.code, ran.err) == (0, "")
    assert list(ran.json) == fields(GalleryInfo)
    with Gallery.open(gallery) as opened:
        assert ran.json == to_json(opened.info())
    assert (ran.json["images"], ran.json["formats"], len(ran.json["failures"])) == (4, {"JPEG": 4}, 1)


def test_words(gallery: Path) -> None:
    """For people: counts and sizes on stdout, the failed files on stderr; failures of the past are no failure now."""
    ran = here("info", "--gallery", gallery)
    assert ran.code == 0
    for word in ("4 (4 JPEG)", "colour, texture, structure", "copy", str(gallery)):
        assert word in ran.out
    assert "bad.jpg" in ran.err


def test_keypoints(gallery: Path, tmp_path: Path) -> None:
    """Whether keypoints are kept is told."""
    Gallery.create(tmp_path / "k", keypoints=True).close()
    for path, kept, words in ((gallery, False, "keypoints  not kept"), (tmp_path / "k", True, "keypoints  kept")):
        assert here("info", "-g", path, "--json").json["keypoints"] == kept
        assert words in here("info", "-g", path).out


def test_an_empty_gallery(tmp_path: Path) -> None:
    """Nothing in it is told as such."""
    Gallery.create(tmp_path / "g").close()
    assert here("info", "-g", tmp_path / "g", "--json").json["images"] == 0
    assert here("info", "-g", tmp_path / "g").code == 0
