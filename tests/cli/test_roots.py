"""lookalike roots: list, move and forget the folders of a gallery."""

from __future__ import annotations

from pathlib import Path

import pytest

from lookalike.gallery import Gallery
from samples import folder_of
from terminal import here


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    photos = folder_of(tmp_path / "photos", 2)
    here("index", photos, "-g", tmp_path / "g", "--descriptors", "structure", "--exclude", "*.gif")
    return photos


def test_list(photos: Path, tmp_path: Path) -> None:
    """Each folder with its images, whether it is there, and its patterns; the same in --json."""
    out = here("roots", "list", "-g", tmp_path / "g").out
    assert all(word in out for word in (str(photos), " 2 ", "there", "exclude *.gif"))
    photos.rename(tmp_path / "elsewhere")
    assert "gone or empty" in here("roots", "list", "-g", tmp_path / "g").out
    assert here("roots", "list", "-g", tmp_path / "g", "--json").json == {
        "roots": [{"path": str(photos), "images": 2, "there": False, "exclude": ["*.gif"], "include": []}]
    }


def test_move(photos: Path, tmp_path: Path) -> None:
    """The images are at their new place, and an unknown folder is a mistake in the call."""
    new = photos.rename(tmp_path / "archive")
    (new / "0001.jpg").unlink()
    assert here("roots", "move", tmp_path / "none", new, "-g", tmp_path / "g").code == 2
    ran = here("roots", "move", photos, new, "-g", tmp_path / "g")
    assert ran.out == f"2 images now below {new}; 1 of them are not there\n"
    back = here("roots", "move", new, photos, "-g", tmp_path / "g", "--force", "--json").json
    assert back == {"old": str(new), "new": str(photos), "images": 2, "missing": 2}


def test_forget_asks(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a terminal it refuses, a no forgets nothing, --force does it."""
    ran = here("roots", "forget", photos, "-g", tmp_path / "g")
    assert ran.code == 2
    assert "2 images" in ran.err
    monkeypatch.setattr("lookalike.cli.output.has_terminal", lambda: True)
    assert here("roots", "forget", photos, "-g", tmp_path / "g", answer="n\n").code == 2
    with Gallery.open(tmp_path / "g") as gallery:
        assert len(gallery) == 2
    ran = here("roots", "forget", photos, "-g", tmp_path / "g", "--force", "--json")
    assert ran.json == {"root": str(photos), "forgotten": 2}
