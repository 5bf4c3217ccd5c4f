"""lookalike faces list --gallery G"""

from __future__ import annotations

from collections.abc import Sequence

import click

from lookalike.cli.faces.words import face_words
from lookalike.cli.output import gallery_option, json_option, print_json, print_table, printable, shown
from lookalike.formatting import percent
from lookalike.gallery import Gallery
from lookalike.types import Person


@click.command()
@click.argument("who", required=False)
@gallery_option()
@click.option("--by", help="A network of faces that the gallery holds.  [default: its only one]")
@json_option
def command(who: str | None, gallery: str, by: str | None, as_json: bool) -> int:
    """List the persons of a gallery, or the faces of WHO, a name or the number of a group.

    --json prints {"persons": [{"number": ..., "name": ..., "faces": [{"path": ..., "face": {...}, "source": ...,
    "probability": ...}, ...]}, ...]}.
    """
    with Gallery.open(gallery) as opened:
        persons = opened.persons(by=by)
        if who is not None:
            persons = (opened.find_person(who, by=by),)
    if as_json:
        print_json({"persons": persons})
    elif who is not None:
        rows = [
            [percent(one.probability), one.source, face_words(one.face), shown(one.path)] for one in persons[0].faces
        ]
        print_table(["probability", "source", "face at", "image"], rows, numbers=["probability"])
    elif persons:
        print_persons(persons)
    else:
        click.echo("no persons: lookalike faces group finds them", err=True)
    return 0


def print_persons(persons: Sequence[Person]) -> None:
    """A line for each, with its surest face."""
    if not persons:
        return
    rows = [
        [str(one.number), printable(one.name or "-"), f"{len(one.faces):,}", shown(one.faces[0].path)]
        for one in persons
        if one.faces
    ]
    print_table(["group", "name", "faces", "for instance"], rows, numbers=["group", "faces"])
