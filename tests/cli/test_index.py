"""lookalike index: the counts of the library, a new gallery or the one that is there, and what failed."""

from __future__ import annotations

from pathlib import Path

import pytest

from lookalike.gallery import Gallery
from lookalike.types import AddReport
from samples import drawn, folder_of, save
from terminal import fields, here, process


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return folder_of(tmp_path / "photos", 5)


def test_json(photos: Path, tmp_path: Path) -> None:
    """The report's fields, what is gone and the total; nothing else on stdout, nothing on stderr."""
    ran = process("index", photos, "-g", tmp_path / "g", "--json")
    assert (ran.code, ran.err) == (0, "")
    assert sorted(ran.json) == sorted(
        [*fields(AddReport), "descriptors", "gone", "images", "videos", "upgrade", "described"]
    )
    assert (ran.json["added"], ran.json["failed"], ran.json["images"]) == (5, [], 5)


def test_a_second_run_reads_only_what_is_new(photos: Path, tmp_path: Path) -> None:
    """The same folder once more is unchanged but for the new image; several folders and files are taken."""
    here("index", photos, "-g", tmp_path / "g")
    save(photos / "new.png", drawn(50))
    other = save(tmp_path / "elsewhere" / "x.png", drawn(51))
    report = here("index", photos, other, "-g", tmp_path / "g", "--json").json
    assert (report["added"], report["unchanged"], report["images"]) == (2, 5, 7)


def test_what_failed(photos: Path, tmp_path: Path) -> None:
    """Files that failed are on stderr with their reason and make the code 1; --retry reads them again."""
    (photos / "bad.jpg").write_text("no image")
    ran = here("index", photos, tmp_path / "none.jpg", "-g", tmp_path / "g")
    assert ran.code == 1
    assert "5 added" in ran.out
    assert "2 failed" in ran.out
    assert "bad.jpg: " in ran.err
    assert "none.jpg: no such file" in ran.err
    assert "bad.jpg" not in ran.out
    failed = here("index", photos, "-g", tmp_path / "g", "--json", "--retry").json["failed"]
    assert [(sorted(one), one["path"]) for one in failed] == [(["path", "reason"], str(photos / "bad.jpg"))]


def test_refresh(photos: Path, tmp_path: Path) -> None:
    """--refresh forgets images whose files are gone, and names them; without it they stay."""
    here("index", photos, "-g", tmp_path / "g")
    (photos / "0002.jpg").unlink()
    assert here("index", photos, "-g", tmp_path / "g", "--json").json["images"] == 5
    report = here("index", photos, "-g", tmp_path / "g", "--json", "--refresh", "--force").json
    assert (report["gone"], report["images"]) == ([str(photos / "0002.jpg")], 4)
    (photos / "0003.jpg").unlink()
    assert "1 gone" in here("index", photos, "-g", tmp_path / "g", "--refresh", "--force").out


