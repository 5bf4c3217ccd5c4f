"""Where a crop was taken from, where an image lies in another one, and what was changed: boxes and masks."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont
from skimage.metrics import structural_similarity

from benchmarks.copies import one_thread
from benchmarks.harness import SEED, Options, run, table
from benchmarks.unseen import mixed, photographs
from lookalike import compare
from lookalike.comparison.alignment.align import LOAD_MIN_SIDE, align_images, with_keypoints
from lookalike.imaging import load
from lookalike.types import Box, Pixels

TITLE = "Boxes and changed regions"
SHARES = (0.75, 0.5, 0.25, 0.1)  # of an image's area that a crop keeps
WIDTHS = (1 / 2, 1 / 3, 1 / 4)  # of an image's width that a pasted one has
GOOD = 0.9  # intersection over union
EDITED_AT = 512  # pixels of the shorter side: larger photographs are changed at a smaller scale
VISIBLE = 8  # grey levels in any channel
TRIES = 20  # at other places, until half of a region differs visibly

Mask = NDArray[np.bool_]
Change = Callable[[Pixels, np.random.Generator], tuple[Pixels, Mask]]


def measure(options: Options) -> str:
    sets = photographs(options)
    files = mixed(sets, options.size(200, 3))
    others = [*files[1:], files[0]]
    kinds = {f"a crop of {share:.0%}": partial(_crop_found, share) for share in SHARES}
    pasted = {f"pasted, 1/{1 / width:.0f} of the width": partial(_pasted_found, width) for width in WIDTHS}
    with ProcessPoolExecutor(initializer=one_thread) as pool:
        found = {
            name: list(pool.map(work, files, others, range(len(files)), chunksize=4))
            for name, work in (kinds | pasted).items()
        }
        some = mixed(sets, options.size(100, 2))
        marked = {name: list(pool.map(partial(_marked, name), some, range(len(some)), chunksize=4)) for name in CHANGES}
    return f"{_boxes(found)}\n\n{_regions(marked)}"


def _seeded(number: int, kind: float | str) -> np.random.Generator:
    return np.random.default_rng([SEED, number, *str(kind).encode()])


# --- boxes


@dataclass(frozen=True)
class Localized:
    """Whether compare() calls it a crop and gives a box, and how well that fits (0 for none)."""

    found: bool
    overlap: float


def _crop_found(share: float, file: Path, _: Path, number: int) -> Localized:
    rng = _seeded(number, share)
    pixels = load(file).pixels
    truth = _part(share, pixels.shape[1], pixels.shape[0], rng)
    x, y, width, height = (int(value) for value in (truth.x, truth.y, truth.width, truth.height))
    part = pixels[y : y + height, x : x + width]
    if number % 2:
        part = _scaled(part, float(np.exp(rng.uniform(np.log(0.5), np.log(2)))))
    return _held_against(truth, file, _jpeg(part, 80), "a")


def _part(share: float, width: int, height: int, rng: np.random.Generator) -> Box:
    """So much of the area, anywhere; up to half as wide again, or as high, as the image is."""
    stretch = np.exp(rng.uniform(-1, 1) * np.log(1.5) / 2)
    across = min(1.0, max(share, share**0.5 * stretch))
    size = round(width * across), round(height * share / across)
    x, y = (int(rng.integers(0, whole - part + 1)) for whole, part in zip((width, height), size, strict=True))
    return Box(x, y, *size)


def _pasted_found(share: float, file: Path, other: Path, number: int) -> Localized:
    """On another photograph, whole, wherever there is room."""
    rng = _seeded(number, share)
    pixels, canvas = load(file).pixels, load(other).pixels.copy()
    small = _scaled(pixels, min(share * canvas.shape[1] / pixels.shape[1], 0.9 * canvas.shape[0] / pixels.shape[0]))
    height, width = small.shape[:2]
    x, y = int(rng.integers(0, canvas.shape[1] - width + 1)), int(rng.integers(0, canvas.shape[0] - height + 1))
    canvas[y : y + height, x : x + width] = small
    return _held_against(Box(x, y, width, height), file, _jpeg(canvas, 80), "b")


def _held_against(truth: Box, a: Path, b: bytes, larger: str) -> Localized:
    result = compare(a, b)
    if result.relation != "crop" or result.box is None:
        return Localized(False, 0.0)
    return Localized(True, overlap(truth, result.box) if result.box_in == larger else 0.0)


def overlap(a: Box, b: Box) -> float:
    """Intersection over union."""
    width = min(a.x + a.width, b.x + b.width) - max(a.x, b.x)
    height = min(a.y + a.height, b.y + b.height) - max(a.y, b.y)
    common = max(0.0, width) * max(0.0, height)
    return common / (a.width * a.height + b.width * b.height - common)


def _scaled(pixels: Pixels, scale: float) -> Pixels:
    size = max(8, round(pixels.shape[1] * scale)), max(8, round(pixels.shape[0] * scale))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(pixels, size, interpolation=way), np.uint8)


def _jpeg(pixels: Pixels, quality: int) -> bytes:
    memory = io.BytesIO()
    Pillow.fromarray(pixels).save(memory, "JPEG", quality=quality)
    return memory.getvalue()


def _boxes(found: Mapping[str, Sequence[Localized]]) -> str:
    rows = []
    for name, answers in found.items():
        fits = np.array([one.overlap for one in answers if one.found])
        share = sum(one.found for one in answers) / len(answers)
        good = sum(one.overlap >= GOOD for one in answers) / len(answers)
        middle = f"{np.median(fits):.3f}" if len(fits) else "-"
        rows.append((name, len(answers), _percent(share), middle, _percent(good)))
    note = (
        "**Boxes.** Photographs that recipes/fit_relation.py does not read. A crop keeps so much of the area, at a "
        "place and of a shape by chance; half of the crops are then resized by 0.5 to 2. Pasted: the whole photograph "
        "on another one (smaller where it would hide more than nine tenths of the height). JPEG of quality 80. Found: "
        "compare() says crop and gives a box. Overlap: intersection over union with the true box, 0 for a box in the "
        "wrong one of the two; its median is of those found, the last column is a share of all."
    )
    header = ("what", "pairs", "found, %", "median overlap", f"overlap of {GOOD:g} or more, %")
    return f"{note}\n\n{table(header, rows)}"


# --- changed regions


def _region(pixels: Pixels, low: float, high: float, rng: np.random.Generator) -> tuple[int, int, int]:
    """Side and top-left corner (x, y) of a square, so many times the shorter side, anywhere."""
    height, width = pixels.shape[:2]
    side = round(min(height, width) * float(rng.uniform(low, high)))
    return side, int(rng.integers(0, width - side + 1)), int(rng.integers(0, height - side + 1))


def _square(pixels: Pixels, side: int, x: int, y: int) -> Mask:
    mask = np.zeros(pixels.shape[:2], np.bool_)
    mask[y : y + side, x : x + side] = True
    return mask


def _sticker(pixels: Pixels, rng: np.random.Generator) -> tuple[Pixels, Mask]:
    """A face of any colour."""
    side, x, y = _region(pixels, 0.1, 0.3, rng)
    face = Pillow.new("RGBA", (256, 256))
    draw = ImageDraw.Draw(face)
    draw.ellipse((2, 2, 254, 254), tuple(rng.integers(120, 256, 3).tolist()), (60, 40, 20), 8)
    for middle in (85, 171):
        draw.ellipse((middle - 18, 75, middle + 18, 120), (50, 35, 15))
    draw.arc((60, 90, 196, 210), 15, 165, (120, 30, 30), 14)
    face = face.resize((side, side), Pillow.Resampling.LANCZOS)
    canvas = Pillow.fromarray(pixels)
    canvas.paste(face, (x, y), face)
    return np.array(canvas), _square(pixels, side, x, y)


def _caption_bar(pixels: Pixels, rng: np.random.Generator) -> tuple[Pixels, Mask]:
    """Half-transparent, over the whole width, with words on it."""
    height, width = pixels.shape[:2]
    bar = round(height * float(rng.uniform(0.1, 0.18)))
    top = int(rng.integers(0, height - bar + 1))
    paper, ink = ((0, 0, 0), "white") if rng.integers(2) else ((255, 255, 255), "black")
    changed = pixels.copy()
    strip, weight = changed[top : top + bar].astype(np.float32), float(rng.uniform(0.6, 0.8))
    changed[top : top + bar] = (strip * (1 - weight) + weight * np.array(paper, np.float32)).astype(np.uint8)
    canvas = Pillow.fromarray(changed)
    font = ImageFont.load_default(max(6.0, min(0.6 * bar, width / 16)))
    ImageDraw.Draw(canvas).text((width / 2, top + bar / 2), "seen yesterday at the market", ink, font, anchor="mm")
    mask = np.zeros((height, width), np.bool_)
    mask[top : top + bar] = True
    return np.array(canvas), mask


def _copied(pixels: Pixels, rng: np.random.Generator) -> tuple[Pixels, Mask]:
    """A square of the image somewhere else in it, with soft edges."""
    side, x, y = _region(pixels, 0.15, 0.25, rng)
    from_x, from_y = (int(rng.integers(0, whole - side + 1)) for whole in (pixels.shape[1], pixels.shape[0]))
    soft = np.zeros((side, side), np.float32)
    edge = max(2, side // 12)
    soft[edge:-edge, edge:-edge] = 1
    weight = np.asarray(cv2.GaussianBlur(soft, (0, 0), edge / 2))[..., None]
    changed = pixels.copy()
    there, taken = changed[y : y + side, x : x + side], pixels[from_y : from_y + side, from_x : from_x + side]
    changed[y : y + side, x : x + side] = np.rint(there * (1 - weight) + taken * weight).astype(np.uint8)
    return changed, _square(pixels, side, x, y)


def _removed(pixels: Pixels, rng: np.random.Generator) -> tuple[Pixels, Mask]:
    """An ellipse filled with what is around it (Telea, 2004)."""
    side, x, y = _region(pixels, 0.15, 0.25, rng)
    mask = np.zeros(pixels.shape[:2], np.uint8)
    cv2.ellipse(mask, (x + side // 2, y + side // 2), (side // 2, round(side / 2.6)), 0, 0, 360, 255, -1)
    return np.asarray(cv2.inpaint(pixels, mask, 5, cv2.INPAINT_TELEA), np.uint8), mask > 0


CHANGES: Mapping[str, Change | None] = {
    "sticker": _sticker,
    "caption bar": _caption_bar,
    "region copied": _copied,
    "region removed": _removed,
    "nothing": None,
}


def _marked(kind: str, file: Path, number: int) -> dict[str, float]:
    """Side -> intersection over union of what it marks in the changed image; for no change, the share it marks."""
    rng = _seeded(number, kind)
    pixels = load(file, min_side=EDITED_AT).pixels
    changed, truth = _changed(CHANGES[kind], pixels, rng)
    b = _jpeg(_recoloured(changed, rng), 70)
    seen = load(b).pixels
    masks = {
        "lookalike": _ours(pixels, b),
        "absolute difference > 0.1": _apart(pixels, seen),
        "SSIM < 0.5": _dissimilar(pixels, seen),
    }
    return {name: _overlap(mask, truth) if CHANGES[kind] else float(mask.mean()) for name, mask in masks.items()}


def _changed(change: Change | None, pixels: Pixels, rng: np.random.Generator) -> tuple[Pixels, Mask]:
    """The changed image, and where it differs visibly: in half of what was touched at least, if that can be had."""
    best = pixels, np.zeros(pixels.shape[:2], np.bool_)
    for _ in range(TRIES if change else 0):
        assert change is not None
        changed, touched = change(pixels, rng)
        differs = np.abs(changed.astype(np.int16) - pixels).max(-1) > VISIBLE
        if differs.sum() > best[1].sum():
            best = changed, differs
        if differs.sum() >= touched.sum() / 2:
            return changed, differs
    return best


def _recoloured(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Each channel up to a tenth more or less contrasted and eight grey levels lighter or darker."""
    gain, more = rng.uniform(0.9, 1.1, 3), rng.uniform(-8, 8, 3)
    return np.rint((pixels.astype(np.float32) - 128) * gain + 128 + more).clip(0, 255).astype(np.uint8)


