"""What a gallery holds of faces, in short: counts, persons with the face that shows each, the faces of an image."""

from __future__ import annotations

from collections import Counter

from lookalike.gallery.faces.persons import held_faces
from lookalike.gallery.faces.stored_faces import stored_face
from lookalike.gallery.library import Library
from lookalike.gallery.storage.base import StoredFace
from lookalike.types import FaceCounts, ImageFace, PersonSummary


def face_counts(library: Library, by: str | None = None) -> FaceCounts:
    """As ``Gallery.face_counts``."""
    name = held_faces(library, by)
    every = library.store.faces.every(name)
    flawed = sum(one.flaw is not None for one in every)
    grouped = sum(one.flaw is None and one.person is not None for one in every)
    lacking = len(library.store.lacking(name))
    return FaceCounts(
        name,
        library.store.regions.described(name),
        lacking,
        len(every),
        grouped,
        len(every) - flawed - grouped,
        flawed,
    )


def summaries(library: Library, by: str | None = None) -> tuple[PersonSummary, ...]:
    """As ``Gallery.person_summaries``."""
    name = held_faces(library, by)
    best: dict[int, StoredFace] = {}
    faces: Counter[int] = Counter()
    images: dict[int, set[int]] = {}
    for one in library.store.faces.every(name):
        if one.person is None:
            continue
        faces[one.person] += 1
        images.setdefault(one.person, set()).add(one.image)
        if one.person not in best or _shows(one) > _shows(best[one.person]):
            best[one.person] = one
    called = library.store.faces.persons()
    rows = library.store.rows([one.image for one in best.values()])
    found = [
        PersonSummary(n, called.get(n), faces[n], len(images[n]), rows[one.image].path, one.place + 1)
        for n, one in best.items()
        if one.image in rows
    ]
    return tuple(sorted(found, key=lambda one: (one.name is None, one.name or "", -one.faces, one.number)))


def image_faces(library: Library, path: str, by: str | None = None) -> tuple[ImageFace, ...]:
    """As ``Gallery.faces_of``."""
    name = held_faces(library, by)
    row = library.row(path)
    faces = library.store.faces.of_images(name, [row.id]).get(row.id, [])
    regions = dict(library.store.regions.of_images(name, [row.id]))
    called = library.store.faces.persons()
    return tuple(
        ImageFace(
            stored_face(one, regions[row.id], row),
            one.person,
            None if one.person is None else called.get(one.person),
            one.source,
            one.probability,
        )
        for one in faces
        if row.id in regions
    )


def _shows(face: StoredFace) -> tuple[bool, float]:
    """How well a face stands for its person."""
    return face.flaw is None, face.utility * (face.probability or 0.0)
