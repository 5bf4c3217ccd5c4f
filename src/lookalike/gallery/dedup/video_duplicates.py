"""Copies among the videos of a gallery: whole ones as groups around the one that is kept, and shared segments.

Two videos are copies if each plays nearly all of the other, whatever was done to it. What shares less is told as
segments: a reused scene, a trailer, the same opening. Each copy is compared with the first one of its family and with
the one that is kept, not with every other: many copies of one film take twice as many comparisons, not their square.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from typing import Any

from lookalike.comparison.sound_pair import OTHER_SOUND, statement
from lookalike.comparison.video_pair import COPIES, VideoInput, compare_described
from lookalike.descriptors.video import DESCRIPTOR
from lookalike.errors import LoadError, NotAVideo
from lookalike.gallery.dedup.preferred_folders import PreferredFolders
from lookalike.gallery.library import Library
from lookalike.gallery.search.shared_sound import sound_beside
from lookalike.gallery.search.video_candidates import Candidate, all_of, opened, surest
from lookalike.gallery.search.video_search import VideoSearch, shared_segments
from lookalike.gallery.storage.row import Row
from lookalike.parallel import in_order
from lookalike.types import Group, Pair, Progress, Relation, Segment, SoundSegment, VideoDuplicates, VideoPair

WHOLE = 0.9  # share of either video that copies have in common
COMPARED = 8  # of the videos that may share a segment with one, so many are verified; more while copies are among them
AS_LONG = 0.98  # share of the longest duration that is as good


@dataclass(frozen=True, slots=True)
class _Shared:
    """Two videos and the segments that both show, a's times first."""

    a: Row
    b: Row
    segments: tuple[Segment, ...]
    sound: tuple[SoundSegment, ...] = ()
    statement: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether each plays nearly all of the other, and not with another sound."""
        if self.statement.endswith(OTHER_SOUND):
            return False
        spans = (
            ([(one.a_start, one.a_end) for one in self.segments], self.a),
            ([(one.b_start, one.b_end) for one in self.segments], self.b),
        )
        return all(_covered(part) >= WHOLE * (row.duration or 0.0) for part, row in spans)

    @property
    def surest(self) -> Segment:
        return max(self.segments, key=lambda one: one.probability)


def video_duplicates(
    library: Library, precision: float, folders: PreferredFolders, progress: Progress | None
) -> VideoDuplicates:
    """As ``Gallery.video_duplicates``."""
    rows = [row for row in library.store.every_row() if row.is_video]
    different = library.store.different()
    found = list(_all_shared(library, rows, precision, different, progress))
    order = sorted(rows, key=lambda row: _values(row, folders))
    whole = {_pair_key(one.a, one.b): one for one in found if one.is_whole}
    groups, inside = _groups(order, _Whole(library, precision, different, whole), folders)
    apart = [one for one in found if _pair_key(one.a, one.b) not in inside]
    pairs = tuple(_video_pair(one) for one in apart)
    return VideoDuplicates(tuple(groups), pairs)


def _video_pair(one: _Shared) -> VideoPair:
    probability = surest(one.segments, one.sound)
    return VideoPair(one.a.path, one.b.path, probability, one.segments, one.sound, one.statement)


def verified_videos(library: Library, keep: Row, copy: Row) -> Pair:
    """What two videos are to one another, by their stored frames and a few that are read again: "unrelated" if they
    share nothing, "similar" if less than nearly all; not verified where one cannot be read as it was indexed."""
    if keep.is_video != copy.is_video:
        return Pair(keep.path, copy.path, 0.0, 0.0, "unrelated", verified=True)
    try:
        a, b = (_input(library, row) for row in (keep, copy))
    except LoadError:
        return Pair(keep.path, copy.path, 0.0, 0.0, "unrelated")
    segments = compare_described(replace(a, sound=None), replace(b, sound=None), parts=False).segments
    sound = sound_beside(a.sound, b.sound, segments)
    shared = _Shared(keep, copy, segments, sound, statement(segments, sound, a.sound, b.sound))
    if shared.segments and shared.is_whole:
        return _pair(keep, copy, shared)
    relation: Relation = "similar" if shared.segments else "unrelated"
    return Pair(keep.path, copy.path, 0.0, 0.0, relation, verified=True)


def _input(library: Library, row: Row) -> VideoInput:
    """Raises LoadError, also where its frames were not described."""
    frames = library.store.frames.of_image(DESCRIPTOR, row.id)
    if frames is None:
        raise NotAVideo("no frames of it are held", row.path)
    return VideoInput(opened(row), frames, library.store.sounds.of_video(row.id))


def _all_shared(
    library: Library, rows: Sequence[Row], precision: float, different: set[tuple[str, str]], progress: Progress | None
) -> Iterator[_Shared]:
    """Every two videos that share a segment. Those with the same bytes are not opened."""
    by_sha256 = [list(same) for _, same in groupby(sorted(rows, key=lambda row: (row.sha256, row.id)), _sha256)]
    firsts = sorted((same[0] for same in by_sha256), key=lambda row: row.id)
    copies = {same[0].id: same[1:] for same in by_sha256}
    search = VideoSearch(library) if rows else None
    family: dict[int, set[int]] = {}  # a video -> it and its whole copies, as far as they are known
    for done, row in enumerate(firsts, 1):
        shared: list[_Shared] = []
        if search and not library.store.privacy.opaque:
            alike = family.setdefault(row.id, {row.id})
            for one in _sharing(library, search, row, copies.keys(), alike, precision, different):
                shared.append(one)
                if one.is_whole:
                    alike |= family.get(one.b.id, {one.b.id})
                    family |= dict.fromkeys(alike, alike)
            seen = {one.b.id for one in shared}
            shared += _by_sound(
                search, row, {number for number in copies if number > row.id} - seen, precision, different
            )
        for first in (row, *copies[row.id]):
            yield from (_Shared(first, other, (all_of(other),)) for other in copies[row.id] if other.id > first.id)
            yield from (replace(one, a=first, b=twin) for one in shared for twin in (one.b, *copies[one.b.id]))
        if progress:
            progress(done, len(firsts))


def _sharing(
    library: Library,
    search: VideoSearch,
    row: Row,
    firsts: Collection[int],
    alike: set[int],
    precision: float,
    different: set[tuple[str, str]],
) -> Iterator[_Shared]:
    """What a video shares with later ones that are not known to be ``alike``: the likeliest, and more as long as whole
    copies are found. ``alike`` may grow meanwhile."""
    known: set[int] = set()
    while near := search.candidates(row, row.id, known | alike):
        likely = [one for one in near if one.row.id in firsts and _digests(row, one.row) not in different]
        found = [one for one in _verified(library, row, likely[:COMPARED], precision) if one is not None]
        yield from found
        if not any(one.is_whole for one in found):
            return
        known |= {one.row.id for one in near if one not in likely[COMPARED:]}


def _sha256(row: Row) -> str:
    return row.sha256


def _digests(a: Row, b: Row) -> tuple[str, str]:
    low, high = sorted((a.sha256, b.sha256))
    return low, high


def _verified(library: Library, row: Row, near: Sequence[Candidate], precision: float) -> list[_Shared | None]:
    """What each of these shares with a video; None for nothing that is sure enough."""
    if not near:
        return []
    try:
        query = _input(library, row)
    except LoadError:
        return []
    return list(in_order(partial(_shared, query, row, one, precision) for one in near))


def _shared(query: VideoInput, row: Row, candidate: Candidate, precision: float) -> _Shared | None:
    try:
        found = shared_segments(query, candidate)
    except LoadError:
        return None
    images = tuple(one for one in found.segments if one.probability >= precision)
    sound = tuple(one for one in found.sound if one.probability >= precision)
    return _Shared(row, candidate.row, images, sound, found.statement) if images or sound else None


def _by_sound(
    search: VideoSearch, row: Row, allowed: set[int], precision: float, different: set[tuple[str, str]]
) -> Iterator[_Shared]:
    """The videos that share sound with this one, and whose frames are nowhere like its own."""
    for one in search.with_sound(search.sound_of(row), allowed, {row.id}):
        sure = tuple(segment for segment in one.sound if segment.probability >= precision)
        if sure and _digests(row, one.row) not in different:
            yield _Shared(row, one.row, (), sure, one.statement)


def _covered(spans: Sequence[tuple[float, float]]) -> float:
    """Seconds in any of these."""
    total, reached = 0.0, 0.0
    for start, end in sorted(spans):
        total += max(end - max(start, reached), 0.0)
        reached = max(reached, end)
    return total


# --- groups


def _criteria(row: Row, folders: PreferredFolders, longest: float) -> tuple[tuple[str, Any], ...]:
    """(why to prefer a video that has less of it, how much there is); the first difference decides."""
    return (
        ("in a preferred folder", folders.rank(row.path) if folders else 0),
        ("the other is damaged", bool(row.damage)),
        ("longer", (row.duration or 0.0) < AS_LONG * longest),
        ("more pixels", -row.width * row.height),
        ("more frames a second", -round(row.fps or 0.0)),
        ("higher bitrate", -(row.bitrate or 0)),
        ("larger file", -row.bytes),
        ("older", row.mtime_ns),
        ("first by name", row.path),
    )


def _pair_key(a: Row, b: Row) -> tuple[int, int]:
    return min(a.id, b.id), max(a.id, b.id)


class _Whole:
    """Which videos are whole copies of one another: those that were found, and what is verified when it is asked."""

    def __init__(
        self,
        library: Library,
        precision: float,
        different: set[tuple[str, str]],
        found: Mapping[tuple[int, int], _Shared],
    ) -> None:
        self._library, self._precision, self._different = library, precision, different
        self._found: dict[tuple[int, int], _Shared | None] = dict(found)
        self._links: dict[int, set[int]] = {}
        for a, b in found:
            self._links.setdefault(a, set()).add(b)
            self._links.setdefault(b, set()).add(a)

    def family(self, row: Row) -> set[int]:
        """The video, its copies, and the copies of these."""
        found, left = set[int](), [row.id]
        while left:
            number = left.pop()
            if number not in found:
                found.add(number)
                left += self._links.get(number, ())
        return found

    def of(self, keep: Row, other: Row) -> _Shared | None:
        """What two of a family share if they are whole copies."""
        key = _pair_key(keep, other)
        if key not in self._found:
            shared = None if _digests(keep, other) in self._different else self._verified(keep, other)
            self._found[key] = shared if shared is not None and shared.is_whole else None
        return self._found[key]

    def _verified(self, keep: Row, other: Row) -> _Shared | None:
        store = self._library.store
        frames = store.frames.of_image(DESCRIPTOR, other.id)
        if frames is None or store.privacy.opaque:
            return None
        candidate = Candidate(other, frames, 0.0, store.sounds.of_video(other.id))
        return next(iter(_verified(self._library, keep, [candidate], self._precision)), None)


def _groups(order: Sequence[Row], whole: _Whole, folders: PreferredFolders) -> tuple[list[Group], set[tuple[int, int]]]:
    """Groups in which every member was verified with the one that is kept, and the pairs within them."""
    left, groups, inside = list(order), list[Group](), set[tuple[int, int]]()
    while left:
        family = whole.family(left[0])
        members = [row for row in left if row.id in family]
        longest = max(row.duration or 0.0 for row in members)
        keep = min(members, key=lambda row: _values(row, folders, longest))
        copies = {row.path: whole.of(keep, row) for row in members if row is not keep}
        others = [row for row in members if copies.get(row.path)]
        if others:
            second = min(others, key=lambda row: _values(row, folders, longest))
            why = _reason(keep, second, folders, longest)
            pairs = tuple(_pair(keep, row, shared) for row in others if (shared := copies[row.path]))
            groups.append(Group(keep.path, tuple(row.path for row in others), pairs, why))
        group = [keep, *others]
        inside |= {_pair_key(a, b) for a in group for b in group if a is not b}
        left = [row for row in left if row not in group]
    return groups, inside


def _values(row: Row, folders: PreferredFolders, longest: float = 0.0) -> tuple[Any, ...]:
    return tuple(value for _, value in _criteria(row, folders, longest))


def _reason(best: Row, second: Row, folders: PreferredFolders, longest: float) -> str:
    if best.sha256 == second.sha256:
        return "the same bytes"
    both = zip(_criteria(best, folders, longest), _criteria(second, folders, longest), strict=True)
    return next(name for (name, mine), (_, other) in both if mine != other)


def _pair(keep: Row, other: Row, shared: _Shared) -> Pair:
    surest = shared.surest
    gravest = min((one.relation for one in shared.segments), key=COPIES.index)
    return Pair(keep.path, other.path, 0.0, surest.probability, gravest, edits=surest.edits, verified=True)
