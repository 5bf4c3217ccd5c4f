"""Which copies are cleared, in favour of which image, and which are left, and why. Touches nothing.

Left are copies of another relation than was asked for, what lies in a protected folder, what is no more than a further
name of the kept file, and stacks: images that belong together and are no copies (stacks.py).
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from lookalike.actions.journal import Kind
from lookalike.actions.metadata import Metadata, only_in, read_metadata
from lookalike.actions.sidecars import SidecarFinder
from lookalike.actions.stacks import stack_of
from lookalike.gallery import Gallery
from lookalike.gallery.dedup.preferred_folders import PreferredFolders
from lookalike.gallery.elsewhere.address import is_elsewhere
from lookalike.gallery.storage.row import Row
from lookalike.types import Pair, Relation

CLEARED: tuple[Relation, ...] = ("identical", "re-encoded")
ALSO: tuple[Relation, ...] = ("edited", "crop", "mirrored", "rotated")  # copies as well, but not the same image
NOT_VERIFIED = "not verified"  # their vectors alone were compared
ANOTHER_VIDEO = "a video of other bytes"  # a few frames of it were compared; it goes only where a list names it


@dataclass(frozen=True, slots=True)
class Selection:
    """``relations``: only copies of these. ``folders``: what is protected. ``only``: only these paths; None for all."""

    relations: Collection[Relation] = CLEARED
    folders: PreferredFolders = field(default_factory=PreferredFolders)
    only: Collection[str] | None = None


@dataclass(frozen=True, slots=True)
class Removal:
    """One copy that is to be cleared. ``bytes``: of its file and its ``sidecars``, which go with it. ``sha256``,
    ``keep_sha256``: of the two files when they were compared. ``shared``: sidecars that stay, for another image needs
    them. ``metadata``: what this copy says, and its keeper does not."""

    copy: str
    keep: str
    relation: Relation
    bytes: int
    sha256: str
    keep_sha256: str
    sidecars: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    metadata: Metadata = field(default_factory=Metadata)


@dataclass(frozen=True, slots=True)
class Left:
    """A copy that stays, and why: its relation, or another reason."""

    path: str
    keep: str
    reason: str


@dataclass(frozen=True, slots=True)
class RemovalPlan:
    """What is to be done, one removal per copy, and what is left."""

    kind: Kind
    removals: tuple[Removal, ...]
    left: tuple[Left, ...]

    @property
    def total_bytes(self) -> int:
        """Of all files that go."""
        return sum(one.bytes for one in self.removals)


def plan_removals(
    gallery: Gallery,
    pairs: Sequence[Pair],
    kind: Kind,
    selection: Selection | None = None,
    incoming: Mapping[str, Row] | None = None,
) -> RemovalPlan:
    """``pairs``: a is kept, b is its copy, as groups have them. By default only identical and re-encoded copies go.
    ``incoming``: path -> row of images that the gallery does not hold."""
    gallery.need_paths("removing copies")
    chosen = selection or Selection()
    rows = {**gallery.rows_at({path for pair in pairs for path in (pair.a, pair.b)}), **(incoming or {})}
    reasons = [_why_left(pair, rows, kind, chosen) for pair in pairs]
    going = [pair for pair, reason in zip(pairs, reasons, strict=True) if not reason]
    left = tuple(Left(pair.b, pair.a, why) for pair, why in zip(pairs, reasons, strict=True) if why)
    finder = SidecarFinder([pair.b for pair in going])
    return RemovalPlan(kind, tuple(_removal(pair, rows, kind, finder) for pair in going), left)


def _why_left(pair: Pair, rows: Mapping[str, Row], kind: Kind, selection: Selection) -> str:
    """ "" for a copy that goes."""
    if selection.only is not None and pair.b not in selection.only:
        return "not in the list"
    if pair.a not in rows or pair.b not in rows:
        return "not in this gallery"
    if selection.folders.protects(pair.b):
        return "protected"
    if is_elsewhere(pair.b):
        return "elsewhere, where nothing is written"
    same_disk = _same_disk(pair.a, pair.b)
    if same_disk is None:
        return "the same file by another name"
    if kind == "linked" and pair.relation != "identical":
        return "not byte-identical"
    if kind == "linked" and not same_disk:
        return "on another disk"
    if pair.relation != "identical" and not pair.verified:
        return NOT_VERIFIED
    if pair.relation not in selection.relations:
        return pair.relation
    if rows[pair.b].is_video and pair.relation != "identical" and selection.only is None:
        return ANOTHER_VIDEO
    return stack_of(rows[pair.a], rows[pair.b]) or ""


def _same_disk(a: str, b: str) -> bool | None:
    """Whether the two lie on one disk; None for one file under two names. What cannot be read fails later, told."""
    try:
        first, second = os.stat(a), os.stat(b)
    except OSError:
        return True
    return None if os.path.samestat(first, second) else first.st_dev == second.st_dev


def _removal(pair: Pair, rows: Mapping[str, Row], kind: Kind, finder: SidecarFinder) -> Removal:
    keep, copy = rows[pair.a], rows[pair.b]
    one = Removal(pair.b, pair.a, pair.relation, copy.bytes, copy.sha256, keep.sha256)
    if kind == "linked":  # its name stays, and its bytes are the same
        return one
    found = finder.of(pair.b)
    return replace(
        one,
        bytes=copy.bytes + sum(os.path.getsize(path) for path in found.own if os.path.exists(path)),
        sidecars=found.own,
        shared=found.shared,
        metadata=only_here(pair.b, (*found.own, *found.shared), pair.a, finder),
    )


def only_here(copy: str, sidecars: Sequence[str], keep: str, finder: SidecarFinder) -> Metadata:
    """What the metadata of a copy says, and that of the image to keep does not."""
    found = read_metadata(copy, sidecars)
    if not found:
        return found
    kept = finder.of(keep)
    return only_in(found, read_metadata(keep, (*kept.own, *kept.shared)))
