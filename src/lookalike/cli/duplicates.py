"""lookalike duplicates [DIR... | --gallery G]"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from lookalike.actions.path_list import read_path_list
from lookalike.actions.removal_plan import ALSO, CLEARED
from lookalike.cli.calibrate import calibrate_once
from lookalike.cli.clearing import Clearing, clear
from lookalike.cli.finding import Duplicates, Finding, find, library, remember
from lookalike.cli.output import (
    gallery_option,
    json_option,
    print_failures,
    print_json,
    print_left_out,
    progress_bar,
    shown,
    walk_options,
)
from lookalike.comparison.sound_pair import OTHER_SOUND
from lookalike.formatting import clock, percent, plural, relation_text
from lookalike.gallery import Gallery
from lookalike.types import Failure, Relation

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
    as_json: bool,
    report: str | None,
    folder: str | None,
    link: bool,
    delete: bool,
    also: tuple[Relation, ...],
    chosen: str | None,
    merge_metadata: bool,
    yes: bool,
    **options: Any,
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
    clearing = Clearing(folder, link, delete, also, options["protect"], listed, merge_metadata, yes)
    asked = Finding(**options)
    with library(asked) as (gallery, added):
        remember(gallery, asked)
        if asked.precision is not None and asked.gallery and len(gallery) > gallery.video_count:
            calibrate_once(gallery)
        found = find(gallery, asked)
        failures = _failures(gallery, (*added.failed, *found.failed))
        if report:
            _report(report, found, failures, len(gallery))
        if not as_json:
            _print(found)
        places = asked.sources or tuple(gallery.info().folders)
        plan, removed = (
            clear(clearing, gallery, found.pairs, asked.least, places, as_json, found.incoming)
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


def _failures(gallery: Gallery, of_this_run: Sequence[Failure]) -> tuple[Failure, ...]:
    """What could not be read, now or when the gallery was made."""
    known = {failure.path: failure for failure in (*gallery.info().failures, *of_this_run)}
    return tuple(known.values())


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
