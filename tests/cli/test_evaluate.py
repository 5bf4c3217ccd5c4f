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
    assert sorted(ran.json) == sorted(["protocol", "reason", "at_chance", *fields(CopyReport)])
    assert (ran.json["protocol"], ran.json["library"], ran.json["distractors"]) == ("copies", 5, 1)
    assert [one["by"] for one in ran.json["scores"]] == ["structure", "blend"]
    assert [list(one["by_edit"]) for one in ran.json["scores"]] == [list(EDITS)] * 2
    assert ran.json == here("evaluate", photos, *FEW, "--json", "--seed", 0).json


def test_json_of_classes(kinds: Path) -> None:
    """Two sub-folders with images are classes, unless copies are asked for."""
    result = here("evaluate", kinds, "--by", "colour", "--json").json
    assert sorted(result) == sorted(["protocol", "reason", "at_chance", *fields(ClassReport)])
    assert (result["protocol"], result["classes"], result["queries"]) == ("classes", {"a": 3, "b": 3}, 6)
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
    assert ran.out.startswith("protocol: copies (there are no two sub-folders with images")
    assert "5 images, 1 of them edited in 45 ways; 1 distractors" in ran.out
    assert [line.split()[0] for line in ran.out.splitlines() if "%" in line] == ["structure", "blend"]
    ran = here("evaluate", kinds, "--by", "colour,pdq")
    assert "6 images in 2 classes, 6 queries" in ran.out
    assert [line.split()[0] for line in ran.out.splitlines() if "%" in line] == ["colour", "pdq", "chance"]


def test_distractors(photos: Path, tmp_path: Path) -> None:
    """--distractors brings its own negatives, so that all of DIR is the library; --one-in says how many may pass."""
    strange = folder_of(tmp_path / "others", 4, 50)
    result = here("evaluate", photos, *FEW, "--distractors", strange, "--one-in", 4, "--json").json
    assert (result["library"], result["distractors"], result["allowed_false_matches"]) == (6, 4, 1)


def test_protocol_and_reason(kinds: Path) -> None:
    """Which protocol is run, why, and how to get the other one; in JSON as two fields."""
    assert "protocol: classes (2 sub-folders are taken as classes); --protocol copies" in here("evaluate", kinds).out
    ran = here("evaluate", kinds, *FEW, "--protocol", "copies")
    assert "protocol: copies (as requested); --protocol classes" in ran.out
    result = here("evaluate", kinds, "--by", "colour", "--json").json
    assert (result["protocol"], result["reason"]) == ("classes", "2 sub-folders are taken as classes")


def test_no_better_than_chance(tmp_path: Path) -> None:
    """Sub-folders that are no classes of what is shown, as years are not: a warning that names the descriptors and
    the other protocol; of folders that differ by colour there is none."""
    for number in range(12):
        save(tmp_path / "years" / f"{2020 + number % 2}" / f"{number}.png", drawn(number))
        tinted = drawn(number) // 4
        tinted[..., number % 2] += 180
        save(tmp_path / "colours" / f"{number % 2}" / f"{number}.png", tinted)
    ran = here("evaluate", tmp_path / "years", "--by", "colour")
    assert "warning: no better than chance: colour" in ran.err
    assert "--protocol copies" in ran.err
    assert here("evaluate", tmp_path / "years", "--by", "colour", "--json").json["at_chance"] == ["colour"]
    ran = here("evaluate", tmp_path / "colours", "--by", "colour", "--json")
    assert (ran.json["at_chance"], ran.err) == ([], "")


def test_what_failed(photos: Path, kinds: Path) -> None:
    """Files that cannot be read are listed, and make the code 1, for both protocols."""
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
    """An empty folder, one that is not there, classes where there are none, --distractors with classes."""
    (tmp_path / "empty").mkdir()
    for call, words in (
        ((tmp_path / "empty",), "too few images: 0 for the library"),
        ((tmp_path / "none",), "does not exist"),
        ((photos, "--protocol", "classes"), "too few classes"),
        ((kinds, "--distractors", photos), "--protocol copies"),
    ):
        ran = here("evaluate", *call)
        assert (ran.code, ran.out) == (2, "")
        assert words in ran.err
