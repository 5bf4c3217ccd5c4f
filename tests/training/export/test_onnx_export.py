"""The file that leaves training: the same answers, the same bytes each time, nothing of the machine; and back."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from lookalike.descriptors.neural.onnx_model import ERRORS_ONLY
from lookalike.errors import ModelError, UserError
from lookalike.training.data.image_cache import square
from lookalike.training.export import onnx_export as exporting
from lookalike.training.export.onnx_export import (
    MIN_COSINE,
    TOLERANCE,
    cell_parts,
    export_embedding_net,
    export_outputs,
    restore_embedding_net,
)
from lookalike.training.export.quantize import QUANTISE_FROM
from lookalike.training.models.embedding_net import SMALL_WIDTHS, EmbeddingNet, content_net, copy_net
from lookalike.training.models.residual_net import EMBEDDING_DIM, TRUNK_CHANNELS, GeneralisedMean, trunk
from lookalike.training.tasks.pretrained import shipped_card, shipped_content, shipped_copy
from networks import means
from samples import drawn, reduced

SIDE = 48


def network(seed: int = 4) -> EmbeddingNet:
    """Random weights, and running means and variances that are not those of a new network."""
    return settled(lambda: EmbeddingNet(EMBEDDING_DIM, trunk(SMALL_WIDTHS), p=3.0), seed)


def settled(kind: Callable[[], EmbeddingNet], seed: int = 4) -> EmbeddingNet:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        made = kind()
        for name, value in made.state_dict().items():
            if name.endswith(("running_mean", "running_var", "norm.weight")):
                value.uniform_(0.5, 1.5)
    return made.eval()


def images(pixels: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(pixels.transpose(0, 3, 1, 2).astype(np.float32) / 255)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("export") / "net.onnx"
    export_embedding_net(network(), "copy", SIDE, path)
    return path


def answers(path: Path, pixels: np.ndarray, names: Sequence[str] = ("copy",)) -> list[np.ndarray]:
    return onnxruntime.InferenceSession(path).run(names, {"image": pixels})


@pytest.mark.parametrize("count", [1, 3, 16])
def test_torch_and_the_file_agree(file: Path, count: int) -> None:
    """For any number of images, (N, S, S, 3) uint8, the vectors are torch's within TOLERANCE, of unit length."""
    pixels = np.stack([drawn(seed, SIDE, SIDE) for seed in range(count)])
    with torch.no_grad():
        expected = network()(images(pixels)).numpy()
    (result,) = answers(file, pixels)
    assert (result.shape, result.dtype) == ((count, EMBEDDING_DIM), np.float32)
    assert np.abs(expected - result).max() <= TOLERANCE
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


def test_a_network_with_classes_and_its_parts(tmp_path: Path) -> None:
    """Of every image of a batch: vector and logits are torch's, and the parts of all cells add up to the vector.
    ``restore_embedding_net`` gives all of it back, with norms folded."""
    path, made = tmp_path / "kind.onnx", settled(lambda: content_net(7))
    pixels = np.stack([drawn(seed, SIDE * 2, SIDE * 2) for seed in range(3)])
    with torch.no_grad():
        expected, logits = made(images(pixels)).numpy(), made.class_logits(made.maps(images(pixels))).numpy()
    export_embedding_net(made, "kind", SIDE * 2, path)
    result, parts, classes = answers(path, pixels, ["kind", "kind_parts", "kind_logits"])
    assert parts.shape == (3, EMBEDDING_DIM, 3, 3)
    np.testing.assert_allclose(result, parts.sum((2, 3)), atol=1e-5)
    assert np.abs(expected - result).max() <= TOLERANCE
    assert np.abs(logits - classes).max() <= TOLERANCE * max(1, np.abs(logits).max())
    restored = restore_embedding_net(path, content_net(7))
    with torch.no_grad():
        assert np.abs(restored(images(pixels)).numpy() - result).max() <= TOLERANCE
        again = restored.class_logits(restored.maps(images(pixels))).numpy()
    assert np.abs(again - classes).max() <= TOLERANCE * max(1, np.abs(logits).max())
    large = sum(value.numel() for value in made.state_dict().values() if value.numel() >= QUANTISE_FROM)
    assert path.stat().st_size < 2.1 * large + 400_000


