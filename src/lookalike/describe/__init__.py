"""DESCRIBE: pictures to vectors. ``DESCRIPTORS`` is the one table of hashes: a new one is a file and a line.

Beside them stand the outputs of neural models, those that are shipped and the user's own (models.py); ``names``
lists all, and ``get`` knows all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache

from lookalike.describe import models
from lookalike.describe.base import Described, Descriptor, DescriptorCard, thumbnail
from lookalike.describe.neural import Network, Neural
from lookalike.describe.regions import RegionNetwork
from lookalike.errors import UserError
from lookalike.types import Image

__all__ = [
    "DESCRIPTORS", "Described", "Descriptor", "DescriptorCard", "describe_all", "get", "min_side", "names",
    "region_network",
]  # fmt: skip


def _colour() -> Descriptor:
    from lookalike.describe.colour import Colour

    return Colour()


def _texture() -> Descriptor:
    from lookalike.describe.texture import Texture

    return Texture()


def _structure() -> Descriptor:
    from lookalike.describe.structure import Structure

    return Structure()


def _pdq() -> Descriptor:
    from lookalike.describe.pdq import Pdq

    return Pdq()


# The factories import late, so that `import lookalike` stays quick.
DESCRIPTORS: Mapping[str, Callable[[], Descriptor]] = {
    "colour": _colour,
    "texture": _texture,
    "structure": _structure,
    "pdq": _pdq,
}

FROM_THUMBNAIL = frozenset({"colour", "texture", "structure"})  # these see no more than base.thumbnail()


def names() -> list[str]:
    """Every descriptor there is: the hashes, then those of the models that are shipped, then the user's own."""
    return [*DESCRIPTORS, *(output.name for model in models.all_models() for output in model.outputs)]


def get(name: str) -> Descriptor:
    """The descriptor of this name; a hash or a network is made once. Raises UserError that names the known ones."""
    if name in DESCRIPTORS:
        return _hash(name)
    for model in models.all_models():
        if name in {output.name for output in model.outputs}:
            return models.regions(model) if model.regions else models.network(model).descriptors[name]
    raise UserError(f"no descriptor {name!r}; there are {', '.join(names())}{_refused()}")


def region_network(name: str) -> RegionNetwork:
    """The network of regions of this name. Raises UserError for any other descriptor."""
    found = get(name)
    if isinstance(found, RegionNetwork):
        return found
    known = [output.name for model in models.all_models() if model.regions for output in model.outputs]
    raise UserError(f"{name!r} gives no regions; of those that do there is {', '.join(known) or 'none'}")


@cache
def _hash(name: str) -> Descriptor:
    return DESCRIPTORS[name]()


def _refused() -> str:
    return "".join(f"\nrefused: {failure.path}: {failure.reason}" for failure in models.refused())


def describe_all(images: Sequence[Image], names: Sequence[str]) -> dict[str, Described]:
    """Describe N pictures with several descriptors: name -> vectors and quality, as each alone gives.

    What several of them begin with, a small picture, is made once; the outputs of one network take one pass.
    """
    descriptors = {name: get(name) for name in names}
    small = images
    if FROM_THUMBNAIL & set(names):
        small = [replace(image, pixels=thumbnail(image.pixels)) for image in images]
    described = {
        name: descriptor.describe(small if name in FROM_THUMBNAIL else images)
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
    """Pixels: the shortest side that a decoded picture must keep for all of these; 1 for none."""
    return max((get(name).card.min_side for name in names), default=1)
