"""Whether a part finds its image: objects cut out of photographs, and product shots that were pasted into some."""

from __future__ import annotations

import io
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
from PIL import Image as Pillow

from benchmarks.copies import drawn_from, one_thread
from benchmarks.harness import SEED, Options, run, table
from benchmarks.region_recall import boxed, overlaps
from lookalike import Gallery
from lookalike.imaging import load
from lookalike.types import Box, Hit, Pixels

TITLE = "A part finds its image"
BANDS = {"10 %": (0.07, 0.14), "5 %": (0.035, 0.07), "2 %": (0.014, 0.028)}  # of the image's area
K = 50
ASKED_AT = 75  # JPEG quality of a query
PASTED_INTO = 640  # pixels of the longer side of what products are pasted into
CROP_RESISTANT_AMONG = 500  # images: it takes a tenth of a second for each


@dataclass(frozen=True)
class Question:
    """A query as a file's bytes; the image that it is a part of, and where (pixels of that image)."""

    kind: str
    data: bytes
    path: str
    box: Box


def measure(options: Options) -> str:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        asked = [*_objects(options), *_products(options, folder / "pasted")]
        files = _library(options, asked)
        if not asked:
            return "There are no boxes in the data: coco128 with object_detection/labels, or fashion and bsds."
        with Gallery.create(folder / "g", descriptors=("regions", "copy", "content", "structure", "pdq")) as gallery:
            started = time.perf_counter()
            gallery.add(files)
            took = time.perf_counter() - started
            rows = [(name, *_row(asked, partial(_searched, gallery, **how))) for name, how in WAYS.items()]
            disk = gallery.info().disk_bytes / len(gallery)
        rows.append(
            (f"crop-resistant hash, among {CROP_RESISTANT_AMONG} only", *_row(asked, _crop_resistant(files, asked)))
        )
    kinds = _kinds(asked)
    counts = ", ".join(f"{kind}: {sum(one.kind == kind for one in asked)}" for kind in kinds)
    note = (
        f"{len(files):,} images. Asked: {counts}. Objects are boxes of COCO photographs never trained on, cut "
        f"out of the photograph and saved as JPEG of quality {ASKED_AT}; pasted are product shots without their white "
        "ground in photographs of BSDS500, asked for by the product shot. In each cell: share with the right image "
        f"first / among the first ten / mean average precision over the first {K}; of the last two columns, over all "
        "of them: mean overlap (IoU) of the told box with the true one where the right image is among the first ten, "
        f"and median ms of a search. Reading and describing all took {1000 * took / len(files):.0f} ms an image; "
        f"{disk:,.0f} bytes an image on disk, all descriptors together."
    )
    return f"{table(('by', *kinds, 'IoU', 'ms'), rows)}\n\n{note}"


WAYS = {
    "`regions`": {"by": "regions", "rerank": 0},
    "`regions`, the first 20 verified": {"by": "regions"},
    "whole images by `copy`": {"by": "copy", "rerank": 0},
    "whole images by `content`": {"by": "content"},
    "whole images by PDQ": {"by": "pdq"},
    "whole images by structure (phash-256)": {"by": "structure"},
}


def _searched(gallery: Gallery, asked: Question, **how: object) -> list[Hit]:
    return gallery.search(asked.data, K, **how)


# --- what is asked for


def _objects(options: Options) -> Iterator[Question]:
    for file, truth in boxed(options, "val2017")[: options.size(1000, 6)]:
        image = load(file)
        for box in truth:
            for name, (low, high) in BANDS.items():
                if low <= box[2] * box[3] < high:
                    at = Box(*(box * np.array([image.width, image.height] * 2)).tolist())
                    yield Question(f"object, {name}", _jpeg(_cut(image.pixels, at)), str(file), at)


def _cut(pixels: Pixels, box: Box) -> Pixels:
    left, top = max(round(box.x), 0), max(round(box.y), 0)
    return pixels[top : max(round(box.y + box.height), top + 2), left : max(round(box.x + box.width), left + 2)]


def _jpeg(pixels: Pixels) -> bytes:
    memory = io.BytesIO()
    Pillow.fromarray(np.ascontiguousarray(pixels)).save(memory, "JPEG", quality=ASKED_AT)
    return memory.getvalue()


def _products(options: Options, folder: Path) -> Iterator[Question]:
    """Product shots without their ground, each in a photograph of its own."""
    products = drawn_from(sorted((options.data / "fashion").rglob("*.jpg")), options.size(400, 12))
    grounds = drawn_from(sorted((options.data / "bsds").rglob("*.jpg")), options.size(300, 6))
    folder.mkdir()
    shots = (cut for cut in (_without_ground(load(file).pixels) for file in products) if cut is not None)
    shares = [(name, (low * high) ** 0.5) for name, (low, high) in BANDS.items()]
    for number, (ground, (pixels, mask)) in enumerate(zip(grounds, shots, strict=False)):
        name, share = shares[number % len(shares)]
        path = folder / f"{number}.jpg"
        image, box = _pasted(load(ground).pixels, pixels, mask, share, np.random.default_rng([SEED, number]))
        path.write_bytes(_jpeg(image))
        yield Question(
            f"pasted, {name}", _jpeg(np.where(mask[..., None], pixels, 255).astype(np.uint8)), str(path), box
        )


