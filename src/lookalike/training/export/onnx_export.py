"""From a trained network to the two files that leave training: an ONNX file and its card. And back, to train on."""

from __future__ import annotations

import hashlib
import logging
import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from torch import Tensor, nn
from torch.nn import functional

from lookalike.descriptors.neural.onnx_model import ERRORS_ONLY, LOGITS, PARTS
from lookalike.descriptors.neural.region_model import BOXES, CLASSES, SCORES
from lookalike.errors import ModelError, UserError
from lookalike.training.export.quantize import read_weights, round_weights, to_float16, to_int8, to_static_int8
from lookalike.training.models.efficientnet_lite import fold_norms
from lookalike.training.models.embedding_net import EmbeddingNet
from lookalike.training.models.region_net import Detector
from lookalike.training.models.residual_net import GEM_FLOOR, GeneralisedMean
from lookalike.types import Pixels

TOLERANCE = 2e-3  # largest difference of a number of a unit vector between torch and ONNX; half precision allows 1e-3
MIN_COSINE = 0.99  # between the vectors of a network in 8 bits and in single precision, in the mean over images
CHECKED_IMAGES = 60  # that this is asked of
INT8_LAYERS = "network.trunk."  # how the names of weights begin whose convolutions work in 8 bits
FLOAT_LAYERS = ("network.trunk.0.", "network.trunk.1.")  # but these: they see pixels, and 8 bits are too few
TINY = 1e-12  # length below which torch's `normalize` does not divide by it
SWAPPED = 0.2  # share of a detector's boxes that may come in another order than torch's
_Module = TypeVar("_Module", bound=nn.Module)


