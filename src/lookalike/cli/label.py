"""lookalike label --suggest | --next N"""

from __future__ import annotations

from collections.abc import Sequence

import click

from lookalike.cli.output import gallery_option, json_option, print_json, print_table, printable, progress_bar, shown
from lookalike.formatting import percent
from lookalike.gallery import Gallery
from lookalike.types import ClassifyReport, NextLabel

TOP, LEAST = 5, 0.5


@click.command()
@gallery_option()
@click.option("--suggest", is_flag=True, help="Label images with the tags and classes that they probably show.")
@click.option("--names", metavar="A,B", help="With --suggest: these names alone, by a network that reads texts.")
@click.option("--next", "count", metavar="N", type=click.IntRange(min=1), help="The N images to label next, and why.")
@click.option("--where", help="Only these images of the gallery, for instance: label is null")
@click.option("--top", type=click.IntRange(min=1), help=f"With --suggest: how many labels per image.  [default: {TOP}]")
@click.option(
    "--least", type=click.FloatRange(0, 1), help=f"With --suggest: no label below this probability.  [default: {LEAST}]"
)
@json_option
def command(
    gallery: str,
    suggest: bool,
    names: str | None,
    count: int | None,
    where: str | None,
    top: int | None,
    least: float | None,
    as_json: bool,
) -> int:
    """Suggest labels for a gallery's images by words, or name the images whose label would teach most.

    --suggest keeps labels of the source "words", in place of earlier ones of it, each with the probability that the
    image shows it; no file is read, and a person's labels go before them. `labels forget words` takes them back. With
    --names they are those names, of the source "names", by an imported network (`models import`).

    --next goes by a person's labels so far (`labels import`): images that are unsure by these, unlike one another, and
    like many other unsure ones.

    --json prints {"source": ..., "labelled": N, "abstained": N, "counts": {...}, ...}, and with --next {"next":
    [{"path": ..., "probabilities": {...}, "uncertainty": ..., "like": N, "reason": ...}, ...]}.
    """
    if suggest == (count is not None):
        raise click.UsageError("choose one of --suggest and --next")
    if count is not None and (top is not None or least is not None or names is not None):
        raise click.UsageError("--names, --top and --least are for --suggest")
    with Gallery.open(gallery) as opened:
        if count is not None:
            _print_next(opened.next_labels(count, where=where), as_json)
            return 0
        with progress_bar("labelling") as progress:
            report = opened.suggest_labels(
                names=None if names is None else names.split(","),
                where=where,
                top=top or TOP,
                least=LEAST if least is None else least,
                progress=progress,
            )
    if as_json:
        print_json(report)
    else:
        _print_suggested(report)
    return 0


def _print_next(found: Sequence[NextLabel], as_json: bool) -> None:
    if as_json:
        print_json({"next": found})
        return
    rows = [[percent(one.uncertainty, "identical"), printable(one.reason), shown(one.path)] for one in found]
    print_table(["unsure", "why", "image"], rows, numbers=["unsure"])


def _print_suggested(report: ClassifyReport) -> None:
    if report.counts:
        rows = [[printable(label), f"{count:,}"] for label, count in report.counts.items()]
        print_table(["label", "images"], rows, numbers=["images"])
    click.echo(f"{report.labelled:,} labelled, {report.abstained:,} unsure, by {printable(report.source)}")
