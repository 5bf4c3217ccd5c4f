"""Which image of a group is kept, and the reason that is given."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow

from lookalike.gallery import Gallery
from lookalike.gallery.dedup import representative
from lookalike.gallery.dedup.representative import UNSURE, keep_best, preference
from lookalike.gallery.storage.row import Row
from lookalike.imaging.manipulations import apply
from lookalike.types import Box, Group, Pair, Pixels
from samples import photograph, save

NAMES = ("copy", "colour", "texture", "structure")


def camera() -> Pillow.Exif:
    exif = Pillow.Exif()
    exif[0x10F], exif[0x110] = "Acme", "Acme One"
    return exif


def as_jpeg(pixels: Pixels, quality: int) -> Pixels:
    memory = io.BytesIO()
    Pillow.fromarray(pixels).save(memory, "JPEG", quality=quality)
    return np.asarray(Pillow.open(memory).convert("RGB"))


def sixteen_bits(path: Path, pixels: Pixels) -> None:
    cv2.imwrite(str(path), pixels[..., ::-1].astype(np.uint16) * 257)


def kept(folder: Path) -> tuple[str, str]:
    """The name of the image that is kept of the only group, and why."""
    with Gallery.create(folder / "g", NAMES) as gallery:
        gallery.add(folder)
        (group,) = gallery.duplicates(by="copy", precision=0.9)
    return Path(group.keep).name, group.reason


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        ("grey", "the other lost its colours"),
        ("caption", "the other has a caption"),
        ("watermark", "the other has something laid over it"),
        ("blur", "the other is blurred"),
        ("pixelate", "more detail"),
    ],
)
def test_the_original_is_kept_before_an_edited_copy(tmp_path: Path, edit: str, reason: str) -> None:
    """Which is larger, newer, and even has the camera's data."""
    save(tmp_path / "original.jpg", photograph("coffee.png"), quality=88)
    save(tmp_path / "copy.png", apply(edit, photograph("coffee.png")), exif=camera())
    assert kept(tmp_path) == ("original.jpg", reason)


def test_a_conversion_is_not_kept(tmp_path: Path) -> None:
    """PNG of 8 and 16 bits and CMYK in TIFF, all of them larger, are made of what the JPEG shows."""
    save(tmp_path / "original.jpg", photograph("coffee.png"), quality=88)
    pixels = np.asarray(Pillow.open(tmp_path / "original.jpg"))
    save(tmp_path / "copy.png", pixels)
    sixteen_bits(tmp_path / "deep.png", pixels)
    Pillow.fromarray(pixels).convert("CMYK").save(tmp_path / "print.tif")
    assert kept(tmp_path) == ("original.jpg", "the other is a conversion")


def test_a_lossless_original_is_kept_before_its_jpeg(tmp_path: Path) -> None:
    """Where nothing in the pixels says that they were a JPEG."""
    save(tmp_path / "original.png", photograph("coffee.png"))
    save(tmp_path / "copy.jpg", photograph("coffee.png"), quality=97)
    assert kept(tmp_path)[0] == "original.png"


def test_a_saved_again_jpeg_is_not_kept(tmp_path: Path) -> None:
    """Its file is larger than the original's and shows no more."""
    save(tmp_path / "original.jpg", photograph("coffee.png"), quality=80)
    save(tmp_path / "again.jpg", as_jpeg(photograph("coffee.png"), 80), quality=98)
    assert kept(tmp_path) == ("original.jpg", "the other is a larger file that shows no more")