class _WithCellParts(nn.Module):
    """An embedding network behind what a file needs: (N, S, S, 3) uint8 in; its vector, the parts of that, and the
    logits of its classes if it has any, out."""

    def __init__(self, network: EmbeddingNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        maps = self.network.maps(image.permute(0, 3, 1, 2).float() / 255)
        parts = cell_parts(maps, cast(GeneralisedMean, self.network.pool), self.network.head)
        logits = () if self.network.classes is None else (self.network.class_logits(maps),)
        return (_each_by_itself(self.network, maps), parts, *logits)


def _each_by_itself(network: EmbeddingNet, maps: Tensor) -> Tensor:
    """The vectors of the images with these maps, the head as a convolution: a product of matrices adds up in an order
    that hangs on how many images there are."""
    pooled, head = network.pool(maps), network.head
    if network.flat:
        return network.vectors(maps)
    vector = functional.conv2d(pooled[:, :, None, None], head.weight[:, :, None, None], head.bias)[:, :, 0, 0]
    return functional.normalize(vector) if network.unit else vector


def cell_parts(maps: Tensor, pool: GeneralisedMean, head: nn.Linear) -> Tensor:
    """(N, C, H, W) -> (N, D, H, W): what each cell adds to the unit vector of ``head`` after ``pool``; the sum of all.

    Of a channel's p-mean a cell has the share that its p-th power has of their sum; of the bias all have the same. For
    p = 1 these are class activation maps (Zhou et al., arXiv 1512.04150)."""
    powers = maps.float().clamp(min=GEM_FLOOR).pow(pool.p)
    pooled = pool(maps)
    shares = powers / powers.sum((2, 3), keepdim=True)
    mapped = functional.conv2d(shares * pooled[:, :, None, None], head.weight[:, :, None, None])
    length = head(pooled).norm(dim=1).clamp(min=TINY)
    bias = head.bias / (maps.shape[2] * maps.shape[3])
    parts: Tensor = (mapped + bias[:, None, None]) / length[:, None, None, None]
    return parts


def export_embedding_net(
    network: EmbeddingNet, name: str, side: int, path: Path, calibration: Pixels | None = None
) -> str:
    """Write an embedding network for images of ``side`` pixels to ``path``: its vector ``name``, the parts of that, and
    the logits of its classes if it has any; returns the file's sha256 in hex.

    Large arrays are stored in half precision and computed with in single. With ``calibration``, (N, side, side, 3)
    uint8 of all kinds, the trunk works in 8 bits, see ``to_static_int8``, and what else is large is stored in 8 bits.
    The same weights give the same bytes. Raises ModelError when ONNX Runtime's answer is further than TOLERANCE from
    torch's, of 8 bits when its cosine to that is below MIN_COSINE."""
    names = [name, name + PARTS, *([] if network.classes is None else [name + LOGITS])]
    return _written(_WithCellParts(fold_norms(network).cpu().eval()), names, side, path, calibration=calibration)


def export_outputs(
    network: nn.Module, names: Sequence[str], side: int, path: Path, calibration: Pixels | None = None
) -> str:
    """Write a network of (N, 3, S, S) float RGB 0..1 for images of ``side`` pixels; ``names``: of its outputs, in
    order. The same as ``export_embedding_net`` in all else."""
    return _written(_Named(network.cpu().eval(), len(names)), names, side, path, calibration=calibration)


def export_regions(network: Detector, name: str, side: int, path: Path, calibration: Pixels | None = None) -> str:
    """Write a detector for images of any size, ``side`` being the one in use; returns the file's sha256 in hex.

    Its outputs are ``name`` and those of descriptors/neural/region_model.py. The same as ``export_embedding_net`` in
    all else; in 8 bits, the vector of the whole image is the one that is checked."""
    names = [name, name + BOXES, name + SCORES, name + CLASSES]
    wrapped = _Named(network.cpu().eval(), len(names))
    return _written(wrapped, names, side, path, any_side=True, calibration=calibration)


class _Named(nn.Module):
    """Any network behind what a file needs: (N, S, S, 3) uint8 in, the first ``count`` outputs out."""

    def __init__(self, network: nn.Module, count: int) -> None:
        super().__init__()
        self.network, self.count = network, count

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        outputs = self.network(image.permute(0, 3, 1, 2).float() / 255)
        return tuple(outputs[: self.count]) if isinstance(outputs, tuple) else (outputs,)


def _written(
    network: nn.Module,
    names: Sequence[str],
    side: int,
    path: Path,
    any_side: bool = False,
    calibration: Pixels | None = None,
) -> str:
    wrapped = network.eval()
    if any_side:  # which of two boxes is the surer must not hang on a rounding
        round_weights(wrapped, calibration is not None)
    image = torch.randint(0, 256, (2, side, side, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    lengths = {0: torch.export.Dim("n", min=1, max=4096)}
    if any_side:
        lengths |= {1: torch.export.Dim("h", min=2, max=64) * 16, 2: torch.export.Dim("w", min=2, max=64) * 16}
    with quiet_exporter():
        program = torch.onnx.export(
            wrapped, (image,), dynamo=True, optimize=False, verbose=False, input_names=["image"],
            output_names=list(names), dynamic_shapes={"image": lengths}, opset_version=18,
        )  # fmt: skip
    if program is None:
        raise ModelError(f"{path}: torch gave no ONNX program")
    part = path.with_suffix(".part")
    model = without_metadata(program.model_proto)
    if calibration is not None:
        onnx.save(to_int8(to_static_int8(model, calibration, INT8_LAYERS, FLOAT_LAYERS)), part)
        _check_similarity(wrapped, names[0], part, calibration)
    else:
        onnx.save(to_float16(model), part)
        _check_agreement(wrapped, names, part, image, SWAPPED if any_side else 0.0)
    os.replace(part, path)
    return hashlib.sha256(path.read_bytes()).hexdigest()


@contextmanager
def quiet_exporter() -> Iterator[None]:
    """Torch's exporter warns of torchvision, which is not missed here, and of its own outdated calls."""
    log = logging.getLogger("torch.onnx._internal.exporter._registration")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".*LeafSpec.* is deprecated", FutureWarning)
            yield
    finally:
        log.setLevel(before)


def restore_embedding_net(path: Path, network: EmbeddingNet) -> EmbeddingNet:
    """``network``, a shipped kind (embedding_net.copy_net, content_net), with the weights of an ONNX file that
    ``export_embedding_net`` wrote. Raises UserError for any other file."""
    return _fill(fold_norms(network), path)


def restore_detector(path: Path) -> Detector:
    """The detector of an ONNX file that ``export_regions`` wrote, with as many classes. Raises UserError for any other
    file."""
    stored = read_weights(path)
    biases = stored.get("network.class_logits.bias")
    classes = 0 if biases is None or len(biases) == 1 else len(biases) - 1
    return _fill(Detector(classes), path)


def _fill(network: _Module, path: Path) -> _Module:
    stored, state = read_weights(path), network.state_dict()
    for name, value in state.items():
        kept = stored.get(f"network.{name}")
        if kept is not None and kept.shape == value.shape:
            state[name] = torch.from_numpy(kept)
        elif not name.endswith("num_batches_tracked"):
            raise UserError(f"{path}: not a network that `lookalike train` wrote: it has no such {name}")
    network.load_state_dict(state)
    return network.eval()


def without_metadata(model: onnx.ModelProto) -> onnx.ModelProto:
    """Without what the exporter notes of the machine and the source code, without biases of zeros, and with bounds that
    the runtime knows beforehand."""
    _drop_zero_biases(model.graph)
    _settle_bounds(model.graph)
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    for values in (model.graph.value_info, model.graph.input, model.graph.output):
        for value in values:
            del value.metadata_props[:]
    del model.graph.value_info[:]
    del model.metadata_props[:]
    return model


def _drop_zero_biases(graph: onnx.GraphProto) -> None:
    """A convolution without a bias is exported with one of zeros, computed when it runs; so ONNX Runtime would not melt
    the normalisation after it into its weights, which is a fifth of the time."""
    made = {name: node for node in graph.node for name in node.output}
    known = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    known |= {node.output[0]: numpy_helper.to_array(node.attribute[0].t) for node in graph.node if _is_constant(node)}
    for node in graph.node:
        if node.op_type == "Conv" and len(node.input) == 3:
            source = node.input[2]
            while source in made and made[source].op_type in ("Expand", "Cast", "CastLike"):
                source = made[source].input[0]
            if source in known and source != node.input[2] and not known[source].any():
                del node.input[2]
    _drop_dead(graph)


def _settle_bounds(graph: onnx.GraphProto) -> None:
    """The bounds of a ReLU6 are exported as whole numbers that become single precision when it runs; so ONNX Runtime
    would not melt it into the convolution before it, which is a third of the time."""
    made = {name: node for node in graph.node for name in node.output}
    for node in graph.node:
        for place in range(1, len(node.input) if node.op_type == "Clip" else 1):
            cast = made.get(node.input[place])
            source = made.get(cast.input[0]) if cast is not None and cast.op_type == "CastLike" else None
            if source is not None and source.op_type == "Constant":
                value = helper.get_attribute_value(source.attribute[0])
                value = numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else value
                bound = np.asarray(value, np.float32)
                node.input[place] = f"bound_{bound}"
                if all(one.name != node.input[place] for one in graph.initializer):
                    graph.initializer.append(numpy_helper.from_array(bound, node.input[place]))
    _drop_dead(graph)


def _drop_dead(graph: onnx.GraphProto) -> None:
    """Nodes that no output needs."""
    needed = {one.name for one in graph.output}
    kept = []
    for node in reversed(graph.node):
        if needed.intersection(node.output):
            needed.update(node.input)
            kept.append(node)
    del graph.node[:]
    graph.node.extend(reversed(kept))


def _is_constant(node: onnx.NodeProto) -> bool:
    return node.op_type == "Constant" and node.attribute[0].name == "value"


def _check_similarity(network: nn.Module, name: str, path: Path, images: Pixels) -> None:
    some = images[:: max(1, len(images) // CHECKED_IMAGES)]
    with torch.no_grad():
        expected = network(torch.from_numpy(np.ascontiguousarray(some)))[0].numpy()
    actual = _session(path).run([name], {"image": np.ascontiguousarray(some)})[0]
    if actual.ndim == 3:  # a detector's: the same box comes first in all, the whole image
        actual, expected = actual[:, 0], expected[:, 0]
    lowest = float((actual * expected).sum(1).mean())
    if not lowest >= MIN_COSINE:
        raise ModelError(f"{path}: in 8 bits {name} has a cosine of {lowest:.3f} to torch's; {MIN_COSINE} is asked for")


def _session(path: Path) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = ERRORS_ONLY
    return onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])


def _check_agreement(network: nn.Module, names: Sequence[str], path: Path, image: Tensor, swapped: float) -> None:
    """Numbers beyond 1, which no unit vector has, may be apart in proportion. ``swapped``: so large a share may be
    something else, for of two boxes that are equally sure either may come first."""
    with torch.no_grad():
        expected = network(image)
    for name, actual, wanted in zip(
        names, _session(path).run(list(names), {"image": image.numpy()}), expected, strict=True
    ):
        error = float(np.quantile(np.abs(actual - wanted.numpy()), 1 - swapped))
        if not error <= TOLERANCE * max(1.0, float(wanted.abs().max())):
            raise ModelError(f"{path}: {name} is {error:.2g} from torch's output; at most {TOLERANCE:g} is allowed")
