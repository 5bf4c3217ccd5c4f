"""Folders whose images a person wants to have kept: protected ones, of which nothing goes, and preferred ones."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from lookalike.paths import PathLike, absolute


@dataclass(frozen=True, slots=True)
class PreferredFolders:
    """Absolute paths of folders (or single files)."""

    protected: tuple[str, ...] = ()
    preferred: tuple[str, ...] = ()

    @classmethod
    def of(cls, protected: Sequence[PathLike] = (), preferred: Sequence[PathLike] = ()) -> Self:
        """From paths as a person writes them."""
        return cls(tuple(map(absolute, protected)), tuple(map(absolute, preferred)))

    def __bool__(self) -> bool:
        return bool(self.protected or self.preferred)

    def protects(self, path: str) -> bool:
        """Whether the image lies in a protected folder."""
        return _within(path, self.protected)

    def rank(self, path: str) -> int:
        """Sorts what is to be kept first: 0 for protected, 1 for preferred, 2 for everything else."""
        return 0 if self.protects(path) else 1 if _within(path, self.preferred) else 2


def _within(path: str, folders: Sequence[str]) -> bool:
    """Also by the way that no link is on, so that a folder protects its files under every name."""
    names = {path, os.path.realpath(path)}
    tops = {top for folder in folders for top in (folder, os.path.realpath(folder))}
    return any(name == top or name.startswith(top.rstrip(os.sep) + os.sep) for name in names for top in tops)