def test_an_enlarged_copy_is_not_kept(tmp_path: Path) -> None:
    """More pixels are not more detail; a larger original is kept before its smaller copy all the same."""
    half = cv2.resize(photograph("coffee.png"), None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    save(tmp_path / "one/original.jpg", half, quality=90)
    save(tmp_path / "one/large.jpg", cv2.resize(half, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC), quality=95)
    save(tmp_path / "two/original.jpg", photograph("coffee.png"), quality=90)
    save(tmp_path / "two/small.png", half)
    assert [kept(tmp_path / name) for name in ("one", "two")] == [("original.jpg", "more detail")] * 2


def test_the_camera_says_which_one_is_the_original(tmp_path: Path) -> None:
    """Of two files with the same detail; it does not make up for half of the detail."""
    small = cv2.resize(photograph("coffee.png"), None, fx=0.3, fy=0.3, interpolation=cv2.INTER_AREA)
    save(tmp_path / "one/camera.jpg", photograph("coffee.png"), quality=90, exif=camera())
    save(tmp_path / "one/copy.jpg", photograph("coffee.png"), quality=92)
    save(tmp_path / "two/thumbnail.jpg", small, quality=90, exif=camera())
    save(tmp_path / "two/large.jpg", photograph("coffee.png"), quality=90)
    assert kept(tmp_path / "one") == ("camera.jpg", "has camera data")
    assert kept(tmp_path / "two") == ("large.jpg", "more detail")


def group(keep: str, *pairs: Pair) -> Group:
    return Group(keep, tuple(pair.b for pair in pairs), pairs)


def row(path: str, width: int = 100, height: int = 100, **more: object) -> Row:
    """Of a file that does not exist, so that nothing can be measured in it."""
    return replace(Row(1, path, path * 64, 1, 1, width, height, "PNG", None, None), **more)


def pair(a: str, b: str, **more: object) -> Pair:
    return replace(Pair(a, b, 0.1, 0.9, "edited", verified=True), **more)


@pytest.mark.parametrize(
    ("pixels", "edited_in", "keep"),
    [
        ((100, 100), {"border": "a"}, "b"),
        ((90, 90), {"border": "a"}, "k"),  # a smaller image has lost more than the border is worth
        ((60, 60), {"greyed": "a"}, "b"),
        ((40, 40), {"greyed": "a"}, "k"),
        ((100, 100), {}, "k"),
        ((100, 100), {"border": "b"}, "k"),
        ((100, 100), {"border": "a", "greyed": "b"}, "k"),  # each of them was edited
    ],
)
def test_which_one_is_kept(pixels: tuple[int, int], edited_in: dict[str, str], keep: str) -> None:
    """Of an image and another one that lies in it, in a box of 100 x 100."""
    rows = {"k": row("k", 120, 120), "b": row("b", *pixels)}
    seen = group("k", pair("k", "b", edited_in=edited_in, box=Box(5, 5, 100, 100), box_in="a"))
    (found,) = keep_best([seen], rows.get, lambda best, _: group(best, pair(best, "k")), lambda anew: anew, lambda _: 0)
    assert found.keep == keep


def test_nobody_leaves_a_group_for_another_keeper() -> None:
    """Where a member would be no copy of the better one any more, all stays as it was."""
    rows = {name: row(name) for name in "kbc"}
    before = group("k", pair("k", "b", edited_in={"greyed": "a"}), pair("k", "c"))
    (found,) = keep_best(
        [before], rows.get, lambda best, _: group(best, pair(best, "k")), lambda anew: anew, lambda _: 0
    )
    assert found == replace(before, reason=UNSURE)


def test_the_order_of_what_the_gallery_knows() -> None:
    """Damage, a raw file, frames, camera data, pixels, bytes, age: the first difference decides; no file is read."""
    plain = row("a")
    better = [
        replace(plain, path="z", format="RAW", width=10),
        replace(plain, path="z", frames=3),
        replace(plain, path="z", camera="Acme"),
        replace(plain, path="z", width=101),
        replace(plain, path="z", bytes=2),
        replace(plain, path="z", taken="2001-01-01 00:00:00"),
        replace(plain, path="z", mtime_ns=0),
    ]
    assert all(preference(one) < preference(plain) for one in better)
    assert preference(plain) < preference(replace(better[3], damage="truncated"))


def test_a_wish_goes_first() -> None:
    """An image in a folder that a person prefers is kept, whatever is the matter with it."""
    rows = {"k": row("k"), "b": row("b", 10, 10, damage="truncated")}
    (found,) = keep_best(
        [group("k", pair("k", "b"))], rows.get, lambda best, _: group(best, pair(best, "k")), lambda anew: anew,
        lambda path: 0 if path == "b" else 1,
    )  # fmt: skip
    assert (found.keep, found.reason) == ("b", "in a preferred folder")


def test_few_files_of_a_large_group_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many copies the best few are looked at."""
    seen: list[str] = []
    monkeypatch.setattr(representative, "measured", lambda one: seen.append(one.path))
    names = [f"{number:03}" for number in range(100)]
    rows = {name: row(name, 1000 - int(name)) for name in names}
    keep_best([group("000", *(pair("000", name) for name in names[1:]))], rows.get, lambda *_: None, list, lambda _: 0)
    assert sorted(seen) == names[: representative.BEST_FEW]
