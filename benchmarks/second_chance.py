"""What regions add to `copy`: whether the original is among the few images that a search goes on to verify."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from benchmarks.copies import drawn_from, encoded
from benchmarks.copy_recall import SIDE, dealt, percent
from benchmarks.harness import SEED, Options, run, table
from lookalike import Gallery
from lookalike.gallery.search.options import RERANK_TOP_K
from lookalike.gallery.search.second_chance import WITHIN
from lookalike.imaging import load
from lookalike.imaging.manipulations import EDITS, apply
from lookalike.types import Pixels

TITLE = "The second chance: originals among the candidates, by copy and by regions"
PHOTOGRAPHS = 25  # that are asked for, in every way
OTHERS = 5000  # images of clothing beside the photographs of the library

Change = Callable[[Pixels, Pixels, np.random.Generator], Pixels]  # of an image and another one


def measure(options: Options) -> str:
    sources, _ = dealt(options)
    asked = drawn_from(sources, options.size(PHOTOGRAPHS, 2))
    grounds = drawn_from(options.photographs("clothing"), 200)
    files = [*sources, *drawn_from(options.photographs("clothing"), options.size(OTHERS, 12))]
    ways = {name: partial(apply, name) for name in list(EDITS)[:: options.size(1, 12)]}
    ways |= {name: partial(_hard, change, grounds) for name, change in HARD.items()}
    with (
        tempfile.TemporaryDirectory() as place,
        Gallery.create(Path(place) / "g", descriptors=("copy", "regions")) as gallery,
    ):
        gallery.add(files)
        rows = [(name, *_shares(gallery, asked, way, options)) for name, way in ways.items()]
    easy, hard = rows[: -len(HARD)], rows[-len(HARD) :]
    result = [(what, *_mean(some)) for what, some in (("**all of EDITS**", easy), ("**harder ones**", hard))]
    note = (
        f"{len(files):,} images, {len(asked)} photographs of {options.size(SIDE, 64)} pixels a side and more asked "
        f"for in each way, as JPEG of quality 90. Share of the queries whose original is among the first "
        f"{RERANK_TOP_K} by `copy`, among the first {RERANK_TOP_K} by `regions`, and among those that a search by "
        f"`copy` verifies in a gallery that holds both: the first {RERANK_TOP_K} by `copy`, {RERANK_TOP_K} that it "
        f"may be a part of by regions, and {WITHIN} that are near one of its proposals by `copy`. "
        "The harder ones: what is left is a small part of the photograph, or the photograph "
        "is a small part of another one (of clothing). Edits that all three find always are left out of the table."
    )
    return f"{table(('edit, %', 'by copy', 'by regions', 'verified'), [*_changed(easy), *hard, *result])}\n\n{note}"


def _changed(rows: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Those whose shares are not all of them."""
    return [row for row in rows if set(row[1:]) != {percent(1.0)}]


def _mean(rows: Sequence[tuple[str, ...]]) -> list[str]:
    return [f"**{np.mean([float(row[column]) for row in rows]):.1f}**" for column in (1, 2, 3)]


def _shares(
    gallery: Gallery, asked: Sequence[Path], change: Callable[[Pixels, int], Pixels], options: Options
) -> list[str]:
    found = []
    for number, file in enumerate(asked):
        data = encoded(change(load(file, min_side=options.size(SIDE, 64)).pixels, SEED + number), as_jpeg=True)
        hits = {by: gallery.search(data, RERANK_TOP_K, by=by, rerank=0) for by in ("copy", "regions")}
        near = [str(file) in {hit.path for hit in some} for some in hits.values()]
        verified = gallery.search(data, 3 * RERANK_TOP_K, by="copy")
        both = {hit.path for hit in verified if hit.verified or hit.relation == "identical"}
        found.append([*near, near[0] or str(file) in both])
    return [percent(share) for share in np.mean(found, axis=0).tolist()]


# --- harder edits


def _hard(change: Change, grounds: Sequence[Path], pixels: Pixels, seed: int) -> Pixels:
    random = np.random.default_rng(seed)
    return change(pixels, load(grounds[int(random.integers(len(grounds)))], min_side=256).pixels, random)


def _cropped(share: float) -> Change:
    def crop(pixels: Pixels, _: Pixels, random: np.random.Generator) -> Pixels:
        height, width = (max(8, round(length * share**0.5)) for length in pixels.shape[:2])
        top, left = (int(random.integers(a - b + 1)) for a, b in zip(pixels.shape[:2], (height, width), strict=True))
        return pixels[top : top + height, left : left + width]

    return crop


def _pasted(share: float) -> Change:
    """Onto a photograph, at this share of its width."""

    def paste(pixels: Pixels, ground: Pixels, random: np.random.Generator) -> Pixels:
        canvas = ground.copy()
        width = round(canvas.shape[1] * share)
        height = min(round(width * pixels.shape[0] / pixels.shape[1]), canvas.shape[0])
        top, left = (
            int(random.integers(canvas.shape[0] - height + 1)),
            int(random.integers(canvas.shape[1] - width + 1)),
        )
        canvas[top : top + height, left : left + width] = cv2.resize(
            pixels, (width, height), interpolation=cv2.INTER_AREA
        )
        return canvas

    return paste


HARD = {
    "crop to 25 % of the area": _cropped(0.25),
    "crop to 10 %": _cropped(0.1),
    "crop to 5 %": _cropped(0.05),
    "crop to 2 %": _cropped(0.02),
    "pasted, half of the width": _pasted(0.5),
    "pasted, a third": _pasted(1 / 3),
    "pasted, a quarter": _pasted(0.25),
    "pasted, a fifth": _pasted(0.2),
}


if __name__ == "__main__":
    run(TITLE, measure)
