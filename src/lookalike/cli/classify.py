"""lookalike classify [IMAGE... | --gallery G] --model M"""

from __future__ import annotations

import click
from click.core import ParameterSource

from lookalike.cli.output import (
    gallery_option,
    json_option,
    print_failures,
    print_json,
    print_table,
    printable,
    progress_bar,
    shown,
)
from lookalike.descriptors.neural.classifier import classifier, classify
from lookalike.descriptors.neural.model_card import ModelCard
from lookalike.errors import LoadError
from lookalike.formatting import percent
from lookalike.gallery import Gallery
from lookalike.imaging import load
from lookalike.types import ClassifyReport, Failure, Label


@click.command()
@click.argument("images", metavar="[IMAGE...]", nargs=-1, type=click.Path())
@gallery_option(required=False)
@click.option("-m", "--model", required=True, help="A model's name, or the path of its card; it must tell classes.")
@click.option("--where", help="Only these images of the gallery, for instance: label is null")
@click.option("--top", type=click.IntRange(min=1), default=1, show_default=True, help="How many labels per image.")
@click.option(
    "--least", type=click.FloatRange(0, 1), help="Below this probability it says nothing.  [default: the model's]"
)
@click.option("--redo", is_flag=True, help="Ask again about images that this model was asked about.")
@click.option("--replace", is_flag=True, help="Drop the labels of a model of the same name with other classes.")
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    images: tuple[str, ...],
    gallery: str | None,
    model: str,
    where: str | None,
    top: int,
    least: float | None,
    redo: bool,
    replace: bool,
    as_json: bool,
) -> int:
    """Ask a model what images show: print it for each IMAGE, or keep it in a gallery.

    A gallery's images are asked about once per model; interrupted, the next run goes on. Of what it is unsure of the
    model says nothing; to ask again with another --least, add --redo. An older version's labels are replaced. --where
    and organize go by what is kept.
    """
    named = ctx.get_parameter_source("gallery") is ParameterSource.COMMANDLINE
    if images and (named or where or redo or replace):
        raise click.UsageError("name images, or a gallery with --gallery, --where, --redo and --replace; not both")
    if images:
        return _print_each(images, classifier(model), top, least, as_json)
    if not gallery:
        raise click.UsageError("name images, or a gallery with --gallery")
    with Gallery.open(gallery) as opened, progress_bar("classifying") as progress:
        report = opened.classify(
            model, where=where, top=top, least=least, redo=redo, replace=replace, progress=progress
        )
    if as_json:
        print_json(report)
    else:
        _print(report)
    return 1 if report.failed else 0


def _print_each(images: tuple[str, ...], card: ModelCard, top: int, least: float | None, as_json: bool) -> int:
    failures = []
    for path in images:
        try:
            found = classify([load(path, min_side=card.input.side)], card).top(0, top, least)
        except LoadError as error:
            failures.append(Failure(path, error.reason))
            continue
        if as_json:
            print_json({"path": path, "labels": found})
        else:
            click.echo(f"{shown(path)}  {_told(found)}")
    print_failures(failures)
    return 1 if failures else 0


def _told(labels: tuple[Label, ...]) -> str:
    return ", ".join(f"{printable(one.label)} {percent(one.probability)}" for one in labels) or "unsure: no label"


def _print(report: ClassifyReport) -> None:
    if report.counts:
        rows = [[printable(label), f"{count:,}"] for label, count in report.counts.items()]
        print_table(["label", "images"], rows, numbers=["images"])
    click.echo(
        f"{report.labelled:,} labelled, {report.abstained:,} unsure, {report.unchanged:,} asked about before, "
        f"{len(report.failed):,} failed, by {printable(report.source)}"
    )
    print_failures(report.failed)
