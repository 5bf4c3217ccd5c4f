"""Copies that vectors alone are not sure of: pairs with a wider limit, verified, and joined to the groups.

Two groups, or an image and a group, become one only if the image that is kept is verified to be the original of every
other member, so that nothing chains and no group that was found before is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lookalike.gallery.dedup.candidate_pairs import Candidates
from lookalike.types import Group

CANDIDATE = 0.5  # the probability, by vectors alone, from which on a pair is verified

Verify = Callable[[list[Group]], list[Group]]
Prefer = Callable[[Group], Group]  # a group around the image that a person prefers


def wider_groups(candidates: Candidates, groups: Sequence[Group], verify: Verify, prefer: Prefer) -> list[Group]:
    """The verified ``groups`` with what is joined to them, and those that are new."""
    joiner = _Joiner(candidates, groups, verify, prefer)
    pairs = verify([prefer(pair) for pair in _nearest(candidates, groups)])
    for pair in sorted(pairs, key=lambda one: -one.pairs[0].probability):
        if pair.pairs[0].verified:
            joiner.join(pair)
    return joiner.groups


def _nearest(candidates: Candidates, groups: Sequence[Group]) -> list[Group]:
    """Each image that is no copy in a group with the nearest one that is none either, as groups of two.

    For the images with the same bytes stands the one that is kept."""
    kept = {pair.b: pair.a for group in groups for pair in group.pairs if pair.relation == "identical"}
    others = {path for group in groups for path in group.others} - kept.keys()
    known: set[int] = set()
    found = []
    for a, b in candidates.wider.tolist():  # the nearest come first
        if {a, b} <= known:
            continue
        pair = candidates.builder.pair_group((a, b), kept)
        if pair is not None and not others & {pair.keep, *pair.others}:
            known |= {a, b}
            found.append(pair)
    return found


class _Joiner:
    def __init__(self, candidates: Candidates, groups: Sequence[Group], verify: Verify, prefer: Prefer) -> None:
        self._builder, self._verify, self._prefer = candidates.builder, verify, prefer
        self._home = {path: group for group in groups for path in (group.keep, *group.others)}

    @property
    def groups(self) -> list[Group]:
        """Each once."""
        return list({id(group): group for group in self._home.values()}.values())

    def join(self, pair: Group) -> None:
        """Make one group of those in which the two images of a verified pair are, if all members are copies of one."""
        homes = [self._home.get(path) for path in (pair.keep, pair.others[0])]
        if homes == [None, None]:
            self._put(pair)
        elif homes[0] is not homes[1]:
            members = {path for home in (*homes, pair) if home for path in (home.keep, *home.others)}
            if self._builder.has_different(members):
                return
            joined = self._verify([self._prefer(self._builder.anew(members))])
            if joined and len(joined[0].others) == len(members) - 1:
                self._put(joined[0])

    def _put(self, group: Group) -> None:
        for path in (group.keep, *group.others):
            self._home[path] = group
