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
from lookalike.formatting import percent, plural, relation_text
from lookalike.types import Comparison

if TYPE_CHECKING:
    from lookalike.report import PairView

EXPLAINED_PAIRS = 20  # a report explains so many in any case; of more, those that are not NEGATIVES
NEGATIVES = ("similar", "unrelated")


@click.command()
@click.argument("images", metavar="A B...", nargs=-1, required=True, type=click.Path())
@click.option(
    "--report", type=click.Path(dir_okay=False), help="Also write an HTML page with the images and the evidence."
)
@click.option(
    "--explain", type=click.Path(dir_okay=False), help="Of two images: also draw the evidence to a .png, .jpg, .webp."
)
@json_option
def command(images: tuple[str, ...], report: str | None, explain: str | None, as_json: bool) -> int:
    """Compare two images: relation, probability, evidence; of more, each with each.

    --json prints {"comparisons": [{"a": A, "b": B, "relation": ..., "probability": ..., ...}, ...]}.
    """
    if len(images) < 2:
        raise click.UsageError("two images at least are needed")
    if explain and len(images) > 2:
        raise click.UsageError("--explain draws two images; of more, --report shows each with each")
    if explain:
        _check_place(explain, images)
    pairs = list(combinations(images, 2))
    few = len(pairs) <= EXPLAINED_PAIRS
    results = [_compared(a, b, report=bool(report), explain=explain, few=few) for a, b in pairs]
    if report:
        from lookalike.report import Summary, write_report

        write_report(report, summary=Summary("Comparison"), comparisons=[one.view for one in results if one.view])
    if as_json:
        print_json({"comparisons": [{"a": one.a, "b": one.b, **one.fields} for one in results]})
    else:
        for one in results:
            _print(one)
    return 0


def _check_place(path: str, images: tuple[str, ...]) -> None:
    """Before there is work. Raises UserError for an ending that no format has, and for one of the images itself."""
    from lookalike.report.atomic_file import image_format

    image_format(path)
    if any(os.path.realpath(path) == os.path.realpath(image) for image in images):
        raise UserError(f"{path}: is one of the images that are compared; name another file for --explain")


@dataclass(frozen=True, slots=True)
class _Compared:
    """A pair; what JSON says of it, and what the report shows of it, if there is one."""

    a: str
    b: str
    comparison: Comparison
    fields: dict[str, Any]
    view: PairView | None = None


def _compared(a: str, b: str, *, report: bool, explain: str | None, few: bool) -> _Compared:
    """Nothing is kept of the images themselves, for there may be many pairs."""
    if not (report or explain):
        comparison = la.compare(a, b)
        return _Compared(a, b, comparison, comparison.to_dict())
    from lookalike.comparison.explain.attribution import explain as why
    from lookalike.comparison.explain.attribution import explanation_json
    from lookalike.comparison.explain.draw import draw
    from lookalike.report.atomic_file import write_image
    from lookalike.report.view_models import pair_view

    explanation = why(a, b)
    comparison = explanation.comparison
    if explain:
        write_image(explain, draw(explanation))
    fields = explanation_json(explanation) if explain else comparison.to_dict()
    shows_why = few or comparison.relation not in NEGATIVES
    view = pair_view(a, b, comparison, explanation if shows_why else None) if report else None
    return _Compared(a, b, comparison, fields, view)


def _print(one: _Compared) -> None:
    comparison = one.comparison
    click.echo(f"{shown(one.a)} - {shown(one.b)}")
    relation = relation_text(comparison.relation, turn=comparison.orientation)
    click.echo(f"{relation}, copy with probability {percent(comparison.probability, comparison.relation)}")
    for line in _details(comparison):
        click.echo(line)
    rows = [[name, f"{value:.3f}"] for name, value in comparison.distances.items()]
    print_table(["descriptor", "distance"], rows, numbers=["distance"])


def _details(comparison: Comparison) -> Iterator[str]:
    """What was done, and where the one lies in the other."""
    edits = [edit for edit in comparison.edits if edit != comparison.relation]
    if edits:
        yield relation_text("edits", edits)
    place = []
    if comparison.box:
        inner, outer = ("B", "A") if comparison.box_in == "a" else ("A", "B")
        box = comparison.box
        x, y, width, height = (round(value) for value in (box.x, box.y, box.width, box.height))
        place.append(f"{inner} lies in {outer} at ({x}, {y}), {width} x {height} pixels")
    if comparison.inliers:
        place.append(plural(comparison.inliers, "matching keypoint"))
    if place:
        yield ", ".join(place)
