"""Paths as a gallery knows them."""

from __future__ import annotations

import os

PathLike = str | os.PathLike[str]


def absolute(path: PathLike) -> str:
    """The absolute path, links kept as they are: the name under which a gallery knows a file."""
    return os.path.abspath(os.fspath(path))  # Path.resolve would follow links
