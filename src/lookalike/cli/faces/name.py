"""lookalike faces name WHO NAME --gallery G"""

from __future__ import annotations

import os

import click

from lookalike.cli.output import gallery_option, json_option, print_json, printable
from lookalike.errors import UserError
from lookalike.formatting import plural
from lookalike.gallery import Gallery


@click.command()
@click.argument("who")
@click.argument("name", required=False)
@gallery_option()
@click.option("--nobody", is_flag=True, help="The face is nobody's who is known: it is grouped with none.")
@click.option("--by", help="A network of faces that the gallery holds.  [default: its only one]")
@json_option
def command(who: str, name: str | None, gallery: str, nobody: bool, by: str | None, as_json: bool) -> int:
    """Say who a person is. WHO: the number of a group, a name that is to be another one, or an image, IMAGE#2 for its
    second face.

    All faces of a group are of that person then, by your word; two groups of one name become one. `faces group` hands
    the name on to faces that are grouped with these. --where "person = 'Ada'" finds the images. --json prints
    {"name": ..., "faces": how many}.
    """
    if (name is None) != nobody:
        raise click.UsageError("say a NAME, or --nobody")
    with Gallery.open(gallery) as opened:
        number = _group(opened, who, by)
        if number is not None:
            if name is None:
                raise UserError("--nobody is for a face: IMAGE or IMAGE#N")
            count = len(opened.name_group(number, name, by=by).faces)
        else:
            path, number = _parsed(who)
            opened.name_face(path, name, number=number, by=by)
            count = 1
    if as_json:
        print_json({"name": name, "faces": count})
    else:
        click.echo(f"{plural(count, 'face')}: {'nobody' if name is None else printable(name)}")
    return 0


def _group(opened: Gallery, who: str, by: str | None) -> int | None:
    """The number that is meant, or that of the person of this name; None for an image. A file of that name is one."""
    if os.path.exists(who):
        return None
    named = next((one.number for one in opened.person_summaries(by=by) if one.name == who), None)
    return int(who) if who.isdigit() else named


def _parsed(who: str) -> tuple[str, int | None]:
    """IMAGE#2 -> the image and 2; a file of that very name is one."""
    path, mark, number = who.rpartition("#")
    return (path, int(number)) if mark and number.isdigit() and not os.path.exists(who) else (who, None)