def _without_ground(pixels: Pixels) -> tuple[Pixels, Pixels] | None:
    """A product on white, cut tightly, and where it is not white; None if it is not on white."""
    mask = (pixels.min(2) < 240).astype(np.uint8)
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))
    rows, columns = np.flatnonzero(mask.mean(1) > 0.02), np.flatnonzero(mask.mean(0) > 0.02)
    if len(rows) < 40 or len(columns) < 40 or mask.mean() > 0.7:
        return None
    place = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    return pixels[place], mask[place].astype(bool)


def _pasted(
    ground: Pixels, pixels: Pixels, mask: Pixels, share: float, random: np.random.Generator
) -> tuple[Pixels, Box]:
    scale = PASTED_INTO / max(ground.shape[:2])
    height, width = round(ground.shape[0] * scale), round(ground.shape[1] * scale)
    image = cv2.resize(ground, (width, height), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    shape = pixels.shape[1] / pixels.shape[0]
    w, h = (
        min(round((share * width * height * one) ** 0.5), most) for one, most in ((shape, width), (1 / shape, height))
    )
    x, y = int(random.integers(width - w + 1)), int(random.integers(height - h + 1))
    small = cv2.resize(pixels, (w, h), interpolation=cv2.INTER_AREA).astype(float)
    soft = cv2.resize(mask.astype(float), (w, h), interpolation=cv2.INTER_AREA)[..., None]
    under = image[y : y + h, x : x + w]
    image[y : y + h, x : x + w] = np.round(soft * small + (1 - soft) * under).astype(np.uint8)
    return np.asarray(image, np.uint8), Box(x, y, w, h)


def _library(options: Options, asked: Sequence[Question]) -> list[str]:
    """What is asked for, and everything else up to at least 10,000."""
    files = {one.path for one in asked}
    others = [*options.photographs("clothing"), *options.photographs("development")]
    others += drawn_from(sorted((options.data / "imagenette").rglob("*.JPEG")), 4000)
    return sorted(
        files | {str(file) for file in others[: options.size(len(others), 20)] if "train2017" not in str(file)}
    )


# --- one row


def _row(asked: Sequence[Question], search: Callable[[Question], list[Hit]]) -> list[str]:
    ranks: dict[str, list[float]] = {}
    overlap, took = [], []
    for one in asked:
        started = time.perf_counter()
        hits = search(one)
        took.append(1000 * (time.perf_counter() - started))
        place = next((rank for rank, hit in enumerate(hits) if hit.path == one.path), K)
        ranks.setdefault(one.kind, []).append(place)
        if place < 10 and hits[place].box is not None and hits[place].box_in == "image":
            overlap.append(_iou(hits[place].box, one.box))
    result = [_result(np.array(ranks[kind])) for kind in _kinds(asked)]
    return [*result, f"{np.mean(overlap):.2f}" if overlap else "", f"{np.median(took):.0f}"]


def _kinds(asked: Sequence[Question]) -> list[str]:
    """Of what is asked for, objects first and large ones first."""
    every = [f"{what}, {band}" for what in ("object", "pasted") for band in BANDS]
    return [kind for kind in every if kind in {one.kind for one in asked}]


def _result(places: np.ndarray) -> str:
    precision = np.where(places < K, 1 / (places + 1), 0).mean()
    return f"{(places < 1).mean():.2f} / {(places < 10).mean():.2f} / {precision:.2f}"


def _iou(result: Box, true: Box) -> float:
    a, b = (np.array([[box.x, box.y, box.width, box.height]]) for box in (result, true))
    return float(overlaps(a, b)[0, 0])


def _crop_resistant(files: Sequence[str], asked: Sequence[Question]) -> Callable[[Question], list[Hit]]:
    """imagehash's own hash for crops, in a small library with all that is asked for."""
    import imagehash

    wanted = list(dict.fromkeys(one.path for one in asked))
    among = [*wanted, *drawn_from([file for file in files if file not in set(wanted)], CROP_RESISTANT_AMONG)]
    among = among[: max(CROP_RESISTANT_AMONG, len(wanted))]
    with ProcessPoolExecutor(mp_context=get_context("spawn"), initializer=one_thread) as pool:
        held = list(pool.map(_segments, among, chunksize=8))

    def search(one: Question) -> list[Hit]:
        query = imagehash.crop_resistant_hash(Pillow.open(io.BytesIO(one.data)))
        order = sorted(range(len(among)), key=lambda row: _apart(query, held[row]))
        return [Hit(among[row], 0.0, 0.0, "similar") for row in order[:K]]

    return search


def _segments(file: str) -> object:
    import imagehash

    return imagehash.crop_resistant_hash(Pillow.open(file).convert("RGB"))


def _apart(query: object, held: object) -> tuple[float, float]:
    """Fewer segments that agree are farther; of equals, more bits that differ."""
    agree, bits = query.hash_diff(held)
    return -agree, bits


if __name__ == "__main__":
    run(TITLE, measure)
