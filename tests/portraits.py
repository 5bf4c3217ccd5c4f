"""Drawn faces, and two small networks for tests that know them: one finds them, one tells them apart.

A face is a square of 96 pixels whose middle lies in a cell of 32: 8 x 8 tiles of red and green that are its person's
alone, and a blue middle by which it is found. How blue it is says what is wrong with it. Both files have the inputs and
outputs of YuNet and of an ArcFace-like embedder.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from lookalike.descriptors.neural.face_alignment import ARCFACE
from networks import card, install

SIDE, CELL, FACE, DIM = 320, 32, 96, 128
NAME = "portraits"
DETECTOR = "finder.onnx"
BLUE = {"sound": 255, "turned": 235, "small": 215, "blurred": 255}
SCALE = [1 / 255] * 3
Kind = Literal["sound", "turned", "small", "blurred"]
Place = tuple[int, int]  # column and row of a face in an image of 320 pixels: 0 to 2 each


def person(seed: int, variant: int = 0, noise: float = 20.0) -> NDArray[np.float64]:
    """(8, 8, 2), the tiles of a person: the same but for noise in every variant."""
    own = np.random.default_rng(seed).uniform(-90, 90, (8, 8, 2))
    return own + np.random.default_rng([seed, variant]).uniform(-noise, noise, (8, 8, 2))


def drawn_face(seed: int, variant: int = 0, kind: Kind = "sound", noise: float = 20.0) -> NDArray[np.uint8]:
    """(96, 96, 3), one face of a person."""
    tiles = np.kron(person(seed, variant, noise), np.ones((FACE // 8, FACE // 8, 1)))
    texture = np.kron(np.indices((FACE // 2, FACE // 2)).sum(0) % 2 * 30.0 - 15, np.ones((2, 2)))[..., None]
    colours = 128 + (tiles + texture)
    if kind == "blurred":
        colours = np.broadcast_to(np.linspace(60, 190, FACE)[:, None, None], (FACE, FACE, 2))
    middle = slice(CELL, 2 * CELL)
    face = np.zeros((FACE, FACE, 3))
    face[..., :2] = colours
    face[middle, middle, 1] -= 50  # as bright as without its blue
    face[middle, middle, 2] = BLUE[kind]
    return np.clip(face, 0, 255).astype(np.uint8)


def drawn_portrait(faces: Mapping[Place, NDArray[np.uint8]], side: int = SIDE) -> NDArray[np.uint8]:
    """(side, side, 3): these faces, on grey."""
    image = np.full((side, side, 3), 128, np.uint8)
    image[..., 2] = 0
    for (column, row), face in faces.items():
        x, y = column * FACE, row * FACE
        image[y : y + FACE, x : x + FACE] = face
    return image


def install_portraits(folder: Path, name: str = NAME) -> Path:
    """Both networks with their card into a folder of models; returns the card's path."""
    finder = detector().SerializeToString()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / DETECTOR).write_bytes(finder)
    return install(folder, name, embedder(), face_card(finder, name))


def face_card(finder: bytes, name: str = NAME) -> dict[str, Any]:
    """A sound card, but for the embedder's sha256; ``finder``: the detector's bytes."""
    return {
        **card(name),
        "input": {"name": "aligned", "side": 112, "layout": "NCHW", "type": "float32", "std": SCALE},
        "outputs": {
            name: {
                "version": 1,
                "dim": DIM,
                "metric": "cosine",
                "median_negative_distance": 0.9,
                "min_contrast": 0.05,
            }
        },
        "faces": {
            "output": name,
            "embedding": "embedding",
            "curve": {"slope": 20.0, "intercept": 10.0, "fitted_on": "nothing"},
            "detector": {
                "file": DETECTOR,
                "sha256": hashlib.sha256(finder).hexdigest(),
                "threshold": 0.6,
                "input": {
                    "name": "input",
                    "side": SIDE,
                    "layout": "NCHW",
                    "type": "float32",
                    "std": SCALE,
                    "channels": "BGR",
                },
            },
        },
    }


