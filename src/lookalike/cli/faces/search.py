"""lookalike faces search FACE --gallery G"""

from __future__ import annotations

import click

from lookalike.cli.faces.words import face_words, person_words
from lookalike.cli.output import gallery_option, json_option, print_json, print_table, shown
from lookalike.formatting import percent
from lookalike.gallery import Gallery


@click.command()
@click.argument("portrait", metavar="FACE", type=click.Path())
@gallery_option()
@click.option("-k", type=click.IntRange(min=1), default=10, show_default=True, help="How many faces.")
@click.option("--where", help="A filter, for instance: taken >= '2024-01-01'")
@click.option("--by", help="A network of faces that the gallery holds.  [default: its only one]")
@json_option
def command(portrait: str, gallery: str, k: int, where: str | None, by: str | None, as_json: bool) -> int:
    """Find the faces of a gallery that are most like the largest one in FACE, with their boxes.

    The probability that it is the same person allows for the number of faces in the gallery. --json prints
    {"query": FACE, "hits": [{"path": ..., "face": {...}, "distance": ..., "probability": ..., "person": ...}, ...]}.
    """
    with Gallery.open(gallery) as opened:
        hits = opened.search_faces(portrait, k, where=where, by=by)
    if as_json:
        print_json({"query": portrait, "hits": hits})
        return 0
    rows = [
        [
            f"{hit.distance:.3f}",
            percent(hit.probability),
            person_words(hit.person),
            face_words(hit.face),
            shown(hit.path),
        ]
        for hit in hits
    ]
    if rows:
        print_table(
            ["distance", "probability", "person", "face at", "image"], rows, numbers=["distance", "probability"]
        )
    else:
        click.echo("no face is held that could be compared", err=True)
    return 0
