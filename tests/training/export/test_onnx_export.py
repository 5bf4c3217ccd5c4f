"""The file that leaves training: the same answers, the same bytes each time, nothing of the machine; and back."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from lookalike.descriptors.neural.onnx_model import ERRORS_ONLY
from lookalike.errors import ModelError, UserError
from lookalike.training.export import onnx_export as exporting
from lookalike.training.export.onnx_export import (
    TOLERANCE,
    cell_parts,
    export_copy_net,
    export_embedding_net,
    export_outputs,
    restore_copy_net,
    restore_embedding_net,
)
from lookalike.training.export.quantize import QUANTISE_FROM
from lookalike.training.models.embedding_net import EmbeddingNet
from lookalike.training.models.residual_net import EMBEDDING_DIM, TRUNK_CHANNELS, CopyNet, GeneralisedMean
from lookalike.training.tasks.pretrained import shipped_card, shipped_content, shipped_copy
from networks import means
from samples import drawn

SIDE = 48


def network() -> CopyNet:
    """Random weights, and running means and variances that are not those of a new network."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(4)
        made = CopyNet()
        for name, value in made.state_dict().items():
            if name.endswith(("running_mean", "running_var", "norm.weight")):
                value.uniform_(0.5, 1.5)
    return made.eval()


def embedding_net() -> EmbeddingNet:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(4)
        return EmbeddingNet().eval()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("export") / "net.onnx"
    export_copy_net(network(), SIDE, path)
    return path


def answers(path: Path, pixels: np.ndarray, names: Sequence[str] = ("copy", "content")) -> list[np.ndarray]:
    return onnxruntime.InferenceSession(path).run(names, {"image": pixels})


@pytest.mark.parametrize("count", [1, 3, 16])
def test_torch_and_the_file_agree(file: Path, count: int) -> None:
    """For any number of images, (N, S, S, 3) uint8, both outputs are torch's within TOLERANCE, of unit length."""
    pixels = np.stack([drawn(seed, SIDE, SIDE) for seed in range(count)])
    with torch.no_grad():
        expected = network()(torch.from_numpy(pixels.transpose(0, 3, 1, 2).astype(np.float32) / 255))
    for right, result in zip(expected, answers(file, pixels), strict=True):
        assert (result.shape, result.dtype) == ((count, EMBEDDING_DIM), np.float32)
        assert np.abs(right.numpy() - result).max() <= TOLERANCE
        assert np.allclose(np.linalg.norm(result, axis=1), 1, atol=1e-4)


def test_parts_cell_by_cell() -> None:
    """The parts of a small head are those of loops over cells and channels, written out by the formula."""
    random = np.random.default_rng(5)
    maps, p = random.uniform(0, 2, (2, 4, 3, 2)), 2.5
    pool, head = GeneralisedMean(p), torch.nn.Linear(4, 3)
    weight, bias = head.weight.detach().numpy().astype(float), head.bias.detach().numpy().astype(float)
    with torch.no_grad():
        result = cell_parts(torch.from_numpy(maps).float(), pool, head).numpy()
    for n in range(2):
        pooled = [(sum(x**p for x in maps[n, k].flat) / 6) ** (1 / p) for k in range(4)]
        length = np.linalg.norm(weight @ pooled + bias)
        for y in range(3):
            for x in range(2):
                own = [pooled[k] * maps[n, k, y, x] ** p / sum(v**p for v in maps[n, k].flat) for k in range(4)]
                np.testing.assert_allclose((weight @ own + bias / 6) / length, result[n, :, y, x], atol=1e-5)


