"""Which groups of copies lie in more than one split of a data set: what a network learnt there, it is tested on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lookalike.gallery.audit.findings import Leak, LeakedImage
from lookalike.types import Group


def split_leaks(groups: Sequence[Group], splits: Mapping[str, str]) -> tuple[list[Leak], list[Group]]:
    """Groups and path -> split -> the groups of several splits as leaks, and the others as they are. An image without a
    split leaks nowhere."""
    leaks, within = [], []
    for group in groups:
        named = {splits.get(path, "") for path in (group.keep, *group.others)} - {""}
        if len(named) > 1:
            leaks.append(_leak(group, splits))
        else:
            within.append(group)
    return leaks, within


def _leak(group: Group, splits: Mapping[str, str]) -> Leak:
    others = (LeakedImage(pair.b, splits.get(pair.b, ""), pair.relation, pair.probability) for pair in group.pairs)
    return Leak((LeakedImage(group.keep, splits.get(group.keep, "")), *others))
