"""Weights on disk: what one training leaves the next begins with."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from lookalike.errors import UserError
from lookalike.training.models.embedding_net import content_net, copy_net
from lookalike.training.models.weights import averaged, load_weights, read_weights, write_weights


def test_there_and_back(tmp_path: Path) -> None:
    """Every weight in half precision; what is a whole number stays one, and nothing lies about."""
    network = copy_net()
    write_weights(network, tmp_path / "w.pt")
    assert [path.name for path in tmp_path.iterdir()] == ["w.pt"]
    restored = load_weights(copy_net(), tmp_path / "w.pt").state_dict()
    for name, value in network.state_dict().items():
        assert restored[name].dtype == value.dtype
        assert torch.allclose(value, restored[name], rtol=1e-3, atol=1e-6), name


def test_weights_of_the_first_training(tmp_path: Path) -> None:
    """They had other names, and not what every such network has alike; all of them are found."""
    network = copy_net()
    earlier = {}
    for name, value in network.state_dict().items():
        if name in ("mean", "std"):
            continue
        name = name.replace("trunk.17.", "neck.").replace(".norm.", ".bn.").replace("trunk.0.", "trunk.stem.")
        if name[:6] == "trunk." and name[6].isdigit():
            number, rest = name[6:].split(".", 1)
            name = f"trunk.blocks.{int(number) - 1}.{rest}"
        earlier[name] = value.half() if value.is_floating_point() else value
    torch.save(earlier, tmp_path / "first.pt")
    restored = load_weights(copy_net(), tmp_path / "first.pt").state_dict()
    for name, value in network.state_dict().items():
        assert torch.allclose(value.float(), restored[name].float(), rtol=1e-3, atol=1e-6), name


def test_other_files(tmp_path: Path) -> None:
    """No file, no weights, no state, one of another network and one with a layer less: an error that names the file."""
    (tmp_path / "bytes.pt").write_bytes(b"no weights")
    torch.save([1, 2], tmp_path / "list.pt")
    for name in ("none.pt", "bytes.pt", "list.pt"):
        with pytest.raises(UserError, match=name):
            read_weights(tmp_path / name)
    write_weights(copy_net(), tmp_path / "copy.pt")
    with pytest.raises(UserError, match=r"copy\.pt: weights of another network: classes\.bias"):
        load_weights(content_net(), tmp_path / "copy.pt")
    state = copy_net().state_dict()
    torch.save({**state, "head.weight": torch.zeros(3, 512)}, tmp_path / "small.pt")
    with pytest.raises(UserError, match=r"small\.pt: weights of another network"):
        load_weights(copy_net(), tmp_path / "small.pt")


def test_averaged() -> None:
    """Number by number .65 of the trained and .35 of the starting one; counts are those of the trained."""
    trained = {"w": torch.tensor([1.0, 2.0]), "steps": torch.tensor(7)}
    start = {"w": torch.tensor([3.0, -2.0]), "steps": torch.tensor(0)}
    result = averaged(trained, start, 0.65)
    assert result["w"].tolist() == pytest.approx([0.65 * 1 + 0.35 * 3, 0.65 * 2 - 0.35 * 2])
    assert result["steps"].item() == 7
    assert trained["w"].tolist() == [1.0, 2.0]
