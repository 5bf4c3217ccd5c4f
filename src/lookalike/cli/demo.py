"""lookalike demo [PHOTOS]"""

from __future__ import annotations

import click

from lookalike.cli.output import json_option, print_failures, print_json, shown


@click.command()
@click.argument("photos", required=False, type=click.Path(exists=True, file_okay=False))
@click.option("--out", type=click.Path(file_okay=False), default="demo", show_default=True, help="Folder to write to.")
@json_option
def command(photos: str | None, out: str, as_json: bool) -> int:
    """A guided tour: index, search, compare and de-duplicate PHOTOS (or sample photographs) and edited copies of them.

    Writes OUT/report.html. PHOTOS is only read; copies and gallery are made in OUT.
    """
    from lookalike.demo import run_demo

    result = run_demo(photos, out, say=lambda line: click.echo(shown(line), err=as_json))
    if as_json:
        print_json(result)
    else:
        print_failures(result.failed)
        for line in result.missed:
            click.echo(f"  not found  {shown(line)}")
    return 1 if result.failed else 0
