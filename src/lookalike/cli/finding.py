"""The work of `lookalike duplicates`: what its options ask for, what is looked through, and what is found."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import click

from lookalike.cli.output import progress_bar, say_lacking
from lookalike.descriptors import get
from lookalike.descriptors.fusion import DEFAULT_WEIGHTS, parse_by
from lookalike.errors import UserError
from lookalike.gallery import WHOLE_IMAGE_DESCRIPTORS, Gallery
from lookalike.gallery.dedup.incoming import IncomingReport
from lookalike.gallery.library import is_gallery
from lookalike.gallery.storage.row import Row
from lookalike.types import AddReport, Failure, Group, Pair, Progress, Relation, VideoPair

PRECISION = 0.99
Couples = tuple[tuple[str, str], ...]  # of paths


@dataclass(frozen=True, slots=True)
class Finding:
    """What the options ask for, each under its name. Raises UsageError, UserError for what does not go together."""

    sources: tuple[str, ...]
    gallery: str | None
    precision: float | None
    by: str | None
    no_verify: bool
    different: Couples
    same: Couples
    undecided: Couples
    exclude: tuple[str, ...]
    include: tuple[str, ...]
    against: str | None
    relations: tuple[Relation, ...]
    protect: tuple[str, ...]
    prefer: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.gallery is None and not self.sources:
            raise click.UsageError("name a folder, or a gallery with --gallery")
        if self.against is not None and not self.sources:
            raise click.UsageError("--against LIBRARY needs DIR..., the incoming images")
        if self.against is not None and not Gallery.exists(self.against):
            raise UserError(f"{self.against}: no such folder or gallery")
        if self.against is not None and self.gallery is not None:
            raise click.UsageError("--against names the library; leave --gallery out")
        for name in ("different", "same", "undecided"):
            if getattr(self, name) and not self.gallery:
                raise click.UsageError(f"--{name} is remembered in a gallery: name it with --gallery")

    @property
    def least(self) -> float:
        """The probability of what is found."""
        return self.precision or PRECISION


@dataclass(frozen=True, slots=True)
class Duplicates:
    """What was found. ``new``, ``incoming``, ``failed``: with --against, as in IncomingReport; None otherwise.
    ``videos``: that share segments, and are no whole copies."""

    groups: list[Group]
    new: tuple[str, ...] | None = None
    incoming: Mapping[str, Row] | None = None
    failed: tuple[Failure, ...] = ()
    videos: tuple[VideoPair, ...] = ()

    @classmethod
    def of(cls, report: IncomingReport) -> Duplicates:
        """One group for each image of the library of which there are incoming copies."""
        by_keep: dict[str, list[Pair]] = {}
        for pair in report.pairs:
            by_keep.setdefault(pair.a, []).append(pair)
        why = "in the library"
        groups = [Group(keep, tuple(pair.b for pair in pairs), tuple(pairs), why) for keep, pairs in by_keep.items()]
        return cls(groups, report.new, report.rows, report.failed)

    @property
    def pairs(self) -> list[Pair]:
        """Every copy with the image that is kept."""
        return [pair for group in self.groups for pair in group.pairs]

    def only(self, relations: Sequence[Relation]) -> Duplicates:
        """Without the copies of other relations, if any are named."""
        if not relations:
            return self
        kept = [(group, [pair for pair in group.pairs if pair.relation in relations]) for group in self.groups]
        groups = [
            replace(group, others=tuple(p.b for p in pairs), pairs=tuple(pairs)) for group, pairs in kept if pairs
        ]
        return replace(self, groups=groups)


@contextmanager
def library(asked: Finding) -> Iterator[tuple[Gallery, AddReport]]:
    """What is looked through: the gallery with the folders added to it, or one for this run only; with --against that
    library, to which nothing is added if it is a gallery."""
    if asked.against is None:
        with _gallery(asked, asked.sources) as opened:
            yield opened
    elif is_gallery(asked.against):
        with Gallery.open(asked.against) as held:
            say_lacking(held)
            yield held, AddReport()
    else:
        with _gallery(asked, (asked.against,)) as opened:
            yield opened


@contextmanager
def _gallery(asked: Finding, sources: Sequence[str]) -> Iterator[tuple[Gallery, AddReport]]:
    """The named gallery with the folders added to it, or one for this run only, which holds what is needed."""
    with tempfile.TemporaryDirectory(prefix="lookalike-") as passing:
        place = Path(passing) / "passing.gallery"
        with Gallery.open(asked.gallery) if asked.gallery else Gallery.create(place, _needed(asked.by)) as gallery:
            added = AddReport()
            if sources:
                with progress_bar("indexing") as progress:
                    added = gallery.add(
                        sources, progress=progress, exclude=asked.exclude or None, include=asked.include or None
                    )
            if asked.gallery:
                say_lacking(gallery)
            yield gallery, added


def _needed(by: str | None) -> list[str]:
    """The descriptors without which a gallery for one run cannot do what was asked."""
    named = parse_by(by).names if by else [name for name in WHOLE_IMAGE_DESCRIPTORS if get(name).card.rerank]
    return list(dict.fromkeys([*DEFAULT_WEIGHTS, *named]))


def remember(gallery: Gallery, asked: Finding) -> None:
    """What was said of pairs."""
    if asked.different:
        gallery.add_verdicts(asked.different, "different")
    if asked.same:
        gallery.add_verdicts(asked.same, "same")
    if asked.undecided:
        gallery.remove_verdicts(asked.undecided)


def find(gallery: Gallery, asked: Finding) -> Duplicates:
    """The copies, of the relations that were asked for."""
    with progress_bar("looking for copies" if asked.no_verify else "checking pairs") as progress:
        found = _incoming(gallery, asked, progress) if asked.against else _copies(gallery, asked, progress)
    if asked.against is None and gallery.video_count and asked.by in (None, "copy"):
        with progress_bar("comparing videos") as progress:
            videos = gallery.video_duplicates(
                precision=asked.least, protect=asked.protect, prefer=asked.prefer, progress=progress
            )
        found = replace(found, groups=[*found.groups, *videos.groups], videos=videos.pairs)
    return found.only(asked.relations)


def _copies(gallery: Gallery, asked: Finding, progress: Progress) -> Duplicates:
    return Duplicates(
        gallery.duplicates(
            precision=asked.least,
            by=asked.by,
            verify=not asked.no_verify,
            protect=asked.protect,
            prefer=asked.prefer,
            progress=progress,
        )
    )


def _incoming(gallery: Gallery, asked: Finding, progress: Progress) -> Duplicates:
    return Duplicates.of(
        gallery.compare_incoming(
            asked.sources,
            precision=asked.least,
            by=asked.by,
            verify=not asked.no_verify,
            exclude=asked.exclude or None,
            include=asked.include or None,
            progress=progress,
        )
    )
