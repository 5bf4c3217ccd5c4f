"""The folders that were added to a gallery, and what is left out of each."""

from __future__ import annotations

import os
from collections.abc import Sequence

from lookalike.gallery.ingest.leave_out import LeaveOut
from lookalike.gallery.storage.base import GalleryStorage
from lookalike.paths import WalkPatterns


def remember_root(
    store: GalleryStorage, path: str, exclude: Sequence[str] | None, include: Sequence[str] | None
) -> None:
    """A folder is added; within a transaction. None: what is left out stays as it is; empty texts count for nothing.

    Raises UserError for a pattern that does not parse."""
    store.put_root(path)
    if exclude is None and include is None:
        return
    before = store.patterns().get(path, WalkPatterns())
    patterns = WalkPatterns(_given(exclude, before.exclude), _given(include, before.include))
    LeaveOut(path, patterns)
    store.put_patterns(path, patterns)


def leave_out_of(store: GalleryStorage, source: str) -> LeaveOut:
    """What is left out of a folder that a person names: by its own patterns, or else by those of the added folder
    above it, unless they leave out the very folder that he names."""
    every = store.patterns()
    above = [root for root in every if source == root or is_below(source, root)]
    if not above:
        return LeaveOut(source)
    root = max(above, key=len)
    found = LeaveOut(root, every[root])
    return LeaveOut(source) if root != source and found.excludes(source, is_folder=True) else found


def is_below(path: str, folder: str) -> bool:
    """Whether an absolute path lies in this folder, at any depth."""
    return path.startswith(folder.rstrip(os.sep) + os.sep)


def _given(patterns: Sequence[str] | None, before: tuple[str, ...]) -> tuple[str, ...]:
    return before if patterns is None else tuple(filter(None, patterns))
