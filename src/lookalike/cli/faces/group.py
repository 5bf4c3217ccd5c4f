"""lookalike faces group --gallery G"""

from __future__ import annotations

import click

from lookalike.cli.faces.list import print_persons
from lookalike.cli.output import gallery_option, json_option, print_json
from lookalike.formatting import plural
from lookalike.gallery import Gallery


@click.command()
@gallery_option()
@click.option("--by", help="A network of faces that the gallery holds.  [default: its only one]")
@json_option
def command(gallery: str, by: str | None, as_json: bool) -> int:
    """Group the faces of a gallery into persons, each once in a photograph; names that you gave stay.

    Faces that are grouped with one that you named are of that person, with a probability. Faces that nothing is sure of
    stay alone. Say it again whenever images were added. --json prints {"persons": [{"number": ..., "name": ...,
    "faces": [...]}, ...], "grouped": ..., "alone": ..., "flawed": ...}.
    """
    with Gallery.open(gallery) as opened:
        report = opened.group_faces(by=by)
    if as_json:
        print_json(report)
        return 0
    print_persons(report.persons)
    click.echo(
        f"{plural(len(report.persons), 'person')} in {plural(report.grouped, 'face')}; {report.alone:,} alone, "
        f"{report.flawed:,} too bad to be compared"
    )
    return 0
