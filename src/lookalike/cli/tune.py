"""lookalike tune [PAIRS.csv | --gallery G --pairs PAIRS.csv | --gallery G --verdicts | --gallery G --forget]"""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from pathlib import Path

import click

from lookalike.cli.output import (
    gallery_option,
    json_option,
    print_failures,
    print_json,
    print_table,
    progress_bar,
    say_lacking,
)
from lookalike.csvfile import read_csv
from lookalike.descriptors.fusion import BLEND
from lookalike.formatting import gain_text, percent, plural
from lookalike.gallery import WHOLE_IMAGE_DESCRIPTORS, Gallery
from lookalike.gallery.calibration.tune import COLUMNS, PRECISION
from lookalike.types import PairMetrics, TuneReport


@click.command()
@click.argument("files", metavar="[PAIRS.csv]", required=False, type=click.Path())
@gallery_option(required=False)
@click.option("--pairs", type=click.Path(), help="A CSV file with the columns a, b and verdict (same or different).")
@click.option("--verdicts", is_flag=True, help="Take what `duplicates --same` and `--different` have recorded.")
@click.option(
    "--clicks", type=click.Path(), help="For recommend: a CSV file with the columns item, other, verdict (see below)."
)
@click.option(
    "--labels", is_flag=True, help="For search --text: your labels, by the imported network --by (see below)."
)
@click.option("--by", help="blend or a descriptor.  [default: blend]")
@click.option(
    "--precision",
    type=click.FloatRange(0.5, 1, max_open=True),
    default=PRECISION,
    show_default=True,
    help="The precision that the threshold is chosen for.",
)
@click.option("--forget", is_flag=True, help="Go back to what was before; with --by for one measure only.")
@json_option
def command(
    files: str | None,
    gallery: str | None,
    pairs: str | None,
    verdicts: bool,
    clicks: str | None,
    labels: bool,
    by: str | None,
    precision: float,
    forget: bool,
    as_json: bool,
) -> int:
    """Learn weights and thresholds from pairs that you have judged: the blend's weights, or a descriptor's probability.

    With a gallery it is kept, if it helped beyond doubt, and search and duplicates go by it; no image is read again. A
    and B are paths, or names of files in the gallery. PAIRS.csv alone is about any files, and nothing is kept.

    --clicks teaches `lookalike recommend`: ITEM and OTHER are ids of the catalogue, and the verdict says whether people
    who saw the one clicked the other, or passed it over: clicked or passed, or same and different. `--forget --by
    recommend` forgets it.

    --labels teaches `search --text` and `label --suggest --names`, by a network that reads texts (`models import`), how
    probable it is that an image shows a text: each label of yours is asked for in each image that you have labelled.
    """
    if sum((files is not None, pairs is not None, verdicts, clicks is not None, labels, forget)) != 1:
        raise click.UsageError("choose one of PAIRS.csv, --pairs, --verdicts, --clicks, --labels and --forget")
    if files is None and not gallery:
        raise click.UsageError("name the gallery with --gallery, or the pairs of plain files as PAIRS.csv")
    if forget:
        return _forget(str(gallery), by, as_json)
    if clicks is not None:
        return _of_clicks(str(gallery), clicks, as_json)
    if labels:
        return _of_labels(str(gallery), by, as_json)
    if files is not None:
        report = _of_files(files, by or BLEND, precision)
    else:
        with Gallery.open(str(gallery)) as opened:
            say_lacking(opened)
            report = opened.tune(pairs, by=by or BLEND, precision=precision)
    if as_json:
        print_json(report)
    else:
        _print(report)
        print_failures(report.failed)
    return 1 if report.failed else 0


