"""The known network beside ours, MobileNetV1 0.75 at 224 px (recipes/teacher.py), in ONNX Runtime with one thread.

python -m benchmarks.sides.mobilenet add MODEL.onnx FOLDER PROCESSES    describes a folder; prints how many images
python -m benchmarks.sides.mobilenet compare MODEL.onnx A B             prints the cosine distance of two images
"""

from __future__ import annotations

import importlib.util
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import SEED, Options
from lookalike.distance import normalise
from lookalike.imaging import load
from lookalike.types import Pixels

NAME = "MobileNet"
SIDE = 224
MISSING = (
    "MobileNet is not measured: its weights are not in DATA/teacher (see recipes/teacher.py), or onnx is not installed."
)


@contextmanager
def network(options: Options) -> Iterator[Path | None]:
    """The ONNX file: the one that lies in the data as teacher.onnx, or one built of the weights in ``teacher`` there.

    Without weights, random ones stand in for a quick run, whose numbers mean nothing; otherwise there is None.
    """
    built, weights = options.data / "teacher.onnx", sorted((options.data / "teacher").rglob("model.json"))
    if built.is_file():
        yield built
    elif (weights or options.quick) and importlib.util.find_spec("onnx"):
        with tempfile.TemporaryDirectory(prefix="lookalike-bench-") as folder:
            yield _built(weights[0].parent if weights else None, Path(folder) / "teacher.onnx")
    else:
        yield None


def _built(weights: Path | None, file: Path) -> Path:
    import onnx

    from recipes.teacher import build, read

    onnx.save(build(read(weights) if weights else _random()), file)
    return file


def _random() -> dict[str, NDArray[np.float32]]:
    """Weights of the right shapes that were never trained: a stand-in, to see that everything runs."""
    rng = np.random.default_rng(SEED)
    deep = (24, 48, 96, 96, 192, 192, 384, 384, 384, 384, 384, 384, 768, 768)  # channels: the first layer's, then each
    shapes = {"conv1/kernel": (3, 3, 3, deep[0]), "conv_preds/kernel": (1, 1, deep[-1], 1000)}
    for number in range(1, len(deep)):
        shapes[f"conv_dw_{number}/depthwise_kernel"] = (3, 3, deep[number - 1], 1)
        shapes[f"conv_pw_{number}/kernel"] = (1, 1, deep[number - 1], deep[number])
    arrays = {name: rng.normal(0, np.sqrt(4 / np.prod(shape[:3])), shape) for name, shape in shapes.items()}
    norms = {"conv1": deep[0]} | {f"conv_dw_{n}": deep[n - 1] for n in range(1, len(deep))}
    norms |= {f"conv_pw_{n}": deep[n] for n in range(1, len(deep))}
    for name, size in norms.items():
        arrays |= {f"{name}_bn/{key}": np.ones(size) for key in ("gamma", "moving_variance")}
        arrays |= {f"{name}_bn/{key}": np.zeros(size) for key in ("beta", "moving_mean")}
    arrays["conv_preds/bias"] = np.zeros(1000)
    return {name: array.astype(np.float32) for name, array in arrays.items()}


def squeezed(pixels: Pixels, side: int) -> Pixels:
    """(h, w, 3) uint8 -> (side, side, 3) uint8: by area when shrinking, linear otherwise."""
    shrinking = min(pixels.shape[:2]) >= side
    method = cv2.INTER_AREA if shrinking else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(pixels, (side, side), interpolation=method), np.uint8)


def features(model: Path, images: Sequence[Pixels]) -> NDArray[np.float32]:
    """N images, (h, w, 3) uint8 each -> (N, 768) float32, unit length: the means of the last map."""
    batch = np.stack([squeezed(pixels, SIDE) for pixels in images]).transpose(0, 3, 1, 2)
    (found,) = _session(model).run(["features"], {"image": batch.astype(np.float32) / 127.5 - 1})
    return np.asarray(normalise(found), np.float32)


@cache
def _session(model: Path) -> Any:
    """One per process and file."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors only
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


def _of_file(model: Path, file: Path) -> NDArray[np.float32]:
    cv2.setNumThreads(1)
    return features(model, [load(file, min_side=SIDE).pixels])[0]


def _add(model: Path, folder: Path, processes: int) -> int:
    with ProcessPoolExecutor(processes) as pool:
        return len(list(pool.map(partial(_of_file, model), sorted(folder.iterdir()), chunksize=8)))


if __name__ == "__main__":
    verb, model, first, second = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4]
    if verb == "add":
        print(_add(model, first, int(second)))
    else:
        print(1 - float(_of_file(model, first) @ _of_file(model, Path(second))))
