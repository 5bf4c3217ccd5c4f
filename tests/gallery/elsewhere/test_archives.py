"""Images in zip and tar archives: read where they are, known by the archive as if it were a folder."""

from __future__ import annotations

import io
import os
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from lookalike.gallery import Gallery
from samples import drawn, folder_of, save
from terminal import here
from web_files import web_files

KINDS = ("zip", "tar", "tar.gz")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = folder_of(tmp_path / "photos", 3)
    save(folder / "sub" / "four.png", drawn(8))
    (folder / "notes.txt").write_text("no image")
    (folder / "__MACOSX").mkdir()
    (folder / "__MACOSX" / "._0000.jpg").write_bytes(b"a Mac's")
    return folder


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def gallery(tmp_path: Path) -> Iterator[Gallery]:
    with Gallery.create(tmp_path / "g", ["structure", "copy"]) as opened:
        yield opened


def packed(folder: Path, kind: str) -> Path:
    """An archive of all files below a folder, beside it."""
    path = folder.with_name(f"all.{kind}")
    files = sorted(one for one in folder.rglob("*") if one.is_file())
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            for file in files:
                archive.write(file, file.relative_to(folder))
    else:
        with tarfile.open(path, "w:gz" if kind == "tar.gz" else "w") as archive:
            for file in files:
                archive.add(file, f"./{file.relative_to(folder)}")
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_an_archive_is_walked_like_a_folder(gallery: Gallery, photos: Path, kind: str) -> None:
    """Its images are those of the folder, found by the same searches; unchanged they are not read again."""
    path = packed(photos, kind)
    report = gallery.add(path)
    assert (report.added, report.failed, report.skipped, report.left_out) == (4, (), 1, {"system": 1})
    names = ["0000.jpg", "0001.jpg", "0002.jpg", "sub/four.png"]
    assert [row.path for row in gallery] == [f"{path}/{name}" for name in names]
    assert [(one.path, one.images, one.there) for one in gallery.roots()] == [(str(path), 4, True)]
    assert gallery.add(path).unchanged == 4
    assert gallery.search(photos / "0001.jpg", 1)[0].relation == "identical"
    (hit,) = (one for one in gallery.search(save(photos / "part.png", drawn(8)[9:99, 9:139])) if one.relation == "crop")
    assert (hit.path, hit.verified) == (f"{path}/sub/four.png", True)
    assert gallery.check(read=True).problems == ()
    assert gallery.missing_files().gone == ()


def test_a_folder_of_an_archive(gallery: Gallery, photos: Path) -> None:
    """A part of it may be named; what is not there is told; patterns are as for folders."""
    path = packed(photos, "zip")
    assert gallery.add(f"{path}/sub").added == 1
    assert gallery.add(f"{path}/none").failed[0].reason == "no such file or folder in the archive"
    report = gallery.add(path, exclude=["sub/", "0000.*"])
    assert (report.added, report.left_out) == (2, {"system": 1, "excluded": 2})


def test_a_folder_that_is_called_like_an_archive(gallery: Gallery, photos: Path) -> None:
    """It is a folder."""
    assert gallery.add(photos.rename(photos.with_name("old.zip"))).added == 4


def test_a_changed_archive(gallery: Gallery, photos: Path) -> None:
    """What changed in it is read again; what is there no more is gone, and the archive itself away like a drive."""
    path = packed(photos, "zip")
    gallery.add(path)
    save(photos / "0001.jpg", drawn(77))
    (photos / "0002.jpg").unlink()
    packed(photos, "zip")
    report = gallery.add(path)
    assert (report.updated, report.unchanged) == (1, 2)
    assert gallery.missing_files().gone == (f"{path}/0002.jpg",)
    path.unlink()
    assert gallery.missing_files().away == {str(path): 4}


@pytest.mark.parametrize("kind", KINDS)
def test_a_truncated_archive(gallery: Gallery, photos: Path, kind: str) -> None:
    """It is told; of a tar what stands before the end is taken in, and what was known of the whole one stays."""
    path = packed(photos, kind)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 6 // 10])
    report = gallery.add(path)
    assert str(path) in {one.path for one in report.failed}
    assert any("cut short" in one.reason for one in report.failed)
    assert len(gallery) == (0 if kind == "zip" else report.added) < 4
    assert (report.added > 0) == (kind != "zip")
    path.write_bytes(whole)
    os.utime(path)
    assert gallery.add(path).failed == ()
    assert len(gallery) == 4
    path.write_bytes(whole[: len(whole) // 2])
    assert gallery.add(path).failed
    assert len(gallery) == 4


def test_members_that_are_damaged_encrypted_or_lead_out(gallery: Gallery, photos: Path, tmp_path: Path) -> None:
    """Each is told by its name, and all others are taken in."""
    path = tmp_path / "bad.tar"
    with tarfile.open(path, "w") as archive:
        for name in ("../../etc/0000.jpg", "good.jpg"):
            info = tarfile.TarInfo(name)
            info.size = (photos / "0000.jpg").stat().st_size
            archive.addfile(info, io.BytesIO((photos / "0000.jpg").read_bytes()))
    report = gallery.add(path)
    assert (report.added, [one.reason for one in report.failed]) == (1, ["its name leads out of the archive"])
    packed(photos, "zip")
    data = bytearray((tmp_path / "all.zip").read_bytes())
    at = data.index((photos / "0001.jpg").read_bytes()[-64:])
    data[at] ^= 0xFF
    (tmp_path / "all.zip").write_bytes(data)
    report = gallery.add(tmp_path / "all.zip")
    assert [one.path for one in report.failed] == [f"{tmp_path}/all.zip/0001.jpg"]
    assert "damaged" in report.failed[0].reason
    (tmp_path / "no.zip").write_text("no archive")
    assert "damaged" in gallery.add(tmp_path / "no.zip").failed[0].reason


def test_an_archive_on_a_web_server(gallery: Gallery, photos: Path, tmp_path: Path) -> None:
    """It is read as if it were here."""
    packed(photos, "zip")
    with web_files(tmp_path) as web:
        report = gallery.add(f"{web.address}/all.zip")
        assert (report.added, report.failed) == (4, ())
        assert gallery.add(f"{web.address}/all.zip").unchanged == 4
        assert gallery.check(read=True).problems == ()


def test_clearing_away_leaves_archives_alone(gallery: Gallery, photos: Path, tmp_path: Path) -> None:
    """What lies in one is kept, and it is said why."""
    gallery.add([packed(photos, "zip"), photos])
    ran = here(
        "duplicates", "-g", tmp_path / "g", "--move-to", tmp_path / "away", "--prefer", photos, "--yes", "--json"
    )
    reasons = {one["reason"] for one in ran.json["plan"]["left"]}
    assert reasons == {"elsewhere, where nothing is written"}
    assert ran.json["plan"]["removals"] == []
