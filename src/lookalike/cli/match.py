"""lookalike match HASHES.csv --gallery G"""

from __future__ import annotations

import click

from lookalike.cli.output import gallery_option, json_option, print_failures, print_json, print_table, shown
from lookalike.formatting import plural
from lookalike.gallery import Gallery
from lookalike.gallery.search.hash_list import MAX_DISTANCE


@click.command()
@click.argument("hashes", metavar="HASHES.csv", type=click.Path())
@gallery_option()
@click.option("--by", default="pdq", show_default=True, help="The hash: a descriptor of bits that the gallery holds.")
@click.option(
    "--max-distance",
    type=click.IntRange(min=0),
    default=MAX_DISTANCE,
    show_default=True,
    help="Bits in which an image may differ from a hash of the list.",
)
@json_option
def command(hashes: str, gallery: str, by: str, max_distance: int, as_json: bool) -> int:
    """Find the images of a gallery that are on a list of hashes, as programs share them: a CSV file with a column
    "hash" of hexadecimal digits, or one that `export vectors` wrote.

    A hash alone says less than an image: nothing is verified, so look at what is found.

    --json prints {"matches": [{"path": ..., "hash": ..., "line": N, "distance": N}, ...], "hashes": N, "failed":
    [...]}.
    """
    with Gallery.open(gallery) as opened:
        report = opened.match_hashes(hashes, by=by, max_distance=max_distance)
    if as_json:
        print_json(report)
    else:
        if report.matches:
            rows = [[str(one.distance), str(one.line), shown(one.path)] for one in report.matches]
            print_table(["bits", "line", "image"], rows, numbers=["bits", "line"])
        click.echo(f"{plural(len(report.matches), 'match', 'matches')} with {plural(report.hashes, 'hash', 'hashes')}")
    print_failures(report.failed)
    return 1 if report.failed else 0