def test_in_8_bits_and_back(tmp_path: Path) -> None:
    """The shipped weights of `copy`, written anew in 8 bits by the ranges of a few images: less than half the size of
    half precision, nearly the same vectors, and the restored network is the file's but for the ranges."""
    path, made = tmp_path / "copy.onnx", shipped_copy()
    pixels = np.stack([drawn(seed, SIDE * 2, SIDE * 2) for seed in range(20)])
    with torch.no_grad():
        expected = made(images(pixels)).numpy()
    export_embedding_net(made, "copy", SIDE * 2, path, calibration=pixels)
    (result,) = answers(path, pixels)
    assert (result * expected).sum(1).mean() > MIN_COSINE
    kinds = {node.op_type for node in onnx.load(path).graph.node}
    assert {"QuantizeLinear", "DequantizeLinear"} <= kinds
    large = sum(value.numel() for value in made.state_dict().values() if value.numel() >= QUANTISE_FROM)
    assert path.stat().st_size < 1.2 * large + 400_000
    with torch.no_grad():
        restored = restore_embedding_net(path, copy_net())(images(pixels)).numpy()
    assert (restored * result).sum(1).min() > 0.95
    assert (restored * expected).sum(1).min() > 0.99


def test_8_bits_that_lose_too_much_are_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the vectors in 8 bits are not near enough to torch's, there is an error instead of a file."""
    monkeypatch.setattr(exporting, "MIN_COSINE", 1.01)
    pixels = np.stack([drawn(seed, SIDE, SIDE) for seed in range(4)])
    with pytest.raises(ModelError, match="8 bits"):
        export_embedding_net(network(), "copy", SIDE, tmp_path / "net.onnx", pixels)
    assert not (tmp_path / "net.onnx").exists()


def test_maps_are_what_vectors_are_made_of() -> None:
    """The two halves of the network, one after the other, are the network."""
    some = torch.rand(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))
    made = network()
    with torch.no_grad():
        maps = made.maps(some)
        assert maps.shape == (2, TRUNK_CHANNELS, SIDE // 16, SIDE // 16)
        assert torch.equal(made(some), made.vectors(maps))


def test_input_and_outputs(file: Path) -> None:
    """The names, types and open batch that a card promises."""
    session = onnxruntime.InferenceSession(file)
    (given,) = session.get_inputs()
    assert (given.name, given.type, given.shape[1:]) == ("image", "tensor(uint8)", [SIDE, SIDE, 3])
    assert isinstance(given.shape[0], str)
    assert [output.name for output in session.get_outputs()] == ["copy", "copy_parts"]


def test_the_same_network_gives_the_same_bytes(file: Path, tmp_path: Path) -> None:
    """Exported by another process, in another folder and with other hash seeds, not a byte differs."""
    script = f"""
import sys
sys.path[:0] = {[str(Path(__file__).parent), str(Path(__file__).parents[2])]!r}
from pathlib import Path
from test_onnx_export import SIDE, network
from lookalike.training.export.onnx_export import export_embedding_net
print(export_embedding_net(network(), "copy", SIDE, Path("elsewhere.onnx")))
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
    expected, result = network().state_dict(), restore_embedding_net(file, network(5)).state_dict()
    assert expected.keys() == result.keys()
    for name, value in expected.items():
        if name.endswith("num_batches_tracked"):
            continue
        close = 1e-3 if value.numel() >= QUANTISE_FROM else 0
        assert torch.allclose(value, result[name], rtol=close, atol=close / 1000), name
    assert not restore_embedding_net(file, network(5)).training


def test_other_files(tmp_path: Path) -> None:
    """No file, no ONNX, and the ONNX file of another network: an error that names the file."""
    onnx.save(means(), tmp_path / "other.onnx")
    (tmp_path / "bytes.onnx").write_bytes(b"\xff no model" * 9)
    for name in ("other.onnx", "bytes.onnx", "none.onnx"):
        with pytest.raises(UserError, match=name):
            restore_embedding_net(tmp_path / name, copy_net())


def test_a_file_that_disagrees_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the file answers otherwise than torch, there is an error instead of a file."""
    monkeypatch.setattr(exporting, "TOLERANCE", -1.0)
    with pytest.raises(ModelError, match="torch"):
        export_embedding_net(network(), "copy", SIDE, tmp_path / "net.onnx")
    assert not (tmp_path / "net.onnx").exists()


@pytest.mark.parametrize(("name", "restore"), [("copy", shipped_copy), ("content", shipped_content)])
def test_the_shipped_networks_can_be_trained_on(name: str, restore: Callable[[], EmbeddingNet]) -> None:
    """The weights in the package's files are those that ``shipped_copy`` and ``shipped_content`` know: of images they
    see what the files see, but for the 8 bits that the files compute in."""
    card = shipped_card(name)
    photographs = [reduced(one) for one in ("astronaut", "coffee", "chelsea")]
    halves = [half for one in photographs for half in (one, one[:, ::-1], one[:, :200], one[:, 200:])]
    pixels = np.stack([square(one, card.input.side) for one in halves])
    with torch.no_grad():
        result = restore()(images(pixels)).numpy()
    (expected,) = answers(card.onnx, pixels, [name])
    assert (expected * result).sum(1).min() > 0.98
