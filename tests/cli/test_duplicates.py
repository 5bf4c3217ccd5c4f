"""lookalike duplicates: groups as words, JSON and a page; nothing is changed unless somebody says yes."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from lookalike.actions.dedupe_actions import RemovalReport
from lookalike.gallery import Gallery
from lookalike.imaging.manipulations import apply
from lookalike.types import Group, Pair
from samples import drawn, folder_of, photograph, save
from terminal import fields, here, process


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Four images, an identical copy of one, a JPEG of another."""
    folder = folder_of(tmp_path / "photos", 4)
    shutil.copy(folder / "0001.jpg", folder / "copy.jpg")
    save(folder / "large.png", drawn(2))
    return folder


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


ALL = ["0000.jpg", "0001.jpg", "0002.jpg", "0003.jpg", "copy.jpg", "large.png"]
KEPT = ["0000.jpg", "0001.jpg", "0003.jpg", "large.png"]


def test_json(photos: Path) -> None:
    """One document: groups, files that failed, and nothing removed; nothing else on either stream."""
    ran = process("duplicates", photos, "--json", env={"LOOKALIKE_GALLERY": ""})
    assert (ran.code, ran.err) == (0, "")
    assert list(ran.json) == ["groups", "failed", "removed", "plan", "new", "videos", "skipped", "left_out"]
    assert [list(group) for group in ran.json["groups"]] == [fields(Group)] * 2
    assert [list(group["pairs"][0]) for group in ran.json["groups"]] == [fields(Pair)] * 2
    assert (ran.json["failed"], ran.json["removed"], ran.json["plan"], ran.json["new"]) == ([], None, None, None)
    found = {frozenset(os.path.basename(p) for p in (g["keep"], *g["others"])) for g in ran.json["groups"]}
    assert found == {frozenset(("0001.jpg", "copy.jpg")), frozenset(("0002.jpg", "large.png"))}


def test_words(photos: Path) -> None:
    """For people: what to keep, the copies with their relation, and a count."""
    ran = here("duplicates", photos)
    assert ran.code == 0
    assert ran.out.splitlines()[-1] == "2 groups, 2 copies"
    assert sum(line.startswith("keep") for line in ran.out.splitlines()) == 2
    assert "identical, 100 %" in ran.out


def test_a_dry_run_is_the_default(photos: Path, tmp_path: Path) -> None:
    """Without an act, and with an act but without --yes or an answer, nothing is changed."""
    for options in ([], ["--delete"], ["--hardlink"], ["--move-to", tmp_path / "out"]):
        for json in ([], ["--json"]):
            ran = here("duplicates", photos, *options, *json)
            assert ran.code == 0
            assert ("dry run" in ran.err) == bool(options)
    assert names(photos) == ALL
    assert not (tmp_path / "out").exists()
    assert len({path.stat().st_ino for path in photos.iterdir()}) == 6


def test_yes_moves(photos: Path, tmp_path: Path) -> None:
    """--move-to --yes moves the copies and keeps the best; the gallery forgets them; the report tells all."""
    here("index", photos, "-g", tmp_path / "g")
    ran = process("duplicates", "-g", tmp_path / "g", "--move-to", tmp_path / "out", "--yes", "--json")
    assert ran.code == 0
    assert list(ran.json["removed"]) == fields(RemovalReport)
    assert len(ran.json["removed"]["done"]) == 2
    assert names(photos) == KEPT
    assert names(tmp_path / "out") == sorted(set(ALL) - set(KEPT))
    with Gallery.open(tmp_path / "g") as gallery:
        assert len(gallery) == 4
    again = process("duplicates", "-g", tmp_path / "g", "--move-to", tmp_path / "out", "--yes", "--json")
    nothing = {"groups": [], "failed": [], "removed": None, "new": None, "videos": [], "skipped": 0, "left_out": {}}
    assert again.json == nothing | {"plan": {"kind": "moved", "removals": [], "left": []}}


def test_yes_links(photos: Path) -> None:
    """--hardlink --yes links the identical copy; the other is left and told; linked files are no copies any more."""
    ran = process("duplicates", photos, "--hardlink", "--yes")
    assert ran.code == 0
    assert "linked 1 file, " in ran.err
    assert "left: 1 not byte-identical" in ran.err
    assert (photos / "0001.jpg").stat().st_ino == (photos / "copy.jpg").stat().st_ino
    assert names(photos) == ALL
    again = here("duplicates", photos, "--json").json["groups"]
    assert [[os.path.basename(path) for path in group["others"]] for group in again] == [["0002.jpg"]]


def test_yes_deletes_to_the_trash(photos: Path, tmp_path: Path) -> None:
    """--delete --yes brings the copies to the user's trash."""
    environment = {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path / "data")}
    assert process("duplicates", photos, "--delete", "--yes", env=environment).code == 0
    assert names(photos) == KEPT
    assert names(tmp_path / "data" / "Trash" / "files") == sorted(set(ALL) - set(KEPT))


