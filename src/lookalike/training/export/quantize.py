"""Quantisation: ONNX files with large arrays in half precision or in 8 bits, or that compute in 8 bits; and back.

Of arrays that are only stored so, the runtime folds what makes single precision of them away when it loads the file: it
computes as before. ``to_static_int8`` has the convolutions compute in 8 bits (Jacob et al., arXiv 1712.05877).
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # protobuf ships no types
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper
from torch import nn

from lookalike.descriptors.neural.onnx_model import ERRORS_ONLY
from lookalike.errors import UserError
from lookalike.types import Floats, Pixels

QUANTISE_FROM = 1024  # numbers of an array that is quantised
CALIBRATION_BATCH = 16  # images
NEW_WEIGHTS = ("ConstantFolding", "ConvBNFusion")  # steps of ONNX Runtime after which weights cannot be told by name
STATIC_SUFFIX = "_quantized"  # after an array's name: as ONNX Runtime names what it quantised, and its scale
STATIC_SCALES = {"int8": "_scale", "int32": "_quantized_scale"}  # of weights, of biases
HALF_SUFFIX, INT8_SUFFIX, SCALE_SUFFIX = ".half", ".eighth", ".scale"  # after an array's name: what is stored of it

_Stored = tuple[list[TensorProto], list[NodeProto]]


def to_float16(model: onnx.ModelProto) -> onnx.ModelProto:
    """Large arrays in half precision, each behind a Cast."""
    return _replaced(model, _float16)


def to_int8(model: onnx.ModelProto) -> onnx.ModelProto:
    """Large arrays in whole numbers of 8 bits with a scale for each of their rows, each behind a Cast and a Mul."""
    return _replaced(model, _int8)


def to_static_int8(
    model: onnx.ModelProto, calibration: Pixels, layers: str, float_layers: Sequence[str] = ()
) -> onnx.ModelProto:
    """Convolutions and sums in whole numbers of 8 bits: weights with a scale for each channel, what flows between with
    a range for each layer, the one that ``calibration`` has, (N, S, S, 3) uint8. They should hold what users do to
    images: what is darker, plainer or louder than all of them is cut off. ``layers``: how the names of the weights
    begin whose convolutions it is about; ``float_layers``: of those among them that stay in single precision."""
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

    with tempfile.TemporaryDirectory() as folder:
        plain, quantised = Path(folder) / "plain.onnx", Path(folder) / "quantised.onnx"
        nodes = _with_margins_in_convolutions(model, plain).graph.node
        chosen = _in_8_bits(nodes, layers, float_layers)
        quantize_static(
            plain, quantised, _Reader(calibration), QuantFormat.QDQ, op_types_to_quantize=["Conv", "Add", "Clip"],
            per_channel=True, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8, nodes_to_quantize=chosen,
            calibrate_method=CalibrationMethod.MinMax,
        )  # fmt: skip
        return onnx.load(quantised)


def _with_margins_in_convolutions(model: onnx.ModelProto, path: Path) -> onnx.ModelProto:
    """The same at ``path``, its padding part of the convolutions, by ONNX Runtime's own first steps: what is left
    between two operations in 8 bits would be computed in single precision."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(path)
    options.log_severity_level = ERRORS_ONLY
    onnxruntime.InferenceSession(
        model.SerializeToString(), options, ["CPUExecutionProvider"], disabled_optimizers=NEW_WEIGHTS
    )
    simpler = onnx.load(path)
    standard = [one for one in simpler.opset_import if one.domain in ("", "ai.onnx")]
    del simpler.opset_import[:]
    simpler.opset_import.extend(standard)
    onnx.save(simpler, path)
    return simpler


def _in_8_bits(nodes: Sequence[NodeProto], layers: str, float_layers: Sequence[str]) -> list[str]:
    """The names of the convolutions, of the bounds right behind one, and of the sums of what these give."""
    chosen, convolved, given = [], set[str](), set[str]()
    for node in nodes:
        if node.op_type == "Conv":
            take = node.input[1].startswith(layers) and not node.input[1].startswith(tuple(float_layers))
            convolved.update(node.output if take else ())
        else:
            take = node.op_type == "Clip" and node.input[0] in convolved
            take = take or (node.op_type == "Add" and given.issuperset(node.input))
        if take:
            chosen.append(node.name)
            given.update(node.output)
    return chosen


class _Reader:
    """Images as ONNX Runtime's calibration asks for them."""

    def __init__(self, images: Pixels) -> None:
        self._batches = iter(np.array_split(images, max(1, len(images) // CALIBRATION_BATCH)))

    def get_next(self) -> dict[str, Pixels] | None:
        batch = next(self._batches, None)
        return None if batch is None else {"image": batch}


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
        if name.endswith(STATIC_SUFFIX):
            single_name = name.removesuffix(STATIC_SUFFIX)
            found[single_name] = _dequantised(array, arrays[single_name + STATIC_SCALES[array.dtype.name]])
            continue
        scale = arrays.get(name.removesuffix(INT8_SUFFIX) + SCALE_SUFFIX) if name.endswith(INT8_SUFFIX) else None
        single = array.astype(np.float32) if scale is None else array.astype(np.float32) * scale
        found[name.removesuffix(INT8_SUFFIX).removesuffix(HALF_SUFFIX)] = single
    return found


def _dequantised(array: NDArray[Any], scale: Floats) -> Floats:
    return np.asarray(array * scale.reshape(-1, *[1] * (array.ndim - 1)), np.float32)


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
