"""DESCRIBE: images to vectors. ``DESCRIPTORS`` is the one table of hashes: a new one is a file and a line.

Beside them stand the outputs of neural models, those that are shipped and the user's own (model_store.py); ``names``
lists all, and ``get`` knows all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache

from lookalike.descriptors.base import Described, Descriptor, thumbnail
from lookalike.descriptors.neural import model_store
from lookalike.descriptors.neural.onnx_model import Network, Neural
from lookalike.descriptors.neural.region_model import RegionNetwork
from lookalike.errors import UserError
from lookalike.types import Image


def _colour() -> Descriptor:
    from lookalike.descriptors.hashes.colour import Colour

    return Colour()


def _texture() -> Descriptor:
    from lookalike.descriptors.hashes.texture import Texture

    return Texture()


def _structure() -> Descriptor:
    from lookalike.descriptors.hashes.structure import Structure

    return Structure()


def _pdq() -> Descriptor:
    from lookalike.descriptors.hashes.pdq import Pdq

    return Pdq()


# The factories import late, so that `import lookalike` stays quick.
DESCRIPTORS: Mapping[str, Callable[[], Descriptor]] = {
    "colour": _colour,
    "texture": _texture,
    "structure": _structure,
    "pdq": _pdq,
}


def names() -> list[str]:
    """Every descriptor there is: the hashes, then those of the models that are shipped, then the user's own."""
    return [*DESCRIPTORS, *(output.name for model in model_store.all_models() for output in model.outputs)]


def get(name: str) -> Descriptor:
    """The descriptor of this name; a hash or a network is made once. Raises UserError that names the known ones."""
    if name in DESCRIPTORS:
        return _hash(name)
    for model in model_store.all_models():
        if name in {output.name for output in model.outputs}:
            return model_store.regions(model) if model.regions else model_store.network(model).descriptors[name]
    raise UserError(f"no descriptor {name!r}; there are {', '.join(names())}{_refused()}")


def region_network(name: str) -> RegionNetwork:
    """The network of regions of this name. Raises UserError for any other descriptor."""
    found = get(name)
    if isinstance(found, RegionNetwork):
        return found
    known = [output.name for model in model_store.all_models() if model.regions for output in model.outputs]
    raise UserError(f"{name!r} gives no regions; of those that do there is {', '.join(known) or 'none'}")


@cache
def _hash(name: str) -> Descriptor:
    return DESCRIPTORS[name]()


def _refused() -> str:
    return "".join(f"\nrefused: {failure.path}: {failure.reason}" for failure in model_store.refused())


def describe_all(images: Sequence[Image], names: Sequence[str]) -> dict[str, Described]:
    """Describe N images with several descriptors: name -> vectors and contrast, as each alone gives.

    What several of them begin with, a small image, is made once; the outputs of one network take one pass.
    """
    descriptors = {name: get(name) for name in names}
    small = images
    if any(descriptor.card.thumbnail_input for descriptor in descriptors.values()):
        small = [replace(image, pixels=thumbnail(image.pixels)) for image in images]
    described = {
        name: descriptor.describe(small if descriptor.card.thumbnail_input else images)
        for name, descriptor in descriptors.items()
        if not isinstance(descriptor, Neural)
    }
    for network, outputs in _by_network(descriptors).items():
        described |= network.describe(images, outputs)
    return {name: described[name] for name in descriptors}


def _by_network(descriptors: Mapping[str, Descriptor]) -> dict[Network, list[str]]:
    found: dict[Network, list[str]] = {}
    for name, descriptor in descriptors.items():
        if isinstance(descriptor, Neural):
            found.setdefault(descriptor.network, []).append(name)
    return found


def min_side(names: Sequence[str]) -> int:
    """Pixels: the shortest side that a decoded image must keep for all of these; 1 for none."""
    return max((get(name).card.min_side for name in names), default=1)
