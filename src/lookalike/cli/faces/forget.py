"""lookalike faces forget WHO --gallery G"""

from __future__ import annotations

import click

from lookalike.cli.faces.words import face_words
from lookalike.cli.output import (
    confirmed,
    gallery_option,
    has_terminal,
    json_option,
    print_json,
    print_table,
    printable,
    shown,
)
from lookalike.formatting import human_bytes, percent, plural
from lookalike.gallery import Gallery

MOST_ALIKE = 20  # that are listed


@click.command()
@click.argument("who")
@gallery_option()
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--by", help="A network of faces that the gallery holds.  [default: its only one]")
@json_option
def command(who: str, gallery: str, yes: bool, by: str | None, as_json: bool) -> int:
    """Delete the vectors and landmarks of WHO's faces, a name or the number of a group; the images stay.

    The store is written anew, its log emptied and the index thrown away; then all files of the gallery are looked
    through, and it is an error if a part of a vector is left. Backups are yours to delete. An image that is indexed
    anew, or a new one, shows the person's face again. --json prints {"person": ..., "faces": ..., "images": ...,
    "searched": bytes, "alike": [...]}; alike are
    faces that stayed and may be of the same person: name them, and forget again.
    """
    with Gallery.open(gallery) as opened:
        if not (yes or confirmed(_question(opened, who, by))):
            click.echo("nothing was forgotten" if has_terminal() else "nothing was forgotten: say --yes", err=True)
            return 2
        report = opened.forget_person(who, by=by)
    if as_json:
        print_json(report)
    elif not report.faces:
        click.echo("what was left of a forgetting that was broken off is gone: the files were written anew")
    else:
        click.echo(
            f"forgotten: {plural(report.faces, 'face')} in {plural(report.images, 'image')}; no part of a vector is "
            f"left in {human_bytes(report.searched)} of files"
        )
    if report.alike and not as_json:
        click.echo(f"{plural(len(report.alike), 'face')} may be of the same person and stayed, for nobody said so:")
        rows = [[percent(one.probability), face_words(one.face), shown(one.path)] for one in report.alike[:MOST_ALIKE]]
        print_table(["probability", "face at", "image"], rows, numbers=["probability"])
    return 0


def _question(opened: Gallery, who: str, by: str | None) -> str:
    known = next((one for one in opened.person_summaries(by=by) if who in (one.name, str(one.number))), None)
    return f"forget {plural(known.faces, 'face')} of {printable(who)}?" if known else f"forget {printable(who)}?"
