"""Image retrieval and image comparison: which images are related, how, and why.

    load, describe, compare     an image, its vectors, two images
    Gallery                     a library on disk: add, search, duplicates
    types                       Image, Box, Hit, Comparison, Pair, Group, Failure, AddReport
    errors                      LookalikeError and its kinds

    descriptors                 the registry: names, get, and register for your own

The data goes one way: imaging -> descriptors -> comparison -> gallery -> report, cli. See ARCHITECTURE.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from lookalike.comparison.pair import compare
from lookalike.csvfile import write_csv
from lookalike.descriptors import describe_all, min_side
from lookalike.errors import LookalikeError
from lookalike.imaging import ImageSource, as_image, load
from lookalike.types import AddReport, Box, Comparison, Failure, Group, Hit, Image, Pair
from lookalike.version import __version__

if TYPE_CHECKING:
    from lookalike.gallery import Gallery

__all__ = [
    "AddReport",
    "Box",
    "Comparison",
    "Failure",
    "Gallery",
    "Group",
    "Hit",
    "Image",
    "LookalikeError",
    "Pair",
    "__version__",
    "compare",
    "describe",
    "load",
    "write_csv",
]


def describe(images: Iterable[ImageSource], by: str) -> NDArray[Any]:
    """The vectors of N images by one descriptor: (N, D) float32, or (N, D / 8) packed uint8 for a binary hash.

    Raises LoadError for the first image that cannot be read, UserError for an unknown descriptor."""
    side = min_side([by])
    loaded = [as_image(image, min_side=side) for image in images]
    return describe_all(loaded, [by])[by].vectors


def __getattr__(name: str) -> Any:
    """Gallery brings FAISS along, so it is imported when it is first used."""
    if name == "Gallery":
        from lookalike.gallery import Gallery

        return Gallery
    raise AttributeError(f"module 'lookalike' has no attribute {name!r}")


def __dir__() -> list[str]:
    """What this module offers; Gallery too, which is not there before it is first used."""
    return sorted(__all__)
