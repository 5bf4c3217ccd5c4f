"""lookalike faces evaluate DIR [--pairs pairs.txt] [--groups groups.csv]"""

from __future__ import annotations

import click

from lookalike.cli.output import json_option, print_failures, print_json, print_table, printable, progress_bar
from lookalike.comparison.faces import BY
from lookalike.evaluation.face_protocol import FaceReport, evaluate_faces
from lookalike.intervals import Interval


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, file_okay=False))
@click.option("--pairs", type=click.Path(), help="Folds of pairs in the form of LFW's pairs.txt.  [default: all pairs]")
@click.option("--groups", type=click.Path(), help="A CSV file with the columns person and group: the errors of each.")
@click.option("--by", default=BY, show_default=True, help="A network of faces.")
@json_option
def command(folder: str, pairs: str | None, groups: str | None, by: str, as_json: bool) -> int:
    """Measure a network of faces on DIR, which has a sub-folder per person.

    Accuracy over folds, each at the threshold that is best for the others; the share of pairs of one person that are
    accepted where one in 1,000 of two people is; the curve from distance to probability that fits, for a card; and the
    errors within each group of people that you name. An image without a face counts as accepted by nobody.
    """
    with progress_bar("describing") as progress:
        report = evaluate_faces(folder, pairs, by=by, groups=groups, progress=progress)
    if as_json:
        print_json(report)
    else:
        _print(report)
    print_failures(report.failed)
    return 1 if report.failed else 0


def _print(report: FaceReport) -> None:
    rows = [
        ("images, people", f"{report.images:,}, {report.people:,}"),
        ("pairs of one person, of two", f"{report.same:,}, {report.different:,}"),
        (f"accuracy, {report.folds} folds", f"{report.accuracy:.2%} +- {report.accuracy_error:.2%}"),
        ("accepted of one person at 1 in 1,000 of two", _share(report.tar)),
        ("at the distance", f"{report.threshold:.3f}"),
        ("curve for a card", f"slope = {report.slope:.1f}, intercept = {report.intercept:.2f}"),
        ("images without a face, with a bad one", f"{len(report.no_face):,}, {len(report.bad_face):,}"),
    ]
    print_table(["measure", "value"], rows)
    if report.groups:
        table = [
            [printable(one.group), f"{one.people:,}", _share(one.false_non_match), _share(one.false_match)]
            for one in report.groups
        ]
        print_table(["group", "people", "one person refused", "two people accepted"], table, numbers=["people"])


def _share(share: Interval | None) -> str:
    """With its 95 % bounds."""
    return "-" if share is None else f"{share.value:.2%} ({share.low:.2%} to {share.high:.2%})"
