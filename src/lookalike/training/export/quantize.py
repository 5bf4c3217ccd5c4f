"""Quantised weights: large arrays of an ONNX file in half precision or in 8 bits, and back to single precision.

The runtime folds what makes single precision of them away when it loads the file: it computes as before.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import torch
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # protobuf ships no types
from onnx import NodeProto, TensorProto, helper, numpy_helper
from torch import nn

from lookalike.errors import UserError
from lookalike.types import Floats

QUANTISE_FROM = 1024  # numbers of an array that is quantised
HALF_SUFFIX, INT8_SUFFIX, SCALE_SUFFIX = ".half", ".eighth", ".scale"  # after an array's name: what is stored of it

_Stored = tuple[list[TensorProto], list[NodeProto]]


def to_float16(model: onnx.ModelProto) -> onnx.ModelProto:
    """Large arrays in half precision, each behind a Cast."""
    return _replaced(model, _float16)


def to_int8(model: onnx.ModelProto) -> onnx.ModelProto:
    """Large arrays in whole numbers of 8 bits with a scale for each of their rows, each behind a Cast and a Mul."""
    return _replaced(model, _int8)


def round_weights(network: nn.Module, int8: bool) -> None:
    """Give a network the very numbers that ``to_int8`` or ``to_float16`` stores of it."""
    for parameter in network.parameters():
        array = parameter.detach().cpu().numpy()
        if _is_large(array):
            scales = _scales(array)
            kept = np.round(array / scales) * scales if int8 else array.astype(np.float16).astype(np.float32)
            parameter.data = torch.from_numpy(kept).to(parameter.device)


def read_weights(path: Path) -> dict[str, Floats]:
    """The arrays of an ONNX file by name, in single precision. Raises UserError for what is no such file."""
    try:
        arrays = {one.name: numpy_helper.to_array(one) for one in onnx.load(path).graph.initializer}
    except (OSError, DecodeError) as error:
        raise UserError(f"{path}: cannot be read as an ONNX file: {error}") from None
    found = {}
    for name, array in arrays.items():
        scale = arrays.get(name.removesuffix(INT8_SUFFIX) + SCALE_SUFFIX) if name.endswith(INT8_SUFFIX) else None
        single = array.astype(np.float32) if scale is None else array.astype(np.float32) * scale
        found[name.removesuffix(INT8_SUFFIX).removesuffix(HALF_SUFFIX)] = single
    return found


def _replaced(model: onnx.ModelProto, store: Callable[[str, Floats], _Stored]) -> onnx.ModelProto:
    nodes, initializers = [], []
    for one in model.graph.initializer:
        array = numpy_helper.to_array(one)
        kept, made = store(one.name, array) if _is_large(array) else ([one], [])
        initializers += kept
        nodes += made
    nodes += model.graph.node
    del model.graph.initializer[:], model.graph.node[:]
    model.graph.initializer.extend(initializers)
    model.graph.node.extend(nodes)
    onnx.checker.check_model(model)
    return model


def _is_large(array: Floats) -> bool:
    return array.dtype == np.float32 and array.size >= QUANTISE_FROM and array.ndim > 1


def _float16(name: str, array: Floats) -> _Stored:
    kept = numpy_helper.from_array(array.astype(np.float16), name + HALF_SUFFIX)
    return [kept], [helper.make_node("Cast", [name + HALF_SUFFIX], [name], to=TensorProto.FLOAT)]


def _int8(name: str, array: Floats) -> _Stored:
    scales = _scales(array)
    whole = np.round(array / scales).astype(np.int8)
    kept = [numpy_helper.from_array(whole, name + INT8_SUFFIX), numpy_helper.from_array(scales, name + SCALE_SUFFIX)]
    single = f"{name}.single"
    cast = helper.make_node("Cast", [name + INT8_SUFFIX], [single], to=TensorProto.FLOAT)
    return kept, [cast, helper.make_node("Mul", [single, name + SCALE_SUFFIX], [name])]


def _scales(array: Floats) -> Floats:
    """Of each row, so that its largest number is 127."""
    largest = np.abs(array).reshape(len(array), -1).max(1).clip(min=1e-12)
    return np.asarray(largest / 127, np.float32).reshape(-1, *[1] * (array.ndim - 1))
