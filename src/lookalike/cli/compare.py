"""lookalike compare A B"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import click

import lookalike as la
from lookalike.cli.output import json_option, print_json, print_table, shown
from lookalike.errors import UserError
from lookalike.formatting import percent
from lookalike.types import Comparison, to_json

if TYPE_CHECKING:
    from lookalike.report import PairView

FEW = 20  # pairs of which a report says why in any case; of more, where the two are no STRANGERS
STRANGERS = ("similar", "unrelated")


@click.command()
@click.argument("images", metavar="A B...", nargs=-1, required=True, type=click.Path())
@click.option("--report", type=click.Path(dir_okay=False), help="Also write an HTML page with the images and why.")
@click.option(
    "--explain", type=click.Path(dir_okay=False), help="Also draw why, of two images: to a .png, .jpg, .webp."
)
@json_option
def command(images: tuple[str, ...], report: str | None, explain: str | None, as_json: bool) -> int:
    """Tell what A and B have to do with each other; of more images, each with each."""
    if len(images) < 2:
        raise click.UsageError("two images at least are needed")
    if explain and len(images) > 2:
        raise click.UsageError("--explain draws two images; of more, --report shows each with each")
    if explain:
        _check_place(explain, images)
    pairs = list(combinations(images, 2))
    found = [_compared(a, b, report=bool(report), explain=explain, few=len(pairs) <= FEW) for a, b in pairs]
    if report:
        from lookalike.report import Summary, write_report

        write_report(report, summary=Summary("Comparison"), comparisons=[one.view for one in found if one.view])
    for one in found:
        if as_json:
            print_json({"a": one.a, "b": one.b, **one.told})
        else:
            _print(one)
    return 0


def _check_place(path: str, images: tuple[str, ...]) -> None:
    """Before there is work. Raises UserError for an ending that no format has, and for one of the images itself."""
    from lookalike.report.atomic_file import image_format

    image_format(path)
    if any(os.path.realpath(path) == os.path.realpath(image) for image in images):
        raise UserError(f"{path}: is one of the images that are compared; name another file for --explain")


@dataclass(frozen=True, slots=True)
class _Found:
    """A pair; what JSON says of it, and what the report shows of it, if there is one."""

    a: str
    b: str
    comparison: Comparison
    told: dict[str, Any]
    view: PairView | None = None


def _compared(a: str, b: str, *, report: bool, explain: str | None, few: bool) -> _Found:
    """Nothing is kept of the images themselves, for there may be many pairs."""
    if not (report or explain):
        comparison = la.compare(a, b)
        return _Found(a, b, comparison, to_json(comparison))
    from lookalike.comparison.explain.attribution import explain as why
    from lookalike.comparison.explain.attribution import explanation_json
    from lookalike.comparison.explain.draw import draw
    from lookalike.report.atomic_file import write_image
    from lookalike.report.view_models import pair_view

    explanation = why(a, b)
    comparison = explanation.comparison
    if explain:
        write_image(explain, draw(explanation))
    told = explanation_json(explanation) if explain else to_json(comparison)
    shows_why = few or comparison.relation not in STRANGERS
    view = pair_view(a, b, comparison, explanation if shows_why else None) if report else None
    return _Found(a, b, comparison, told, view)


def _print(one: _Found) -> None:
    found = one.comparison
    turn = "" if found.orientation == "upright" else f" ({found.orientation})"
    click.echo(f"{shown(one.a)} - {shown(one.b)}")
    click.echo(f"{found.relation}{turn}, copy with probability {percent(found.probability, found.relation)}")
    for line in _details(found):
        click.echo(line)
    rows = [[name, f"{value:.3f}"] for name, value in found.distances.items()]
    print_table(["descriptor", "distance"], rows, numbers=["distance"])


def _details(found: Comparison) -> Iterator[str]:
    """What was done, and where the one lies in the other."""
    if found.edits:
        yield f"edited: {', '.join(found.edits)}"
    place = []
    if found.box:
        inner, outer = ("B", "A") if found.box_in == "a" else ("A", "B")
        x, y, width, height = (round(value) for value in (found.box.x, found.box.y, found.box.width, found.box.height))
        place.append(f"{inner} lies in {outer} at ({x}, {y}), {width} x {height} pixels")
    if found.inliers:
        place.append(f"{found.inliers} keypoints in place")
    if place:
        yield ", ".join(place)
