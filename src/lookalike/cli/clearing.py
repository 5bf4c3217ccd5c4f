"""The part of `lookalike duplicates` that clears copies away: what was asked for, plan, question, result."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import click

from lookalike.actions.dedupe_actions import Act, RemovalReport, hardlink, move_to, remove_copies, trash
from lookalike.actions.removal_plan import ALSO, CLEARED, RemovalPlan, Selection, plan_removals
from lookalike.cli.output import print_failures, printable, shown
from lookalike.formatting import human_bytes, percent, plural
from lookalike.gallery import Gallery
from lookalike.gallery.dedup.preferred_folders import PreferredFolders
from lookalike.gallery.storage.row import Row
from lookalike.types import Pair, Relation

METADATA_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Clearing:
    """What the options ask for. ``folder``: of --move-to. ``listed``: the paths of --from, None without it."""

    folder: str | None
    link: bool
    delete: bool
    also: Sequence[Relation]
    protect: Sequence[str]
    listed: frozenset[str] | None
    merge_metadata: bool
    yes: bool

    def __post_init__(self) -> None:
        if sum((self.folder is not None, self.link, self.delete)) > 1:
            raise click.UsageError("choose one of --move-to, --hardlink and --delete")
        if not self.wanted and (self.also or self.listed is not None or self.merge_metadata):
            raise click.UsageError("--also, --from and --merge-metadata go with --move-to, --hardlink or --delete")
        if self.link and self.also:
            raise click.UsageError("--hardlink links byte-identical files only; leave --also out")

    @property
    def wanted(self) -> bool:
        """Whether anything is to be cleared at all."""
        return self.folder is not None or self.link or self.delete

    def act(self, root: str) -> Act:
        """What is done to a copy; ``root``: the folder below which moved files keep their place."""
        if self.folder is not None:
            return move_to(self.folder, root)
        return hardlink() if self.link else trash()

    def question(self, plan: RemovalPlan) -> str:
        """What will be done, how much of it, and where to."""
        files = f"{plural(len(plan.removals), 'file')} ({human_bytes(plan.total_bytes)})"
        if self.folder is not None:
            return f"Move {files} to {shown(os.path.abspath(self.folder))}?"
        if self.link:
            return f"Turn {files} into hard links of the kept ones?"
        return f"Move {files} to the system's trash?"


def clear(
    clearing: Clearing,
    gallery: Gallery,
    pairs: Sequence[Pair],
    precision: float,
    sources: Sequence[str],
    as_json: bool,
    incoming: Mapping[str, Row] | None = None,
) -> tuple[RemovalPlan, RemovalReport | None]:
    """The plan, and what was done if the user said so; None if it stayed a dry run. ``sources``: the folders that were
    looked through."""
    act = clearing.act(_common_folder(sources, [pair.b for pair in pairs]))
    relations = (*CLEARED, *clearing.also)
    selection = Selection(relations, PreferredFolders.of(clearing.protect), clearing.listed)
    plan = plan_removals(gallery, pairs, act.kind, selection, incoming)
    _print_plan(plan, clearing, precision)
    if not plan.removals:
        return plan, None
    if not clearing.yes and (as_json or not sys.stdin.isatty()):
        click.echo(f"{clearing.question(plan)}\ndry run: nothing was changed; add --yes to do it", err=True)
        return plan, None
    if not clearing.yes and not click.confirm(clearing.question(plan), err=True):
        return plan, None
    report = remove_copies(gallery, plan, act, merge_metadata=clearing.merge_metadata)
    _print_done(report, act)
    return plan, report


def _common_folder(sources: Sequence[str], copies: Sequence[str]) -> str:
    """The folder that holds everything that was looked through, and every copy."""
    folders = [path if os.path.isdir(path) else os.path.dirname(path) for path in map(os.path.abspath, sources)]
    try:
        return os.path.commonpath([*folders, *map(os.path.dirname, copies)])
    except ValueError:  # nothing at all, or several drives
        return os.path.abspath(os.sep)


def _print_plan(plan: RemovalPlan, clearing: Clearing, precision: float) -> None:
    """On stderr: what is left and why, what --also adds, and what goes with the copies."""
    widened = Counter(one.relation for one in plan.removals if one.relation not in CLEARED)
    if clearing.also:
        words = ", ".join(f"{count:,} {relation}" for relation, count in widened.items()) or "no file"
        sure = percent(precision)
        click.echo(f"--also adds {words}: copies with a probability of at least {sure} each", err=True)
    left = Counter(one.reason for one in plan.left)
    if left:
        words = ", ".join(f"{count:,} {reason}" for reason, count in sorted(left.items()))
        more = [f"--also {relation}" for relation in ALSO if left[relation] and not clearing.link]
        click.echo(f"left: {words}" + (f" (to clear them as well: {' '.join(more)})" if more else ""), err=True)
    _print_companions(plan, clearing.merge_metadata)


def _print_companions(plan: RemovalPlan, merged: bool) -> None:
    for one in plan.removals:
        if one.sidecars:
            click.echo(f"with {shown(one.copy)}: {', '.join(map(_name, one.sidecars))}", err=True)
        if one.shared:
            names = ", ".join(map(_name, one.shared))
            click.echo(f"stays, for another image needs it as well: {names}", err=True)
    said = [one for one in plan.removals if one.metadata]
    for one in said[:METADATA_SHOWN]:
        click.echo(f"only {shown(one.copy)} has {printable(one.metadata.text())}", err=True)
    if len(said) > METADATA_SHOWN:
        click.echo(f"... and {len(said) - METADATA_SHOWN} more (--json lists them all)", err=True)
    if said:
        what = "it is merged into the XMP sidecar of the kept one" if merged else "--merge-metadata keeps it"
        click.echo(what, err=True)


def _name(path: str) -> str:
    return printable(os.path.basename(path))


def _print_done(report: RemovalReport, act: Act) -> None:
    what = {"moved": "moved", "trashed": "moved to the trash:", "linked": "linked"}[act.kind]
    sidecars = f" and {plural(len(report.sidecars), 'sidecar')}" if report.sidecars else ""
    click.echo(f"{what} {plural(len(report.done), 'file')}{sidecars}, {human_bytes(report.bytes)}", err=True)
    if report.done:
        click.echo(f"`lookalike undo {report.action}` brings everything back", err=True)
    print_failures(report.failed)
