"""The teacher's ONNX graph beside the same network in torch, layer by layer."""

from __future__ import annotations

import importlib.util
import json
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import numpy as np
import onnxruntime
import pytest
import torch
from torch import Tensor
from torch.nn import functional

WIDTHS = (24, 48, 96, 96, 192, 192, 384, 384, 384, 384, 384, 384, 768, 768)
Arrays = dict[str, np.ndarray]


@pytest.fixture(scope="module")
def teacher() -> ModuleType:
    path = Path(__file__).parents[2] / "recipes" / "teacher.py"
    spec = importlib.util.spec_from_file_location("teacher", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def arrays() -> Arrays:
    """Random weights under Keras' names and in TensorFlow's shapes."""
    generator = np.random.default_rng(3)

    def kernel(*shape: int) -> np.ndarray:
        return (generator.normal(size=shape) * np.sqrt(3 / np.prod(shape[:-1]))).astype(np.float32)

    made = {"conv1/kernel": kernel(3, 3, 3, WIDTHS[0]), "conv_preds/kernel": kernel(1, 1, 768, 1000)}
    made["conv_preds/bias"] = kernel(1000)
    names = [("conv1", WIDTHS[0])]
    for number, (inside, outside) in enumerate(pairwise(WIDTHS), 1):
        made[f"conv_dw_{number}/depthwise_kernel"] = (generator.normal(size=(3, 3, inside, 1)) / 2).astype(np.float32)
        made[f"conv_pw_{number}/kernel"] = kernel(1, 1, inside, outside)
        names += [(f"conv_dw_{number}", inside), (f"conv_pw_{number}", outside)]
    for name, width in names:
        for key in ("gamma", "beta", "moving_mean", "moving_variance"):
            made[f"{name}_bn/{key}"] = generator.uniform(0.2, 1.2, width).astype(np.float32)
    return made


def expected(arrays: Arrays, image: Tensor) -> tuple[Tensor, Tensor]:
    """MobileNet as in arXiv 1704.04861, with TensorFlow's "same" padding and Keras' batch normalisation."""

    def layer(x: Tensor, name: str, kernel: np.ndarray, stride: int, groups: int = 1) -> Tensor:
        weight = torch.from_numpy(np.ascontiguousarray(kernel))
        if weight.shape[-1] == 3:
            x = functional.pad(x, (0, 1, 0, 1) if stride == 2 else (1, 1, 1, 1))
        x = functional.conv2d(x, weight, stride=stride, groups=groups)
        gamma, beta, mean, variance = (
            torch.from_numpy(arrays[f"{name}_bn/{key}"]) for key in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        return functional.batch_norm(x, mean, variance, gamma, beta, eps=1e-3).clamp(0, 6)

    x = layer(image, "conv1", arrays["conv1/kernel"].transpose(3, 2, 0, 1), 2)
    for number in range(1, 14):
        deep = arrays[f"conv_dw_{number}/depthwise_kernel"].transpose(2, 3, 0, 1)
        x = layer(x, f"conv_dw_{number}", deep, 2 if number in (2, 4, 6, 12) else 1, len(deep))
        x = layer(x, f"conv_pw_{number}", arrays[f"conv_pw_{number}/kernel"].transpose(3, 2, 0, 1), 1)
    features = x.mean((2, 3))
    weight = torch.from_numpy(arrays["conv_preds/kernel"][0, 0])
    return features, features @ weight + torch.from_numpy(arrays["conv_preds/bias"])


@pytest.mark.parametrize(("count", "height", "width"), [(1, 64, 64), (2, 32, 96)])
def test_the_graph_is_the_network(teacher: ModuleType, arrays: Arrays, count: int, height: int, width: int) -> None:
    """Features and logits are those of the paper's network with these weights, for any batch and size."""
    session = onnxruntime.InferenceSession(teacher.build(arrays).SerializeToString())
    image = np.random.default_rng(0).uniform(-1, 1, (count, 3, height, width)).astype(np.float32)
    result = session.run(["features", "logits"], {"image": image})
    for right, got in zip(expected(arrays, torch.from_numpy(image)), result, strict=True):
        assert right.std() > 1e-3
        assert np.allclose(right.numpy(), got, rtol=1e-3, atol=1e-4)


def test_read(teacher: ModuleType, tmp_path: Path) -> None:
    """Weights are found in shards, one after the other, across the borders of files."""
    first, second = np.arange(6, dtype="<f4"), np.arange(4, dtype="<f4") + 10
    data = first.tobytes() + second.tobytes()
    (tmp_path / "a").write_bytes(data[:10])
    (tmp_path / "b").write_bytes(data[10:])
    weights = [{"name": "x", "shape": [2, 3]}, {"name": "y", "shape": [4]}]
    manifest = {"weightsManifest": [{"paths": ["a", "b"], "weights": weights}]}
    (tmp_path / "model.json").write_text(json.dumps(manifest))
    result = teacher.read(tmp_path)
    assert np.array_equal(first.reshape(2, 3), result["x"])
    assert np.array_equal(second, result["y"])