def _of_files(file: str, by: str, precision: float) -> TuneReport:
    """The files are indexed for this run only, with everything that may be blended or with the one descriptor."""
    folder = os.path.dirname(os.path.abspath(file))
    named = dict.fromkeys(value for line in read_csv(file, COLUMNS) for value in line.values[:2] if value)
    beside = {path: os.path.join(folder, path) for path in named}
    names = WHOLE_IMAGE_DESCRIPTORS if by == BLEND else (by,)
    with (
        tempfile.TemporaryDirectory(prefix="lookalike-") as passing,
        Gallery.create(Path(passing) / "passing.gallery", names) as opened,
    ):
        with progress_bar("indexing") as progress:
            paths = [place if os.path.lexists(place) else path for path, place in beside.items()]
            failed = opened.add(paths, progress=progress).failed
        report = opened.tune(file, by=by, precision=precision, keep=False)
    return replace(report, failed=(*failed, *report.failed))


def _of_clicks(gallery: str, clicks: str, as_json: bool) -> int:
    with Gallery.open(gallery) as opened:
        say_lacking(opened)
        report = opened.tune_recommend(clicks)
    if as_json:
        print_json(report)
    else:
        click.echo(
            f"{report.clicked:,} pairs clicked, {report.passed:,} passed over. ROC AUC {report.auc_before:.4f} before, "
            f"{report.auc_after:.4f} after, cross-validated: {gain_text(report.auc_gain)}"
        )
        click.echo("--by " + ",".join(f"{name}={share:.3f}" for name, share in report.weights.items()))
        click.echo("It helped, and is kept." if report.kept else "Nothing was changed: no gain beyond doubt.")
        print_failures(report.failed)
    return 1 if report.failed else 0


def _of_labels(gallery: str, by: str | None, as_json: bool) -> int:
    with Gallery.open(gallery) as opened:
        say_lacking(opened)
        report = opened.tune_texts(by)
    if as_json:
        print_json(report)
    else:
        click.echo(
            f"{report.by}: {plural(report.labels, 'label')} of {plural(report.images, 'image')}. Calibration error "
            f"{report.error_before:.3f} before, {report.error_after:.3f} on labels that were held out"
        )
        click.echo(f"1 - mean squared error {gain_text(report.gain)}")
        click.echo("It helped, and is kept." if report.kept else "Nothing was changed: no gain beyond doubt.")
    return 0


def _forget(gallery: str, by: str | None, as_json: bool) -> int:
    with Gallery.open(gallery) as opened:
        count = opened.forget_tuning(by)
    if as_json:
        print_json({"forgotten": count})
    else:
        click.echo(f"forgot what pairs taught about {plural(count, 'measure')}")
    return 0


def _print(report: TuneReport) -> None:
    limit = f"{100 * report.precision:g} %"
    columns = ["", "accuracy", "ROC AUC", f"recall at {limit}", "precision"]
    rows = [["before", *_row(report.before)], ["after, cross-validated", *_row(report.after)]]
    print_table(columns, rows, numbers=columns[1:])
    if report.weights:
        click.echo("--by " + ",".join(f"{name}={share:.3f}" for name, share in report.weights.items()))
    click.echo(f"{report.by}: same with {limit} up to the distance {report.threshold:.4g}")
    for name, gain in (("accuracy", report.accuracy_gain), ("ROC AUC", report.auc_gain)):
        click.echo(f"{name} {gain_text(gain)}")
    click.echo(
        f"{report.same:,} same and {report.different:,} different pairs, {report.unused:,} unused. {_verdict(report)}"
    )


def _row(metrics: PairMetrics | None) -> list[str]:
    if metrics is None:
        return ["unknown"] * 4
    precision = "none" if metrics.precision is None else percent(metrics.precision, "identical")
    recall = percent(metrics.recall, "identical")
    return [percent(metrics.accuracy, "identical"), f"{metrics.auc:.4f}", recall, precision]


def _verdict(report: TuneReport) -> str:
    if report.helped:
        return "It helped, and is kept." if report.kept else "It helps; for files alone nothing is kept."
    if report.outcome == "harmed":
        return "It does harm; nothing was changed."
    pairs = report.same + report.different
    return f"No difference that {pairs:,} pairs could show; nothing was changed. Judge more pairs, hard ones."
