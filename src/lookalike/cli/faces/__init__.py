"""lookalike faces: one file for each thing that can be asked of faces."""

from __future__ import annotations

import click

from lookalike.cli.lazy import Lazy

VERBS = {
    "compare": "Compare two portraits: do they show one person?",
    "search": "Find the faces of a gallery that are most like a portrait's.",
    "group": "Group the faces of a gallery into persons.",
    "list": "List the persons of a gallery.",
    "name": "Say who a group or a face is.",
    "forget": "Delete a person's face vectors, and make sure that they are gone.",
    "evaluate": "Measure a network of faces on your own people, also per group.",
}


@click.group(cls=Lazy, commands=VERBS, package=__name__, heading="Verbs")
def command() -> None:
    """Find, compare and group faces, and name people.

    Lookalike ships no network of faces: bring two files, see docs/how-to/faces.md, and add them with
    `lookalike models add faces --from FILE...`; then `lookalike index --gallery G --with faces` finds the faces of a
    gallery. Ask the people whose faces you search: docs/explanation/faces.md.
    """
