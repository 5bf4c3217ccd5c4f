"""lookalike check and lookalike backup."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from lookalike.gallery import Gallery
from lookalike.gallery.library import FILE
from lookalike.gallery.maintenance.problems import CheckReport, Problem
from samples import folder_of
from terminal import fields, here


@pytest.fixture
def place(tmp_path: Path) -> Path:
    photos = folder_of(tmp_path / "photos", 2)
    here("index", photos, "-g", tmp_path / "g", "--descriptors", "structure")
    return tmp_path / "g"


def test_check(place: Path) -> None:
    """Code 0 and one line for a sound gallery; code 1, a line for each problem and --json with the type's fields else;
    --repair makes it sound."""
    assert (here("check", "-g", place).code, here("check", "-g", place, "--read").out) == (0, "2 images, no problem\n")
    plain = sqlite3.connect(place / FILE, isolation_level=None)
    plain.execute("DELETE FROM vectors WHERE image_id = 1")
    plain.close()
    ran = here("check", "-g", place)
    assert ran.code == 1
    assert ran.out == ("problem  vectors  structure: image 1: has no vector of this descriptor\n2 images, 1 problem\n")
    found = here("check", "-g", place, "--json").json
    assert list(found) == fields(CheckReport)
    assert [list(one) for one in found["problems"]] == [fields(Problem)]
    ran = here("check", "-g", place, "--repair")
    assert (ran.code, ran.out.splitlines()[-1]) == (0, "2 images, no problem, 1 repaired")


def test_many_problems_are_counted(tmp_path: Path) -> None:
    """Twenty of a kind are listed, and how many more there are."""
    photos = folder_of(tmp_path / "photos", 24)
    here("index", photos, "-g", tmp_path / "g", "--descriptors", "structure")
    for file in sorted(photos.iterdir())[1:]:
        file.unlink()
    out = here("check", "-g", tmp_path / "g").out.splitlines()
    assert (len(out), out[-2]) == (22, "problem  files  ... and 3 more (--json lists them all)")


def test_backup(place: Path, tmp_path: Path) -> None:
    """The copy is a gallery; a second one needs --replace."""
    ran = here("backup", tmp_path / "copy", "-g", place, "--json")
    assert ran.json == {"target": str(tmp_path / "copy"), "bytes": (tmp_path / "copy" / FILE).stat().st_size}
    assert here("backup", tmp_path / "copy", "-g", place).code == 2
    assert here("backup", tmp_path / "copy", "-g", place, "--replace").code == 0
    with Gallery.open(tmp_path / "copy") as gallery:
        assert len(gallery) == 2
