"""Images in a bucket of a real S3 server: walked, read, changed, refused, and the commands of the guide."""

from __future__ import annotations

import re
import shlex
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lookalike.errors import MissingDependency
from lookalike.gallery import Gallery
from lookalike.gallery.elsewhere import remote
from s3_server import ADMIN, LISTER, client, s3_server
from samples import drawn, folder_of, save
from terminal import here, process

pytestmark = pytest.mark.full
GUIDE = Path(__file__).parents[3] / "docs" / "how-to" / "files-elsewhere.md"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with s3_server(tmp_path_factory.mktemp("s3") / "data") as address:
        yield address


@pytest.fixture
def bucket(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Five objects in the bucket ``photos``, two of them in a folder, and a text; s3fs to change them."""
    for name, value in {**ADMIN, "AWS_ENDPOINT_URL": server, "XDG_CACHE_HOME": str(tmp_path / "cache")}.items():
        monkeypatch.setenv(name, value)
    remote._of_scheme.cache_clear()
    files = client(server)
    files.mkdir("photos")
    for file in folder_of(tmp_path / "photos", 3).iterdir():
        files.pipe_file(f"photos/{file.name}", file.read_bytes())
    for name, seed in (("é one.jpg", 8), ("two.jpg", 9)):
        files.pipe_file(f"photos/sub/{name}", save(tmp_path / "more" / name, drawn(seed), quality=92).read_bytes())
    files.pipe_file("photos/notes.txt", b"no image")
    files.pipe_file("photos/.hidden/x.jpg", b"hidden")
    yield files
    files.rm("photos", recursive=True)
    remote._of_scheme.cache_clear()


@pytest.fixture
def gallery(tmp_path: Path) -> Iterator[Gallery]:
    with Gallery.create(tmp_path / "g", ["copy", "structure"]) as opened:
        yield opened


def test_a_bucket_is_walked_like_a_folder(gallery: Gallery, bucket: Any, tmp_path: Path) -> None:
    """All of it or what is below a prefix; unchanged objects are not read, changed, new and deleted ones are seen."""
    assert gallery.add("s3://photos/sub/").added == 2
    report = gallery.add("s3://photos")
    assert (report.added, report.unchanged, report.skipped, report.left_out) == (3, 2, 1, {"hidden": 1})
    keys = ["sub/two.jpg", "sub/é one.jpg", "0000.jpg", "0001.jpg", "0002.jpg"]
    assert [row.path for row in gallery] == [f"s3://photos/{key}" for key in keys]
    assert [one.path for one in gallery.roots()] == ["s3://photos", "s3://photos/sub"]
    bucket.pipe_file("photos/0000.jpg", bucket.cat_file("photos/0000.jpg"))  # the same again: the same ETag
    bucket.pipe_file("photos/0001.jpg", save(tmp_path / "new.jpg", drawn(55)).read_bytes())
    bucket.rm_file("photos/0002.jpg")
    report = gallery.add("s3://photos")
    assert (report.added, report.updated, report.unchanged) == (0, 1, 3)
    assert gallery.missing_files().gone == ("s3://photos/0002.jpg",)
    assert gallery.refresh() == ["s3://photos/0002.jpg"]
    assert gallery.check(read=True).problems == ()


@pytest.mark.usefixtures("bucket")
def test_a_search_reads_its_candidates_from_there(gallery: Gallery, tmp_path: Path) -> None:
    """And verifies them."""
    gallery.add("s3://photos")
    hits = gallery.search(save(tmp_path / "part.png", drawn(8)[9:99, 9:139]), rerank=5)
    assert [(hit.path, hit.relation, hit.verified) for hit in hits[:1]] == [("s3://photos/sub/é one.jpg", "crop", True)]
    assert gallery.search(tmp_path / "photos" / "0000.jpg")[0].relation == "identical"


def test_an_archive_in_a_bucket(gallery: Gallery, bucket: Any, tmp_path: Path) -> None:
    """It is read in parts, where it lies."""
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for file in sorted((tmp_path / "photos").iterdir()):
            archive.write(file, file.name)
    bucket.pipe_file("photos/all.zip", (tmp_path / "all.zip").read_bytes())
    assert gallery.add("s3://photos/all.zip").added == 3
    assert gallery.add("s3://photos/all.zip").unchanged == 3
    assert gallery.check(read=True).problems == ()


@pytest.mark.usefixtures("bucket")
def test_a_bucket_that_lists_but_does_not_read(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each object is told; nothing is forgotten, nothing remembered against them, and the next run reads them."""
    gallery.add("s3://photos/sub")
    for name, value in LISTER.items():
        monkeypatch.setenv(name, value)
    remote._of_scheme.cache_clear()
    report = gallery.add("s3://photos")
    assert (report.added, report.unchanged, len(report.failed)) == (0, 2, 3)
    assert all("access denied" in one.reason for one in report.failed)
    assert gallery.missing_files().gone == ()
    for name, value in ADMIN.items():
        monkeypatch.setenv(name, value)
    remote._of_scheme.cache_clear()
    assert gallery.add("s3://photos").added == 3


@pytest.mark.usefixtures("bucket")
def test_what_cannot_be_listed(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    """No such bucket, no such prefix, wrong keys, no server: each in words of its own; what is held stays."""
    gallery.add("s3://photos")
    assert gallery.add("s3://nobody").failed[0].reason == "no such bucket"
    assert gallery.add("s3://photos/none").failed[0].reason == "no such file"
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    remote._of_scheme.cache_clear()
    assert "access denied" in gallery.add("s3://photos").failed[0].reason
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    remote._of_scheme.cache_clear()
    assert "Could not connect" in gallery.add("s3://photos").failed[0].reason
    missing = gallery.missing_files()
    assert (missing.gone, missing.away) == ((), {"s3://photos": 5})
    assert len(gallery) == 5


def test_an_object_that_vanishes(gallery: Gallery, bucket: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Listed, and then gone: told, and the others are there."""
    real = remote.entries

    def then_gone(url: str) -> list[dict[str, Any]]:
        found = real(url)
        bucket.rm_file("photos/0001.jpg")
        return found

    monkeypatch.setattr(remote, "entries", then_gone)
    report = gallery.add("s3://photos", exclude=["sub/"])
    assert [(one.path, one.reason) for one in report.failed] == [
        ("s3://photos/0001.jpg", "vanished: it was listed, and then gone")
    ]
    assert report.added == 2


@pytest.mark.usefixtures("bucket")
def test_a_new_gallery_of_nothing(tmp_path: Path) -> None:
    """A wrong address makes no gallery; a bucket makes one."""
    ran = process("index", "s3://nobody", "-g", tmp_path / "new")
    assert (ran.code, "no such bucket" in ran.err, "Traceback" in ran.err) == (2, True, False)
    assert not (tmp_path / "new").exists()
    ran = process("index", "s3://photos", "-g", tmp_path / "new", "--descriptors", "structure", "--json")
    assert (ran.code, ran.json["added"]) == (0, 5)


@pytest.mark.usefixtures("bucket")
def test_the_commands_of_the_guide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of them that needs no server of its own does what it says."""
    monkeypatch.chdir(tmp_path)
    with zipfile.ZipFile(tmp_path / "2019.zip", "w") as archive:
        archive.write(tmp_path / "photos" / "0000.jpg", "summer/0000.jpg")
    (tmp_path / "query.jpg").write_bytes((tmp_path / "photos" / "0001.jpg").read_bytes())
    every = re.findall(r"^lookalike (.+)$", GUIDE.read_text("utf-8"), re.MULTILINE)
    lines = [line for line in every if "https:" not in line]
    assert len(lines) >= 4
    assert {line: here(*shlex.split(line)).code for line in lines} == dict.fromkeys(lines, 0)


@pytest.mark.usefixtures("bucket")
def test_without_the_extra(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said what to install."""
    monkeypatch.setitem(sys.modules, "s3fs", None)
    remote._of_scheme.cache_clear()
    with pytest.raises(MissingDependency, match=r"lookalike\[remote\]"):
        gallery.add("s3://photos")
