"""Which split and which class an image of a data set belongs to, by the folders that it lies in."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from lookalike.errors import UserError
from lookalike.paths import PathLike, absolute, composed

SPLITS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}
MIN_SPLITS = 2


@dataclass(frozen=True, slots=True)
class Membership:
    """The ``split`` and the ``label`` of an image, "" where its folders name none."""

    split: str
    label: str


def memberships(paths: Sequence[str], root: PathLike, against: PathLike | None = None) -> dict[str, Membership]:
    """Path -> where it belongs, of the paths below ``root`` or ``against``; others are left out.

    A folder named like a split (train, val, test, ...) is one, at any depth, if there are two of them or more; the
    first other folder is the class. Whatever has no split of its own is of the split named like its folder where
    ``against`` is given. Raises UserError if one of the two folders lies in the other."""
    roots = [root] if against is None else [root, against]
    starts = [composed(absolute(one)).rstrip(os.sep) + os.sep for one in roots]
    if len(starts) > 1 and (starts[0].startswith(starts[1]) or starts[1].startswith(starts[0])):
        raise UserError(f"{root} and {against}: the one lies in the other; name two folders apart")
    found: dict[str, Membership] = {}
    for start, fallback in zip(starts, _fallbacks(starts), strict=True):
        found |= _below(start, fallback, [path for path in paths if composed(path).startswith(start)])
    return found


def _fallbacks(starts: Sequence[str]) -> list[str]:
    """The names of the folders, or their paths where both have one name; none for one alone."""
    if len(starts) < MIN_SPLITS:
        return [""]
    names = [os.path.basename(start.rstrip(os.sep)) for start in starts]
    return names if len(set(names)) > 1 else [start.rstrip(os.sep) for start in starts]


def _below(start: str, fallback: str, paths: Sequence[str]) -> dict[str, Membership]:
    folders = {path: composed(path)[len(start) :].split(os.sep)[:-1] for path in paths}
    named = {path: _first_split(parts) for path, parts in folders.items()}
    if len({split for split in named.values() if split}) < MIN_SPLITS:
        return {path: Membership(fallback, parts[0] if parts else "") for path, parts in folders.items()}
    return {
        path: Membership(
            named[path] or fallback, next((part for part in parts if not named[path] or not _split(part)), "")
        )
        for path, parts in folders.items()
    }


def _first_split(folders: Sequence[str]) -> str:
    return next((split for folder in folders if (split := _split(folder))), "")


def _split(folder: str) -> str:
    return SPLITS.get(folder.lower(), "")
