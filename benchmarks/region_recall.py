"""Whether what is to be seen in an image has a box: regions beside selective search and grids, as many boxes each."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import Options, in_turn, ratios, run, seconds, spread, table
from benchmarks.sides import selective_search
from lookalike.descriptors import describe_all, min_side, region_network
from lookalike.imaging import load
from lookalike.types import Floats, Image

TITLE = "Boxes for what is to be seen: 32 for each image"
COUNT = 32
GOOD = 0.5  # intersection over union
SEEN_AT = 240  # pixels of the longer side, for selective search: as many as the network sees
BANDS = {"all": 0.0, "from 1.4 %": 0.014, "from 3.5 %": 0.035, "from 7 %": 0.07}  # of the image's area

Truth = NDArray[np.float64]
Way = Callable[[Image], Floats]


def measure(options: Options) -> str:
    images = boxed(options, "val2017")[: options.size(1000, 4)]
    if not images:
        return "There are no boxes in the data: coco128 with object_detection/labels."
    network = region_network("regions")

    def ours(image: Image) -> Floats:
        return network.regions([image])[0].boxes

    def proposals(image: Image) -> Floats:
        found = network.regions([image])[0]
        return found.boxes[found.scores > 0]

    ways: Mapping[str, Way] = {
        f"`regions`: whole, proposals, cells, {COUNT} in all": ours,
        "`regions`: its proposals alone": proposals,
        f"selective search, fast, {COUNT}": _selective,
        f"grid of five sizes, {COUNT}": lambda _: _grid(),
    }
    images = [(load(file, min_side=min_side(["regions"])), truth) for file, truth in images]
    rows = [(name, *_row(way, images)) for name, way in ways.items()]
    objects = sum(len(truth) for _, truth in images)
    note = (
        f"{len(images)} photographs of COCO with {objects:,} boxes, never trained on; the other half of coco128 "
        f"was. Share of the boxes that one of {COUNT} overlaps by {GOOD:.0%} or more, by the share of the image that "
        "they take, in brackets the mean of the best overlaps; mean number of boxes; median ms of one processor."
    )
    return f"{table(('', *BANDS, 'boxes', 'ms'), rows)}\n\n{note}\n\n{_cost(options)}"


def _cost(options: Options) -> str:
    """What describing takes, decoding included."""
    files = options.photographs("bsds", options.size(60, 4))
    network = region_network("regions")

    def by_copy() -> None:
        for file in files:
            describe_all([load(file, min_side=min_side(["copy"]))], ["copy"])

    def by_regions() -> None:
        for file in files:
            network.regions([load(file, min_side=min_side(["regions"]))])

    sides = in_turn({"copy": lambda: seconds(by_copy), "regions": lambda: seconds(by_regions)}, 1 + options.size(5, 1))
    over = ratios(sides["regions"][1:], sides["copy"][1:])
    return (
        f"Describing {len(files)} photographs of BSDS500 from files, one thread: by `regions` {spread(over)} times "
        f"as long as by `copy`, {1000 * min(sides['regions']) / len(files):.0f} ms an image at best."
    )


def boxed(options: Options, part: str) -> list[tuple[Path, Truth]]:
    """The photographs of a half of coco128 that have boxes, and these: x, y, width, height in shares."""
    found = []
    for file in sorted((options.data / "coco128" / "images" / part).glob("*.jpg")):
        result = options.data / "coco128" / "object_detection" / "labels" / part / f"{file.stem}.txt"
        lines = [line.split() for line in result.read_text().splitlines()] if result.exists() else []
        middles = np.array([[float(value) for value in line[1:5]] for line in lines], np.float64).reshape(-1, 4)
        if len(middles):
            found.append((file, np.concatenate([middles[:, :2] - middles[:, 2:] / 2, middles[:, 2:]], 1)))
    return found


def overlaps(a: Truth, b: Truth) -> Truth:
    """(N, 4) and (M, 4) x, y, width, height -> (N, M), intersection over union."""
    a, b = a[:, None], b[None]
    low = np.maximum(a[..., :2], b[..., :2])
    high = np.minimum(a[..., :2] + a[..., 2:], b[..., :2] + b[..., 2:])
    common = np.maximum(high - low, 0).prod(-1)
    return np.asarray(common / (a[..., 2:].prod(-1) + b[..., 2:].prod(-1) - common).clip(min=1e-12))


def _row(way: Way, images: Sequence[tuple[Image, Truth]]) -> list[str]:
    best: list[NDArray[np.float64]] = []
    counts, took = [], []
    for image, truth in images:
        started = time.perf_counter()
        found = way(image)[:COUNT]
        took.append(1000 * (time.perf_counter() - started))
        counts.append(len(found))
        best.append(overlaps(truth, found.astype(np.float64)).max(1, initial=0.0))
    area = np.concatenate([truth[:, 2:].prod(1) for _, truth in images])
    every = np.concatenate(best)
    result = [
        f"{(every[area >= least] >= GOOD).mean():.1%} ({every[area >= least].mean():.2f})" for least in BANDS.values()
    ]
    return [*result, f"{np.mean(counts):.1f}", f"{np.median(took):.0f}"]


def _selective(image: Image) -> Floats:
    height, width = image.pixels.shape[:2]
    scale = min(1.0, SEEN_AT / max(height, width))
    size = (max(round(width * scale), 8), max(round(height * scale), 8))
    return selective_search.proposals(np.asarray(cv2.resize(image.pixels, size, interpolation=cv2.INTER_AREA)), COUNT)


def _grid() -> Floats:
    """The whole, and evenly spread boxes of four kinds: the best of three such grids on the training half."""
    kinds = [
        ((0.7, 0.7), (2, 2)),
        ((0.45, 0.45), (3, 3)),
        ((0.3, 0.6), (3, 2)),
        ((0.6, 0.3), (2, 3)),
        ((0.25, 0.25), (3, 2)),
    ]
    boxes = [(0.0, 0.0, 1.0, 1.0)]
    for (width, height), (across, down) in kinds:
        boxes += [
            (x, y, width, height) for x in np.linspace(0, 1 - width, across) for y in np.linspace(0, 1 - height, down)
        ]
    return np.array(boxes[:COUNT], np.float32)


if __name__ == "__main__":
    run(TITLE, measure)
