"""lookalike organize: a plan by default; with --yes it is done."""

from __future__ import annotations

from pathlib import Path

import pytest

from lookalike.actions.organize import MovePlan, Step
from lookalike.gallery import Gallery
from samples import drawn, save
from terminal import fields, here, process


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Images in photos/rose and photos/tulip, with these labels, and one in photos."""
    monkeypatch.delenv("LOOKALIKE_GALLERY", raising=False)
    for n, name in enumerate(("rose/a.png", "rose/b.png", "tulip/a.png", "loose.png")):
        save(tmp_path / "photos" / name, drawn(n, 40, 30))
    with Gallery.create(tmp_path / "g", ["colour"]) as opened:
        opened.add(tmp_path / "photos")
        opened.label_from_folders(tmp_path / "photos")
    return tmp_path


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_dry_run_is_the_default(folder: Path) -> None:
    """Without --yes it says what it would do, in words and as JSON, and does nothing."""
    for way in ("--copy", "--link", "--move"):
        ran = here("organize", "-g", folder / "g", "--to", folder / "out", way)
        assert ran.code == 0
        assert f"3 to {way[2:]}, 0 there already, 1 without a label stay" in ran.out
        assert "dry run" in ran.err
    ran = process("organize", "-g", folder / "g", "--to", folder / "out", "--json")
    assert (ran.code, ran.err) == (0, "")
    assert list(ran.json) == [*fields(MovePlan), "counts", "organized"]
    assert (ran.json["way"], ran.json["counts"], ran.json["organized"]) == ("copy", {"rose": 2, "tulip": 1}, None)
    assert [list(step) for step in ran.json["steps"]] == [fields(Step)] * 3
    assert not (folder / "out").exists()
    assert len(names(folder / "photos")) == 4


def test_yes_copies(folder: Path) -> None:
    """--yes copies, unlabelled ones into their folder; a second run has nothing to do."""
    arguments = ("organize", "-g", folder / "g", "--to", folder / "out", "--unlabelled", "other", "--yes")
    assert "4 copied, 0 there already" in here(*arguments).out
    assert names(folder / "out") == ["other/loose.png", "rose/a.png", "rose/b.png", "tulip/a.png"]
    assert len(names(folder / "photos")) == 4
    assert "0 copied, 4 there already" in here(*arguments).out


def test_yes_moves(folder: Path) -> None:
    """--move --yes moves what the filter leaves; a search finds it in its new place."""
    ran = here(
        "organize", "-g", folder / "g", "--to", folder / "out", "--move", "--yes", "--where", "label = 'rose'", "--json"
    )
    assert (ran.code, len(ran.json["organized"]["done"])) == (0, 2)
    assert names(folder / "out") == ["rose/a.png", "rose/b.png"]
    hits = here(
        "search", folder / "out" / "rose" / "a.png", "-g", folder / "g", "--by", "colour", "-k", 1, "--json"
    ).json
    assert [hit["path"] for hit in hits["queries"][0]["hits"]] == [str(folder / "out" / "rose" / "a.png")]


def test_a_file_that_is_gone(folder: Path) -> None:
    """It is listed, the code says so, the others are copied."""
    (folder / "photos" / "rose" / "a.png").unlink()
    ran = here("organize", "-g", folder / "g", "--to", folder / "out", "--yes")
    assert (ran.code, "2 copied" in ran.out, "a.png: vanished" in ran.err) == (1, True, True)


def test_nothing_to_do(tmp_path: Path) -> None:
    """An empty gallery is organized at once; a gallery that is not there, or no folder, is a mistake."""
    Gallery.create(tmp_path / "g", ["colour"]).close()
    assert "0 copied" in here("organize", "-g", tmp_path / "g", "--to", tmp_path / "out", "--yes").out
    assert here("organize", "-g", tmp_path / "no", "--to", tmp_path / "out").code == 2
    assert here("organize", "-g", tmp_path / "g").code == 2
    assert here("organize", "-g", tmp_path / "g", "--to", tmp_path / "g").code == 2
