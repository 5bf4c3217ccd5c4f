"""lookalike migrate A B"""

from __future__ import annotations

import click

from lookalike.cli.output import json_option, print_json, printable, progress_bar, shown
from lookalike.formatting import plural
from lookalike.gallery import Gallery


@click.command()
@click.argument("source", metavar="A")
@click.argument("target", metavar="B")
@json_option
def command(source: str, target: str, as_json: bool) -> int:
    """Move all that the gallery A holds into the gallery B, which is made if it is not there, and verify it.

    A and B are folders, or addresses of an engine. A stays as it is. Images, vectors, regions, faces, frames, sounds,
    labels, verdicts, what was fitted, the catalogue, folders and failures are written a block at a time, in the order
    of A; then both galleries are counted, everything is compared by checksums, and 20 images are searched for in both.
    Killed or interrupted, the same call goes on where it was. A gallery B that holds something else is refused.

    --json prints {"source": ..., "target": ..., "images": N, "videos": N, "moved": N, "present": N, "verified":
    {KIND: N}, "searches": N, "recall": R}.
    """
    with progress_bar("moving") as progress:
        report = Gallery.migrate(source, target, progress=progress)
    if as_json:
        print_json(report)
        return 0
    held = plural(report.images, "image") + (f" and {plural(report.videos, 'video')}" if report.videos else "")
    click.echo(f"{shown(report.target)} now holds {held}: {report.moved:,} moved, {report.present:,} were there")
    same = ", ".join(f"{count:,} {printable(kind)}" for kind, count in report.verified.items())
    click.echo(f"the same in both: {same}")
    if report.searches:
        searched = plural(report.searches, "search", "searches")
        click.echo(f"{searched}: {report.recall:.0%} of the nearest found")
    return 0
