"""Which image of a group is kept, once its pairs were verified: the one without anything added around it.

By numbers alone it is the one with most pixels, and a border or the furniture of a screenshot makes an image larger.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lookalike.gallery.storage.row import Row
from lookalike.types import Group

ADDED = frozenset({"border", "caption", "padded", "screenshot", "inside another image"})
AS_LARGE = 0.9  # share of the pixels that the image has within its surroundings

Around = Callable[[str, Group], Group]  # (the one to keep, its group) -> the group with every pair told anew


def prefer_unframed(
    groups: Sequence[Group],
    row_of: Callable[[str], Row | None],
    around: Around,
    reverify: Callable[[list[Group]], list[Group]],
) -> list[Group]:
    """The groups, each around the image that has nothing added, if that is as large and ``reverify`` drops no one."""
    better = [(plain, group) for group in groups if (plain := _plain(group, row_of))]
    anew = {_members(group): group for group in reverify([around(plain, group) for plain, group in better])}
    return [anew.get(_members(group), group) for group in groups]


def _plain(group: Group, row_of: Callable[[str], Row | None]) -> str | None:
    """The best of those that lie whole in the one that is kept, where something was added around them."""
    for pair in group.pairs:
        added = ADDED.intersection(pair.edits) and "cropped" not in pair.edits
        row = row_of(pair.b) if added and pair.box_in == "a" else None
        if row and pair.box and row.width * row.height >= AS_LARGE * pair.box.width * pair.box.height:
            return pair.b
    return None


def _members(group: Group) -> frozenset[str]:
    return frozenset((group.keep, *group.others))
