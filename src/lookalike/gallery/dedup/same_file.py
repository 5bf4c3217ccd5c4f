"""Names of one file are no copies: hard links, and symbolic ones, share their room on the disk already."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace

from lookalike.types import Group, Pair


def without_same_files(groups: Iterable[Group]) -> list[Group]:
    """The groups without further names of the kept file, and without groups in which nothing else is left."""
    kept = ((group, tuple(pair for pair in group.pairs if not _is_same_file(pair))) for group in groups)
    return [replace(group, others=tuple(p.b for p in pairs), pairs=pairs) for group, pairs in kept if pairs]


def _is_same_file(pair: Pair) -> bool:
    try:
        return pair.relation == "identical" and os.path.samefile(pair.a, pair.b)
    except OSError:  # gone, or of a gallery without paths
        return False