@pytest.mark.parametrize("compact", [False, True])
def test_an_embedding_net_and_its_parts(compact: bool, tmp_path: Path) -> None:
    """Of every image of a batch: the vector is torch's, and the parts of all cells add up to it.
    ``restore_embedding_net`` gives all of it back."""
    path, made = tmp_path / "embedding.onnx", embedding_net()
    export_embedding_net(made, "kind", SIDE * 2, path, compact)
    pixels = np.stack([drawn(seed, SIDE * 2, SIDE * 2) for seed in range(3)])
    result, given = answers(path, pixels, ["kind", "kind_parts"])
    assert given.shape == (3, EMBEDDING_DIM, 3, 3)
    np.testing.assert_allclose(result, given.sum((2, 3)), atol=1e-5)
    images = torch.from_numpy(pixels.transpose(0, 3, 1, 2).astype(np.float32) / 255)
    with torch.no_grad():
        for network in (made, restore_embedding_net(path)):  # the one that was exported has the rounded weights, too
            assert np.abs(network(images).numpy() - result).max() <= TOLERANCE
    large = sum(value.numel() for value in made.state_dict().values() if value.numel() >= QUANTISE_FROM)
    assert path.stat().st_size < (1.1 if compact else 2.1) * large + 200_000


def test_compact(file: Path, tmp_path: Path) -> None:
    """Eight bits a weight: half the file, and the same vectors but for a rounding."""
    path = tmp_path / "compact.onnx"
    export_copy_net(network(), SIDE, path, ("copy", "copy"), compact=True)
    assert [output.name for output in onnxruntime.InferenceSession(path).get_outputs()] == ["copy"]
    assert path.stat().st_size < 0.55 * file.stat().st_size
    pixels = np.stack([drawn(seed, SIDE, SIDE) for seed in range(4)])
    (right,), (result,) = answers(file, pixels, ["copy"]), answers(path, pixels, ["copy"])
    assert (right * result).sum(1).min() > 0.99
    assert torch.equal(restore_copy_net(file).content.bias, restore_copy_net(path).content.bias)