def detector(side: int = SIDE) -> Any:
    """(1, 3, side, side) float32, blue, green and red of 0..255 -> the twelve outputs of YuNet, faces in one map."""
    cells = (side // CELL) ** 2
    points = np.array(ARCFACE) * FACE / 112 - FACE / 2 + CELL / 2  # of the cell's corner
    fixed = {
        "kps": (points / CELL).reshape(1, 1, 10),
        "nose": np.eye(1, 10, 4)[None] * 24 / CELL,
        "box": np.array([[[0.5, 0.5, np.log(FACE / CELL), np.log(FACE / CELL)]]]),
        "shrink": np.array([[[0, 0, np.log(16 / FACE), np.log(16 / FACE)]]]),
        "ten": 10.0, "zero": 0.0, "one": 1.0, "from_sure": 200.0, "from_small": 225.0, "from_turned": 245.0,
    }  # fmt: skip
    node = helper.make_node
    nodes = [
        node("AveragePool", ["input"], ["cells"], kernel_shape=[CELL] * 2, strides=[CELL] * 2),
        node("Slice", ["cells", "first", "second", "axis"], ["blue"]),
        node("Reshape", ["blue", "column"], ["mean"]),
        *_step("mean", "from_sure", "sure"),
        *_step("from_small", "mean", "is_small"),
        *_step("from_turned", "mean", "below"),
        node("Sub", ["below", "is_small"], ["is_turned"]),
        node("Identity", ["sure"], ["cls_32"]),
        node("Identity", ["sure"], ["obj_32"]),
        node("Mul", ["is_small", "shrink"], ["smaller"]),
        node("Add", ["smaller", "box"], ["bbox_32"]),
        node("Mul", ["is_turned", "nose"], ["aside"]),
        node("Add", ["aside", "kps"], ["kps_32"]),
    ]
    outputs = [("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10)]
    shapes = {f"{part}_32": [1, cells, width] for part, width in outputs}
    for stride in (8, 16):
        for part, width in outputs:
            name, shape = f"{part}_{stride}", [1, (side // stride) ** 2, width]
            shapes[name], fixed[f"no_{name}"] = shape, np.zeros(shape)
            nodes.append(node("Identity", [f"no_{name}"], [name]))
    whole = {"first": [0], "second": [1], "axis": [1], "column": [1, cells, 1]}
    return _model(nodes, {"input": [1, 3, side, side]}, shapes, fixed, whole)


def embedder() -> Any:
    """(N, 3, 112, 112) float32, red, green and blue of 0..255 -> (N, 128): red and green of 8 x 8 tiles, less their
    mean."""
    node = helper.make_node
    nodes = [
        node("AveragePool", ["aligned"], ["tiles"], kernel_shape=[14, 14], strides=[14, 14]),
        node("Slice", ["tiles", "first", "third", "axis"], ["coloured"]),
        node("ReduceMean", ["coloured", "last"], ["mean"], keepdims=1),
        node("Sub", ["coloured", "mean"], ["clear"]),
        node("Flatten", ["clear"], ["embedding"]),
    ]
    whole = {"first": [0], "third": [2], "axis": [1], "last": [1, 2, 3]}
    return _model(nodes, {"aligned": ["n", 3, 112, 112]}, {"embedding": ["n", DIM]}, {}, whole)


def _step(more: str, less: str, name: str) -> list[Any]:
    """0..1: how much the one is above the other, 1 from ten on."""
    node = helper.make_node
    return [
        node("Sub", [more, less], [f"{name}_over"]),
        node("Div", [f"{name}_over", "ten"], [f"{name}_share"]),
        node("Clip", [f"{name}_share", "zero", "one"], [name]),
    ]


def _model(nodes: list[Any], inputs: Any, outputs: Any, fixed: Mapping[str, Any], whole: Mapping[str, Any]) -> Any:
    graph = helper.make_graph(
        nodes,
        "faces",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()],
        [
            *(numpy_helper.from_array(np.asarray(value, np.float32), name) for name, value in fixed.items()),
            *(numpy_helper.from_array(np.asarray(value, np.int64), name) for name, value in whole.items()),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    onnx.checker.check_model(model)
    return model
