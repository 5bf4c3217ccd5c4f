"""lookalike labels list | import | errors | forget"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import click

from lookalike.cli.output import (
    gallery_option,
    json_option,
    print_failures,
    print_json,
    print_table,
    printable,
    progress_bar,
    say_lacking,
    shown,
)
from lookalike.formatting import percent, plural
from lookalike.gallery import Gallery
from lookalike.gallery.labels.label_errors import NEIGHBOURS, PRECISION
from lookalike.types import LabelError, LabelledImage, LabelReport

source_option = click.option("--source", help="Only labels of this model, or of 'csv' or 'folders'.")


@click.group()
def command() -> None:
    """List, import and forget labels, and find likely label errors.

    Labels come from models (`lookalike classify`) and from people, as folders or a CSV file; what a person says goes
    before what a model says.
    """


@command.command("list")
@gallery_option()
@click.option("--where", help="A filter, for instance: label = 'rose' and label_probability > 0.8")
@source_option
@click.option("--counts", is_flag=True, help="Only how many images have which label.")
@json_option
def list_labels(gallery: str, where: str | None, source: str | None, counts: bool, as_json: bool) -> int:
    """Print every labelled image with its labels.

    --json prints {"images": [{"path": ..., "labels": [...]}, ...]}, and with --counts {"counts": [{"source": ...,
    "label": ..., "images": ...}, ...]}.
    """
    if counts and (where or source):
        raise click.UsageError("--counts tells of all labels; leave --where and --source out")
    with Gallery.open(gallery) as opened:
        if counts:
            _print_counts(opened.label_counts(), as_json)
        else:
            _print_labels(opened.labels(where=where, source=source), as_json)
    return 0


def _print_counts(counts: Mapping[str, Mapping[str, int]], as_json: bool) -> None:
    found = [(source, label, count) for source, labels in counts.items() for label, count in labels.items()]
    if as_json:
        print_json({"counts": [{"source": source, "label": label, "images": count} for source, label, count in found]})
        return
    rows = [[printable(source), printable(label), f"{count:,}"] for source, label, count in found]
    print_table(["source", "label", "images"], rows, numbers=["images"])


def _print_labels(images: Sequence[LabelledImage], as_json: bool) -> None:
    if as_json:
        print_json({"images": images})
        return
    lines = [(shown(one.path), label) for one in images for label in one.labels]
    rows = [[printable(one.label), percent(one.probability, "identical"), one.source, path] for path, one in lines]
    print_table(["label", "probability", "source", "image"], rows, numbers=["probability"])


@command.command("import")
@gallery_option()
@click.option("--from-folders", "root", type=click.Path(), help="Images are called as their folder below ROOT.")
@click.option("--csv", "file", type=click.Path(), help="A CSV file with the columns path and label.")
@json_option
def import_labels(gallery: str, root: str | None, file: str | None, as_json: bool) -> int:
    """Take over a person's labels, in place of those that came from there before."""
    if (root is None) == (file is None):
        raise click.UsageError("choose one of --from-folders and --csv")
    with Gallery.open(gallery) as opened:
        report = opened.label_from_folders(root) if root is not None else opened.label_from_csv(str(file))
    if as_json:
        print_json(report)
    else:
        _print_imported(report)
    return 1 if report.failed else 0


def _print_imported(report: LabelReport) -> None:
    rows = [[printable(label), f"{count:,}"] for label, count in report.counts.items()]
    print_table(["label", "images"], rows, numbers=["images"])
    click.echo(f"{report.labelled:,} labelled, {report.unlabelled:,} without a label, {len(report.failed):,} failed")
    print_failures(report.failed)


@command.command()
@gallery_option()
@click.option("--by", help="The descriptor that says which images are near.  [default: content]")
@click.option("-k", type=click.IntRange(min=1), default=NEIGHBOURS, show_default=True, help="Neighbours that vote.")
@source_option
@click.option(
    "--precision",
    type=click.FloatRange(0, 1, min_open=True),
    default=PRECISION,
    show_default=True,
    help="How probably a label must be wrong to be called likely wrong.",
)
@click.option("--report", type=click.Path(dir_okay=False), help="Also write an HTML page with the images.")
@json_option
def errors(
    gallery: str, by: str | None, k: int, source: str | None, precision: float, report: str | None, as_json: bool
) -> int:
    """Find labels that are likely wrong, and those that the nearest labelled images disagree with.

    The most probably wrong come first. Likely wrong are those of which, by estimate, nine in ten are wrong
    (--precision); the others are worth a look.

    --json prints {"label_errors": [{"path": ..., "label": ..., "suggested": ..., ...}, ...]}.
    """
    with Gallery.open(gallery) as opened:
        say_lacking(opened)
        found = opened.label_errors(by=by, k=k, source=source, precision=precision)
    if report:
        _report(report, found)
    if as_json:
        print_json({"label_errors": found})
    else:
        rows = [
            [
                "likely wrong" if one.likely else "worth a look",
                percent(one.probability, "identical"),
                *(printable(one.label.label), printable(one.suggested), percent(one.share, "identical")),
                shown(one.path),
            ]
            for one in found
        ]
        columns = ["", "wrong", "label", "neighbours say", "votes", "image"]
        print_table(columns, rows, numbers=["wrong", "votes"])
        likely = sum(one.likely for one in found)
        click.echo(f"{likely:,} likely wrong (at least {percent(precision, 'identical')} by estimate), "
                   f"{len(found) - likely:,} worth a look")  # fmt: skip
    return 0


def _report(path: str, found: list[LabelError]) -> None:
    from lookalike.report import Summary, write_report
    from lookalike.report.view_models import label_error_views

    with progress_bar("drawing the report") as progress:
        views = label_error_views(found, progress)
    likely = sum(one.likely for one in found)
    facts = (("Likely wrong", f"{likely:,}"), ("Worth a look", f"{len(found) - likely:,}"))
    write_report(path, summary=Summary("Label errors", facts), label_errors=views)
    click.echo(f"report: {shown(os.path.abspath(path))}", err=True)


@command.command()
@click.argument("source")
@gallery_option()
@json_option
def forget(source: str, gallery: str, as_json: bool) -> int:
    """Forget the labels of SOURCE: a model's name, or 'csv' or 'folders'."""
    with Gallery.open(gallery) as opened:
        count = opened.forget_labels(source)
    if as_json:
        print_json({"source": source, "forgotten": count})
    else:
        click.echo(f"forgot {plural(count, 'label')} of {printable(source)}")
    return 0
