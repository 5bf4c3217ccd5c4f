"""Which image of a group is kept, and why: the one order in which copies are preferred.

First what a person wants; then the undamaged; a raw file, of which the others can be made; the one that is not edited,
as far as comparison/edit_direction.py can tell; camera data; true detail (comparison/true_detail.py), for an enlarged,
converted or re-saved copy has more pixels or bytes and not more to see; then pixels, bytes and age. Camera data do not
make up for half of the detail.

An edit is seen in the pairs with the image that is kept so far, so a group whose preferred image is another one is
verified around that one, and looked at once more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from threading import Lock
from typing import Any

from lookalike.comparison.edit_direction import FRAMES
from lookalike.comparison.true_detail import TrueDetail, true_detail
from lookalike.errors import LoadError
from lookalike.gallery.load_verified import load_verified
from lookalike.gallery.storage.row import Row
from lookalike.parallel import in_order
from lookalike.types import Group, Pair

AS_LARGE = 0.9  # share of the pixels that an image has within what was added around it, which is to be given up
AS_LARGE_EDITED = 0.25  # share of the pixels of an image that was edited otherwise
BEST_FEW = 6  # images of a group whose detail is measured
ROUNDS = 3  # how often a group is verified around another image
AS_DETAILED = 0.94  # share of the most detail that is as good
HALF = 0.5  # what may lack of it before camera data count for nothing
AS_SMALL = 1.15  # times the smallest file of those with all the detail
RAW = "RAW"  # the format of the files of imaging/raw.py
UNSURE = "taken to be the original"
LOSSLESS = frozenset({"PNG", "TIFF", "BMP", "GIF", "PPM", "TGA", "PSD"})

Reverify = Callable[[list[Group]], list[Group]]
Around = Callable[[str, Group], Group]  # (the one to keep, its group) -> the group with every pair scored anew
Rank = Callable[[str], int]  # path -> how much a person wants to keep it: smaller is more

EDIT_REASONS: Mapping[str, str] = {
    "greyed": "lost its colours",
    "clipped": "lost tones",
    "overlay": "has something laid over it",
    "blurred": "is blurred",
    "sharpened": "was sharpened",
    "cropped": "shows less",
    "screenshot": "is a screenshot",
    "inside another image": "lies inside another image",
    "caption": "has a caption",
    "padded": "is padded",
    "border": "has a border",
}


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known for and against keeping an image, beside its row; of each the less the better.

    ``rank``: a person's wish. ``edited``: -1 if the image that is kept so far is an edited copy of this one, 1 if this
    is one of that, by these ``edits``. ``lack``: 0..1, of the most detail in the group; 0 where hardly any lacks.
    ``converted``: 2 where pixels that were a JPEG lie in a lossless file, 1 in a lossy file. ``swollen``: a larger file
    than others that show as much."""

    row: Row
    rank: int = 0
    edited: int = 0
    edits: tuple[str, ...] = ()
    lack: float = 0.0
    converted: int = 0
    swollen: bool = False

    @property
    def seen(self) -> tuple[int, bool, bool, int]:
        """What counts before detail."""
        return self.rank, bool(self.row.damage), self.row.format != RAW, self.edited

    def criteria(self) -> tuple[tuple[str, Any], ...]:
        """(why to prefer an image that has less of it, how much there is); the first difference decides."""
        row, (rank, damaged, developed, edited) = self.row, self.seen
        return (
            ("in a preferred folder", rank),
            ("the other is damaged", damaged),
            ("a raw file", developed),
            ("the other is edited", edited),
            ("more frames", -(row.frames or 1)),
            ("more detail", self.lack > HALF),
            ("has camera data", row.camera is None),
            ("more detail", self.lack),
            ("the other is a conversion", self.converted),
            ("the other is a larger file that shows no more", self.swollen),
            ("more pixels", -row.width * row.height),
            ("larger file", -row.bytes),
            ("older", (row.taken or "9999", row.mtime_ns)),
            ("first by name", row.path),
        )

    def key(self) -> tuple[Any, ...]:
        """Sorts the image to keep first."""
        return tuple(value for _, value in self.criteria())


def preference(row: Row) -> tuple[Any, ...]:
    """Sorts the image to keep first by what the gallery knows of it, without a look at the files."""
    return Standing(row).key()


def reason(best: Standing, second: Standing) -> str:
    """Why the first is preferred to the second, in words for people."""
    if best.row.sha256 == second.row.sha256:
        return "the same bytes"
    if best.seen[:3] == second.seen[:3] and best.edited < second.edited and second.edits:
        return f"the other {' and '.join(EDIT_REASONS[edit] for edit in second.edits)}"
    pairs = zip(best.criteria(), second.criteria(), strict=True)
    return next(name for (name, mine), (_, other) in pairs if mine != other)


# --- in groups that were verified


