"""lookalike duplicates [DIR... | --gallery G]"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from lookalike.actions.dedupe_actions import Act, RemovalReport, hardlink, move_to, remove_copies, trash
from lookalike.cli.calibrate import calibrate_once
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
from lookalike.descriptors.fusion import BLEND, DEFAULT_WEIGHTS, parse_by
from lookalike.formatting import human_bytes, percent, plural, relation_text
from lookalike.gallery import Gallery
from lookalike.types import AddReport, Failure, Group

PRECISION = 0.99


@click.command()
@click.argument("sources", metavar="[DIR...]", nargs=-1, type=click.Path())
@gallery_option(required=False)
@click.option(
    "--precision",
    type=click.FloatRange(0.5, 1, max_open=True),
    help="Probability that any two members of a group are copies, by a gallery's own images.  [default: 0.99]",
)
@click.option("--by", help="blend, copy or another descriptor.  [default: blend]")
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
@click.option("--report", type=click.Path(dir_okay=False), help="Also write an HTML page with the images.")
@click.option("--move-to", "folder", type=click.Path(file_okay=False), help="Move the copies into this folder.")
@click.option("--hardlink", "link", is_flag=True, help="Make byte-identical copies share their room on the disk.")
@click.option("--delete", is_flag=True, help="Move the copies to the system's trash.")
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
    exclude: tuple[str, ...],
    include: tuple[str, ...],
    report: str | None,
    folder: str | None,
    link: bool,
    delete: bool,
    yes: bool,
    as_json: bool,
) -> int:
    """Find copies in DIR... or in a gallery, in tight groups: every member is close to every other.

    The best image of a group is kept: most pixels, then most bytes, then the oldest; but one without a border, a
    caption or other surroundings before one with them. Without --move-to, --hardlink or --delete nothing is changed;
    with one of them you see what would be done and are asked first.

    --json prints {"groups": [{"keep": ..., "others": [...], "pairs": [...]}, ...], "failed": [...], "removed": ...,
    "skipped": N, "left_out": {...}}.
    """
    act = _act(folder, link, delete)
    if (different or same) and not gallery:
        name = "--different" if different else "--same"
        raise click.UsageError(f"{name} is remembered in a gallery: name it with --gallery")
    with _gallery(sources, gallery, by, exclude, include) as (opened, added):
        failures = added.failed
        if different:
            opened.add_verdicts(different, "different")
        if same:
            opened.add_verdicts(same, "same")
        if precision is not None and gallery:
            calibrate_once(opened)
        with progress_bar("looking for copies" if no_verify else "checking pairs") as progress:
            groups = opened.duplicates(precision=precision or PRECISION, by=by, verify=not no_verify, progress=progress)
        if report:
            _report(report, groups, failures, len(opened))
        if not as_json:
            _print(groups)
        removed = _removed(opened, groups, act, yes, as_json) if act else None
    if as_json:
        print_json({"groups": groups, "failed": failures, "removed": removed, **_left_out(added)})
    else:
        print_left_out(added.skipped, added.left_out)
        print_failures(failures)
    return 1 if failures or (removed and removed.failed) else 0


def _left_out(added: AddReport) -> dict[str, object]:
    return {"skipped": added.skipped, "left_out": added.left_out}


def _act(folder: str | None, link: bool, delete: bool) -> Act | None:
    if sum((folder is not None, link, delete)) > 1:
        raise click.UsageError("choose one of --move-to, --hardlink and --delete")
    if folder is not None:
        return move_to(folder)
    if link:
        return hardlink()
    return trash() if delete else None


@contextmanager
def _gallery(
    sources: tuple[str, ...],
    gallery: str | None,
    by: str | None,
    exclude: tuple[str, ...],
    include: tuple[str, ...],
) -> Iterator[tuple[Gallery, AddReport]]:
    """The named gallery with the folders added to it, or one for this run only, which holds what is needed."""
    if gallery is None and not sources:
        raise click.UsageError("name a folder, or a gallery with --gallery")
    with tempfile.TemporaryDirectory(prefix="lookalike-") as passing:
        needed = dict.fromkeys([*DEFAULT_WEIGHTS, *(parse_by(by or BLEND).names)])
        opened = Gallery.open(gallery) if gallery else Gallery.create(Path(passing) / "passing.gallery", list(needed))
        with opened:
            added = AddReport()
            if sources:
                with progress_bar("indexing") as progress:
                    added = opened.add(sources, progress=progress, exclude=exclude or None, include=include or None)
            yield opened, added


def _report(path: str, groups: list[Group], failures: tuple[Failure, ...], images: int) -> None:
    from lookalike.report import Summary, write_report
    from lookalike.report.view_models import group_views

    facts = (("Images", f"{images:,}"), ("Groups", f"{len(groups):,}"))
    with progress_bar("drawing the report") as progress:
        views = group_views(groups, progress)
    write_report(path, summary=Summary("Duplicates", facts, failures), groups=views)
    click.echo(f"report: {shown(path)}", err=True)


def _print(groups: list[Group]) -> None:
    for group in groups:
        click.echo(f"keep  {shown(group.keep)}")
        for pair in group.pairs:
            relation = relation_text(pair.relation, pair.edits)
            click.echo(f"      {shown(pair.b)}  {relation}, {percent(pair.probability, pair.relation)}")
    copies = sum(len(group.others) for group in groups)
    click.echo(f"{plural(len(groups), 'group')}, {plural(copies, 'copy', 'copies')}")


def _removed(gallery: Gallery, groups: list[Group], act: Act, yes: bool, as_json: bool) -> RemovalReport | None:
    """Do it if the user says so. None: it stayed a dry run."""
    copies = sum(len(group.others) for group in groups)
    if not copies:
        return None
    if not yes and (as_json or not sys.stdin.isatty()):
        click.echo("dry run: nothing was changed; add --yes to do it", err=True)
        return None
    if not yes and not click.confirm(f"Remove {plural(copies, 'copy', 'copies')}?", err=True):
        return None
    report = remove_copies(gallery, groups, act)
    click.echo(f"removed {plural(len(report.done), 'file')}, {human_bytes(report.bytes)}", err=True)
    print_failures(report.failed)
    return report
