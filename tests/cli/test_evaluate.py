"""lookalike evaluate: which protocol, what is printed where, and the mistakes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lookalike.evaluation import ClassReport, CopyReport
from lookalike.imaging.manipulations import EDITS
from samples import drawn, folder_of, save
from terminal import fields, here, process

FEW = ("--by", "structure,blend", "--queries", 1)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return folder_of(tmp_path / "photos", 6)


@pytest.fixture
def kinds(tmp_path: Path) -> Path:
    for number in range(6):
        save(tmp_path / "kinds" / ("a" if number < 3 else "b") / f"{number}.jpg", drawn(number))
    return tmp_path / "kinds"


def test_json_of_copies(photos: Path) -> None:
    """One document with the fields of the report and the protocol; nothing on stderr; every edit of every measure."""
    ran = process("evaluate", photos, *FEW, "--json")
    assert (ran.code, ran.err) == (0, "")
    assert sorted(ran.json) == sorted(["protocol", *fields(CopyReport)])
    assert (ran.json["protocol"], ran.json["library"], ran.json["foreign"]) == ("copies", 5, 1)
    assert [one["by"] for one in ran.json["scores"]] == ["structure", "blend"]
    assert [list(one["by_edit"]) for one in ran.json["scores"]] == [list(EDITS)] * 2
    assert ran.json == here("evaluate", photos, *FEW, "--json", "--seed", 0).json


def test_json_of_classes(kinds: Path) -> None:
    """Two sub-folders with images are classes, unless copies are asked for."""
    told = here("evaluate", kinds, "--by", "colour", "--json").json
    assert sorted(told) == sorted(["protocol", *fields(ClassReport)])
    assert (told["protocol"], told["classes"], told["queries"]) == ("classes", {"a": 3, "b": 3}, 6)
    assert here("evaluate", kinds, *FEW, "--protocol", "copies", "--json").json["protocol"] == "copies"


def test_one_sub_folder_is_no_class(photos: Path) -> None:
    """Images in one sub-folder and beside it are looked for as copies."""
    save(photos / "more" / "x.jpg", drawn(40))
    (photos / "empty").mkdir()
    assert here("evaluate", photos, *FEW, "--json").json["library"] == 6


def test_words(photos: Path, kinds: Path) -> None:
    """For people: a line for each measure, chance beside those of classes, and what was evaluated."""
    ran = here("evaluate", photos, *FEW)
    assert (ran.code, ran.err) == (0, "")
    assert "5 images, 1 of them edited in 45 ways; 1 foreign ones" in ran.out
    assert [line.split()[0] for line in ran.out.splitlines() if "%" in line] == ["structure", "blend"]
    ran = here("evaluate", kinds, "--by", "colour,pdq")
    assert "6 images in 2 classes, 6 queries" in ran.out
    assert [line.split()[0] for line in ran.out.splitlines() if "%" in line] == ["colour", "pdq", "chance"]


def test_foreign_images(photos: Path, tmp_path: Path) -> None:
    """--foreign brings its own strangers, so that all of DIR is the library; --one-in says how many may pass."""
    strange = folder_of(tmp_path / "others", 4, 50)
    told = here("evaluate", photos, *FEW, "--foreign", strange, "--one-in", 4, "--json").json
    assert (told["library"], told["foreign"], told["allowed"]) == (6, 4, 1)


def test_what_failed(photos: Path, kinds: Path) -> None:
    """Files that cannot be read are told, and make the code 1, for both protocols."""
    for folder, bad in ((photos, photos / "bad.jpg"), (kinds, kinds / "a" / "bad.jpg")):
        bad.write_text("no image")
        ran = here("evaluate", folder, *FEW, "--json")
        assert ran.code == 1
        assert [os.path.basename(failure["path"]) for failure in ran.json["failed"]] == ["bad.jpg"]
        assert "bad.jpg" in here("evaluate", folder, *FEW).err


def test_report(photos: Path, kinds: Path, tmp_path: Path) -> None:
    """--report writes the page beside what is printed, and says so on stderr."""
    for folder in (photos, kinds):
        ran = here("evaluate", folder, *FEW, "--json", "--report", tmp_path / "page.html")
        assert ran.code == 0
        assert "page.html" in ran.err
        assert ran.json["scores"]
        assert "structure" in (tmp_path / "page.html").read_text("utf-8")


def test_nothing_is_changed(photos: Path) -> None:
    """The folder holds the same files with the same times as before."""
    before = {path: path.stat().st_mtime_ns for path in photos.iterdir()}
    here("evaluate", photos, *FEW)
    assert {path: path.stat().st_mtime_ns for path in photos.iterdir()} == before


@pytest.mark.parametrize(
    "options",
    [["--by", "nonsense"], ["--by", ","], ["--queries", "0"], ["--seed", "-1"], ["--protocol", "x"], ["--one-in", "0"]],
)
def test_mistakes(photos: Path, options: list[str]) -> None:
    """Unknown names, none, and numbers out of range are the user's mistakes; nothing is printed to stdout."""
    ran = here("evaluate", photos, *options)
    assert (ran.code, ran.out) == (2, "")


def test_too_little(photos: Path, kinds: Path, tmp_path: Path) -> None:
    """An empty folder, one that is not there, classes where there are none, --foreign with classes."""
    (tmp_path / "empty").mkdir()
    for call, words in (
        ((tmp_path / "empty",), "too few images: 0 for the library"),
        ((tmp_path / "none",), "does not exist"),
        ((photos, "--protocol", "classes"), "too few classes"),
        ((kinds, "--foreign", photos), "--protocol copies"),
    ):
        ran = here("evaluate", *call)
        assert (ran.code, ran.out) == (2, "")
        assert words in ran.err
