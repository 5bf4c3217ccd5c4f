"""A small network of regions for tests: the whole and its four quarters, each as the colours of 4 x 4 tiles less their
mean. A quarter's score is its mean red; the left ones are called "person", the right ones "car"."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from networks import card, install

SIDE, DIM = 64, 48
BOXES = np.array([[0, 0, 1, 1], *([x, y, 0.5, 0.5] for y in (0, 0.5) for x in (0, 0.5))], np.float32)
CLASSES = ("person", "car")
NAME = "quarters"


def network() -> Any:
    """(N, h, w, 3) uint8 -> vectors (N, 5, 48), boxes, scores, classes."""
    node = helper.make_node
    nodes = [
        node("Cast", ["image"], ["single"], to=TensorProto.FLOAT),
        node("Transpose", ["single"], ["planes"], perm=[0, 3, 1, 2]),
        node("Resize", ["planes", "", "", "small"], ["square"], axes=[2, 3], mode="linear", antialias=1),
        node("AveragePool", ["square"], ["whole"], kernel_shape=[4, 4], strides=[4, 4]),
        node("AveragePool", ["square"], ["tiles"], kernel_shape=[2, 2], strides=[2, 2]),
        *(node("Slice", ["tiles", f"from{n}", f"to{n}", "axes"], [f"quarter{n}"]) for n in range(4)),
        node("Unsqueeze", ["whole", "first"], ["deep"]),
        *(node("Unsqueeze", [f"quarter{n}", "first"], [f"deep{n}"]) for n in range(4)),
        node("Concat", ["deep", *(f"deep{n}" for n in range(4))], ["all"], axis=1),  # (N, 5, 3, 4, 4)
        node("ReduceMean", ["all", "last"], ["mean"], keepdims=1),
        node("Sub", ["all", "mean"], ["clear"]),
        node("Reshape", ["clear", "rows"], [NAME]),
        node("Slice", ["mean", "zero", "one", "second"], ["red"]),  # (N, 5, 1, 1, 1)
        node("Reshape", ["red", "line"], ["reds"]),
        node("Mul", ["reds", "parts"], [f"{NAME}_scores"]),
        node("Mul", ["reds", "none"], ["zeros"]),
        node("Add", ["zeros", "kinds"], ["kind"]),
        node("Cast", ["kind"], [f"{NAME}_classes"], to=TensorProto.INT64),
        node("Unsqueeze", ["zeros", "second"], ["column"]),
        node("Add", ["column", "boxes"], [f"{NAME}_boxes"]),
    ]
    corners = {n: ((n // 2) * 4, (n % 2) * 4) for n in range(4)}
    whole = {
        "small": [16, 16], "axes": [2, 3], "first": [1], "last": [3, 4], "rows": [0, 5, DIM], "zero": [0], "one": [1],
        "second": [2], "line": [0, 5],
        **{f"from{n}": list(at) for n, at in corners.items()},
        **{f"to{n}": [one + 4 for one in at] for n, at in corners.items()},
    }  # fmt: skip
    parts = {"parts": np.array([[0, 1, 1, 1, 1]]) / 255, "none": 0, "kinds": [[-1, 0, 1, 0, 1]], "boxes": BOXES[None]}
    result = [("", TensorProto.FLOAT, [5, DIM]), ("_boxes", TensorProto.FLOAT, [5, 4]),
            ("_scores", TensorProto.FLOAT, [5]), ("_classes", TensorProto.INT64, [5])]  # fmt: skip
    graph = helper.make_graph(
        nodes,
        NAME,
        [helper.make_tensor_value_info("image", TensorProto.UINT8, ["n", "h", "w", 3])],
        [helper.make_tensor_value_info(NAME + end, kind, ["n", *shape]) for end, kind, shape in result],
        [
            *(numpy_helper.from_array(np.asarray(value, np.int64), name) for name, value in whole.items()),
            *(numpy_helper.from_array(np.asarray(value, np.float32), name) for name, value in parts.items()),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    onnx.checker.check_model(model)
    return model


def install_quarters(folder: Path, version: int = 1) -> None:
    """Into a folder of models, with its card."""
    result = {
        **card(NAME),
        "input": {"name": "image", "side": SIDE, "layout": "NHWC", "type": "uint8"},
        "outputs": {
            NAME: {
                "version": version,
                "dim": DIM,
                "metric": "cosine",
                "median_negative_distance": 0.9,
                "min_contrast": 0.02,
            },
        },
        "regions": {"output": NAME, "count": 5, "looks": [64], "names": list(CLASSES)},
    }
    install(folder, NAME, network(), result)
