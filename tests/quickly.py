"""Long work made short, for tests that are not about how well it is done."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lookalike.gallery.calibration import calibrate


def from_few_pairs(patch: pytest.MonkeyPatch) -> None:
    """A calibration takes one pair of each kind for each image, in place of several."""
    for name in ("EDITS_PER_IMAGE", "HARD_NEGATIVES", "RANDOM_NEGATIVES", "POSSIBLE_COPIES"):
        patch.setattr(calibrate, name, 1)


def without_export(patch: pytest.MonkeyPatch) -> None:
    """Training ends with a file that is no network: torch's exporter takes longer than a training of a few steps. For
    tests that never read that file."""
    from lookalike.training.export import onnx_export

    def written(_network: object, _names: object, _side: int, path: Path, *_: object, **__: object) -> str:
        path.write_bytes(b"no network")
        return sha256(b"no network").hexdigest()

    patch.setattr(onnx_export, "_written", written)


def with_one_export(patch: pytest.MonkeyPatch) -> None:
    """Torch's exporter reads each kind of network once; another one of that kind gets the same graph with weights of
    its own. That the file says what the network says is checked whenever one is written."""
    import onnx
    import torch
    from onnx import numpy_helper

    real, graphs = torch.onnx.export, {}

    def export(network: torch.nn.Module, given: tuple[torch.Tensor, ...], **options: Any) -> SimpleNamespace:
        key = (str(network), given[0].shape, *options["output_names"])
        if key not in graphs:
            graphs[key] = real(network, given, **options).model_proto.SerializeToString()
        model, weights = onnx.load_model_from_string(graphs[key]), network.state_dict()
        for one in model.graph.initializer:
            if one.name in weights:
                one.CopyFrom(numpy_helper.from_array(weights[one.name].numpy(), one.name))
        return SimpleNamespace(model_proto=model)

    patch.setattr(torch.onnx, "export", export)