def test_refresh_asks(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what would be forgotten; without a terminal it refuses, at one a no forgets nothing and a yes does."""
    here("index", photos, "-g", tmp_path / "g")
    (photos / "0002.jpg").unlink()
    ran = here("index", photos, "-g", tmp_path / "g", "--refresh")
    assert ran.code == 2
    assert "--force" in ran.err
    assert f"gone  1 image of {photos}" in ran.err
    monkeypatch.setattr("lookalike.cli.output.has_terminal", lambda: True)
    assert here("index", photos, "-g", tmp_path / "g", "--refresh", answer="n\n").code == 2
    with Gallery.open(tmp_path / "g") as gallery:
        assert len(gallery) == 5
    assert "1 gone" in here("index", photos, "-g", tmp_path / "g", "--refresh", answer="y\n").out


def test_what_was_taken_in_before_it_was_left_out(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """--refresh tells of images that patterns, or a marker, leave out by now; --force keeps them, a person may not."""
    save(photos / "raw" / "deep" / "x.jpg", drawn(70))
    save(photos / "cleared" / "y.jpg", drawn(71))
    here("index", photos, "-g", tmp_path / "g")
    (photos / "cleared" / ".lookalike-ignore").touch()
    ran = here("index", photos, "-g", tmp_path / "g", "--exclude", "raw/", "--refresh", "--force")
    assert "kept: 2 images in what is left out by now" in ran.err
    monkeypatch.setattr("lookalike.cli.output.has_terminal", lambda: True)
    here("index", photos, "-g", tmp_path / "g", "--refresh", answer="n\n")
    with Gallery.open(tmp_path / "g") as gallery:
        assert len(gallery) == 7
    here("index", photos, "-g", tmp_path / "g", "--refresh", answer="y\n")
    with Gallery.open(tmp_path / "g") as gallery:
        assert {Path(row.path).parent for row in gallery} == {photos}


@pytest.mark.parametrize("away", ["gone", "empty"])
def test_refresh_keeps_the_images_of_a_drive_that_is_away(photos: Path, tmp_path: Path, away: str) -> None:
    """A folder that is gone, or empty as an unmounted mount point is, loses no image and no label, whatever is said of
    the others."""
    other = save(tmp_path / "other" / "x.png", drawn(40))
    save(tmp_path / "other" / "y.png", drawn(41))
    here("index", photos, other.parent, "-g", tmp_path / "g")
    photos.rename(tmp_path / "drive")
    if away == "empty":
        photos.mkdir()
    ran = here("index", other.parent, "-g", tmp_path / "g", "--refresh")
    assert ran.code == 2
    assert "mounted" in ran.err
    other.unlink()
    report = here("index", other.parent, "-g", tmp_path / "g", "--refresh", "--force", "--json").json
    assert (report["gone"], report["images"]) == ([str(other)], 6)


def test_descriptors(photos: Path, tmp_path: Path) -> None:
    """A new gallery holds the descriptors that are asked for; those that an existing one lacks are added to it, and
    only images without them are read; a wrong name is an error before anything is made."""
    assert here("index", photos, "-g", tmp_path / "g", "--descriptors", "pdq, structure").code == 0
    with Gallery.open(tmp_path / "g") as gallery:
        assert list(gallery.info().descriptors) == ["pdq", "structure"]
    ran = here("index", photos, "-g", tmp_path / "g", "--descriptors", "colour,pdq", "--json")
    assert (ran.code, ran.json["unchanged"]) == (0, 5)
    assert [(one["name"], one["updated"], one["unchanged"]) for one in ran.json["descriptors"]] == [
        ("colour", 5, 0),
        ("pdq", 0, 5),
    ]
    assert here("search", photos / "0001.jpg", "-g", tmp_path / "g", "--by", "colour").out.count(".jpg") == 5
    ran = here("index", "-g", tmp_path / "g", "--with", "texture")
    assert (ran.code, "texture: computed for 5 images without it, 0 failed" in ran.out) == (0, True)
    with Gallery.open(tmp_path / "g") as gallery:
        assert list(gallery.info().descriptors) == ["pdq", "structure", "colour", "texture"]
    ran = here("index", photos, "-g", tmp_path / "g", "--descriptors", "nonsense")
    assert (ran.code, ran.out) == (2, "")
    assert "colour, texture, structure, pdq" in ran.err
    ran = here("index", photos, "-g", tmp_path / "h", "--descriptors", "nonsense")
    assert ran.code == 2
    assert "colour, texture, structure, pdq" in ran.err
    assert not (tmp_path / "h").exists()


def test_a_typo_makes_nothing(photos: Path, tmp_path: Path) -> None:
    """Of a new gallery whose sources are all not there nothing is left behind; one of them is enough to begin."""
    before = sorted(tmp_path.iterdir())
    ran = process("index", tmp_path / "typo", "-g", tmp_path / "g")
    assert (ran.code, ran.out) == (2, "")
    assert "typo: no such file or folder; no gallery was made" in ran.err
    assert sorted(tmp_path.iterdir()) == before
    assert here("index", tmp_path / "typo", photos, "-g", tmp_path / "g").code == 1
    with Gallery.open(tmp_path / "g") as gallery:
        assert len(gallery) == 5


def test_keypoints(photos: Path, tmp_path: Path) -> None:
    """--keypoints makes a gallery that keeps them, and may be said again; a gallery made without them says so."""
    for _ in range(2):
        assert here("index", photos, "-g", tmp_path / "g", "--keypoints").code == 0
    with Gallery.open(tmp_path / "g") as gallery:
        assert gallery.keeps_keypoints
        assert all(gallery._library.store.keypoints(row.id) for row in gallery)
    here("index", photos, "-g", tmp_path / "h")
    ran = here("index", photos, "-g", tmp_path / "h", "--keypoints")
    assert (ran.code, ran.out) == (2, "")
    for word in (str(tmp_path / "h"), "--keypoints", "new gallery"):
        assert word in ran.err


def test_max_pixels(photos: Path, tmp_path: Path) -> None:
    """An image over the limit is refused, with the limit's reason."""
    ran = here("index", photos, "-g", tmp_path / "g", "--max-pixels", 100, "--json")
    assert ran.code == 1
    assert len(ran.json["failed"]) == 5
    assert here("index", photos, "-g", tmp_path / "g", "--max-pixels", 0).code == 2


def test_not_a_gallery(photos: Path) -> None:
    """A folder that is no gallery is left as it is, and told."""
    before = sorted(photos.iterdir())
    ran = here("index", photos, "-g", photos)
    assert ran.code == 3
    assert "not a gallery" in ran.err
    assert sorted(photos.iterdir()) == before


def test_what_is_left_out(photos: Path, tmp_path: Path) -> None:
    """Trash and hidden files are counted on stderr and in --json; a pattern that does not parse makes no gallery."""
    save(photos / ".Trash-1000" / "files" / "x.jpg", drawn(60))
    save(photos / ".x.jpg", drawn(61))
    assert here("index", photos, "-g", tmp_path / "none", "--exclude", "[z-a]").code == 2
    assert not (tmp_path / "none").exists()
    ran = here("index", photos, "-g", tmp_path / "g", "--exclude", "*2.jpg")
    assert "4 added" in ran.out
    assert "left out: 1 excluded by a pattern, 1 hidden, 1 trash" in ran.err
    report = here("index", photos, "-g", tmp_path / "g", "--include", ".*", "--exclude", "", "--json").json
    assert (report["added"], report["left_out"]) == (2, {"trash": 1})
