"""A real-life folder: 2,000 files of which 5 % are broken, each in another way. All are accounted for."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from images import bombs
from lookalike.gallery import Gallery
from samples import drawn

GOOD, BAD = 1900, 100


def encoded(number: int, fmt: str = "JPEG") -> bytes:
    memory = io.BytesIO()
    Pillow.fromarray(drawn(number, 64, 48)).save(memory, fmt)
    return memory.getvalue()


def truncated(number: int) -> tuple[str, bytes]:
    data = encoded(number)
    return ".jpg", data[: len(data) // 2]


def zero_bytes(_: int) -> tuple[str, bytes]:
    return ".png", b""


def text(number: int) -> tuple[str, bytes]:
    return ".jpg", b"dear diary, this is no image\n" * number


def bomb(_: int) -> tuple[str, bytes]:
    return ".png", bombs()["PNG"]  # claims 30,000 x 30,000


def no_frames(_: int) -> tuple[str, bytes]:
    return ".gif", b"GIF89a" + (64).to_bytes(2, "little") * 2 + b"\0\0\0;"


def noise_in_the_middle(number: int) -> tuple[str, bytes]:
    data = bytearray(encoded(number, "PNG"))
    data[len(data) // 2 : len(data) // 2 + 200] = np.random.default_rng(number).bytes(200)
    return ".png", bytes(data)


def random_bytes(number: int) -> tuple[str, bytes]:
    return ".webp", np.random.default_rng(number).bytes(3000)


WAYS: tuple[Callable[[int], tuple[str, bytes]], ...] = (
    truncated,
    zero_bytes,
    text,
    bomb,
    no_frames,
    noise_in_the_middle,
    random_bytes,
)


def hostile(folder: Path) -> dict[str, str]:
    """Fills the folder; file name -> the way in which it is broken. Ten good ones have the wrong extension."""
    folder.mkdir()
    for number in range(GOOD):
        (folder / f"good-{number:04}.{'png' if number % 190 == 0 else 'jpg'}").write_bytes(encoded(number))
    broken = {}
    for number in range(1, BAD + 1):
        way = WAYS[number % len(WAYS)]
        extension, data = way(number)
        name = f"bad-{number:03}{extension}"
        (folder / name).write_bytes(data)
        broken[name] = way.__name__
    return broken


def test_two_thousand_files_five_percent_broken(tmp_path: Path) -> None:
    """Every good file is added, every broken one is a failure with a reason of its kind, and a second run is idle."""
    broken = hostile(tmp_path / "folder")
    with Gallery.create(tmp_path / "g", ["structure"]) as gallery:
        report = gallery.add(tmp_path / "folder")
        again = gallery.add(tmp_path / "folder")
        assert len(gallery) == GOOD
    assert (report.added, report.skipped, len(report.failed)) == (GOOD, 0, BAD)
    assert {Path(failure.path).name for failure in report.failed} == set(broken)
    reasons = Counter((broken[Path(f.path).name], f.reason.split(":")[0].split(" ")[0]) for f in report.failed)
    assert {way for way, _ in reasons} == {way.__name__ for way in WAYS}
    assert all(reason for _, reason in reasons)
    assert next(f.reason for f in report.failed if broken[Path(f.path).name] == "truncated").startswith("truncated")
    assert "million" in next(f.reason for f in report.failed if broken[Path(f.path).name] == "bomb")
    assert (again.unchanged, len(again.failed)) == (GOOD, BAD)
