"""Faces and persons in words, the same for every verb."""

from __future__ import annotations

from lookalike.cli.output import printable
from lookalike.types import Face


def face_words(face: Face) -> str:
    """Which one of its image, and where: "#1, 10,20,64,80"."""
    box = face.box
    return f"#{face.number}, " + ",".join(f"{round(value):d}" for value in (box.x, box.y, box.width, box.height))


def person_words(person: str | None) -> str:
    """A name as it is, a group by its number."""
    if person is None:
        return "-"
    return f"group {person}" if person.isdigit() else printable(person)
