"""Sidecars and stacks: what belongs to an image goes with it, what another needs stays, raw and JPEG are no copies."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lookalike.actions.sidecars import SidecarFinder
from lookalike.actions.stacks import stack_of
from lookalike.gallery.storage.row import Row


def touched(folder: Path, names: str) -> None:
    for name in names.split():
        (folder / name).write_bytes(b"x")


def named(paths: tuple[str, ...]) -> set[str]:
    return {os.path.basename(path) for path in paths}


@pytest.mark.parametrize("image", ["IMG.jpg", "img.JPG"])
def test_all_kinds(tmp_path: Path, image: str) -> None:
    """Every kind of sidecar is found, by the whole name and by the stem, whatever the case; other files are none."""
    sidecars = "IMG.xmp IMG.jpg.xmp IMG.AAE IMG.THM IMG.MOV IMG.json IMG.jpg.json IMG.jpg.supplemental-metadata.json"
    touched(tmp_path, f"{image} {sidecars} IMG.txt IMG2.xmp IMG.png.xmp")
    found = SidecarFinder().of(str(tmp_path / image))
    assert (named(found.own), found.shared) == (set(sidecars.split()), ())


def test_shared_with_another_image(tmp_path: Path) -> None:
    """IMG.xmp stays with IMG.dng when IMG.jpg goes; if both go, the last one takes it along."""
    touched(tmp_path, "IMG.jpg IMG.dng IMG.xmp IMG.jpg.xmp")
    jpeg, raw = str(tmp_path / "IMG.jpg"), str(tmp_path / "IMG.dng")
    alone = SidecarFinder([jpeg]).of(jpeg)
    assert (named(alone.own), named(alone.shared)) == ({"IMG.jpg.xmp"}, {"IMG.xmp"})
    both = SidecarFinder([jpeg, raw])
    assert [named(both.of(one).own) for one in (jpeg, raw)] == [{"IMG.jpg.xmp"}, {"IMG.xmp"}]


def row(path: str, **changes: object) -> Row:
    values = {"sha256": path, "format": "JPEG", "width": 4000, "height": 3000, "taken": "2019-08-07 06:05:04"}
    values |= {"id": 1, "bytes": 1, "mtime_ns": 0, "camera": "Acme X1", "path": path, **changes}
    return Row(**values)


def test_raw_and_jpeg() -> None:
    """Of the same name in the same folder they are a stack, and only then."""
    raw = row("/a/IMG_1.DNG", format="DNG", width=6000)
    assert stack_of(raw, row("/a/img_1.jpg")) == "raw and JPEG"
    assert stack_of(raw, row("/b/IMG_1.jpg")) is None
    assert stack_of(row("/a/IMG_1.png", format="PNG"), row("/a/IMG_1.jpg")) is None


@pytest.mark.parametrize(
    ("changes", "stack"),
    [
        ({}, "burst"),
        ({"taken": "2019-08-07 06:05:05"}, "burst"),
        ({"taken": "2019-08-07 06:05:06"}, None),
        ({"taken": None}, None),
        ({"camera": None}, None),
        ({"camera": "Acme X2"}, None),
        ({"width": 2000}, None),
        ({"path": "/a/IMG_0001-edited.jpg"}, None),
        ({"path": "/a/IMG_0001 (2).jpg"}, None),
        ({"path": "/b/IMG_0001.jpg"}, None),
        ({"sha256": "/a/IMG_0001.jpg"}, None),
    ],
)
def test_burst(changes: dict[str, object], stack: str | None) -> None:
    """One camera, one second, the next number and the same size make a burst; the same bytes never do."""
    other = {"path": "/a/IMG_0002.jpg", "sha256": "other"} | changes
    assert stack_of(row("/a/IMG_0001.jpg"), row(**other)) == stack
