"""Copies that were found, for paging through and reviewing: what was removed or judged since is left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from lookalike.gallery import Gallery
from lookalike.gallery.storage.row import Row
from lookalike.service.serializers import Json, images_at, video_pairs
from lookalike.types import Group, Pair, VideoPair


@dataclass(frozen=True, slots=True)
class FoundDuplicates:
    """What the job found: ``groups`` of copies, and videos that share segments."""

    groups: Sequence[Group]
    shared: Sequence[VideoPair] = ()


@dataclass(frozen=True, slots=True)
class RemainingGroups:
    """The groups that remain in one ``version`` of the gallery, and the bytes of their copies."""

    version: tuple[int, int]
    groups: tuple[Group, ...]
    pairs: int
    bytes: int


@dataclass(slots=True)
class DuplicateResults:
    """What one job found. ``last_id``: the newest image then; anything newer was not searched for copies."""

    found: FoundDuplicates
    last_id: int
    _remaining: RemainingGroups | None = field(default=None)

    def page(self, gallery: Gallery, after: int, limit: int) -> tuple[Json, int | None]:
        """Groups from a place on, as the API gives them, and the place of the next part."""
        remaining = self._remaining
        if remaining is None or remaining.version != gallery.version():
            remaining = self._remaining = _remaining(gallery, self.found.groups)
        part = remaining.groups[after : after + limit]
        by_path = images_at(gallery, (path for group in part for path in (group.keep, *group.others)))
        page = {
            "groups": [_group(group, by_path) for group in part],
            "total": len(remaining.groups),
            "pairs": remaining.pairs,
            "bytes": remaining.bytes,
        }
        return page, after + limit if after + limit < len(remaining.groups) else None

    def shared(self, gallery: Gallery, after: int, limit: int) -> tuple[Json, int | None]:
        """The same of the videos that share segments."""
        rows = gallery.rows_at({path for pair in self.found.shared for path in (pair.a, pair.b)})
        different = _different(gallery)
        held = (pair for pair in self.found.shared if pair.a in rows and pair.b in rows)
        left = [pair for pair in held if _digests(rows, pair) not in different]
        page = {"pairs": video_pairs(gallery, left[after : after + limit]), "total": len(left)}
        return page, after + limit if after + limit < len(left) else None


def _remaining(gallery: Gallery, groups: Sequence[Group]) -> RemainingGroups:
    version = gallery.version()
    rows = gallery.rows_at({path for group in groups for path in (group.keep, *group.others)})
    different = _different(gallery)
    kept = [one for one in (_reduced(group, rows, different) for group in groups) if one is not None]
    sizes = [rows[path].bytes for group in kept for path in group.others]
    return RemainingGroups(version, tuple(kept), len(sizes), sum(sizes))


def _different(gallery: Gallery) -> set[tuple[str, str]]:
    return {(a, b) for a, b, verdict in gallery.verdicts() if verdict == "different"}


def _reduced(group: Group, rows: Mapping[str, Row], different: set[tuple[str, str]]) -> Group | None:
    """The group without the copies that are gone or that a person has called different; None if nothing is left."""
    if group.keep not in rows:
        return None
    pairs = tuple(pair for pair in group.pairs if pair.b in rows and _digests(rows, pair) not in different)
    return replace(group, others=tuple(pair.b for pair in pairs), pairs=pairs) if pairs else None


def _digests(rows: Mapping[str, Row], pair: Pair | VideoPair) -> tuple[str, str]:
    """The sha256 of both images, the smaller first, as verdicts name them."""
    a, b = sorted((rows[pair.a].sha256, rows[pair.b].sha256))
    return a, b


def _group(group: Group, by_path: Mapping[str, Json]) -> Json:
    return {
        "keep": by_path[group.keep],
        "others": [_copy(by_path[pair.b], pair) for pair in group.pairs],
        "reason": group.reason,
    }


def _copy(image: Json, pair: Pair) -> Json:
    return {**image, **{name: value for name, value in pair.to_dict().items() if name not in ("a", "b")}}
