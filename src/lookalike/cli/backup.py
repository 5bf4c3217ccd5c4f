"""lookalike backup TARGET --gallery G"""

from __future__ import annotations

import click

from lookalike.cli.output import gallery_option, json_option, print_json, shown
from lookalike.formatting import human_bytes
from lookalike.gallery import Gallery
from lookalike.paths import absolute


@click.command()
@click.argument("target", type=click.Path())
@gallery_option()
@click.option("--replace", is_flag=True, help="If TARGET is a gallery, put the copy in its place.")
@json_option
def command(target: str, gallery: str, replace: bool, as_json: bool) -> int:
    """Copy a gallery to the new folder TARGET while it is used: labels, verdicts, vectors, everything but the index
    copies, which are made again. TARGET is there once the copy is whole and on the disk.

    To restore, copy the folder back, or name it with --gallery. --json prints {"target": ..., "bytes": N}.
    """
    with Gallery.open(gallery) as opened:
        size = opened.backup(target, replace=replace)
    if as_json:
        print_json({"target": absolute(target), "bytes": size})
    else:
        click.echo(f"{shown(absolute(target))}: {human_bytes(size)}")
    return 0
