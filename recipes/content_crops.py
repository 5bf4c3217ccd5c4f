"""The crops that `content` learns from, and what the known network sees in each of them; made once, kept on disk.

A crop that is learnt from many times costs its teacher's forward pass once. The teacher's maps hold 0 to 6, so 8 bits
keep them.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from lookalike.imaging import load
from lookalike.training.data.image_cache import list_images, square
from lookalike.types import Floats, Pixels

CROP_SIDE = 160  # pixels that are kept of a crop
TEACHER_SIDE = 128  # pixels at which the teacher sees it for its maps
FEATURE_SIDE = 224  # and for its features
ASPECT = 0.3  # natural logarithm of how much wider or higher a crop may be than its image
STEP = np.float32(6 / 255)  # of a number that is kept in 8 bits
BATCH, SEED = 64, 7


@dataclass(frozen=True, slots=True)
class Level:
    """A map of the teacher: its ``layer`` in the ONNX file, its ``cells`` each way and its ``channels``."""

    layer: str
    cells: int
    channels: int


LEVELS = {
    "early": Level("conv_pw_5.relu6", 16, 192),
    "middle": Level("conv_pw_11.relu6", 8, 384),
    "last": Level("conv_pw_13.relu6", 4, 768),
}


@dataclass(frozen=True, slots=True)
class Source:
    """``least``: for each round through the images, the smallest share of one that a crop keeps. ``tiles``: images
    in a row and in a column of a crop. ``part``: of the shuffled images."""

    roots: tuple[str, ...]
    least: tuple[float, ...]
    tiles: int = 1
    part: tuple[int, int | None] = (0, None)


_TINY = ("tiny/tiny-imagenet-200/train", "tiny/tiny-imagenet-200/test")
SOURCES = {
    "nette": Source(("imagenette",), (0.8, 0.35)),
    "woof": Source(("woof",), (0.8,)),
    "fashion": Source(("fashion",), (1.0, 0.3)),
    "scenes": Source(("scenes/dataset/seg_train", "scenes/dataset/seg_pred"), (0.5,), part=(0, 10_670)),
    "tiny": Source(_TINY, (1.0,), part=(0, 14_667)),
    "mosaic": Source(_TINY, (0.6,), tiles=2, part=(44_000, 100_000)),
}


@dataclass(frozen=True, slots=True)
class Crops:
    """N crops: ``pixels`` (N, 160, 160, 3) uint8; the teacher's ``maps`` of each level (N, H, W, C), in STEPs, and its
    ``features`` (N, 768), the means of its last map when it sees more."""

    pixels: Pixels
    maps: dict[str, NDArray[np.uint8]]
    features: Floats

    @property
    def pooled(self) -> Floats:
        """(N, 768): the means of the last map that is kept."""
        starts = range(0, len(self.features), 1000)
        return np.concatenate([self.maps["last"][at : at + 1000].mean((1, 2), np.float32) * STEP for at in starts])


def read(data: Path) -> dict[str, Crops]:
    """The crops of all sources below ``data``, of which those that are not kept in its ``crops`` yet are made."""
    return {name: _crops(data, name, source) for name, source in SOURCES.items()}


def classifier(data: Path) -> tuple[Floats, Floats]:
    """The teacher's last layer: (768, 1000) and (1000,)."""
    stored = {one.name: numpy_helper.to_array(one) for one in onnx.load(data / "teacher.onnx").graph.initializer}
    return np.array(stored["predict.weight"]), np.array(stored["predict.bias"])


def _crops(data: Path, name: str, source: Source) -> Crops:
    files = {part: data / "crops" / f"{name}-{part}.npy" for part in ("pixels", *LEVELS, "features")}
    if not files["features"].exists():
        _make(data, source, files)
    maps = {level: np.load(files[level], mmap_mode="r") for level in LEVELS}
    return Crops(np.load(files["pixels"], mmap_mode="r"), maps, np.load(files["features"]))


def _make(data: Path, source: Source, files: dict[str, Path]) -> None:
    paths = [path for root in source.roots for path in list_images(data / root)]
    order = np.random.default_rng(SEED).permutation(len(paths))[slice(*source.part)]
    groups = [[paths[row] for row in rows] for rows in order.reshape(-1, source.tiles**2)]
    tasks = [(number, group, least) for least in source.least for number, group in enumerate(groups)]
    files["features"].parent.mkdir(exist_ok=True)
    pixels = _array(files["pixels"], (len(tasks), CROP_SIDE, CROP_SIDE, 3))
    maps = {
        level: _array(files[level], (len(tasks), one.cells, one.cells, one.channels)) for level, one in LEVELS.items()
    }
    features = np.empty((len(tasks), LEVELS["last"].channels), np.float32)
    teacher = _teacher(data / "teacher.onnx")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, len(tasks), BATCH):
            rows = slice(start, start + BATCH)
            crops = list(pool.map(lambda task: _crop(source, *task), tasks[rows]))
            (features[rows],) = teacher.run(["features"], {"image": _seen(crops, FEATURE_SIDE)})
            pixels[rows] = [square(crop, CROP_SIDE) for crop in crops]
            shown = teacher.run([one.layer for one in LEVELS.values()], {"image": _seen(pixels[rows], TEACHER_SIDE)})
            for level, one in zip(LEVELS, shown, strict=True):
                maps[level][rows] = np.round(one / STEP).transpose(0, 2, 3, 1)
    np.save(files["features"].with_suffix(".part.npy"), features)  # last: where it lies, all is there
    os.replace(files["features"].with_suffix(".part.npy"), files["features"])


def _array(file: Path, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    return np.lib.format.open_memmap(file, "w+", np.uint8, shape)


def _crop(source: Source, number: int, group: Sequence[Path], least: float) -> Pixels:
    """A crop of one image, or of several, side by side."""
    random = np.random.default_rng([SEED, number, int(least * 100)])
    parts = [_part(load(path).pixels, least, random) for path in group]
    if source.tiles == 1:
        return parts[0]
    tiles = [square(part, CROP_SIDE // source.tiles) for part in parts]
    rows = [np.concatenate(tiles[row : row + source.tiles], 1) for row in range(0, len(tiles), source.tiles)]
    return np.concatenate(rows)


def _part(pixels: Pixels, least: float, random: np.random.Generator) -> Pixels:
    """At least so large a share of the image, every other time mirrored."""
    height, width = pixels.shape[:2]
    share, aspect = np.exp(random.uniform(np.log(least), 0) / 2), np.exp(random.uniform(-ASPECT, ASPECT))
    if least == 1:
        aspect = 1
    high, wide = (min(whole, max(8, int(whole * part))) for whole, part in
                  ((height, share / aspect), (width, share * aspect)))  # fmt: skip
    top, left = random.integers(height - high + 1), random.integers(width - wide + 1)
    return pixels[top : top + high, left : left + wide][:, :: random.choice([1, -1])]


def _teacher(file: Path) -> Any:
    """The teacher with its maps as outputs."""
    model = onnx.load(file)
    for level in LEVELS.values():
        model.graph.output.append(helper.make_tensor_value_info(level.layer, TensorProto.FLOAT, ["n", "c", "h", "w"]))
    return onnxruntime.InferenceSession(model.SerializeToString())


def _seen(crops: Sequence[Pixels], side: int) -> Floats:
    """(N, 3, side, side) in -1..1."""
    squares = np.stack([square(crop, side) for crop in crops])
    return squares.transpose(0, 3, 1, 2).astype(np.float32) / np.float32(127.5) - np.float32(1)
