"""The classic descriptors: colour, texture, structure, PDQ. ``HASHES`` is their one table: a new one is a file and a
line."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from lookalike.descriptors.base import Descriptor


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
HASHES: Mapping[str, Callable[[], Descriptor]] = {
    "colour": _colour,
    "texture": _texture,
    "structure": _structure,
    "pdq": _pdq,
}
