"""The shipped networks, to begin with."""

from __future__ import annotations

from lookalike.descriptors.neural.model_store import ModelCard, shipped
from lookalike.errors import ModelMissing
from lookalike.training.export.onnx_export import restored, restored_detector, restored_tower
from lookalike.training.models.embedding_net import Tower
from lookalike.training.models.region_net import Detector
from lookalike.training.models.residual_net import Network

STARTS = ("auto", "scratch", "frozen", "tuned")
FEW = 400  # images to train on, below which the shipped trunk is left as it is


def shipped_card(descriptor: str) -> ModelCard:
    """The card of the shipped model that gives this descriptor. Raises ModelMissing."""
    for card in shipped():
        if descriptor in {output.name for output in card.outputs}:
            return card
    raise ModelMissing(f"no shipped model gives {descriptor!r}; install Lookalike again")


def shipped_copy() -> Network:
    """The network that gives ``copy``, in torch."""
    return restored(shipped_card("copy").onnx)


def shipped_content() -> Tower:
    """The network that gives ``content``, in torch."""
    return restored_tower(shipped_card("content").onnx)


def begun_detector(classes: int) -> Detector:
    """A detector of so many classes with all that the shipped one knows but their names, which begin at random."""
    made, shipped_one = Detector(classes), restored_detector(shipped_card("regions").onnx)
    state = made.state_dict()
    known = {name: value for name, value in shipped_one.state_dict().items() if value.shape == state[name].shape}
    made.load_state_dict(state | known)
    return made


def chosen_start(start: str, images: int) -> str:
    """What ``auto`` means for so many images to train on; benchmarks/train_classifier.py measures it."""
    if start != "auto":
        return start
    return "frozen" if images < FEW else "tuned"
