"""A template that was filled in: the image itself, and the same with one text and with another.

Each text is content of its own, so none of these is a copy that can be spared, although the image without any text is
near to all of them. An image beside one edited copy of it, or beside copies that were edited in different places, is
no such thing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from lookalike.types import Group, Pair

ADDING_EDITS = frozenset({"overlay", "caption"})  # edits by which content may have been added
MOST = 12  # others that one is held against

AreRivals = Callable[[str, str], bool]  # whether two images surely are of one template, with other content


def without_rivals(candidates: Sequence[Group], verified: Sequence[Group], are_rivals: AreRivals) -> list[Group]:
    """The verified groups, without the pairs of a template and what fills it in, if it is filled in in several ways.

    ``candidates``: the groups before they were verified, which know the images that are no copies after all."""
    members = {path: group for group in candidates for path in (group.keep, *group.others)}
    return [kept for group in verified if (kept := _without(group, members.get(group.keep, group), are_rivals))]


def _without(group: Group, candidate: Group, are_rivals: AreRivals) -> Group | None:
    overlaid = {pair.b for pair in group.pairs if _may_add(pair)}
    if not overlaid:
        return group
    proved = {group.keep, *group.others} - overlaid
    others = [path for path in (candidate.keep, *candidate.others) if path not in proved]
    if _has_rival(group.keep, [path for path in others if path not in overlaid], are_rivals):
        rivals = overlaid
    else:
        rivals = {path for path in overlaid if _has_rival(path, others, are_rivals)}
    pairs = tuple(pair for pair in group.pairs if pair.b not in rivals)
    return replace(group, others=tuple(pair.b for pair in pairs), pairs=pairs) if pairs else None


def _may_add(pair: Pair) -> bool:
    is_unnamed = pair.relation == "edited" and not pair.edits
    return pair.verified and (is_unnamed or bool(ADDING_EDITS.intersection(pair.edits)))


def _has_rival(path: str, others: Sequence[str], are_rivals: AreRivals) -> bool:
    return any(are_rivals(path, other) for other in others[:MOST] if other != path)
