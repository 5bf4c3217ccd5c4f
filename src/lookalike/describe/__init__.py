"""DESCRIBE: pictures to vectors. ``DESCRIPTORS`` is the one table: a new descriptor is a file and a line."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache

from lookalike.describe.base import Described, Descriptor, DescriptorCard, thumbnail
from lookalike.errors import UserError
from lookalike.types import Image

__all__ = ["DESCRIPTORS", "Described", "Descriptor", "DescriptorCard", "describe_all", "get", "min_side"]


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


@cache
def get(name: str) -> Descriptor:
    """The descriptor of this name, made once. Raises UserError that names the known ones."""
    factory = DESCRIPTORS.get(name)
    if factory is None:
        raise UserError(f"no descriptor {name!r}; there are {', '.join(DESCRIPTORS)}")
    return factory()


def describe_all(images: Sequence[Image], names: Sequence[str]) -> dict[str, Described]:
    """Describe N pictures with several descriptors: name -> vectors and quality, as each alone gives.

    What several of them begin with, a small picture, is made once.
    """
    descriptors = {name: get(name) for name in names}
    small = images
    if FROM_THUMBNAIL & set(names):
        small = [replace(image, pixels=thumbnail(image.pixels)) for image in images]
    return {
        name: descriptor.describe(small if name in FROM_THUMBNAIL else images)
        for name, descriptor in descriptors.items()
    }


def min_side(names: Sequence[str]) -> int:
    """Pixels: the shortest side that a decoded picture must keep for all of these; 1 for none."""
    return max((get(name).card.min_side for name in names), default=1)
