"""What a user says of persons: who a group is, whose a face is, that two are one, or that one is two."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from lookalike.errors import UserError
from lookalike.gallery.faces.persons import USER, find_person, held_faces, numbered_person
from lookalike.gallery.library import Library
from lookalike.gallery.storage.base import StoredFace
from lookalike.types import Person


def name_group(library: Library, number: int, called: str, by: str | None = None) -> Person:
    """A user's word that all faces of a group are of a person of this name. One of that name already is joined. One who
    has a name is only called otherwise, if nobody else is called so."""
    name, called = held_faces(library, by), _checked(called)
    store = library.store
    with store.transaction():
        faces = store.faces.of_person(name, number)
        if not faces:
            raise UserError(f"there is no group {number}; lookalike faces list shows them")
        known = store.faces.persons()
        if called not in known.values():
            store.faces.rename(number, called)
        if called in known.values() or known[number] is None:
            _say(library, name, faces, store.faces.person(called))
    return find_person(library, called, name)


def name_face(library: Library, path: str, number: int | None, called: str | None, by: str | None = None) -> None:
    """A user's word whose a face is; None: nobody's who is known. ``number``: of the face in its image, from 1; None
    where the image shows but one."""
    name = held_faces(library, by)
    with library.store.transaction():
        chosen = [_face(library, name, path, number)]
        _say(library, name, chosen, None if called is None else library.store.faces.person(_checked(called)))


def split_faces(
    library: Library, faces: Sequence[tuple[str, int]], called: str | None = None, by: str | None = None
) -> Person:
    """A user's word that these faces, (path, number) each, are of one person, and not of the one that each was of: of
    this name, or of a group of their own without one."""
    name = held_faces(library, by)
    if not faces:
        raise UserError("say which faces: an image and the number of a face in it for each")
    with library.store.transaction():
        chosen = [_face(library, name, path, number) for path, number in faces]
        person = library.store.faces.person(None if called is None else _checked(called))
        _say(library, name, chosen, person)
        _hold_together(library, name, {one.person for one in chosen if one.person is not None} - {person})
    return numbered_person(library, person, name)


def _hold_together(library: Library, name: str, persons: set[int]) -> None:
    """Of each person whom faces have left and who has none by a user's word, the surest is one from now on, so that
    those who left are not grouped with it again."""
    for person in persons:
        rest = library.store.faces.of_person(name, person)
        if rest and all(one.source != USER for one in rest):
            _say(library, name, [max(rest, key=lambda one: (one.probability or 0.0, one.utility))], person)


def _face(library: Library, name: str, path: str, number: int | None) -> StoredFace:
    row = library.row(path)
    faces = library.store.faces.of_images(name, [row.id]).get(row.id, [])
    if number is None and len(faces) != 1:
        raise UserError(f"{path}: shows {len(faces)} faces; say which one: {path}#1")
    chosen = next((one for one in faces if one.place + 1 == (number or 1)), None)
    if chosen is None:
        raise UserError(f"{path}: shows {len(faces)} faces, and none is number {number}")
    if chosen.flaw == "forgotten":
        raise UserError(f"{path}: this face was forgotten")
    return chosen


def _say(library: Library, name: str, faces: Iterable[StoredFace], person: int | None) -> None:
    """Within a transaction."""
    probability = None if person is None else 1.0
    library.store.faces.assign(
        name, [replace(one, person=person, source=USER, probability=probability) for one in faces]
    )
    library.store.faces.drop_empty_persons()


def _checked(called: str) -> str:
    called = called.strip()
    if not called or called.isdigit():
        raise UserError(f"a person's name must be a text, and no number, not {called!r}")
    return called
