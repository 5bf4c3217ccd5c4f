"""What may be wrong with a gallery, and the account of a check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["storage", "vectors", "regions", "frames", "sound", "index", "thumbnails", "files", "roots"]

FRAMES = "frames"  # in place of a descriptor: the index of all frames


@dataclass(frozen=True, slots=True)
class Problem:
    """``what``: the file, descriptor or folder that it is about; ``image``: the id of the image, if it is one's."""

    kind: Kind
    what: str
    reason: str
    image: int | None = None


@dataclass(frozen=True, slots=True)
class CheckReport:
    """``images`` were looked at; ``problems`` are there still, and ``repaired`` no more. ``read``: whether the files
    were compared with their sha256."""

    images: int
    read: bool
    problems: tuple[Problem, ...] = ()
    repaired: tuple[Problem, ...] = ()
