"""lookalike labels list, import, errors, forget."""

from __future__ import annotations

from pathlib import Path

import pytest

from lookalike.gallery import Gallery
from lookalike.types import LabelError, LabelledImage, LabelReport
from samples import save
from terminal import fields, here, process
from tinted import kind_of, tinted

COUNT = 18
WRONG = 7


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """photos/red, photos/green, photos/blue, one image in the wrong one, and g, a gallery of them."""
    monkeypatch.delenv("LOOKALIKE_GALLERY", raising=False)
    for n in range(COUNT):
        kind = "blue" if n == WRONG else kind_of(n)
        save(tmp_path / "photos" / kind / f"{n:02}.png", tinted(n))
    with Gallery.create(tmp_path / "g", ["colour"]) as opened:
        opened.add(tmp_path / "photos")
    return tmp_path


def imported(folder: Path) -> None:
    assert here("labels", "import", "-g", folder / "g", "--from-folders", folder / "photos").code == 0


def test_import_from_folders(folder: Path) -> None:
    """What was labelled, in words and as JSON."""
    arguments = ("labels", "import", "-g", folder / "g", "--from-folders", folder / "photos")
    assert f"{COUNT} labelled, 0 without a label, 0 failed" in here(*arguments).out
    ran = process(*arguments, "--json")
    assert (ran.code, ran.err, list(ran.json)) == (0, "", fields(LabelReport))
    assert ran.json["counts"] == {"blue": 7, "red": 6, "green": 5}


def test_import_from_csv(folder: Path) -> None:
    """Lines that cannot be used are listed with their numbers and make the code 1; others are used."""
    (folder / "t.csv").write_text("path,label\n00.png,rose\ngone.png,rose\n")
    ran = here("labels", "import", "-g", folder / "g", "--csv", folder / "t.csv")
    assert (ran.code, "1 labelled" in ran.out) == (1, True)
    assert "t.csv:3: gone.png: not among the indexed images" in ran.err


def test_list(folder: Path) -> None:
    """Every labelled image, those of a filter, or counts."""
    assert here("labels", "list", "-g", folder / "g", "--json").json == {"images": []}
    imported(folder)
    ran = process("labels", "list", "-g", folder / "g", "--where", "label = 'green'", "--json")
    assert (ran.code, ran.err) == (0, "")
    assert [list(one) for one in ran.json["images"]] == [fields(LabelledImage)] * 5
    words = here("labels", "list", "-g", folder / "g", "--source", "folders").out
    assert words.count("folders") == COUNT
    assert here("labels", "list", "-g", folder / "g", "--source", "csv", "--json").json == {"images": []}
    counts = here("labels", "list", "-g", folder / "g", "--counts", "--json").json
    expected = [("folders", "blue", 7), ("folders", "red", 6), ("folders", "green", 5)]
    assert [(one["source"], one["label"], one["images"]) for one in counts["counts"]] == expected
    assert "blue" in here("labels", "list", "-g", folder / "g", "--counts").out


def test_label_errors(folder: Path) -> None:
    """The image in the wrong folder comes first, as words, as JSON and on a page with its neighbours."""
    imported(folder)
    arguments = ("labels", "errors", "-g", folder / "g", "--by", "colour", "-k", 3)
    ran = here(*arguments, "--json", "--report", folder / "r.html")
    first = ran.json["label_errors"][0]
    assert (ran.code, list(first)) == (0, fields(LabelError))
    assert (Path(first["path"]).stem, first["suggested"]) == (f"{WRONG:02}", kind_of(WRONG))
    assert "r.html" in ran.err
    page = (folder / "r.html").read_text("utf-8")
    for word in (f"{WRONG:02}.png", "blue &rarr; green?", *(Path(n["path"]).name for n in first["neighbours"])):
        assert word in page
    words = here(*arguments).out
    assert f"{WRONG:02}.png" in words
    assert "likely wrong (at least 90.0 % by estimate)" in words
    words = here(*arguments, "--precision", 1).out
    assert [line.split()[:3] for line in words.splitlines() if f"{WRONG:02}.png" in line] == [["worth", "a", "look"]]
    words = here(*arguments, "--precision", first["probability"]).out
    assert [line.split()[:2] for line in words.splitlines() if f"{WRONG:02}.png" in line] == [["likely", "wrong"]]


def test_forget(folder: Path) -> None:
    """Labels of one source go; a source that nobody knows had none."""
    imported(folder)
    assert here("labels", "forget", "folders", "-g", folder / "g", "--json").json == {
        "source": "folders",
        "forgotten": COUNT,
    }
    assert here("labels", "list", "-g", folder / "g", "--json").json == {"images": []}
    assert "forgot 0 labels" in here("labels", "forget", "nobody", "-g", folder / "g").out


def test_mistakes(folder: Path) -> None:
    """Neither or both kinds of import, no labels to suspect, counts of a part, a bad filter: code 2, and why."""
    gallery = ["-g", folder / "g"]
    for arguments, why in (
        (["import", *gallery], "choose one"),
        (["import", *gallery, "--csv", "a", "--from-folders", "b"], "choose one"),
        (["import", *gallery, "--csv", folder / "no.csv"], "cannot be read"),
        (["errors", *gallery], "there are 0 labelled images"),
        (["list", *gallery, "--counts", "--source", "csv"], "--counts"),
        (["list", *gallery, "--where", "label"], "too early"),
        (["list"], "--gallery"),
    ):
        ran = here("labels", *arguments)
        assert (ran.code, ran.out) == (2, ""), arguments
        assert why in ran.err
