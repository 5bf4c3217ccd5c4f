"""The known network that is measured beside ours, and taught earlier ones: MobileNetV1 0.75 at 224 px, as ONNX.

    python recipes/teacher.py FOLDER teacher.onnx

FOLDER holds the TensorFlow.js files of Keras' `mobilenet_0.75_224` (`model.json` and its shards; Howard et al., arXiv
1704.04861; trained on ImageNet; Apache-2.0). It is never shipped. Input: (N, 3, H, W) float32 RGB in -1..1, H and W
multiples of 32. Output `features`: (N, 768) float32, the means of the last map; `logits`: (N, 1000).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Arrays = Mapping[str, NDArray[np.float32]]
STRIDES = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1)
EPSILON = 1e-3  # Keras' batch normalisation in this network


def read(folder: Path) -> dict[str, NDArray[np.float32]]:
    """Weight name -> array, from a TensorFlow.js folder."""
    found: dict[str, NDArray[np.float32]] = {}
    for group in json.loads((folder / "model.json").read_text())["weightsManifest"]:
        data = b"".join((folder / path).read_bytes() for path in group["paths"])
        start = 0
        for weight in group["weights"]:
            count = int(np.prod(weight["shape"]))
            found[weight["name"]] = np.frombuffer(data, "<f4", count, start).reshape(weight["shape"])
            start += 4 * count
    return found


class Graph:
    """Grows an ONNX graph layer by layer."""

    def __init__(self, arrays: Arrays) -> None:
        self.arrays, self.nodes, self.initializers, self.last = arrays, [], [], "image"

    def constant(self, name: str, value: NDArray[np.float32]) -> str:
        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(self, kind: str, name: str, *inputs: str, **attributes: object) -> None:
        self.nodes.append(helper.make_node(kind, [self.last, *inputs], [name], name, **attributes))
        self.last = name

    def convolution(self, name: str, kernel: NDArray[np.float32], stride: int, groups: int = 1) -> None:
        """Convolution, its batch normalisation folded in, ReLU6; padded as TensorFlow does."""
        bn = {key: self.arrays[f"{name}_bn/{key}"] for key in ("gamma", "beta", "moving_mean", "moving_variance")}
        scale = bn["gamma"] / np.sqrt(bn["moving_variance"] + EPSILON)
        weight = self.constant(f"{name}.weight", kernel * scale[:, None, None, None])
        bias = self.constant(f"{name}.bias", bn["beta"] - bn["moving_mean"] * scale)
        edge = 0 if kernel.shape[-1] == 1 else 1
        pads = [0, 0, 1, 1] if stride == 2 else [edge] * 4
        self.node("Conv", name, weight, bias, strides=[stride, stride], pads=pads, group=groups)
        self.node("Clip", f"{name}.relu6", "zero", "six")


def build(arrays: Arrays) -> onnx.ModelProto:
    graph = Graph(arrays)
    graph.constant("zero", np.array(0, np.float32))
    graph.constant("six", np.array(6, np.float32))
    graph.convolution("conv1", arrays["conv1/kernel"].transpose(3, 2, 0, 1), 2)
    for number, stride in enumerate(STRIDES, 1):
        deep = arrays[f"conv_dw_{number}/depthwise_kernel"].transpose(2, 3, 0, 1)
        graph.convolution(f"conv_dw_{number}", deep, stride, groups=len(deep))
        graph.convolution(f"conv_pw_{number}", arrays[f"conv_pw_{number}/kernel"].transpose(3, 2, 0, 1), 1)
    graph.node("GlobalAveragePool", "pooled")
    graph.node("Flatten", "features")
    predict = arrays["conv_preds/kernel"].reshape(768, 1000)
    graph.node("MatMul", "product", graph.constant("predict.weight", predict))
    graph.node("Add", "logits", graph.constant("predict.bias", arrays["conv_preds/bias"]))
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, "h", "w"])
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", size])
        for name, size in (("features", 768), ("logits", 1000))
    ]
    body = helper.make_graph(graph.nodes, "mobilenet_v1_0.75", [image], outputs, graph.initializers)
    model = helper.make_model(body, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return model


if __name__ == "__main__":
    onnx.save(build(read(Path(sys.argv[1]))), sys.argv[2])
