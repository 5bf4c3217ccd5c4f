"""lookalike compare A B"""

from __future__ import annotations

from itertools import combinations

import click

import lookalike as la
from lookalike.cli.output import json_option, print_json, print_table, shown
from lookalike.types import Comparison, to_json
from lookalike.wording import percent


@click.command()
@click.argument("images", metavar="A B...", nargs=-1, required=True, type=click.Path())
@click.option("--report", type=click.Path(dir_okay=False), help="Also write an HTML page with the pictures.")
@json_option
def command(images: tuple[str, ...], report: str | None, as_json: bool) -> int:
    """Tell what A and B have to do with each other; of more pictures, each with each."""
    if len(images) < 2:
        raise click.UsageError("two pictures at least are needed")
    found = [(a, b, la.compare(a, b)) for a, b in combinations(images, 2)]
    if report:
        from lookalike.report import Summary, write_report
        from lookalike.report.views import pair_view

        views = [pair_view(a, b, comparison) for a, b, comparison in found]
        write_report(report, summary=Summary("Comparison"), comparisons=views)
    for a, b, comparison in found:
        if as_json:
            print_json({"a": a, "b": b, **to_json(comparison)})
        else:
            _print(a, b, comparison)
    return 0


def _print(a: str, b: str, comparison: Comparison) -> None:
    turn = "" if comparison.turn == "upright" else f" ({comparison.turn})"
    click.echo(f"{shown(a)} - {shown(b)}")
    click.echo(
        f"{comparison.relation}{turn}, copy with probability {percent(comparison.probability, comparison.relation)}"
    )
    rows = [[name, f"{value:.3f}"] for name, value in comparison.distances.items()]
    print_table(["descriptor", "distance"], rows, numbers=["distance"])
