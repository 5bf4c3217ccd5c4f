"""Galleries without paths: nothing of a file's name or folder is on the disk, and everything else works."""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image as Pillow

from lookalike.actions import organize
from lookalike.actions.removal_plan import plan_removals
from lookalike.errors import UserError
from lookalike.gallery import Gallery
from lookalike.gallery.storage.privacy import Privacy
from lookalike.gallery.storage.thumbnails import FILE, KEPT, Thumbnails
from samples import drawn, photograph, save
from served import serving
from terminal import here

SECRETS = ("kindergarten", "Ludmila", "Hasselmann", "1999")  # a folder, a file, a camera, a year


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Images with telling names, folders and EXIF, a copy of one, and a file that is no image."""
    folder = tmp_path / "kindergarten"
    exif = Pillow.Exif()
    exif[0x010F], exif[0x0110] = "Hasselmann", "H1"
    exif[0x0132] = "1999:01:02 03:04:05"
    save(folder / "Ludmila 1.jpg", photograph("chelsea.png"), quality=90, exif=exif)
    save(folder / "Ludmila 1 smaller.jpg", photograph("chelsea.png")[::2, ::2], quality=80)
    save(folder / "Ludmila 2.jpg", photograph("coffee.png"), quality=90)
    (folder / "Ludmila broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 and no more")
    return folder


@pytest.fixture(params=["thumbnails", "vectors"])
def gallery(request: pytest.FixtureRequest, tmp_path: Path, photos: Path) -> Iterator[Gallery]:
    with Gallery.create(tmp_path / "g.gallery", retention=request.param) as opened:
        opened.add(photos)
        yield opened


def on_disk(folder: Path) -> bytes:
    """Every byte below a folder."""
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_with_paths_the_disk_tells(tmp_path: Path, photos: Path) -> None:
    """So that the next test can fail: an ordinary gallery does hold all of these."""
    with Gallery.create(tmp_path / "g.gallery") as opened:
        opened.add(photos)
        held = on_disk(opened.path)
    assert [word for word in SECRETS if word.encode() not in held] == []


def test_nothing_tells_where_an_image_lay(gallery: Gallery, photos: Path) -> None:
    """Neither in the database nor in its log, whatever was done: added, changed, removed, failed, searched."""
    save(photos / "Ludmila 2.jpg", drawn(5))
    gallery.add(photos)
    gallery.search(photos / "Ludmila 1.jpg")
    gallery.duplicates()
    gallery.remove(photos / "Ludmila 2.jpg")
    held = on_disk(gallery.path)
    assert len(held) > 10_000
    assert [word for word in SECRETS if word.encode() in held] == []
    assert [row.path for row in gallery] == [f"image-{row.path[6:]}" for row in gallery]
    assert gallery.info().folders == ()


def test_names_are_stable_and_of_one_gallery() -> None:
    """The same path has the same name again, and another one in another gallery; a name stays what it is."""
    one, other = Privacy("vectors", "00" * 16), Privacy("vectors", "01" * 16)
    name = one.name("/a/b.jpg")
    assert one.name("/a/b.jpg") == name != other.name("/a/b.jpg")
    assert one.name(name) == one.name(f"/anywhere/{name}") == name
    assert Privacy("paths", "00" * 16).name("/a/b.jpg") == "/a/b.jpg"


def test_only_what_changed_is_read_again(gallery: Gallery, photos: Path) -> None:
    report = gallery.add(photos)
    assert (report.added, report.updated, report.unchanged, len(report.failed)) == (0, 0, 3, 1)
    save(photos / "Ludmila 2.jpg", drawn(5))
    shutil.copy(photos / "Ludmila 1.jpg", photos / "Ludmila 3.jpg")
    report = gallery.add(photos)
    assert (report.added, report.updated, report.unchanged) == (1, 1, 2)


def test_search_and_duplicates_go_by_vectors(gallery: Gallery, photos: Path) -> None:
    """By a file, and by an image of the gallery; the files are not needed."""
    rows = {(row.width, row.bytes): row for row in gallery}
    original = rows[451, (photos / "Ludmila 1.jpg").stat().st_size]
    query = photos / "Ludmila 1.jpg"
    hits = gallery.search(query, k=3)
    assert hits[0].path == original.path
    shutil.rmtree(photos)
    (group,) = gallery.duplicates()
    assert (group.keep, len(group.others)) == (original.path, 1)
    assert [hit.path for hit in gallery.search(original, k=2)] == [original.path, group.others[0]]
    gallery.add_verdicts([(group.keep, group.others[0])], "different")
    assert gallery.duplicates() == []


def test_what_needs_the_files_says_so(gallery: Gallery, photos: Path, tmp_path: Path) -> None:
    kept = gallery.retention
    for act in (
        gallery.refresh,
        gallery.calibrate,
        lambda: gallery.classify("nothing"),
        lambda: gallery.label_from_folders(photos),
        lambda: gallery.add_descriptor("pdq"),
        lambda: organize.plan_moves(gallery, tmp_path / "o", "copy"),
        lambda: plan_removals(gallery, [], "moved"),
    ):
        with pytest.raises(UserError, match=f"keeps no paths, only {kept}"):
            act()


def test_thumbnails_come_and_go_with_their_images(tmp_path: Path, photos: Path) -> None:
    with Gallery.create(tmp_path / "g.gallery", retention="thumbnails") as gallery:
        gallery.add(photos)
        row = max(gallery, key=lambda one: one.width)
        kept = Thumbnails(gallery.path)
        data = kept.get(row.sha256, KEPT)
        assert data is not None
        image = Pillow.open(io.BytesIO(data))
        assert (image.format, max(image.size)) == ("WEBP", KEPT)
        gallery._library.store._db.all("PRAGMA wal_checkpoint(TRUNCATE)")
        assert gallery.info().disk_bytes == sum(
            (gallery.path / name).stat().st_size for name in ("gallery.sqlite", FILE)
        )
        gallery.remove(row.path)
        assert kept.get(row.sha256, KEPT) is None
        kept.close()


def test_vectors_alone_keep_no_image(tmp_path: Path, photos: Path) -> None:
    with Gallery.create(tmp_path / "g.gallery", retention="vectors") as gallery:
        gallery.add(photos)
        assert not (gallery.path / FILE).exists()


def test_creating_one_that_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="keeps paths, thumbnails, vectors, not 'nothing'"):
        Gallery.create(tmp_path / "g.gallery", retention="nothing")
    with pytest.raises(UserError, match="without paths there are none"):
        Gallery.create(tmp_path / "g.gallery", retention="vectors", keypoints=True)
    assert not os.path.exists(tmp_path / "g.gallery")


def test_the_command(tmp_path: Path, photos: Path) -> None:
    """A new one is made by --retention, with regions if asked; an existing one stays what it is."""
    path = tmp_path / "g.gallery"
    made = here("index", photos, "--gallery", path, "--retention", "vectors", "--with", "regions", "--json")
    assert (made.code, made.json["added"]) == (1, 3)  # 1: a file failed
    assert here("index", photos, "--gallery", path, "--retention", "vectors", "--json").json["unchanged"] == 3
    refused = here("index", photos, "--gallery", path, "--retention", "paths")
    assert refused.code == 2
    assert "keeps vectors; to keep paths, index into a new gallery" in refused.err
    info = here("info", "--gallery", path)
    assert "vectors, no paths" in info.out
    assert "regions of 3 images" in info.out
    found = here("search", photos / "Ludmila 2.jpg", "--gallery", path, "--by", "regions", "--json")
    assert found.json["queries"][0]["hits"][0]["path"].startswith("image-")


@pytest.mark.server
def test_the_service_shows_thumbnails_and_no_paths(gallery: Gallery, photos: Path) -> None:
    gallery.close()
    shutil.rmtree(photos)
    with serving(gallery.path) as server:
        answer = server.get("/v1/images").json()
        assert [one["path"] for one in answer["images"]] == [None] * 3
        number = answer["images"][0]["id"]
        small = server.get(f"/v1/images/{number}/thumbnail?side=160")
        assert small.status_code == (200 if gallery.retention == "thumbnails" else 404)
        assert server.get(f"/v1/images/{number}/file").status_code == 404
        refused = server.post("/v1/compare", data={"a_id": number, "b_id": number})
        assert (refused.status_code, "keeps no paths" in refused.json()["detail"]) == (422, True)
        hits = server.search(id=number)["hits"]
        assert len(hits) > 0
        everything = server.get("/v1/gallery").text + str(hits) + str(answer)
        assert [word for word in SECRETS if word in everything] == []
