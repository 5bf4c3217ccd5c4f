"""lookalike faces compare A B"""

from __future__ import annotations

import os

import click

from lookalike.cli.output import json_option, print_json, shown
from lookalike.comparison.faces import BY, compare_portraits, portrait
from lookalike.descriptors import face_network
from lookalike.errors import UserError
from lookalike.formatting import percent
from lookalike.types import FaceComparison


@click.command()
@click.argument("a", type=click.Path())
@click.argument("b", type=click.Path())
@click.option("--by", default=BY, show_default=True, help="A network of faces.")
@click.option("--report", type=click.Path(dir_okay=False), help="Also write an HTML page with both faces.")
@json_option
def command(a: str, b: str, by: str, report: str | None, as_json: bool) -> int:
    """Compare the largest face of A with the largest face of B: do they show one person?

    The probability is at even odds: as if one pair in two were of one person. A face that is too small, too blurred or
    turned too far aside is an error, for it would be like any other such one. --json prints {"a": {...}, "b": {...},
    "distance": ..., "probability": ..., "a_faces": ..., "b_faces": ..., "turned": [...]}.
    """
    if report and any(os.path.realpath(report) == os.path.realpath(path) for path in (a, b)):
        raise UserError(f"{report}: is one of the images that are compared; name another file for --report")
    network = face_network(by)
    portraits = portrait(a, network), portrait(b, network)
    comparison = compare_portraits(*portraits, network)
    if report:
        from lookalike.report import Summary, write_report
        from lookalike.report.face_pair import face_pair_view

        view = face_pair_view(a, b, portraits, comparison, network)
        write_report(report, summary=Summary("Comparison of faces"), faces=[view])
    if as_json:
        print_json(comparison)
    else:
        _print(a, b, comparison)
    return 0


def _print(a: str, b: str, comparison: FaceComparison) -> None:
    click.echo(f"{shown(a)} - {shown(b)}")
    click.echo(f"one person with probability {percent(comparison.probability)} (distance {comparison.distance:.3f})")
    for side, path, count in (("a", a, comparison.a_faces), ("b", b, comparison.b_faces)):
        if count > 1:
            click.echo(f"{shown(path)} shows {count} faces; the largest was compared")
        if side in comparison.turned:
            click.echo(f"{shown(path)} was turned upright: as it lies its faces are not sure")