def test_the_acts_exclude_each_other(photos: Path, tmp_path: Path) -> None:
    """Two acts at once are a mistake, and nothing happens."""
    acts = (["--delete"], ["--hardlink"], ["--move-to", tmp_path / "out"])
    for first, second in ((0, 1), (0, 2), (1, 2)):
        ran = here("duplicates", photos, *acts[first], *acts[second], "--yes")
        assert (ran.code, ran.out) == (2, "")
        assert "choose one" in ran.err
    assert names(photos) == ALL


def test_a_trash_in_the_folder_is_no_library(photos: Path) -> None:
    """What lies in a trash folder or is excluded is no copy of anything, and is told."""
    save(photos / ".Trash-1000" / "files" / "0.jpg", drawn(0), quality=95)
    ran = here("duplicates", photos, "--json", "--exclude", "*-small.jpg")
    assert all(".Trash" not in one["keep"] for one in ran.json["groups"])
    assert ran.json["left_out"]["trash"] == 1
    assert "left out: 1 trash" in here("duplicates", photos).err


def test_a_report(photos: Path, tmp_path: Path) -> None:
    """--report writes a page with every group; that it did is said on stderr."""
    ran = here("duplicates", photos, "--json", "--report", tmp_path / "r.html")
    assert (ran.code, len(ran.json["groups"])) == (0, 2)
    page = (tmp_path / "r.html").read_text("utf-8")
    assert all(name in page for name in ("0001.jpg", "copy.jpg", "0002.jpg", "large.png"))
    assert "0003.jpg" not in page
    assert "r.html" in ran.err


def test_different(photos: Path, tmp_path: Path) -> None:
    """--different is remembered in the gallery for every later run; without a gallery it is a mistake."""
    pair = ("--different", photos / "0002.jpg", photos / "large.png")
    here("index", photos, "-g", tmp_path / "g")
    assert len(here("duplicates", "-g", tmp_path / "g", *pair, "--json").json["groups"]) == 1
    assert len(here("duplicates", "-g", tmp_path / "g", "--json").json["groups"]) == 1
    ran = here("duplicates", photos, *pair)
    assert ran.code == 2
    assert "--gallery" in ran.err
    assert here("duplicates", "-g", tmp_path / "g", "--different", photos / "0000.jpg", "/no.jpg").code == 2


def test_a_folder_with_a_gallery(photos: Path, tmp_path: Path) -> None:
    """A folder beside --gallery is added to it first; a folder alone leaves no gallery behind."""
    Gallery.create(tmp_path / "g").close()
    assert len(here("duplicates", photos, "-g", tmp_path / "g", "--json").json["groups"]) == 2
    with Gallery.open(tmp_path / "g") as gallery:
        assert len(gallery) == 6
    here("duplicates", photos)
    assert names(photos) == ALL


def test_what_failed(photos: Path) -> None:
    """A file that cannot be read is told and makes the code 1; groups are found all the same."""
    (photos / "bad.jpg").write_text("no image")
    ran = here("duplicates", photos, "--json")
    assert ran.code == 1
    assert [os.path.basename(failure["path"]) for failure in ran.json["failed"]] == ["bad.jpg"]
    assert len(ran.json["groups"]) == 2
    assert "bad.jpg" in here("duplicates", photos).err


@pytest.mark.parametrize(
    "options", [["--precision", "0.3"], ["--precision", "1"], ["--precision", "nan"], ["--by", "x"]]
)
def test_mistakes(photos: Path, options: list[str]) -> None:
    """A precision outside [0.5, 1), an unknown measure, and neither folder nor gallery are the user's mistakes."""
    assert here("duplicates", photos, *options).code == 2
    assert process("duplicates", env={"LOOKALIKE_GALLERY": ""}).code == 2


def test_no_verify(tmp_path: Path) -> None:
    """Two views of one thing pass the hashes; they are told only with --no-verify, and then as not verified."""
    for side in ("left", "right"):
        save(tmp_path / "photos" / f"{side}.jpg", photograph(f"motorcycle_{side}.png"), quality=92)
    save(tmp_path / "photos" / "grey.jpg", apply("grey", photograph("motorcycle_left.png")), quality=60)
    found = {}
    for options in ([], ["--no-verify"]):
        ran = here("duplicates", tmp_path / "photos", "--precision", 0.5, "--json", *options)
        assert ran.code == 0
        found[len(options)] = {
            frozenset((os.path.basename(pair["a"]), os.path.basename(pair["b"]))): pair["verified"]
            for group in ran.json["groups"]
            for pair in group["pairs"]
        }
    assert {frozenset(("left.jpg", "grey.jpg")): True} == found[0]
    assert {False} == set(found[1].values())
    assert frozenset(("left.jpg", "right.jpg")) in found[1] or frozenset(("grey.jpg", "right.jpg")) in found[1]
    words = here("duplicates", tmp_path / "photos").out
    assert "edited: recoloured" in words
