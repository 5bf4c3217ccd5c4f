"""Images on a web server: by an index page, by a list, one by one; unchanged ones are not fetched again."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from lookalike.errors import UserError
from lookalike.gallery import Gallery
from lookalike.gallery.elsewhere.file_cache import VARIABLE, FileCache
from samples import drawn, folder_of, save
from terminal import here
from web_files import WebFiles, web_files


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Four images, one of them in a folder; a film, a text, and what systems leave behind."""
    folder = folder_of(tmp_path / "photos", 3)
    save(folder / "sub folder" / "é.png", drawn(8))
    (folder / "film.mp4").write_bytes(b"no film")
    (folder / "notes.txt").write_text("no image")
    (folder / "._0000.jpg").write_bytes(b"a Mac's")
    return folder


@pytest.fixture
def web(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WebFiles]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with web_files(photos) as files:
        yield files


@pytest.fixture
def gallery(tmp_path: Path) -> Iterator[Gallery]:
    with Gallery.create(tmp_path / "g", ["structure"]) as opened:
        yield opened


def test_an_index_page_is_walked_like_a_folder(gallery: Gallery, web: WebFiles) -> None:
    """Every image below it, each under its address; what is no image is counted, what is unchanged is not fetched."""
    root = f"{web.address}/"
    report = gallery.add(root)
    assert (report.added, report.failed, report.skipped) == (4, (), 1)
    assert report.left_out == {"system": 1, "elsewhere": 1}
    names = ["0000.jpg", "0001.jpg", "0002.jpg", "sub%20folder/%C3%A9.png"]
    assert [row.path for row in gallery] == [root + name for name in names]
    assert [one.path for one in gallery.roots()] == [root]
    web.fetched.clear()
    assert gallery.add(root).unchanged == 4
    assert all(path.endswith("/") for path in web.fetched)


def test_a_change_is_seen_by_the_etag(gallery: Gallery, web: WebFiles, photos: Path) -> None:
    """The same bytes written later are not fetched; others of the same length and time are."""
    root = f"{web.address}/"
    gallery.add(root, exclude=["*.png"])
    status = os.stat(photos / "0000.jpg")
    os.utime(photos / "0001.jpg", (1, 1))
    data = bytearray((photos / "0000.jpg").read_bytes())
    data[-40] ^= 1
    (photos / "0000.jpg").write_bytes(data)
    os.utime(photos / "0000.jpg", ns=(status.st_atime_ns, status.st_mtime_ns))
    web.fetched.clear()
    report = gallery.add(root)
    assert (report.updated, report.unchanged) == (1, 2)
    assert [path for path in web.fetched if not path.endswith("/")] == ["/0000.jpg"]


def test_without_etags_time_and_length_decide(gallery: Gallery, web: WebFiles, photos: Path) -> None:
    """As they do on a disk."""
    web.etags = False
    root = f"{web.address}/"
    gallery.add(root, exclude=["*.png"])
    assert gallery.add(root).unchanged == 3
    os.utime(photos / "0001.jpg", (1, 1))
    web.fetched.clear()
    assert gallery.add(root).unchanged == 3
    assert web.fetched["/0001.jpg"] == 1


def test_a_list_names_its_images(gallery: Gallery, web: WebFiles, photos: Path) -> None:
    """An address a line, seen from the list's own; other files than a web server's are not looked at."""
    lines = [
        "# ours",
        "",
        "0001.jpg",
        f"{web.address}/0002.jpg",
        "0002.jpg",
        "none.jpg",
        "file:///etc/passwd",
        "film.mp4",
    ]
    (photos / "list.txt").write_text("\n".join(lines))
    report = gallery.add(f"{web.address}/list.txt")
    assert [row.path for row in gallery] == [f"{web.address}/{name}" for name in ("0001.jpg", "0002.jpg")]
    reasons = {one.path.rpartition("/")[2]: one.reason for one in report.failed}
    assert reasons == {"none.jpg": "no such file", "passwd": "no address of a web server"}
    assert gallery.add(f"{web.address}/0000.jpg").added == 1
    assert gallery.roots() == []


