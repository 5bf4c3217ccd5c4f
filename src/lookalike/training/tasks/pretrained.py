"""The shipped networks as initial weights."""

from __future__ import annotations

from torch import nn

from lookalike.descriptors.neural.model_card import BaseModel
from lookalike.descriptors.neural.model_store import ModelCard, shipped
from lookalike.errors import ModelMissing
from lookalike.training.export.onnx_export import restore_detector, restore_embedding_net
from lookalike.training.models.embedding_net import EmbeddingNet, content_net, copy_net
from lookalike.training.models.region_net import Detector

INITS = ("auto", "scratch", "frozen", "tuned")
FINE_TUNING_IMAGES = 400  # images to train on, below which the shipped trunk stays frozen


def shipped_card(descriptor: str) -> ModelCard:
    """The card of the shipped model that gives this descriptor. Raises ModelMissing."""
    for card in shipped():
        if descriptor in {output.name for output in card.outputs}:
            return card
    raise ModelMissing(f"no shipped model gives {descriptor!r}; install Lookalike again")


def begun_with(descriptor: str, changes: str) -> tuple[BaseModel, ...]:
    """What the card of a network says that began with the shipped weights of this descriptor."""
    card = shipped_card(descriptor)
    return (BaseModel(card.name, card.licence, "comes with Lookalike", changes), *card.base_models)


def shipped_copy() -> EmbeddingNet:
    """The network that gives ``copy``, in torch."""
    return restore_embedding_net(shipped_card("copy").onnx, copy_net())


def shipped_content() -> EmbeddingNet:
    """The network that gives ``content``, in torch."""
    return restore_embedding_net(shipped_card("content").onnx, content_net())


def begun_with_content(dim: int, unit: bool = True, frozen: bool = False) -> EmbeddingNet:
    """The network of ``content`` without its classes, to train on: its head is kept if that gives ``dim`` numbers, and
    begins at random if not. ``frozen``: the trunk stays as it is."""
    network = shipped_content()
    network.classes, network.unit = None, unit
    if network.head.out_features != dim:
        network.head = nn.Linear(network.head.in_features, dim)
    if frozen:
        network.freeze()
    return network


def pretrained_detector(classes: int) -> Detector:
    """A detector of so many classes with all weights of the shipped one but those of the class head, which begin at
    random."""
    network, shipped_one = Detector(classes), restore_detector(shipped_card("regions").onnx)
    state = network.state_dict()
    known = {name: value for name, value in shipped_one.state_dict().items() if value.shape == state[name].shape}
    network.load_state_dict(state | known)
    return network


def resolve_init(init: str, images: int) -> str:
    """What ``auto`` means for so many images to train on; benchmarks/train_classifier.py measures it."""
    if init != "auto":
        return init
    return "frozen" if images < FINE_TUNING_IMAGES else "tuned"
