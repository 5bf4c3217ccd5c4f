"""Small machines: time, file, memory and accuracy of each network that ships, by the precision of its numbers and by
threads; and what indexing and searching a gallery takes of memory.

A network ships computing in 8 bits. The others are made of that file, with the same weights: in single precision what
flows between the layers is cut off at the same bounds, but not rounded. Those weights are stored as they are, in half
precision, or in 8 bits, as `models import` stores them.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from benchmarks.harness import Options, process, run, table
from benchmarks.sides.process_tree import peak_of
from lookalike.descriptors.neural import model_store
from lookalike.descriptors.neural.model_card import ModelCard
from lookalike.distance import normalise
from lookalike.imaging import from_array, load
from lookalike.imaging.manipulations import apply
from lookalike.training.export.quantize import to_float16, to_int8
from lookalike.types import Floats, Image

TITLE = "Small machines: the shipped networks by precision, and a gallery's memory"
EDITS = ("crop-50", "crop-25", "rotate-5", "rotate-90", "pasted", "negative")
PART = 0.25  # of either side: the part of an image that regions are asked with
THREADS = (1, 2)
TIMED = 40  # images
SHIPPED = "8 bits, as it ships"
LIMIT = 512  # MiB
INDEXED = 150  # photographs


@dataclass(frozen=True)
class Task:
    """What a network is asked: ``images`` are held, ``queries`` are asked with, and ``right[q]`` says which images are
    right answers to a query; an image never answers itself. ``measure``: what the share of right first answers is
    called."""

    images: Sequence[Image]
    queries: Sequence[Image]
    right: NDArray[np.bool_]
    measure: str


def measure(options: Options) -> str:
    rows = []
    with tempfile.TemporaryDirectory(prefix="lookalike-bench-") as name:
        for card in model_store.shipped():
            task = TASKS[card.outputs[0].name](options)
            rows += list(_network(card, task, Path(name), options.size(10_000, 8)))
        memory = _memory(options, Path(name))
    header = ("network, numbers", "file, MB", *(f"ms, {n} thread{'s' * (n > 1)}" for n in THREADS), "MiB",
              "cosine to what ships, mean", "first answer right, %", "of")  # fmt: skip
    return f"{table(header, rows)}\n\n{NOTE}\n\n{memory}"


def _network(card: ModelCard, task: Task, folder: Path, most: int) -> Iterator[tuple[str, ...]]:
    """A row for each precision."""
    output = card.outputs[0].name
    squares = card.input.squares([*task.images, *task.queries][:most])
    np.save(folder / "all.npy", squares)
    np.save(folder / "timed.npy", squares[:TIMED])
    shipped: Floats | None = None
    for precision, model in _precisions(card.onnx):
        file = folder / f"{card.name}.onnx"
        onnx.save(model, file)
        timed = [_run(file, output, threads, folder / "timed.npy", folder / "few.npz") for threads in THREADS]
        _run(file, output, THREADS[-1], folder / "all.npy", folder / "vectors.npz")
        vectors = np.load(folder / "vectors.npz")[output].astype(np.float32)
        vectors = vectors if vectors.ndim == 3 else vectors[:, None]
        shipped = vectors if shipped is None else shipped
        yield (
            *(f"`{output}`, {precision}", f"{file.stat().st_size / 1e6:.1f}"),
            *(f"{one['ms']:.1f}" for one in timed),
            f"{timed[0]['network']:.0f}",
            f"{_cosine(vectors[:, 0], shipped[:, 0]):.4f}",
            f"{100 * _first_right(vectors, task):.1f}",
            task.measure,
        )


def _run(file: Path, output: str, threads: int, squares: Path, vectors: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.sides.small_machine", file, output, str(threads), squares, vectors]
    found: dict[str, float] = json.loads(process(command).output)
    return found


def _precisions(file: Path) -> Iterator[tuple[str, onnx.ModelProto]]:
    yield SHIPPED, onnx.load(file)
    yield "single", single(onnx.load(file))
    yield "single, stored in half", to_float16(single(onnx.load(file)))
    yield "single, stored in 8 bits", to_int8(single(onnx.load(file)))


def single(model: onnx.ModelProto) -> onnx.ModelProto:
    """The network that computes in single precision with the same weights. Rounding to 8 bits also bounds what is
    rounded, which stands for an activation: a Clip does so in its place."""
    arrays = {one.name: numpy_helper.to_array(one) for one in model.graph.initializer}
    bounded = {node.output[0]: node for node in model.graph.node if node.op_type == "QuantizeLinear"}
    nodes, made = [], []
    for node in model.graph.node:
        if node.op_type == "DequantizeLinear" and node.input[0] in bounded:
            clip, limits = _clip(bounded[node.input[0]], node.output[0], arrays)
            nodes.append(clip)
            made += limits
        elif node.op_type == "DequantizeLinear":
            made.append(numpy_helper.from_array(_weights(node, arrays), node.output[0]))
        elif node.op_type != "QuantizeLinear":
            nodes.append(node)
    used = {name for node in nodes for name in node.input}
    held = [one for one in model.graph.initializer if one.name in used]
    del model.graph.node[:], model.graph.initializer[:]
    model.graph.node.extend(nodes)
    model.graph.initializer.extend([*held, *made])
    onnx.checker.check_model(model)
    return model


def _clip(rounding: Any, output: str, arrays: Mapping[str, NDArray[Any]]) -> tuple[Any, list[Any]]:
    """What bounds the input of a QuantizeLinear as its range of uint8 does, and its two bounds."""
    scale, zero = (arrays[name].astype(np.float32) for name in rounding.input[1:3])
    limits = {f"{output}.least": (0 - zero) * scale, f"{output}.most": (255 - zero) * scale}
    made = [numpy_helper.from_array(np.float32(value), name) for name, value in limits.items()]
    return helper.make_node("Clip", [rounding.input[0], *limits], [output]), made


def _weights(node: Any, arrays: Mapping[str, NDArray[Any]]) -> Floats:
    """What a DequantizeLinear makes of an array of the file."""
    whole, scale, *zero = (arrays[name] for name in node.input if name)
    axis = next((one.i for one in node.attribute if one.name == "axis"), 1)
    shape = [1] * whole.ndim
    if scale.ndim:
        shape[axis] = -1
    shift = zero[0].astype(np.float32).reshape(shape) if zero else np.float32(0)
    return np.asarray((whole.astype(np.float32) - shift) * scale.reshape(shape), np.float32)


def _cosine(vectors: Floats, others: Floats) -> float:
    return float((normalise(vectors) * normalise(others)).sum(axis=1).mean())


def _first_right(vectors: Floats, task: Task) -> float:
    """(N, R, D), R regions of each image and query, of which the first is the whole -> the share of queries whose
    nearest image is a right one."""
    images, queries = vectors[: len(task.images)], vectors[len(task.images) :, 0]
    if not len(queries):
        return float("nan")
    held = normalise(images.reshape(-1, images.shape[2])).reshape(images.shape)
    near = np.einsum("qd,nrd->qnr", normalise(queries), held).max(axis=2)
    if task.queries is task.images:
        np.fill_diagonal(near, -np.inf)
    return float(task.right[np.arange(len(near)), near.argmax(axis=1)].mean())


def _copies(options: Options) -> Task:
    """Which photograph was edited."""
    images = [load(file) for file in options.photographs("library", options.size(200, 4))]
    edited = [from_array(apply(edit, image.pixels, 0)) for image in images[: options.size(50, 1)] for edit in EDITS]
    right = np.zeros((len(edited), len(images)), bool)
    right[np.arange(len(edited)), np.arange(len(edited)) // len(EDITS)] = True
    return Task(images, edited, right, f"copies of 6 edits among {len(images)}")


def _kinds(options: Options) -> Task:
    """Which other photograph is of the same kind of flower."""
    files = options.photographs("flowers", options.size(400, 4))
    images, kinds = [load(file) for file in files], np.array([file.parent.name for file in files])
    return Task(images, images, kinds[:, None] == kinds, f"the same of {len(set(kinds))} kinds among {len(images)}")


def _parts(options: Options) -> Task:
    """Which photograph a sixteenth was cut out of."""
    images = [load(file) for file in options.photographs("library", options.size(200, 4))]
    rng, cut = np.random.default_rng(2026), []
    for image in images[: options.size(60, 1)]:
        height, width = (int(PART * side) for side in image.pixels.shape[:2])
        top, left = (int(rng.integers(0, 3 * side)) for side in (height, width))
        cut.append(from_array(np.ascontiguousarray(image.pixels[top : top + height, left : left + width])))
    return Task(
        images, cut, np.eye(len(cut), len(images), dtype=bool), f"where a sixteenth is from, among {len(images)}"
    )


TASKS = {"copy": _copies, "content": _kinds, "regions": _parts, "words": _kinds}


def _memory(options: Options, folder: Path) -> str:
    """What indexing and searching takes, of the process and all that it starts."""
    files = options.photographs("large", options.size(24, 2)) + options.photographs("bsds", options.size(INDEXED, 4))
    place = folder / "photos"
    place.mkdir()
    for number, file in enumerate(files):
        (place / f"{number}{file.suffix}").symlink_to(file)
    gallery, query = folder / "g", place / f"0{files[0].suffix}"
    lookalike = [sys.executable, "-m", "lookalike"]
    calls = {
        "`lookalike index`": [*lookalike, "index", place, "--gallery", gallery],
        "`lookalike search IMAGE`, verified": [*lookalike, "search", query, "--gallery", gallery],
        "`lookalike search --text`": [*lookalike, "search", "--text", "dog", "--gallery", gallery],
        "`lookalike duplicates`": [*lookalike, "duplicates", "--gallery", gallery],
        "`lookalike compare`": [*lookalike, "compare", query, place / f"1{files[1].suffix}"],
    }
    rows = [(name, f"{peak_of(call):,.0f}") for name, call in calls.items()]
    return (
        f"{table(('command', 'memory at most, MiB'), rows)}\n\nOf the process and all that it starts, {len(files)} "
        f"photographs, {options.size(24, 2)} of them of 9.7 MP, all default descriptors, regions among them; "
        f"{os.cpu_count()} cores. A test holds indexing and searching below {LIMIT} MiB."
    )


NOTE = (
    "One image at a time, preprocessing left out; MiB: what the network adds to a process of Python, NumPy and ONNX "
    "Runtime, one thread. On this processor 8 bits are added up by instructions of their own (VNNI); x86 without them "
    "takes about twice as long, for Lookalike has no sum cut off there."
)

if __name__ == "__main__":
    run(TITLE, measure)
