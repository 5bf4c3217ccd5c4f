"""lookalike check --gallery G"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import click

from lookalike.cli.output import gallery_option, json_option, print_json, printable, progress_bar, shown
from lookalike.formatting import plural
from lookalike.gallery import Gallery
from lookalike.gallery.maintenance.problems import Problem

SHOWN = 20  # problems of a kind


@click.command()
@gallery_option()
@click.option(
    "--read", is_flag=True, help="Also read every file and compare its sha256; takes as long as reading does."
)
@click.option("--repair", is_flag=True, help="Make again what can be made again, and check once more.")
@json_option
def command(gallery: str, read: bool, repair: bool, as_json: bool) -> int:
    """Check that a gallery is whole: database, vectors, regions, thumbnails, index copies, and the images' files.

    --repair describes images whose vectors are lost or damaged again, from their files, and throws damaged index copies
    and thumbnails away, which are made when they are needed. Files that are gone or changed are for `lookalike index`.
    Exit code 1 if problems are left.

    --json prints {"images": N, "read": ..., "problems": [{"kind": ..., "what": ..., "reason": ..., "image": ID}, ...],
    "repaired": [...]}.
    """
    with Gallery.open(gallery) as opened, progress_bar("checking") as progress:
        report = opened.check(read=read, repair=repair, progress=progress)
    if as_json:
        print_json(report)
    else:
        _print("repaired", report.repaired)
        _print("problem", report.problems)
        found = plural(len(report.problems), "problem") if report.problems else "no problem"
        click.echo(f"{plural(report.images, 'image')}, {found}" + (f", {len(report.repaired):,} repaired" * repair))
    return 1 if report.problems else 0


def _print(word: str, problems: Sequence[Problem]) -> None:
    """The first of each kind, and how many more there are."""
    seen = Counter[str]()
    for one in problems:
        seen[one.kind] += 1
        if seen[one.kind] <= SHOWN:
            image = f" image {one.image}:" if one.image is not None and one.kind != "files" else ""
            click.echo(f"{word}  {one.kind}  {shown(one.what)}:{image} {printable(one.reason)}")
    for kind, count in seen.items():
        if count > SHOWN:
            click.echo(f"{word}  {kind}  ... and {count - SHOWN:,} more (--json lists them all)")
