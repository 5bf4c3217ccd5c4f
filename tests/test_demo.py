"""The guided tour: over sample photographs and over a folder of one's own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lookalike import demo
from lookalike.demo import run_demo, sample_photographs
from lookalike.errors import UserError
from lookalike.gallery import Gallery
from samples import folder_of
from terminal import here


def state(folder: Path) -> dict[str, tuple[int, int]]:
    return {entry.name: (entry.stat().st_size, entry.stat().st_mtime_ns) for entry in folder.iterdir()}


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tour that copies four photographs, searches with two edits of each and compares with one."""
    for name, value in {"COPIED": 4, "QUERIES": ("noise", "flip"), "PAIRS": ("mirror",)}.items():
        monkeypatch.setattr(demo, name, value)


@pytest.mark.full
def test_the_sample_photographs(tmp_path: Path) -> None:
    """All 19 are there; most edits find their original, far more than by the hashes alone; every original is grouped
    with copies, and the page is written."""
    said: list[str] = []
    result = run_demo(None, tmp_path / "demo", said.append)
    assert len(sample_photographs()) == 19
    assert (result.images, result.copies, result.failed) == (95, 133, ())
    assert result.recognised >= 120
    assert result.by_hashes < result.recognised - 40
    assert result.groups >= 17
    assert Path(result.report).stat().st_size > 300_000
    assert len(said) == 6
    with Gallery.open(result.gallery) as gallery:
        assert len(gallery) == 95


@pytest.mark.usefixtures("short")
def test_a_folder_of_ones_own_is_only_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing in the user's folder changes, a relative output folder works, a second tour reads nothing anew, and of
    many photographs only some are copied."""
    photos = folder_of(tmp_path / "photos", 6)
    (photos / "bad.jpg").write_text("no image")
    before = state(photos)
    monkeypatch.chdir(tmp_path)
    first = run_demo("photos", "out", lambda _: None)
    again = run_demo("photos", "out", lambda _: None)
    assert state(photos) == before
    assert [os.path.basename(failure.path) for failure in first.failed] == ["bad.jpg"]
    assert first.images == again.images == 6 + 4 * 4
    assert first.missed == again.missed


@pytest.mark.usefixtures("short")
def test_another_folder_starts_afresh(tmp_path: Path) -> None:
    """A tour over other photographs does not mix with the last one, and never removes what no tour made."""
    first, second = folder_of(tmp_path / "a", 4), folder_of(tmp_path / "b", 3, first=50)
    assert run_demo(first, tmp_path / "out", print).images == 4 * 5
    assert run_demo(second, tmp_path / "out", print).images == 3 * 5
    (tmp_path / "mine" / "copies").mkdir(parents=True)
    with pytest.raises(UserError, match="not made by a tour"):
        run_demo(first, tmp_path / "mine", print)
    assert (tmp_path / "mine" / "copies").is_dir()


def test_a_folder_without_images(tmp_path: Path) -> None:
    """It is said, and nothing is left behind but the empty output folder's name."""
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(UserError, match="no image"):
        run_demo(tmp_path, tmp_path / "out", print)
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("short")
def test_the_command(tmp_path: Path) -> None:
    """JSON on stdout, the story on stderr, and exit code 1 where a file failed."""
    photos = folder_of(tmp_path / "photos", 3)
    assert here("demo", photos, "--out", tmp_path / "out", "--json").json["images"] == 15
    (photos / "bad.jpg").write_text("no image")
    ran = here("demo", photos, "--out", tmp_path / "out")
    assert ran.code == 1
    assert "bad.jpg" in ran.err
