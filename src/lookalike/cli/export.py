"""lookalike export vectors|labels|verdicts|groups|pairs --out FILE"""

from __future__ import annotations

import os

import click

from lookalike.cli.output import gallery_option, json_option, print_json, progress_bar, shown
from lookalike.formatting import plural
from lookalike.gallery import Gallery
from lookalike.gallery.tables import TABLES

PRECISION = 0.99


@click.command()
@click.argument("name", metavar="|".join(TABLES), type=click.Choice(TABLES))
@gallery_option()
@click.option(
    "--out",
    required=True,
    metavar="FILE",
    type=click.Path(dir_okay=False),
    help="Where to: .csv, .npz (NumPy) or .parquet, which needs the extra `export`.",
)
@click.option("--by", help="With vectors, the descriptor; with groups and pairs, as `duplicates` goes by.")
@click.option("--where", help="With vectors and labels: only these images, for instance: width >= 1000")
@click.option(
    "--precision",
    type=click.FloatRange(0.5, 1, max_open=True),
    default=PRECISION,
    show_default=True,
    help="With groups and pairs: how probable it must be that two images are copies.",
)
@json_option
def command(
    name: str, gallery: str, out: str, by: str | None, where: str | None, precision: float, as_json: bool
) -> int:
    """Write what a gallery holds as a table for other programs.

    vectors: path, sha256 and the vector of a descriptor. labels: path, label, probability, source. verdicts: a, b,
    verdict, as `tune --pairs` takes them. groups: of each copy its group, its path, and whether it is kept. pairs: of
    each copy what it is a copy of, the relation and the probability.

    --json prints {"table": ..., "path": ..., "rows": N, "columns": [...]}.
    """
    from lookalike.report.table_files import check_ending, write_table

    check_ending(out)
    with Gallery.open(gallery) as opened, progress_bar("reading") as progress:
        table = opened.table(name, by=by, where=where, precision=precision, progress=progress)
    write_table(table, out)
    if as_json:
        print_json({"table": name, "path": os.path.abspath(out), "rows": len(table), "columns": list(table.columns)})
    else:
        click.echo(f"{plural(len(table), 'row')} to {shown(os.path.abspath(out))}")
    return 0
