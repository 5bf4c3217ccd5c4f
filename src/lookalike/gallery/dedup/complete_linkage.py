"""Pairs -> tight groups: every member is close to every other (complete linkage), so nothing chains.

Pairs are taken closest first, and two groups join only if all of their members are close to one another. Who
follows single links instead ends with "mega-groups", in which A is like B, B like C, and A and Z negatives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

Close = Callable[[list[int], list[int]], bool]


def complete_linkage(pairs: Iterable[tuple[int, int]], close: Close) -> list[list[int]]:
    """Groups of two and more of the items named in ``pairs`` (closest first).

    ``close(a, b)``: whether every item of list a may be in one group with every item of list b."""
    home: dict[int, int] = {}
    members: dict[int, list[int]] = {}
    apart: dict[int, set[int]] = {}  # groups that were refused once stay refused: groups only grow
    for a, b in pairs:
        left, right = (_home(item, home, members, apart) for item in (a, b))
        if left == right or right in apart[left]:
            continue
        if close(members[left], members[right]):
            _join(left, right, home, members, apart)
        else:
            apart[left].add(right)
            apart[right].add(left)
    return [sorted(group) for group in members.values() if len(group) > 1]


def _home(item: int, home: dict[int, int], members: dict[int, list[int]], apart: dict[int, set[int]]) -> int:
    if item not in home:
        home[item] = item
        members[item] = [item]
        apart[item] = set()
    return home[item]


def _join(
    left: int, right: int, home: dict[int, int], members: dict[int, list[int]], apart: dict[int, set[int]]
) -> None:
    if len(members[left]) < len(members[right]):
        left, right = right, left
    for item in members[right]:
        home[item] = left
    members[left] += members.pop(right)
    refused = apart.pop(right)
    apart[left] |= refused
    for other in refused:
        apart[other].discard(right)
        apart[other].add(left)