def test_what_goes_wrong_is_told_and_nothing_is_lost(gallery: Gallery, web: WebFiles, photos: Path) -> None:
    """A file that is refused, one that is cut short, one that is no image, one that vanishes, and no server at all: all
    others are there; those that may work later are tried again."""
    root = f"{web.address}/"
    (photos / "bad.jpg").write_text("no image")
    web.refused.add("/0000.jpg")
    web.short.add("/0001.jpg")
    reasons = {one.path.removeprefix(root): one.reason for one in gallery.add(root).failed}
    assert sorted(reasons) == ["0000.jpg", "0001.jpg", "bad.jpg"]
    assert "403" in reasons["0000.jpg"]
    assert "cannot be read" in reasons["0001.jpg"]
    web.refused.clear()
    web.short.clear()
    (photos / "0002.jpg").unlink()
    report = gallery.add(root)
    assert (report.added, [one.path for one in report.failed]) == (2, [f"{root}bad.jpg"])
    assert len(gallery) == 4
    assert gallery.missing_files().gone == (f"{root}0002.jpg",)
    assert {one.what: one.reason for one in gallery.check().problems} == {f"{root}0002.jpg": "gone"}
    failed = gallery.add("http://127.0.0.1:9/").failed
    assert "cannot be read" in failed[0].reason
    assert len(gallery) == 4


def test_a_server_that_is_away_loses_nothing(gallery: Gallery, photos: Path) -> None:
    """Its images are kept, as those of a drive that is not mounted."""
    (photos / "list.txt").write_text("0001.jpg")
    with web_files(photos) as web:
        gallery.add(f"{web.address}/sub%20folder/")
        gallery.add(f"{web.address}/list.txt")
    missing = gallery.missing_files()
    assert (missing.gone, missing.away) == ((), {f"{web.address}/sub%20folder/": 1})


def test_verifying_fetches_the_candidates_alone_and_once(tmp_path: Path, web: WebFiles, photos: Path) -> None:
    """Of ten images the three that are the most like; asked again, nothing is fetched; nor is anything by vectors."""
    folder_of(photos, 6, first=100)
    save(photos / "copy.jpg", drawn(1), quality=50)
    save(tmp_path / "query.png", drawn(1)[5:115, 5:150])
    with Gallery.create(tmp_path / "g2", ["copy"]) as gallery:
        gallery.add(f"{web.address}/")
        web.fetched.clear()
        gallery.search(tmp_path / "query.png", rerank=0)
        assert web.fetched.total() == 0
        hits = gallery.search(tmp_path / "query.png", rerank=3)
        assert [hit.path.rpartition("/")[2] for hit in hits if hit.relation == "crop"] == ["0001.jpg", "copy.jpg"]
        assert (len(web.fetched), web.fetched.total()) == (3, 3)
        assert gallery.search(tmp_path / "query.png", rerank=3) == hits
        assert gallery.verified_pair(f"{web.address}/0001.jpg", f"{web.address}/copy.jpg").verified
        assert web.fetched.total() == 3


def test_the_cache_keeps_its_budget(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was used last stays; what is larger than a quarter of the budget is not kept; a wrong budget is told."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv(VARIABLE, "1000")
    files = FileCache.of_user()
    for number in range(5):
        files.put(f"s3://b/{number}", bytes([number]) * 200)
        os.utime(files._file(f"s3://b/{number}"), ns=(number, number))
    assert files.get("s3://b/0") == bytes(200)
    files.put("s3://b/new", b"x" * 250)
    files.put("s3://b/large", b"x" * 251)
    kept = [number for number in range(5) if files.get(f"s3://b/{number}") is not None]
    assert kept == [0, 3, 4]
    assert (files.get("s3://b/new"), files.get("s3://b/large")) == (b"x" * 250, None)
    monkeypatch.setenv(VARIABLE, "lots")
    assert here("search", "s3://b/1.jpg", "-g", tmp_path).code != 0


def test_an_address_with_a_password_is_refused(gallery: Gallery) -> None:
    """It would stand in the gallery for good."""
    with pytest.raises(UserError, match="netrc"):
        gallery.add("https://me:secret@example.org/list.txt")
