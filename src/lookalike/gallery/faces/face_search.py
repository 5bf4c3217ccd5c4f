"""One face among many: the nearest by the index of regions, their exact distances from the store."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lookalike.comparison.faces import FLAWS, Portrait, curve_of, portrait
from lookalike.descriptors import face_network
from lookalike.errors import UserError
from lookalike.gallery.faces.grouping import person_prior
from lookalike.gallery.faces.persons import held_faces
from lookalike.gallery.faces.stored_faces import stored_face
from lookalike.gallery.library import Library
from lookalike.gallery.storage.base import StoredFace
from lookalike.gallery.storage.region_codec import MAX_REGIONS
from lookalike.imaging import ImageSource
from lookalike.types import FaceHit, Floats, Ids

REACH = 4  # times as many as are asked for, from the index, whose distances are rounded
MIN_REACH = 64


def search_faces(
    library: Library, image: ImageSource | Portrait, k: int, where: str | None = None, by: str | None = None
) -> list[FaceHit]:
    """As ``Gallery.search_faces``."""
    name = held_faces(library, by)
    seen = image if isinstance(image, Portrait) else portrait(image, face_network(name))
    return nearest_faces(library, name, seen.vector, k, where)


def search_held_face(
    library: Library, path: str, number: int, k: int, where: str | None = None, by: str | None = None
) -> list[FaceHit]:
    """As ``Gallery.search_face_of``."""
    name, row = held_faces(library, by), library.row(path)
    faces = library.store.faces.of_images(name, [row.id]).get(row.id, [])
    face = next((one for one in faces if one.place + 1 == number), None)
    if face is None:
        raise UserError(f"{path}: shows {len(faces)} faces, and none is number {number}")
    if face.flaw is not None:
        raise UserError(f"{path}: face {number} is {FLAWS[face.flaw]}, and like no other")
    regions = dict(library.store.regions.of_images(name, [row.id]))
    return nearest_faces(library, name, regions[row.id].vectors[[face.place]], k, where)


def nearest_faces(library: Library, name: str, vector: Floats, k: int, where: str | None = None) -> list[FaceHit]:
    """(1, D) of unit length -> the k nearest faces, nearest first. A face without a vector is near to none."""
    allowed = None if where is None else library.store.select(where)
    index = library.region_index.get(name)
    if not len(index) or (allowed is not None and not len(allowed)):
        return []
    numbers = index.search(vector, min(max(REACH * k, MIN_REACH), len(index)), allowed)[0].ravel()
    return _exact(library, name, vector, numbers[numbers >= 0], person_prior(len(index)))[:k]


def _exact(library: Library, name: str, vector: Floats, numbers: Ids, prior: float) -> list[FaceHit]:
    ids = list(dict.fromkeys((numbers // MAX_REGIONS).tolist()))
    faces = library.store.faces.of_images(name, ids)
    regions = dict(library.store.regions.of_images(name, ids))
    found = []
    for image, place in zip(*np.divmod(numbers, MAX_REGIONS), strict=True):
        face = next((one for one in faces.get(int(image), ()) if one.place == place), None)
        if face is not None and face.flaw is None:
            found.append((face, float(1 - vector[0] @ regions[int(image)].vectors[place])))
    return face_hits(library, name, found, prior)


def face_hits(library: Library, name: str, found: Sequence[tuple[StoredFace, float]], prior: float) -> list[FaceHit]:
    """Faces and how far they are from the one that is meant -> hits, nearest first; those whose images are gone since
    are none."""
    ids = list(dict.fromkeys(face.image for face, _ in found))
    rows, called = library.store.rows(ids), library.store.faces.persons()
    regions, curve = dict(library.store.regions.of_images(name, ids)), curve_of(face_network(name).output)
    hits = []
    for one, distance in found:
        if one.image in rows and one.image in regions:
            face = stored_face(one, regions[one.image], rows[one.image])
            person = None if one.person is None else called.get(one.person) or str(one.person)
            hits.append(
                FaceHit(rows[one.image].path, face, distance, float(curve.probability(distance, prior)), person)
            )
    return sorted(hits, key=lambda hit: (hit.distance, hit.path))
