"""Copies that were found, for paging through and reviewing: what was removed or judged since is left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lookalike.gallery import Gallery
from lookalike.gallery.storage.row import Row
from lookalike.service.serializers import Json, images
from lookalike.types import Group, Pair, to_json


@dataclass(frozen=True, slots=True)
class Left:
    """The groups that are left in one ``state`` of the gallery, and the bytes of their copies."""

    state: tuple[int, int]
    groups: tuple[Group, ...]
    pairs: int
    bytes: int


@dataclass(slots=True)
class Found:
    """The groups of one job. ``last``: the newest image then; anything newer has not been looked at."""

    groups: Sequence[Group]
    last: int
    _left: Left | None = field(default=None)

    def page(self, gallery: Gallery, after: int, limit: int) -> tuple[Json, int | None]:
        """Groups from a place on, as the API tells them, and the place of the next part."""
        if self._left is None or self._left.state != gallery.version():
            self._left = _left(gallery, self.groups)
        left = self._left
        part = left.groups[after : after + limit]
        rows = gallery.rows_at({path for group in part for path in (group.keep, *group.others)})
        shown = dict(zip(rows, images(gallery, list(rows.values())), strict=True))
        groups = [_shown(group, shown) for group in part]
        told = {"groups": groups, "total": len(left.groups), "pairs": left.pairs, "bytes": left.bytes}
        return told, after + limit if after + limit < len(left.groups) else None


def _left(gallery: Gallery, groups: Sequence[Group]) -> Left:
    state = gallery.version()
    rows = gallery.rows_at({path for group in groups for path in (group.keep, *group.others)})
    different = {(a, b) for a, b, verdict in gallery.verdicts() if verdict == "different"}
    kept = [one for one in (_reduced(group, rows, different) for group in groups) if one is not None]
    sizes = [rows[path].bytes for group in kept for path in group.others]
    return Left(state, tuple(kept), len(sizes), sum(sizes))


def _reduced(group: Group, rows: Mapping[str, Row], different: set[tuple[str, str]]) -> Group | None:
    """The group without the copies that are gone or that a person has called different; None if nothing is left."""
    if group.keep not in rows:
        return None
    pairs = tuple(pair for pair in group.pairs if pair.b in rows and _pair(rows, pair) not in different)
    return Group(group.keep, tuple(pair.b for pair in pairs), pairs) if pairs else None


def _pair(rows: Mapping[str, Row], pair: Pair) -> tuple[str, str]:
    a, b = sorted((rows[pair.a].sha256, rows[pair.b].sha256))
    return a, b


def _shown(group: Group, shown: Mapping[str, Json]) -> Json:
    return {"keep": shown[group.keep], "others": [_other(shown[pair.b], pair) for pair in group.pairs]}


def _other(image: Json, pair: Pair) -> Json:
    return {**image, **{name: value for name, value in to_json(pair).items() if name not in ("a", "b")}}