def _ours(a: Pixels, b: bytes) -> Mask:
    """What compare's geometry marks, in the pixels of b."""
    first, second = load(_png(a), min_side=LOAD_MIN_SIDE), load(b, min_side=LOAD_MIN_SIDE)
    alignment = align_images(with_keypoints(first), with_keypoints(second))
    if alignment is None:
        return np.zeros((second.height, second.width), np.bool_)
    half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    to_b = np.linalg.inv(half) @ alignment.overlap.to_b @ half  # warpAffine counts from the middle of the first pixel
    changed = alignment.difference.mask.astype(np.uint8)
    size = second.width, second.height
    return np.asarray(cv2.warpAffine(changed, to_b[:2], size, flags=cv2.INTER_NEAREST), np.bool_)


def _png(pixels: Pixels) -> bytes:
    memory = io.BytesIO()
    Pillow.fromarray(pixels).save(memory, "PNG", compress_level=1)
    return memory.getvalue()


def _apart(a: Pixels, b: Pixels) -> Mask:
    return np.asarray(np.abs(_sized(a, b).astype(np.float32) - b).max(-1) > 0.1 * 255, np.bool_)


def _dissimilar(a: Pixels, b: Pixels) -> Mask:
    greys = [cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY) for pixels in (_sized(a, b), b)]
    alike = structural_similarity(*greys, full=True)[1]  # type: ignore[no-untyped-call]  # scikit-image has no types
    return np.asarray(alike < 0.5, np.bool_)


