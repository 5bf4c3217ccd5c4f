"""Groups whose members turn out not to belong together: what is left over makes groups of its own.

Images that share a template or a first frame are near one another by their vectors. Verification around the one that is
kept takes out whatever is no copy of it, among which there may be copies of one another.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lookalike.gallery.dedup.representative import Around
from lookalike.gallery.storage.row import Row
from lookalike.types import Group

ROUNDS = 4  # each verifies what the one before has left over

Verify = Callable[[Sequence[Group]], list[Group]]


def verified_with_rest(groups: Sequence[Group], around: Around, verify: Verify, verify_rest: Verify) -> list[Group]:
    """The groups as verified, and those that are found among what was taken out of them.

    ``verify`` drops members and whole groups; ``verify_rest`` does the same for what is left over."""
    found = verify(groups)
    added = found
    for _ in range(ROUNDS - 1):
        groups = _left_over(groups, added, around)
        if not groups:
            break
        added = verify_rest(groups)
        found = [*found, *added]
    return found


def _left_over(groups: Sequence[Group], verified: Sequence[Group], around: Around) -> list[Group]:
    kept = {group.keep: set(group.others) for group in verified}
    rests = [[path for path in group.others if path not in kept.get(group.keep, ())] for group in groups]
    return [_among(rest, around) for rest in rests if len(rest) > 1]


def with_frames_apart(groups: Sequence[Group], row_of: Callable[[str], Row | None], around: Around) -> list[Group]:
    """Groups by vectors alone, which know one frame of each file: of several only those of the same bytes."""
    split = []
    for group in groups:
        by_bytes: dict[str, list[str]] = {}
        for path in (group.keep, *group.others):
            row = row_of(path)
            by_bytes.setdefault(row.sha256 if row and (row.frames or 1) > 1 else "", []).append(path)
        if len(by_bytes) == 1:
            split.append(group)
        else:
            split += [_among(paths, around) for paths in by_bytes.values() if len(paths) > 1]
    return split


def _among(paths: list[str], around: Around) -> Group:
    return around(paths[0], Group(paths[0], tuple(paths[1:]), ()))
