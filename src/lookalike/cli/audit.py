"""lookalike audit DIR [--against DIR2]"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import click

from lookalike.cli.output import (
    json_option,
    print_failures,
    print_json,
    print_left_out,
    print_table,
    printable,
    progress_bar,
    shown,
    walk_options,
)
from lookalike.descriptors.fusion import DEFAULT_WEIGHTS
from lookalike.errors import UserError
from lookalike.formatting import plural
from lookalike.gallery import Gallery
from lookalike.gallery.audit.findings import Audit
from lookalike.types import AddReport

PRECISION = 0.99
DESCRIPTORS = tuple(dict.fromkeys([*DEFAULT_WEIGHTS, "copy", "content"]))
KINDS = {
    "leaks": "leakage between splits",
    "duplicates": "groups of copies within a split",
    "label_errors": "likely label errors",
    "outliers": "outliers",
    "blank": "blank",
    "dark": "dark",
    "blurred": "blurred",
    "odd_sizes": "odd sizes",
    "odd_shapes": "odd shapes",
    "damaged": "damaged",
    "failed": "cannot be read",
}
CHOICES = {name.replace("_", "-"): name for name in KINDS}
SHOWN = 10  # paths of each kind


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path())
@click.option(
    "--against", metavar="DIR2", type=click.Path(), help="A folder that is another split, such as a test set."
)
@click.option(
    "--labels", metavar="CSV", type=click.Path(), help="Columns path and label, instead of a folder per class."
)
@click.option(
    "--precision",
    type=click.FloatRange(0.5, 1, max_open=True),
    default=PRECISION,
    show_default=True,
    help="How probable it must be that two images are copies.",
)
@click.option(
    "--gallery", metavar="G", type=click.Path(), help="Keep what was computed in this gallery, for another run."
)
@click.option("--report", type=click.Path(dir_okay=False), help="Also write an HTML page with the images.")
@click.option(
    "--fail-on",
    multiple=True,
    type=click.Choice(list(CHOICES)),
    help="Exit with 1 if any of these are found; repeatable. By default only for files that cannot be read.",
)
@walk_options
@json_option
def command(
    folder: str,
    against: str | None,
    labels: str | None,
    precision: float,
    gallery: str | None,
    report: str | None,
    fail_on: tuple[str, ...],
    exclude: tuple[str, ...],
    include: tuple[str, ...],
    as_json: bool,
) -> int:
    """Report what is wrong with the data set in DIR: leakage between its splits, copies, outliers, blank, dark, blurred
    and damaged images, odd sizes and shapes, class balance, and likely label errors. Nothing in it is changed.

    Splits are folders called train, val or test, at any depth; --against makes another folder one. A class is the first
    other folder, or what --labels says.

    --json prints {"images": N, "splits": {...}, "leaks": [...], "duplicates": [...], "outliers": [{"path": ...,
    "value": ..., "limit": ..., "reason": ...}, ...], "blank": [...], ..., "class_balance": {...}, "label_errors":
    [...], "notes": [...]}; "class_balance" and "label_errors" are null where too few labels are known.
    """
    sources = [folder, *([against] if against is not None else [])]
    for one in sources:
        if not os.path.isdir(one):
            raise UserError(f"{one}: no such folder")
    with _gallery(gallery) as opened:
        opened.need_data_set(folder, against)
        with progress_bar("indexing") as progress:
            added = opened.add(sources, progress=progress, exclude=exclude or None, include=include or None)
        if gallery is not None:
            opened.refresh()
        audit = opened.audit(folder, against, labels=labels, precision=precision, progress=progress_bar)
    if report:
        _report(report, audit)
    if as_json:
        print_json(audit)
    else:
        _print(audit, added)
    return 1 if audit.failed or any(_count(audit, CHOICES[kind]) for kind in fail_on) else 0


@contextmanager
def _gallery(path: str | None) -> Iterator[Gallery]:
    """The named gallery, made where there is none, or one for this run only."""
    with tempfile.TemporaryDirectory(prefix="lookalike-") as passing:
        place = path or os.path.join(passing, "passing.gallery")
        with Gallery.open(place) if Gallery.exists(place) else Gallery.create(place, DESCRIPTORS) as opened:
            yield opened


def _count(audit: Audit, kind: str) -> int:
    found = getattr(audit, kind) or ()
    return sum(one.likely for one in found) if kind == "label_errors" else len(found)


def _report(path: str, audit: Audit) -> None:
    from lookalike.report import Summary, write_report
    from lookalike.report.audit_view import audit_view
    from lookalike.report.view_models import group_views, label_error_views

    with progress_bar("drawing the report") as progress:
        view = audit_view(audit, progress)
        groups = group_views(audit.duplicates, progress)
        likely = None if audit.label_errors is None else [one for one in audit.label_errors if one.likely]
        errors = None if likely is None else label_error_views(likely, progress)
    facts = (("Images", f"{audit.images:,}"), *((split, f"{count:,}") for split, count in audit.splits.items()))
    write_report(path, summary=Summary("Data set", facts, audit.failed), groups=groups, label_errors=errors, audit=view)
    click.echo(f"report: {shown(os.path.abspath(path))}", err=True)


def _print(audit: Audit, added: AddReport) -> None:
    splits = ", ".join(f"{printable(split)} {count:,}" for split, count in audit.splits.items())
    click.echo(plural(audit.images, "image") + (f" ({splits})" if splits else ""))
    rows = [[name, f"{_count(audit, kind):,}"] for kind, name in KINDS.items()]
    print_table(["finding", "found"], rows, numbers=["found"])
    for leak in audit.leaks[:SHOWN]:
        click.echo("leak  " + "\n      ".join(f"{printable(one.split)}: {shown(one.path)}" for one in leak.images))
    for kind in ("outliers", "blank", "dark", "blurred", "odd_sizes", "odd_shapes", "damaged"):
        for one in getattr(audit, kind)[:SHOWN]:
            click.echo(f"{KINDS[kind]}  {shown(one.path)}: {printable(one.reason)}")
    for error in [one for one in audit.label_errors or () if one.likely][:SHOWN]:
        click.echo(
            f"label error  {shown(error.path)}: {printable(error.label.label)}, not {printable(error.suggested)}?"
        )
    _print_classes(audit)
    for note in audit.notes:
        click.echo(f"not checked: {note}")
    print_left_out(added.skipped, added.left_out)
    print_failures(audit.failed)


def _print_classes(audit: Audit) -> None:
    balance = audit.class_balance
    if balance is None:
        return
    click.echo(
        f"{len(balance.counts):,} classes, as even as {balance.effective_classes:.1f}; "
        f"{balance.imbalance:,.3g} times as many of the commonest as of the rarest"
    )
    for label in balance.rare[:SHOWN]:
        click.echo(f"rare  {printable(label)}: {sum(balance.counts[label].values()):,}")
    for label, split in balance.missing[:SHOWN]:
        click.echo(f"missing  {printable(label)} in {printable(split)}")