def test_maps_are_what_vectors_are_made_of() -> None:
    """The two halves of the network, one after the other, are the network."""
    images = torch.rand(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))
    made = network()
    with torch.no_grad():
        maps = made.maps(images)
        assert maps.shape == (2, TRUNK_CHANNELS, SIDE // 16, SIDE // 16)
        for expected, result in zip(made(images), made.vectors(maps), strict=True):
            assert torch.equal(expected, result)


def test_input_and_outputs(file: Path) -> None:
    """The names, types and open batch that a card promises."""
    session = onnxruntime.InferenceSession(file)
    (given,) = session.get_inputs()
    assert (given.name, given.type, given.shape[1:]) == ("image", "tensor(uint8)", [SIDE, SIDE, 3])
    assert isinstance(given.shape[0], str)
    assert [output.name for output in session.get_outputs()] == ["copy", "content"]


def test_the_same_network_gives_the_same_bytes(file: Path, tmp_path: Path) -> None:
    """Exported by another process, in another folder and with other hash seeds, not a byte differs."""
    script = f"""
import sys
sys.path[:0] = {[str(Path(__file__).parent), str(Path(__file__).parents[2])]!r}
from pathlib import Path
from test_onnx_export import SIDE, network
from lookalike.training.export.onnx_export import export_copy_net
print(export_copy_net(network(), SIDE, Path("elsewhere.onnx")))
"""
    env = os.environ | {"PYTHONHASHSEED": "7", "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, env=env, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip() == sha256(file.read_bytes()).hexdigest()
    assert (tmp_path / "elsewhere.onnx").read_bytes() == file.read_bytes()


@pytest.mark.parametrize("name", ["copy", "content", "regions"])
def test_nothing_is_left_to_normalise(name: str, tmp_path: Path) -> None:
    """ONNX Runtime melts every normalisation of a shipped network into the weights of the convolution before it."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = ERRORS_ONLY
    options.optimized_model_filepath = str(tmp_path / "as-run.onnx")
    onnxruntime.InferenceSession(shipped_card(name).onnx, options)
    kinds = {node.op_type for node in onnx.load(tmp_path / "as-run.onnx").graph.node}
    assert "Conv" in kinds
    assert "BatchNormalization" not in kinds


def test_bounds_are_part_of_the_convolution(tmp_path: Path) -> None:
    """ONNX Runtime melts every ReLU6 into the convolution before it, and the answers stay."""
    layers = [torch.nn.Conv2d(3, 32, 3, 2), torch.nn.ReLU6(), torch.nn.Conv2d(32, 32, 3), torch.nn.ReLU6()]
    export_outputs(torch.nn.Sequential(*layers), ["map"], SIDE, tmp_path / "net.onnx")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = ERRORS_ONLY
    options.optimized_model_filepath = str(tmp_path / "as-run.onnx")
    onnxruntime.InferenceSession(tmp_path / "net.onnx", options)
    kinds = [node.op_type for node in onnx.load(tmp_path / "as-run.onnx").graph.node]
    assert kinds.count("Conv") == 2
    assert "Clip" not in kinds


def test_nothing_of_the_machine(file: Path) -> None:
    """No path, no source code and no trace of where it was made is in the bytes; large weights take two bytes each."""
    data = file.read_bytes()
    places = {sys.prefix, os.getcwd(), str(Path.home()), str(Path(__file__).parents[3]), str(file.parent)} - {"/"}
    for place in [*places, "site-packages", ".py\n", "/usr/", "/home/", "Traceback"]:
        assert place.encode() not in data
    assert not re.search(rb"\w\.py\b", data)
    large = sum(value.numel() for value in network().state_dict().values() if value.numel() >= QUANTISE_FROM)
    assert len(data) < 2.1 * large + 200_000


def test_there_and_back(file: Path) -> None:
    """The restored network has every weight again, large ones to half precision, the others exactly."""
    expected, result = network().state_dict(), restore_copy_net(file).state_dict()
    assert expected.keys() == result.keys()
    for name, value in expected.items():
        if name.endswith("num_batches_tracked"):
            continue
        close = 1e-3 if value.numel() >= QUANTISE_FROM else 0
        assert torch.allclose(value, result[name], rtol=close, atol=close / 1000), name
    assert not restore_copy_net(file).training


def test_one_output_under_another_name(tmp_path: Path, file: Path) -> None:
    """``only`` leaves one output, renamed, with the same answers; and everything to train on from."""
    path = tmp_path / "mine.onnx"
    assert export_copy_net(network(), SIDE, path, ("content", "mine")) == sha256(path.read_bytes()).hexdigest()
    assert [output.name for output in onnxruntime.InferenceSession(path).get_outputs()] == ["mine"]
    pixels = np.stack([drawn(seed, SIDE, SIDE) for seed in range(2)])
    (result,) = answers(path, pixels, ["mine"])
    assert np.array_equal(answers(file, pixels)[1], result)
    assert torch.equal(restore_copy_net(file).copy.weight, restore_copy_net(path).copy.weight)


def test_other_files(tmp_path: Path) -> None:
    """No file, no ONNX, and the ONNX file of another network: an error that names the file."""
    onnx.save(means(), tmp_path / "other.onnx")
    (tmp_path / "bytes.onnx").write_bytes(b"\xff no model" * 9)
    for name in ("other.onnx", "bytes.onnx", "none.onnx"):
        with pytest.raises(UserError, match=name):
            restore_copy_net(tmp_path / name)


def test_a_file_that_disagrees_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the file answers otherwise than torch, there is an error instead of a file."""
    monkeypatch.setattr(exporting, "TOLERANCE", -1.0)
    with pytest.raises(ModelError, match="torch"):
        export_copy_net(network(), SIDE, tmp_path / "net.onnx")
    assert not (tmp_path / "net.onnx").exists()


def test_the_shipped_networks_can_be_trained_on() -> None:
    """The files in the package are those that ``shipped_copy`` and ``shipped_content`` know, with the same vectors."""
    for name, network in (("copy", shipped_copy()), ("content", shipped_content())):
        card = shipped_card(name)
        pixels = drawn(1, card.input.side, card.input.side)[None]
        with torch.no_grad():
            result = network(torch.from_numpy(pixels.transpose(0, 3, 1, 2).astype(np.float32) / 255))
        (expected,) = answers(card.onnx, pixels, [name])
        assert np.abs(expected - (result[0] if name == "copy" else result).numpy()).max() <= TOLERANCE
