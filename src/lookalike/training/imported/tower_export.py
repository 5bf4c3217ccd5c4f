"""A tower as an ONNX file: large arrays in half precision, or in 8 bits, and computed with in single precision."""

from __future__ import annotations

import hashlib
from pathlib import Path

import onnx
import torch
from torch import Tensor, nn

from lookalike.errors import ModelError
from lookalike.training.export.onnx_export import quiet_exporter, without_metadata
from lookalike.training.export.quantize import to_float16, to_int8

OPSET = 18
MAX_BATCH = 4096


def export_tower(
    tower: nn.Module, example: Tensor, name: str, output: str, path: Path, int8: bool, any_length: bool = False
) -> str:
    """Write ``tower`` for inputs like ``example``, (2, ...), called ``name``, its output called ``output``; returns the
    file's sha256 in hex. ``any_length``: inputs may be shorter than the example along their second axis. Raises
    ModelError for a network that cannot be written, or that no single ONNX file can hold."""
    lengths = {0: torch.export.Dim("n", min=1, max=MAX_BATCH)}
    if any_length:
        lengths[1] = torch.export.Dim("length", min=2, max=example.shape[1])
    try:
        with quiet_exporter():
            program = torch.onnx.export(
                tower.eval(), (example,), dynamo=True, verbose=False, input_names=[name], output_names=[output],
                dynamic_shapes=(lengths,), opset_version=OPSET,
            )  # fmt: skip
    except torch.onnx.OnnxExporterError as error:
        raise ModelError(f"torch cannot write this network as an ONNX file: {_last_line(error)}") from error
    if program is None:
        raise ModelError(f"{path}: torch gave no ONNX program")
    model = without_metadata(program.model_proto)
    try:
        onnx.save(to_int8(model) if int8 else to_float16(model), path)
    except ValueError as error:  # of protobuf, from 2 GB on
        raise ModelError(f"{path}: too large for one ONNX file: {error}") from error
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _last_line(error: Exception) -> str:
    """The exporter's errors begin with advice, and end with what is the matter."""
    return next((line for line in reversed(str(error).splitlines()) if line.strip(" ()")), type(error).__name__)