def _sized(a: Pixels, b: Pixels) -> Pixels:
    return np.asarray(cv2.resize(a, (b.shape[1], b.shape[0]), interpolation=cv2.INTER_AREA), np.uint8)


def _overlap(mask: Mask, truth: Mask) -> float:
    return float((mask & truth).sum() / max((mask | truth).sum(), 1))


def _regions(marked: Mapping[str, Sequence[Mapping[str, float]]]) -> str:
    sides = list(marked["nothing"][0])
    rows = []
    for name, answers in marked.items():
        result = {side: np.array([one[side] for one in answers]) for side in sides}
        if name == "nothing":
            rows.append(("nothing: marked all the same, %", len(answers), *(_percent(result[s].mean()) for s in sides)))
        else:
            rows.append((name, len(answers), *(f"{np.median(result[side]):.3f}" for side in sides)))
    note = (
        "**Changed regions.** Median over the images of the intersection over union between what is marked and what "
        f"differs by more than {VISIBLE} grey levels in any channel, before every channel was changed mildly and the "
        "image saved as JPEG (quality 70). Sticker: 10 to 30 % of the shorter side; caption bar: half-transparent, "
        "within the image, with words; region copied: 15 to 25 % of the shorter side to another place, its edges "
        "softened; region removed: as large, inpainted. Where less than half of it would be visible, another place is "
        f"taken, up to {TRIES} times. Beside it the plain difference (of 1, in any channel) and SSIM's map of the grey "
        "images. In the last row only colours and encoding differ; it is the mean share of an image that is marked."
    )
    return f"{note}\n\n{table(('change', 'images', *sides), rows)}"


def _percent(share: float) -> str:
    """ "71.3", "0", "100"."""
    return f"{100 * share:.0f}" if share in (0, 1) else f"{100 * share:.1f}"


if __name__ == "__main__":
    run(TITLE, measure)
