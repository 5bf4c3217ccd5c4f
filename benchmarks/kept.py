"""Which image of a group is kept: originals, each beside one worse and larger copy."""

from __future__ import annotations

import io
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from benchmarks.copies import drawn_from
from benchmarks.harness import Options, run, table
from lookalike.gallery import Gallery
from lookalike.imaging.manipulations import apply
from lookalike.types import Group

TITLE = "The original is kept before a worse and larger copy"
ORIGINAL_QUALITY = 90
SIDE = 1024  # pixels of an original's longer side, at most
Pixels = NDArray[np.uint8]
Worse = Callable[[Pillow.Image, int], tuple[bytes, str]]
"""An original and a number -> the file of a worse copy of it, and the ending of its name."""


def _file(image: Pillow.Image, ending: str, **options: object) -> tuple[bytes, str]:
    memory = io.BytesIO()
    image.save(memory, {"jpg": "JPEG", "png": "PNG", "tif": "TIFF"}[ending], **options)
    return memory.getvalue(), ending


def _edited(name: str, ending: str = "png", **options: object) -> Worse:
    return lambda image, seed: _file(Pillow.fromarray(apply(name, np.asarray(image), seed)), ending, **options)


def _compressed(image: Pillow.Image, quality: int) -> Pillow.Image:
    return Pillow.open(io.BytesIO(_file(image, "jpg", quality=quality)[0])).convert("RGB")


def _enlarged(share: float, method: Pillow.Resampling) -> Worse:
    def enlarge(image: Pillow.Image, _seed: int) -> tuple[bytes, str]:
        size = round(image.width * share), round(image.height * share)
        return _file(image.resize(size, method), "jpg", quality=95)

    return enlarge


def _sixteen_bits(image: Pillow.Image, _seed: int) -> tuple[bytes, str]:
    values = np.asarray(image)[..., ::-1].astype(np.uint16) * 257
    return cv2.imencode(".png", values)[1].tobytes(), "png"


KINDS: Mapping[str, Worse] = {
    "grey, PNG": _edited("grey"),
    "sepia, PNG": _edited("sepia"),
    "captioned": _edited("caption", "jpg", quality=95),
    "with a border": _edited("border", "jpg", quality=95),
    "watermarked": _edited("watermark", "jpg", quality=97),
    "with a sticker": _edited("sticker", "jpg", quality=97),
    "partly covered": _edited("covered", "png"),
    "CMYK, TIFF": lambda image, _: _file(image.convert("CMYK"), "tif"),
    "16 bits, PNG": _sixteen_bits,
    "converted to PNG": lambda image, _: _file(image, "png"),
    "JPEG 25, saved as PNG": lambda image, _: _file(_compressed(image, 25), "png"),
    "JPEG 60, re-saved at 98": lambda image, _: _file(_compressed(image, 60), "jpg", quality=98),
    "re-saved at 98": lambda image, _: _file(image, "jpg", quality=98),
    "enlarged 1.5 times": _enlarged(1.5, Pillow.Resampling.BICUBIC),
    "enlarged 2 times": _enlarged(2.0, Pillow.Resampling.LANCZOS),
    "pixelated": _edited("pixelate"),
    "blurred, PNG": _edited("blur"),
    "sharpened": _edited("sharpen", "jpg", quality=95),
    "brighter, blown out": _edited("brightness+", "jpg", quality=97),
    "posterised": _edited("posterise"),
}


def measure(options: Options) -> str:
    files = drawn_from(options.photographs("library"), options.size(40, 2))
    rows, total = [], Counter[str]()
    for name, worse in KINDS.items():
        found = _trial(files, worse)
        total += found
        rows.append((name, *(found[key] for key in ("original", "copy", "no group"))))
    share = total["original"] / max(1, total["original"] + total["copy"])
    return (
        f"{len(files)} photographs as JPEG {ORIGINAL_QUALITY} without camera data, at most {SIDE} pixels long, each "
        "beside one copy of a kind. Where the two were grouped, the original was kept in "
        f"**{100 * share:.1f} %** of {total['original'] + total['copy']:,}.\n\n"
        + table(("the copy", "original kept", "copy kept", "not grouped"), rows)
    )


def _trial(files: list[Path], worse: Worse) -> Counter[str]:
    """How often the original was kept, or the copy, or the two were not grouped."""
    with tempfile.TemporaryDirectory(prefix="lookalike-bench-") as name:
        folder = Path(name)
        for number, file in enumerate(files):
            _write(folder / "images", number, file, worse)
        with Gallery.create(folder / "g") as gallery:
            gallery.add(folder / "images")
            kept = dict(_kept(group) for group in gallery.duplicates(precision=0.9, by="copy"))
    return Counter(kept.get(number, "no group") for number in range(len(files)))


def _write(folder: Path, number: int, file: Path, worse: Worse) -> None:
    folder.mkdir(exist_ok=True)
    image = Pillow.open(file).convert("RGB")
    image.thumbnail((SIDE, SIDE))
    data, _ = _file(image, "jpg", quality=ORIGINAL_QUALITY)
    (folder / f"{number:03} original.jpg").write_bytes(data)
    copy, ending = worse(Pillow.open(io.BytesIO(data)).convert("RGB"), number)
    (folder / f"{number:03} copy.{ending}").write_bytes(copy)


def _kept(group: Group) -> tuple[int, str]:
    number, what = Path(group.keep).stem.split()
    return int(number), what


if __name__ == "__main__":
    run(TITLE, measure)
