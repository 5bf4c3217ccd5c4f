"""Trains the shipped region network, `lookalike-regions-1`: boxes, and a vector for each.

    python recipes/regions.py DATA RUN OUT.onnx [STEPS STEPS]

DATA holds tiny/tiny-imagenet-200/train (with a box for each image), fashion, coco128 (images and object_detection)
and imagenette/train. First the stages on the shipped trunk as it is, then all of it with the vectors; checkpoints in
RUN, from which the same call goes on. About an hour and a half on two cores. The photographs of coco128's val2017 are
the validation set and never trained on; the last weights are taken, not those of the best validation.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch

from lookalike.descriptors.neural.region_model import RegionOutput
from lookalike.imaging import load
from lookalike.training.data.image_cache import ImageCache, cache_images
from lookalike.training.data.mosaic import NOTHING, Boxes, MosaicSource
from lookalike.training.engine.trainer import Schedule, Trainer
from lookalike.training.export.card import CardContents, OutputSpec, write_card
from lookalike.training.export.onnx_export import export_regions
from lookalike.training.models.region_net import BOX_COUNT, Detector
from lookalike.training.tasks.detector import DetectorSettings, DetectorTask
from lookalike.training.tasks.pretrained import shipped_copy
from lookalike.types import Pixels

STEPS = (1500, 2000)  # on the trunk as it is, and of all layers
LEARNING_RATES = (1.5e-3, 4e-4)
WARMUP_STEPS, EMA_DECAY, VALIDATE_EVERY = 50, 0.995, 250
INPUT_SIDE, QUERY_SIDES = 240, (48, 96)
WHITE_LEVEL = 235  # from which a pixel is the ground of a product shot
MAX_FILLED = 0.8  # share of pixels that are not: no product shot on white


def main() -> int:
    data, folder, out = (Path(one) for one in sys.argv[1:4])
    steps = tuple(int(one) for one in sys.argv[4:6]) or STEPS
    sources = [tiny(data), products(data), photographs(data), unboxed(data)]
    held = halves(data, "val2017")
    torch.manual_seed(0)
    network = Detector()
    network.load_pretrained(shipped_copy())
    for phase, trunk in enumerate(("frozen", "tuned")):
        task = DetectorTask(DetectorSettings(side=INPUT_SIDE, trunk=trunk, seed=phase), network, sources, held)
        trainer = Trainer(
            task,
            Schedule(steps[phase], LEARNING_RATES[phase], 0.02, WARMUP_STEPS, EMA_DECAY, VALIDATE_EVERY, phase),
            folder / trunk,
        )
        trainer.resume()
        for line in trainer.train():
            print(trunk, line, flush=True)
        network.load_state_dict(trainer.ema.module.state_dict())
        for one in network.parameters():
            one.requires_grad_(True)
    write(network, out)
    return 0


# --- what it learns from


def tiny(data: Path) -> MosaicSource:
    """Tiny-ImageNet: one box in each image of 64 pixels; from two to four side by side."""
    root = data / "tiny" / "tiny-imagenet-200" / "train"
    made = cache_images(root, 64, data / "image-cache")
    annotated = {name: box for file in sorted(root.glob("n*/*_boxes.txt")) for name, box in _annotations(file)}
    boxes = [annotated.get(Path(path).name, NOTHING) for path in made.paths]
    return _source(made, boxes, (2, 2, 3, 3, 4), 7)


def _annotations(file: Path) -> Iterator[tuple[str, Boxes]]:
    """Lines of a file name and left, top, right, bottom in pixels, the last ones within."""
    for line in file.read_text().splitlines():
        name, *corners = line.split()
        left, top, right, bottom = (int(one) for one in corners)
        yield name, _one(np.array([left, top, right + 1 - left, bottom + 1 - top]) / 64)


def products(data: Path) -> MosaicSource:
    """Product shots on white: the box is what is not white."""
    made = cache_images(data / "fashion", 160, data / "image-cache")
    return _source(made, [_not_white(pixels) for pixels in made.pixels], (1, 2, 3), 2)


def _not_white(pixels: Pixels) -> Boxes:
    mask, side = pixels.min(2) < WHITE_LEVEL, len(pixels)
    rows, columns = np.flatnonzero(mask.mean(1) > 0.02), np.flatnonzero(mask.mean(0) > 0.02)
    if len(rows) < 5 or len(columns) < 5 or mask.mean() > MAX_FILLED:
        return NOTHING
    box = [columns[0], rows[0], columns[-1] + 1 - columns[0], rows[-1] + 1 - rows[0]]
    return _one(np.array(box) / side)


def photographs(data: Path) -> MosaicSource:
    """One half of coco128, with all of its boxes."""
    pixels, boxes = halves(data, "train2017")
    return MosaicSource(pixels, boxes, np.arange(len(pixels)), (1, 1, 1, 2), 5)


def unboxed(data: Path) -> MosaicSource:
    """Photographs whose boxes nobody knows, for the vectors alone."""
    made = cache_images(data / "imagenette" / "train", 160, data / "image-cache")
    return MosaicSource(made.pixels, (), np.arange(len(made.paths)), (1, 1, 2), 2)


def halves(data: Path, part: str) -> tuple[Pixels, list[Boxes]]:
    """The photographs of a half of coco128 at 384 pixels, and their boxes in shares."""
    import cv2

    squares, boxes = [], []
    for file in sorted((data / "coco128" / "images" / part).glob("*.jpg")):
        squares.append(cv2.resize(load(file).pixels, (384, 384), interpolation=cv2.INTER_AREA))
        labels = data / "coco128" / "object_detection" / "labels" / part / f"{file.stem}.txt"
        lines = [line.split() for line in labels.read_text().splitlines()] if labels.exists() else []
        middles = np.array([[float(one) for one in line[1:5]] for line in lines], np.float32).reshape(-1, 4)
        at = np.concatenate([middles[:, :2] - middles[:, 2:] / 2, middles[:, 2:]], 1)
        boxes.append(Boxes(at, np.zeros(len(at), np.int64)))
    return np.stack(squares), boxes


def _one(box: np.ndarray) -> Boxes:
    return Boxes(box[None].astype(np.float32), np.zeros(1, np.int64))


def _source(made: ImageCache, boxes: Sequence[Boxes], tiles: tuple[int, ...], per_batch: int) -> MosaicSource:
    rows = np.flatnonzero([len(one) > 0 for one in boxes])
    return MosaicSource(made.pixels, boxes, rows, tiles, per_batch)


# --- what leaves


def write(network: Detector, out: Path) -> None:
    """The ONNX file in 8 bits, and its card; what was measured is added by hand from benchmarks/results.md."""
    sha256 = export_regions(network, "regions", INPUT_SIDE, out, compact=True)
    write_card(
        CardContents(
            "lookalike-regions-1", sha256, "Apache-2.0",
            "Faster R-CNN (arXiv 1506.01497) without anchors (arXiv 1904.01355), initialised from lookalike-copy-1; "
            "vectors by contrast of a part with its place (arXiv 1807.03748); recipes/regions.py",
            INPUT_SIDE, {"regions": OutputSpec(0.9)}, TRAINING, {}, WEAKNESSES,
            regions=RegionOutput("regions", BOX_COUNT, QUERY_SIDES),
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
    "an image is seen at 240 pixels a side: what is smaller than 2 % of it is mostly missed",
    "learnt objects mainly from mosaics of small photographs: of several that touch, one may go without a box",
    "finds the same thing in the same view, not another specimen or another side of it",
)


if __name__ == "__main__":
    sys.exit(main())