def keep_best(
    groups: Sequence[Group], row_of: Callable[[str], Row | None], around: Around, reverify: Reverify, rank: Rank
) -> list[Group]:
    """The groups, each around the image that is to be kept, with the reason. Where ``reverify`` would drop a member
    then, a group stays as it is."""
    chooser = _Chooser(row_of, rank)
    settled: dict[frozenset[str], Group] = {}
    open_groups = list(groups)
    for _ in range(ROUNDS):
        choices = list(in_order(partial(chooser.choice, group) for group in open_groups))
        settled |= {_members(choice.group): choice.result for choice in choices}
        moved = [around(choice.best, choice.group) for choice in choices if choice.best != choice.group.keep]
        whole = {_members(group) for group in moved}
        open_groups = [group for group in reverify(moved) if _members(group) in whole]
        if not open_groups:
            break
        settled |= {_members(group): replace(group, reason=UNSURE) for group in open_groups}
    return [settled[_members(group)] for group in groups]


def _members(group: Group) -> frozenset[str]:
    return frozenset((group.keep, *group.others))


@dataclass(frozen=True, slots=True)
class _Choice:
    """Which image of the group is ``best``, and why that one, or else the kept one, is preferred."""

    group: Group
    best: str
    words: str

    @property
    def result(self) -> Group:
        return replace(self.group, reason=self.words if self.best == self.group.keep else UNSURE)


class _Chooser:
    """Chooses the best image of a group by its pairs, its rows, and the detail of a few files."""

    def __init__(self, row_of: Callable[[str], Row | None], rank: Rank) -> None:
        self._row_of, self._rank = row_of, rank
        self._asking = Lock()  # the store is asked by one thread at a time
        self._measured: dict[str, Measured | None] = {}

    def choice(self, group: Group) -> _Choice:
        """Which image of the group is the best."""
        with self._asking:
            rows = {path: row for path in (group.keep, *group.others) if (row := self._row_of(path)) is not None}
        if group.keep not in rows or len(rows) < 2:
            return _Choice(group, group.keep, "")
        standings = self._standings(group, rows)
        best, second = sorted(standings, key=Standing.key)[:2]
        return _Choice(group, best.row.path, reason(best, second))

    def _standings(self, group: Group, rows: Mapping[str, Row]) -> list[Standing]:
        """Of all members; of the best few that nothing else tells apart with their detail."""
        seen = [Standing(rows[group.keep], self._rank(group.keep))]
        for pair in group.pairs:
            if pair.b in rows:
                edited, edits = _edited(pair, rows[pair.a], rows[pair.b])
                seen.append(Standing(rows[pair.b], self._rank(pair.b), edited, edits))
        seen.sort(key=Standing.key)
        few = [one for one in seen if one.seen == seen[0].seen][:BEST_FEW]
        if len({one.row.sha256 for one in few}) == 1:
            return seen
        rest = [replace(one, lack=1.0) if one.seen == seen[0].seen else one for one in seen[len(few) :]]
        return [*with_detail(few, [self._measure(one.row) for one in few]), *rest]

    def _measure(self, row: Row) -> Measured | None:
        if row.sha256 not in self._measured:
            self._measured[row.sha256] = measured(row)
        return self._measured[row.sha256]


def _edited(pair: Pair, a: Row, b: Row) -> tuple[int, tuple[str, ...]]:
    """-1 and what was done to a, the image that is kept so far; 1 and what was done to b; or 0, where it cannot be told
    or the unedited one is too small."""
    done = {side: tuple(edit for edit, there in pair.edited_in.items() if there == side) for side in ("a", "b")}
    if bool(done["a"]) == bool(done["b"]):
        return 0, ()
    edited, plain, edits = (a, b, done["a"]) if done["a"] else (b, a, done["b"])
    room, share = float(edited.width * edited.height), AS_LARGE_EDITED
    if pair.box and set(edits) & set(FRAMES):
        room, share = pair.box.width * pair.box.height, AS_LARGE
    if plain.width * plain.height < share * room:
        return 0, ()
    return (-1 if done["a"] else 1), edits


# --- detail


@dataclass(frozen=True, slots=True)
class Measured:
    """What a file shows: its detail, and whether it ``hides`` more than pixels show (transparency, low bits)."""

    shown: TrueDetail
    hides: bool


def measured(row: Row) -> Measured | None:
    """Of the file of an image; None where it cannot be read as it was indexed."""
    try:
        image = load_verified(row, min_side=min(row.width, row.height))
    except LoadError:
        return None
    return Measured(true_detail(image.pixels), bool(image.hidden))


def with_detail(standings: Sequence[Standing], found: Sequence[Measured | None]) -> list[Standing]:
    """The standings with what was measured of each; as they were, if something could not be."""
    known = [one for one in found if one is not None]
    most = max((one.shown.detail for one in known), default=0.0)
    if len(known) < len(standings) or not most:
        return list(standings)
    counted = []
    for one, seen in zip(standings, known, strict=True):
        share = seen.shown.detail / most
        converted = (2 if seen.shown.was_jpeg else 0) if one.row.format in LOSSLESS else 1
        counted.append(replace(one, lack=0.0 if share >= AS_DETAILED else 1 - share, converted=converted))
    return [
        replace(one, swollen=not seen.hides and one.row.bytes > AS_SMALL * _smallest(counted, one))
        for one, seen in zip(counted, known, strict=True)
    ]


def _smallest(standings: Sequence[Standing], like: Standing) -> int:
    """Bytes of the smallest file of the same kind, with as many pixels and as much detail."""
    size = like.row.width, like.row.height
    return min(
        one.row.bytes
        for one in standings
        if (one.lack, one.converted, (one.row.width, one.row.height)) == (like.lack, like.converted, size)
    )
