"""lookalike classify [IMAGE|DIR... | --gallery G] --model M"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial

import click
from click.core import ParameterSource

from lookalike.cli.output import (
    gallery_option,
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
from lookalike.descriptors.neural.classifier import classifier, classify
from lookalike.descriptors.neural.model_card import ModelCard
from lookalike.errors import LoadError
from lookalike.formatting import percent
from lookalike.gallery import Gallery
from lookalike.gallery.elsewhere.read import load_path
from lookalike.gallery.ingest.leave_out import LeaveOut
from lookalike.gallery.ingest.listed import LeftOut, ListedFile, Skipped
from lookalike.gallery.ingest.scan import walk
from lookalike.paths import WalkPatterns
from lookalike.types import ClassifyReport, Failure, Label


@click.command()
@click.argument("images", metavar="[IMAGE|DIR...]", nargs=-1, type=click.Path())
@gallery_option(required=False)
@click.option("-m", "--model", required=True, help="A model's name, or the path of its card; it must have classes.")
@click.option("--where", help="Only these images of the gallery, for instance: label is null")
@click.option("--top", type=click.IntRange(min=1), default=1, show_default=True, help="How many labels per image.")
@click.option(
    "--least", type=click.FloatRange(0, 1), help="Below this probability it gives no label.  [default: the model's]"
)
@click.option("--redo", is_flag=True, help="Classify images again that this model has classified.")
@click.option("--replace", is_flag=True, help="Drop the labels of a model of the same name with other classes.")
@walk_options
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
    exclude: tuple[str, ...],
    include: tuple[str, ...],
    as_json: bool,
) -> int:
    """Classify images with a model: print the labels of each IMAGE and of the images in each DIR, or keep those of a
    gallery.

    A gallery's images are classified once per model; interrupted, the next run goes on. What the model is unsure of
    gets no label; to try again with another --least, add --redo. An older version's labels are replaced. --where and
    organize go by what is kept.

    --json prints {"images": [{"path": ..., "labels": [{"label": ..., "probability": ..., "source": ...}]}, ...],
    "failed": [...]}, and of a gallery {"source": MODEL, "labelled": N, ..., "counts": {...}, "failed": [...]}.
    """
    named = ctx.get_parameter_source("gallery") is ParameterSource.COMMANDLINE
    if images and (named or where or redo or replace):
        raise click.UsageError("name images, or a gallery with --gallery, --where, --redo and --replace; not both")
    if images:
        files = list(_files(images, WalkPatterns(exclude, include)))
        return _print_each(files, classifier(model), top, least, as_json)
    if exclude or include:
        raise click.UsageError("--exclude and --include are for folders; of a gallery, use --where")
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


def _print_each(files: Sequence[str | Failure], card: ModelCard, top: int, least: float | None, as_json: bool) -> int:
    classified: list[dict[str, object]] = []
    failed = []
    for path in files:
        try:
            labels = path if isinstance(path, Failure) else _labels(path, card, top, least)
        except LoadError as error:
            labels = Failure(str(path), error.reason)
        if isinstance(labels, Failure):
            failed.append(labels)
        elif as_json:
            classified.append({"path": path, "labels": labels})
        else:
            click.echo(f"{shown(str(path))}  {_in_words(labels)}")
    if as_json:
        print_json({"images": classified, "failed": failed})
    print_failures(failed)
    return 1 if failed else 0


def _files(sources: tuple[str, ...], patterns: WalkPatterns) -> Iterator[str | Failure]:
    """Every file that is named, and every image below a folder that is; what is left out is told."""
    left_out, skipped = Counter[str](), 0
    for source in sources:
        if not os.path.isdir(source):
            yield source
            continue
        for entry in walk([source], leave_out=partial(LeaveOut, patterns=patterns)):
            if isinstance(entry, LeftOut):
                left_out[entry.reason] += 1
            elif isinstance(entry, Skipped):
                skipped += 1
            else:
                yield entry.path if isinstance(entry, ListedFile) else entry
    print_left_out(skipped, left_out)


def _labels(path: str, card: ModelCard, top: int, least: float | None) -> tuple[Label, ...]:
    return classify([load_path(path, min_side=card.input.side)], card).top(0, top, least)


def _in_words(labels: tuple[Label, ...]) -> str:
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
