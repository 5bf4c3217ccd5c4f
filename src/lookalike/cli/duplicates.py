"""lookalike duplicates [DIR... | --gallery G]"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import click

from lookalike.actions.path_list import read_path_list
from lookalike.actions.removal_plan import ALSO, CLEARED
from lookalike.cli.calibrate import calibrate_once
from lookalike.cli.clearing import Clearing, clear
from lookalike.cli.output import (
    gallery_option,
    json_option,
    print_failures,
    print_json,
    print_left_out,
    progress_bar,
    say_lacking,
    shown,
    walk_options,
)
from lookalike.comparison.sound_pair import OTHER_SOUND
from lookalike.descriptors import get
from lookalike.descriptors.fusion import DEFAULT_WEIGHTS, parse_by
from lookalike.errors import UserError
from lookalike.formatting import clock, percent, plural, relation_text
from lookalike.gallery import WHOLE_IMAGE_DESCRIPTORS, Gallery
from lookalike.gallery.dedup.incoming import IncomingReport
from lookalike.gallery.library import is_gallery
from lookalike.gallery.storage.row import Row
from lookalike.types import AddReport, Failure, Group, Pair, Relation, VideoPair

PRECISION = 0.99
COPIES = (*CLEARED, *ALSO)


@click.command()
@click.argument("sources", metavar="[DIR...]", nargs=-1, type=click.Path())
@gallery_option(required=False)
@click.option(
    "--precision",
    type=click.FloatRange(0.5, 1, max_open=True),
    help="Probability that any two members of a group are copies, by a gallery's own images.  [default: 0.99]",
)
@click.option(
    "--by", help="blend, copy or another descriptor, by which candidates are found.  [default: blend and copy]"
)
@click.option("--no-verify", is_flag=True, help="Skip geometric verification of the pairs: faster, and less sure.")
@click.option(
    "--different",
    nargs=2,
    multiple=True,
    metavar="A B",
    type=click.Path(),
    help="Remember that A and B are no duplicates (with --gallery).",
)
@click.option(
    "--same",
    nargs=2,
    multiple=True,
    metavar="A B",
    type=click.Path(),
    help="Remember that A and B are duplicates, for `tune --verdicts` (with --gallery).",
)
@walk_options
@click.option(
    "--undecided",
    nargs=2,
    multiple=True,
    metavar="A B",
    type=click.Path(),
    help="Forget what --different or --same said of A and B (with --gallery).",
)
@click.option(
    "--against",
    metavar="LIBRARY",
    type=click.Path(),
    help="A folder or a gallery: which images of DIR... are in it already, and which are new. It stays as it is.",
)
@click.option(
    "--relation",
    "relations",
    multiple=True,
    type=click.Choice(COPIES),
    help="Only copies of this relation; repeatable.",
)
@click.option("--protect", multiple=True, metavar="DIR", type=click.Path(), help="Always keep what lies in DIR.")
@click.option("--prefer", multiple=True, metavar="DIR", type=click.Path(), help="Rather keep what lies in DIR.")
@click.option("--report", type=click.Path(dir_okay=False), help="Also write an HTML page with the images.")
@click.option("--move-to", "folder", type=click.Path(file_okay=False), help="Move the copies into this folder.")
@click.option("--hardlink", "link", is_flag=True, help="Make byte-identical copies share their room on the disk.")
@click.option("--delete", is_flag=True, help="Move the copies to the system's trash.")
@click.option(
    "--also",
    multiple=True,
    type=click.Choice(ALSO),
    help="Clear copies of this relation as well, not identical and re-encoded ones alone; repeatable.",
)
@click.option(
    "--from",
    "chosen",
    metavar="LIST",
    type=click.Path(dir_okay=False),
    help="Clear only copies in this file: a path per line, as the report copies them, or what --json printed.",
)
@click.option(
    "--merge-metadata",
    is_flag=True,
    help="Write rating, tags, place and caption that only the cleared copy has into the kept one's XMP sidecar.",
)
@click.option("--yes", is_flag=True, help="Do it without asking.")
@json_option
def command(
    sources: tuple[str, ...],
    gallery: str | None,
    precision: float | None,
    by: str | None,
    no_verify: bool,
    different: tuple[tuple[str, str], ...],
    same: tuple[tuple[str, str], ...],
    undecided: tuple[tuple[str, str], ...],
    exclude: tuple[str, ...],
    include: tuple[str, ...],
    against: str | None,
    relations: tuple[Relation, ...],
    protect: tuple[str, ...],
    prefer: tuple[str, ...],
    report: str | None,
    folder: str | None,
    link: bool,
    delete: bool,
    also: tuple[Relation, ...],
    chosen: str | None,
    merge_metadata: bool,
    yes: bool,
    as_json: bool,
) -> int:
    """Find copies in DIR... or in a gallery: the same image again, edited, cropped, mirrored, or as a screenshot.

    The best image of a group is kept, and the reason told: an undamaged one, one that is not edited (greyed, blurred,
    captioned, with something laid over it, ...), one with camera data, the one with more true detail, which an enlarged
    or re-saved copy lacks; then most pixels, most bytes, the oldest.

    Without --move-to, --hardlink or --delete nothing is changed; with one of them you see what would be done and are
    asked first. They clear identical and re-encoded copies only, never a raw file for its JPEG or one shot of a burst
    for another, and take sidecars along; `lookalike undo` brings everything back.

    --json prints {"groups": [{"keep": ..., "others": [...], "pairs": [...]}, ...], "failed": [...], "removed": ...,
    "plan": ..., "new": [...], "videos": [{"a": ..., "b": ..., "segments": [...]}, ...], "skipped": N, "left_out":
    {...}}; "new" is null without --against.
    """
    listed = read_path_list(chosen) if chosen is not None else None
    clearing = Clearing(folder, link, delete, also, protect, listed, merge_metadata, yes)
    verdicts = {"--different": different, "--same": same, "--undecided": undecided}
    _check(sources, gallery, against, verdicts)
    least = precision or PRECISION
    with _library(sources, gallery, against, by, exclude, include) as (opened, added):
        if different:
            opened.add_verdicts(different, "different")
        if same:
            opened.add_verdicts(same, "same")
        if undecided:
            opened.remove_verdicts(undecided)
        if precision is not None and gallery and len(opened) > opened.video_count:
            calibrate_once(opened)
        with progress_bar("looking for copies" if no_verify else "checking pairs") as progress:
            if against is None:
                found = Duplicates(
                    opened.duplicates(
                        precision=least,
                        by=by,
                        verify=not no_verify,
                        protect=protect,
                        prefer=prefer,
                        progress=progress,
                    )
                )
            else:
                found = Duplicates.of(
                    opened.compare_incoming(
                        sources,
                        precision=least,
                        by=by,
                        verify=not no_verify,
                        exclude=exclude or None,
                        include=include or None,
                        progress=progress,
                    )
                )
        if against is None and opened.video_count and by in (None, "copy"):
            with progress_bar("comparing videos") as progress:
                videos = opened.video_duplicates(precision=least, protect=protect, prefer=prefer, progress=progress)
            found = replace(found, groups=[*found.groups, *videos.groups], videos=videos.pairs)
        found = found.only(relations)
        failures = _failures(opened, (*added.failed, *found.failed))
        if report:
            _report(report, found, failures, len(opened))
        if not as_json:
            _print(found)
        places = sources or tuple(opened.info().folders)
        plan, removed = (
            clear(clearing, opened, found.pairs, least, places, as_json, found.incoming)
            if clearing.wanted
            else (None, None)
        )
    if as_json:
        document = {"groups": found.groups, "failed": failures, "removed": removed, "plan": plan, "new": found.new}
        print_json({**document, "videos": found.videos, "skipped": added.skipped, "left_out": added.left_out})
    else:
        print_left_out(added.skipped, added.left_out)
        print_failures(failures)
    return 1 if added.failed or found.failed or (removed and removed.failed) else 0


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


def _check(
    sources: Sequence[str], gallery: str | None, against: str | None, verdicts: Mapping[str, Sequence[object]]
) -> None:
    if gallery is None and not sources:
        raise click.UsageError("name a folder, or a gallery with --gallery")
    if against is not None and not sources:
        raise click.UsageError("--against LIBRARY needs DIR..., the incoming images")
    if against is not None and not Gallery.exists(against):
        raise UserError(f"{against}: no such folder or gallery")
    if against is not None and gallery is not None:
        raise click.UsageError("--against names the library; leave --gallery out")
    for name in (name for name, pairs in verdicts.items() if pairs and not gallery):
        raise click.UsageError(f"{name} is remembered in a gallery: name it with --gallery")


def _failures(gallery: Gallery, of_this_run: Sequence[Failure]) -> tuple[Failure, ...]:
    """What could not be read, now or when the gallery was made."""
    known = {failure.path: failure for failure in (*gallery.info().failures, *of_this_run)}
    return tuple(known.values())


@contextmanager
def _library(
    sources: tuple[str, ...],
    gallery: str | None,
    against: str | None,
    by: str | None,
    exclude: tuple[str, ...],
    include: tuple[str, ...],
) -> Iterator[tuple[Gallery, AddReport]]:
    """What is looked through: the gallery with the folders added to it, or one for this run only; with ``against`` that
    library, to which nothing is added if it is a gallery."""
    if against is None:
        with _gallery(sources, gallery, by, exclude, include) as opened:
            yield opened
    elif is_gallery(against):
        with Gallery.open(against) as library:
            say_lacking(library)
            yield library, AddReport()
    else:
        with _gallery((against,), None, by, exclude, include) as opened:
            yield opened


@contextmanager
def _gallery(
    sources: tuple[str, ...],
    gallery: str | None,
    by: str | None,
    exclude: tuple[str, ...],
    include: tuple[str, ...],
) -> Iterator[tuple[Gallery, AddReport]]:
    """The named gallery with the folders added to it, or one for this run only, which holds what is needed."""
    with tempfile.TemporaryDirectory(prefix="lookalike-") as passing:
        opened = Gallery.open(gallery) if gallery else Gallery.create(Path(passing) / "passing.gallery", _needed(by))
        with opened:
            added = AddReport()
            if sources:
                with progress_bar("indexing") as progress:
                    added = opened.add(sources, progress=progress, exclude=exclude or None, include=include or None)
            if gallery:
                say_lacking(opened)
            yield opened, added


def _needed(by: str | None) -> list[str]:
    """The descriptors without which a gallery for one run cannot do what was asked."""
    named = parse_by(by).names if by else [name for name in WHOLE_IMAGE_DESCRIPTORS if get(name).card.rerank]
    return list(dict.fromkeys([*DEFAULT_WEIGHTS, *named]))


def _report(path: str, found: Duplicates, failures: tuple[Failure, ...], images: int) -> None:
    from lookalike.report import Summary, write_report
    from lookalike.report.view_models import group_views, shared_views

    new = (("New", f"{len(found.new):,}"),) if found.new is not None else ()
    facts = (("Images", f"{images:,}"), ("Groups", f"{len(found.groups):,}"), *new)
    with progress_bar("drawing the report") as progress:
        views = group_views(found.groups, progress)
        videos = shared_views(found.videos, progress)
    write_report(path, summary=Summary("Duplicates", facts, failures), groups=views, videos=videos)
    click.echo(f"report: {shown(path)}", err=True)


def _print(found: Duplicates) -> None:
    from lookalike.report.sound_timeline import sound_text

    for path in found.new or ():
        click.echo(f"new   {shown(path)}")
    for group in found.groups:
        click.echo(f"keep  {shown(group.keep)}  ({group.reason})")
        for pair in group.pairs:
            relation = relation_text(pair.relation, pair.edits)
            click.echo(f"      {shown(pair.b)}  {relation}, {percent(pair.probability, pair.relation)}")
    for both in found.videos:
        click.echo(f"share {shown(both.a)}\n      {shown(both.b)}")
        for one in both.segments:
            times = (
                f"{clock(start)} - {clock(end)}" for start, end in ((one.a_start, one.a_end), (one.b_start, one.b_end))
            )
            relation = relation_text(one.relation, one.edits, one.orientation)
            click.echo(f"      {' is '.join(times)}  {relation}, {percent(one.probability, one.relation)}")
        for segment in both.sound:
            click.echo(f"      {sound_text(segment)}")
        if both.sound or both.statement.endswith(OTHER_SOUND):
            click.echo(f"      {both.statement}")
    new = "" if found.new is None else f", {len(found.new):,} new"
    click.echo(f"{plural(len(found.groups), 'group')}, {plural(len(found.pairs), 'copy', 'copies')}{new}")
