"""Street to shop: whether a garment cut out on white finds the photograph in which it is worn."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.copies import drawn_from, encoded
from benchmarks.harness import IMAGES, Options, run, table
from benchmarks.sides import mobilenet
from lookalike import Gallery
from lookalike.distance import cosine
from lookalike.imaging import load
from lookalike.types import Floats, Pixels

TITLE = "Street to shop: a garment on white finds its worn photograph"
PHOTOS, MASKS, NAMES = "bearpaw/photos", "bearpaw/annotations/pixel-level", "bearpaw/label_list.mat"
SMALL = {
    *("null", "skin", "hair", "accessories", "belt", "bracelet", "earrings", "glasses", "gloves", "necklace", "ring"),
    *("socks", "stockings", "sunglasses", "tie", "watch", "tights", "wallet", "intimate", "panties", "bra"),
}  # labels that are no garment that a shop would show alone
SHARE = 0.03  # of the photograph, that a garment covers at least
MARGIN = 0.15  # of white around it
FIRST = (1, 10, 100)
WAYS = {
    "`recommend --by regions`": "regions",
    "... regions=2,content=1": "regions=2,content=1",
    "content": "content",
    "colour histogram (`colour`)": "colour",
    "hash (`structure`, phash-256)": "structure",
}
NOTE = (
    "{count:,} photographs of people in the street, one of which each query was cut out of by its pixel mask: the "
    "largest garment that covers at least {share:.0%} of it, set on white with a margin, JPEG. *As another shop shows "
    "it*: mirrored, half as large, lighter, of other contrast and hue, JPEG of quality 60. {queries} queries of each "
    "kind; in each cell the share whose photograph is the first / among the first ten / hundred. `content` was trained "
    "on these photographs, among others, without labels and masks; that a plain ground is painted grey was chosen on "
    "84 of the garments. Median time of a query by regions, described and searched: {took:.2f} s.{missing}"
)


@dataclass(frozen=True)
class Garment:
    """A garment on white, of the photograph ``file``."""

    file: Path
    pixels: Pixels


def measure(options: Options) -> str:
    files, garments = _worn(options)
    if not garments:
        return f"There are no masks in the data: {PHOTOS} and {MASKS}."
    kinds = {
        "as it was cut out": [one.pixels for one in garments],
        "as another shop shows it": [elsewhere(one.pixels) for one in garments],
    }
    right = [files.index(one.file) for one in garments]
    rows, took = [], [0.0]
    with tempfile.TemporaryDirectory(prefix="lookalike-bench-") as place, _gallery(Path(place), files) as gallery:
        for name, by in WAYS.items():
            found = {kind: [_ranks(gallery, by, one) for one in images] for kind, images in kinds.items()}
            places = {kind: _places([ids for ids, _ in each], right) for kind, each in found.items()}
            rows.append((name, *(_shares(one) for one in places.values())))
            if by == "regions":
                took = [seconds for each in found.values() for _, seconds in each]
    with mobilenet.network(options) as peer:
        if peer is not None:
            rows.append((mobilenet.NAME, *(_shares(one) for one in _by_peer(peer, files, kinds, right).values())))
    note = NOTE.format(
        count=len(files), share=SHARE, queries=len(garments), took=float(np.median(took)),
        missing="" if peer else f" {mobilenet.MISSING}",
    )  # fmt: skip
    return f"{table(('by', *kinds), rows)}\n\n{note}"


def _gallery(place: Path, files: Sequence[Path]) -> Gallery:
    """A catalogue in which every photograph is an item, by its number."""
    gallery = Gallery.create(place / "g", descriptors=("regions", "content", "colour", "structure"))
    (place / "items.csv").write_text("id,file\n" + "".join(f"{n},{file}\n" for n, file in enumerate(files)))
    gallery.add_catalogue(place / "items.csv")
    return gallery


# --- what is asked for


def _worn(options: Options) -> tuple[list[Path], list[Garment]]:
    """All photographs, and garments of some. Without masks, for a quick run, an ellipse in the middle of each."""
    masks = sorted((options.data / MASKS).glob("*.mat"))
    if not masks and options.quick:
        files = options.photographs("clothing")
        return files, [Garment(file, _on_white(load(file).pixels, _ellipse(file))) for file in files[:4]]
    files = sorted(file for file in (options.data / PHOTOS).glob("*") if file.suffix in IMAGES)
    photos = {file.stem: file for file in files}
    chosen = drawn_from([mask for mask in masks if mask.stem in photos], options.size(100, 5))
    return files, list(_cut_out(options, photos, chosen))


def _ellipse(file: Path) -> NDArray[np.bool_]:
    height, width = load(file).pixels.shape[:2]
    canvas = np.zeros((height, width), np.uint8)
    return cv2.ellipse(canvas, (width // 2, height // 2), (width // 3, height // 3), 0, 0, 360, 1, -1) > 0


def _cut_out(options: Options, photos: Mapping[str, Path], masks: Sequence[Path]) -> Iterator[Garment]:
    from scipy.io import loadmat

    names = [str(one[0]) for one in loadmat(str(options.data / NAMES))["label_list"][0]]
    for mask in masks:
        labels, pixels = loadmat(str(mask))["groundtruth"], load(photos[mask.stem]).pixels
        sizes = np.bincount(labels.ravel(), minlength=len(names)).astype(float)
        sizes[[n for n, name in enumerate(names) if name in SMALL]] = 0
        largest = int(sizes.argmax())
        if labels.shape == pixels.shape[:2] and sizes[largest] >= SHARE * labels.size:
            yield Garment(photos[mask.stem], _on_white(pixels, labels == largest))


def _on_white(pixels: Pixels, mask: NDArray[np.bool_]) -> Pixels:
    left, top, width, height = cv2.boundingRect(mask.astype(np.uint8))
    margin = int(MARGIN * max(width, height))
    canvas = np.full((height + 2 * margin, width + 2 * margin, 3), 255, np.uint8)
    part = (slice(top, top + height), slice(left, left + width))
    canvas[margin : margin + height, margin : margin + width][mask[part]] = pixels[part][mask[part]]
    return canvas


def elsewhere(pixels: Pixels) -> Pixels:
    """The same garment on the same white, photographed and saved by somebody else, as far as that can be made."""
    ground = (pixels == 255).all(axis=2)[:, ::-1]
    hsv = cv2.cvtColor(np.ascontiguousarray(pixels[:, ::-1]), cv2.COLOR_RGB2HSV).astype(np.float32)
    hsv[..., 0] = (hsv[..., 0] + 4) % 180
    hsv[..., 1:] = np.clip(hsv[..., 1:] * (0.85, 0.9) + (0, 25), 0, 255)
    changed = cv2.cvtColor(hsv.astype(np.uint8), cv2.COLOR_HSV2RGB)
    changed[ground] = 255
    small = cv2.resize(changed, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    _, data = cv2.imencode(".jpg", small[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 60])
    return np.ascontiguousarray(cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1])


# --- how it is found


def _ranks(gallery: Gallery, by: str, pixels: Pixels) -> tuple[list[int], float]:
    started = time.perf_counter()
    found = gallery.recommend(encoded(pixels, as_jpeg=True), FIRST[-1], by=by, diversity=0)
    return [int(one.id) for one in found], time.perf_counter() - started


def _places(found: Sequence[list[int]], right: Sequence[int]) -> list[int]:
    return [ids.index(one) if one in ids else FIRST[-1] for ids, one in zip(found, right, strict=True)]


def _shares(places: Sequence[int]) -> str:
    return " / ".join(f"{100 * float(np.mean(np.array(places) < first)):.1f}" for first in FIRST)


def _by_peer(
    peer: Path, files: Sequence[Path], kinds: Mapping[str, Sequence[Pixels]], right: Sequence[int]
) -> dict[str, list[int]]:
    """The same by the known network's features, by cosine."""
    held = np.concatenate([mobilenet.features(peer, [load(file, min_side=mobilenet.SIDE).pixels]) for file in files])
    found = {}
    for kind, images in kinds.items():
        asked: Floats = np.concatenate([mobilenet.features(peer, [pixels]) for pixels in images])
        order = np.argsort(cosine(asked, held), axis=1, kind="stable")
        found[kind] = [int(np.flatnonzero(row == one)[0]) for row, one in zip(order, right, strict=True)]
    return found


if __name__ == "__main__":
    run(TITLE, measure)
