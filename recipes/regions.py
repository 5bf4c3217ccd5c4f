"""Trains the shipped network of regions, `lookalike-regions-1`: boxes, and a vector for each.

    python recipes/regions.py DATA RUN OUT.onnx [STEPS STEPS]

DATA holds tiny/tiny-imagenet-200/train (with a box for each image), fashion, coco128 (images and object_detection)
and imagenette/train. First the stages on the shipped trunk as it is, then all of it with the vectors; checkpoints in
RUN, from which the same call goes on. About an hour and a half on two cores. The photographs of coco128's val2017 are
told about at every look and never trained on; the last weights are taken, not the best of the looks.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch

from lookalike.descriptors.neural.region_model import RegionOutput
from lookalike.imaging import load
from lookalike.training.data.image_cache import Pack, pack
from lookalike.training.data.mosaic import NOTHING, Boxes, Shelf
from lookalike.training.engine.trainer import Plan, Run
from lookalike.training.export.card import Output, Written, write_card
from lookalike.training.export.onnx_export import export_regions
from lookalike.training.models.region_net import COUNT, Detector
from lookalike.training.tasks.detector import Detecting, DetectorSettings
from lookalike.training.tasks.pretrained import shipped_copy
from lookalike.types import Pixels

STEPS = (1500, 2000)  # on the trunk as it is, and of all layers
RATES = (1.5e-3, 4e-4)
WARM_UP, MEAN, LOOK_EVERY = 50, 0.995, 250
SIDE, LOOKS = 240, (48, 96)
WHITE = 235  # from which a pixel is the ground of a product shot
FILLED = 0.8  # share of pixels that are not: no product shot on white


def main() -> int:
    data, folder, out = (Path(one) for one in sys.argv[1:4])
    steps = tuple(int(one) for one in sys.argv[4:6]) or STEPS
    shelves = [tiny(data), products(data), photographs(data), unboxed(data)]
    held = halves(data, "val2017")
    torch.manual_seed(0)
    network = Detector()
    network.start_from(shipped_copy())
    for phase, trunk in enumerate(("frozen", "tuned")):
        task = Detecting(DetectorSettings(side=SIDE, trunk=trunk, seed=phase), network, shelves, held)
        run = Run(task, Plan(steps[phase], RATES[phase], 0.02, WARM_UP, MEAN, LOOK_EVERY, phase), folder / trunk)
        run.resume()
        for line in run.train():
            print(trunk, line, flush=True)
        network.load_state_dict(run.average.module.state_dict())
        for one in network.parameters():
            one.requires_grad_(True)
    write(network, out)
    return 0


# --- what it learns from


def tiny(data: Path) -> Shelf:
    """Tiny-ImageNet: one box in each image of 64 pixels; from two to four side by side."""
    root = data / "tiny" / "tiny-imagenet-200" / "train"
    made = pack(root, 64, data / "packs")
    told = {name: box for file in sorted(root.glob("n*/*_boxes.txt")) for name, box in _told(file)}
    boxes = [told.get(Path(path).name, NOTHING) for path in made.paths]
    return _shelf(made, boxes, (2, 2, 3, 3, 4), 7)


def _told(file: Path) -> Iterator[tuple[str, Boxes]]:
    """Lines of a file name and left, top, right, bottom in pixels, the last ones within."""
    for line in file.read_text().splitlines():
        name, *corners = line.split()
        left, top, right, bottom = (int(one) for one in corners)
        yield name, _one(np.array([left, top, right + 1 - left, bottom + 1 - top]) / 64)


def products(data: Path) -> Shelf:
    """Product shots on white: the box is what is not white."""
    made = pack(data / "fashion", 160, data / "packs")
    return _shelf(made, [_not_white(pixels) for pixels in made.pixels], (1, 2, 3), 2)


def _not_white(pixels: Pixels) -> Boxes:
    mask, side = pixels.min(2) < WHITE, len(pixels)
    rows, columns = np.flatnonzero(mask.mean(1) > 0.02), np.flatnonzero(mask.mean(0) > 0.02)
    if len(rows) < 5 or len(columns) < 5 or mask.mean() > FILLED:
        return NOTHING
    box = [columns[0], rows[0], columns[-1] + 1 - columns[0], rows[-1] + 1 - rows[0]]
    return _one(np.array(box) / side)


def photographs(data: Path) -> Shelf:
    """One half of coco128, with all of its boxes."""
    pixels, boxes = halves(data, "train2017")
    return Shelf(pixels, boxes, np.arange(len(pixels)), (1, 1, 1, 2), 5)


def unboxed(data: Path) -> Shelf:
    """Photographs whose boxes nobody knows, for the vectors alone."""
    made = pack(data / "imagenette" / "train", 160, data / "packs")
    return Shelf(made.pixels, (), np.arange(len(made.paths)), (1, 1, 2), 2)


def halves(data: Path, part: str) -> tuple[Pixels, list[Boxes]]:
    """The photographs of a half of coco128 at 384 pixels, and their boxes in shares."""
    import cv2

    squares, boxes = [], []
    for file in sorted((data / "coco128" / "images" / part).glob("*.jpg")):
        squares.append(cv2.resize(load(file).pixels, (384, 384), interpolation=cv2.INTER_AREA))
        told = data / "coco128" / "object_detection" / "labels" / part / f"{file.stem}.txt"
        lines = [line.split() for line in told.read_text().splitlines()] if told.exists() else []
        middles = np.array([[float(one) for one in line[1:5]] for line in lines], np.float32).reshape(-1, 4)
        at = np.concatenate([middles[:, :2] - middles[:, 2:] / 2, middles[:, 2:]], 1)
        boxes.append(Boxes(at, np.zeros(len(at), np.int64)))
    return np.stack(squares), boxes


def _one(box: np.ndarray) -> Boxes:
    return Boxes(box[None].astype(np.float32), np.zeros(1, np.int64))


def _shelf(made: Pack, boxes: Sequence[Boxes], tiles: tuple[int, ...], each: int) -> Shelf:
    rows = np.flatnonzero([len(one) > 0 for one in boxes])
    return Shelf(made.pixels, boxes, rows, tiles, each)


# --- what leaves


def write(network: Detector, out: Path) -> None:
    """The ONNX file in 8 bits, and its card; what was measured is added by hand from benchmarks/results.md."""
    sha256 = export_regions(network, "regions", SIDE, out, compact=True)
    write_card(
        Written(
            "lookalike-regions-1", sha256, "Apache-2.0",
            "Faster R-CNN (arXiv 1506.01497) without anchors (arXiv 1904.01355), begun from lookalike-copy-1; vectors "
            "by contrast of a part with its place (arXiv 1807.03748); recipes/regions.py",
            SIDE, {"regions": Output(0.9)}, TRAINING, {}, WEAKNESSES, regions=RegionOutput("regions", COUNT, LOOKS),
        ),
        out,
    )  # fmt: skip


TRAINING = (
    ("what lookalike-copy-1 was trained on; Tiny-ImageNet's boxes again, 100,000 at 64 px, and imagenette at 160 px",
     "ImageNet: non-commercial research and education; the photographs are not in this file"),
    ("9,556 product shots on white, 160 px", "none stated"),
    ("128 photographs of COCO with 929 boxes", "COCO: annotations CC BY 4.0, photographs under their Flickr terms"),
)  # fmt: skip
WEAKNESSES = (
    "an image is looked at with 240 pixels a side: what is smaller than 2 % of it is mostly missed",
    "learnt objects mainly from mosaics of small photographs: of several that touch, one may go without a box",
    "finds the same thing in the same view, not another specimen or another side of it",
)


if __name__ == "__main__":
    sys.exit(main())
