"""The persons of a gallery: groups of faces, named by a user, or by what follows from a user's names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from lookalike.comparison.calibration import Calibration
from lookalike.comparison.faces import curve_of
from lookalike.descriptors import face_names, face_network
from lookalike.errors import UserError
from lookalike.gallery.faces.grouping import group_faces, mean_distances, person_prior
from lookalike.gallery.faces.stored_faces import stored_face
from lookalike.gallery.library import Library
from lookalike.gallery.storage.base import StoredFace
from lookalike.types import FaceGroupReport, Floats, Ids, Person, PersonFace

USER, GROUPED = "user", "grouped"


@dataclass(frozen=True, slots=True)
class UsableFaces:
    """The faces that can be compared: N of them, with their vectors (N, D) and images (N,)."""

    faces: list[StoredFace]
    vectors: Floats
    images: Ids


def held_faces(library: Library, by: str | None = None) -> str:
    """The descriptor of faces that a gallery holds. Raises UserError that says how it is added."""
    held = held_names(library)
    if by is None and held:
        return held[0]
    if by in held:
        return str(by)
    name = by or "faces"
    face_network(name)
    if library.store.privacy.opaque:
        raise UserError(
            f"this gallery holds no {name!r}, and keeps no paths by which its images could be read again; index them "
            f"into a new one: lookalike index FOLDER --gallery NEW --descriptors content,{name}"
        )
    raise UserError(
        f"this gallery holds no {name!r}; add them, and nothing else is read again: "
        f"lookalike index --gallery {library.place} --with {name}"
    )


def held_names(library: Library) -> list[str]:
    """The descriptors of faces that a gallery holds; another process may have added one since it was opened."""
    known = face_names()
    for name in library.store.regions.names():
        if name in known and name not in library.region_cards:
            card = face_network(name).card
            if library.store.fingerprints()[name] == card.fingerprint:
                library.region_cards[name] = card
    return [name for name in library.region_cards if name in known]


def group_persons(library: Library, by: str | None = None) -> FaceGroupReport:
    """Group all faces anew. What a user said of faces stays; numbers of groups stay where most of their faces do."""
    name = held_faces(library, by)
    store, curve = library.store, curve_of(face_network(name).output)
    with store.transaction():
        every = store.faces.every(name)
        usable = usable_faces(library, name, [one for one in every if one.flaw is None and not _is_nobodys(one)])
        groups = group_faces(usable.vectors, usable.images, [_named(one) for one in usable.faces], curve)
        assigned = _assigned(library, usable, groups, curve)
        free = [replace(one, person=None, source=None, probability=None) for one in usable.faces if one.source != USER]
        store.faces.assign(name, free)
        store.faces.assign(name, assigned)
        store.faces.drop_empty_persons()
    flawed = sum(one.flaw is not None for one in every)
    persons = list_persons(library, name)
    grouped = sum(len(person.faces) for person in persons)
    return FaceGroupReport(persons, grouped, len(every) - flawed - grouped, flawed)


def list_persons(library: Library, by: str | None = None) -> tuple[Person, ...]:
    """Those who are named, by name, and then the groups without one, the largest first."""
    name = held_faces(library, by)
    of_person: dict[int, list[StoredFace]] = {}
    for one in library.store.faces.every(name):
        if one.person is not None:
            of_person.setdefault(one.person, []).append(one)
    called = library.store.faces.persons()
    found = [Person(n, called.get(n), _person_faces(library, name, faces)) for n, faces in of_person.items()]
    return tuple(sorted(found, key=lambda one: (one.name is None, one.name or "", -len(one.faces), one.number)))


def find_person(library: Library, who: str, by: str | None = None) -> Person:
    """By name, or by the number of a group. Raises UserError that lists those that there are."""
    name, called = held_faces(library, by), library.store.faces.persons()
    for number, known in called.items():
        if who == known or (known is None and who == str(number)):
            return numbered_person(library, number, name)
    there = ", ".join(one.name or str(one.number) for one in list_persons(library, name)[:20])
    raise UserError(f"no person {who!r}; there are: {there or 'none; lookalike faces group finds them'}")


def numbered_person(library: Library, number: int, by: str | None = None) -> Person:
    """By the number of its group, named or not. Raises UserError where there is none."""
    name = held_faces(library, by)
    faces = library.store.faces.of_person(name, number)
    if not faces:
        raise UserError(f"there is no person {number} (any more)")
    return Person(number, library.store.faces.persons().get(number), _person_faces(library, name, faces))


def _assigned(
    library: Library, usable: UsableFaces, groups: Sequence[Sequence[int]], curve: Calibration
) -> list[StoredFace]:
    """Whose the faces of these groups are, but for those of which a user said it."""
    prior = person_prior(len(usable.faces))
    by_name: dict[int, list[int]] = {}
    new: list[StoredFace] = []
    taken = set(library.store.faces.persons()) - _unnamed(library)
    taken |= {person for one in usable.faces if (person := _named(one)) is not None}
    for group in sorted(groups, key=len, reverse=True):
        named = {person for row in group if (person := _named(usable.faces[row])) is not None}
        if named:
            by_name.setdefault(named.pop(), []).extend(group)
            continue
        person = _number(library, [usable.faces[row] for row in group], taken)
        taken.add(person)
        distances = mean_distances(usable.vectors, group, group)
        new += _faces(usable, group, person, curve, distances, prior)
    for person, rows in by_name.items():
        own = [row for row, one in enumerate(usable.faces) if _named(one) == person]
        distances = mean_distances(usable.vectors, rows, own)
        once = _once(usable, rows, distances, own)
        new += _faces(usable, [rows[n] for n in once], person, curve, distances[once], prior)
    return new


def _faces(
    usable: UsableFaces, rows: Sequence[int], person: int, curve: Calibration, distances: Floats, prior: float
) -> list[StoredFace]:
    chances = curve.probability(distances, prior).tolist()
    pairs = zip((usable.faces[row] for row in rows), chances, strict=True)
    return [
        replace(one, person=person, source=GROUPED, probability=chance) for one, chance in pairs if one.source != USER
    ]


def _once(usable: UsableFaces, rows: Sequence[int], distances: Floats, own: Sequence[int]) -> list[int]:
    """Places among ``rows``: of two faces in one photograph the one that a user named, or the nearer one, for several
    groups may have been given one name."""
    seen = {int(usable.images[row]) for row in own}
    kept = []
    for place in np.argsort(distances, kind="stable").tolist():
        image = int(usable.images[rows[place]])
        if image not in seen:
            seen.add(image)
            kept.append(place)
    return kept


def _number(library: Library, faces: Sequence[StoredFace], taken: set[int]) -> int:
    """The number that most of the faces of a group had, if no other group has it; or a new one."""
    before = Counter(one.person for one in faces if one.person is not None and one.person not in taken)
    best = before.most_common(1)
    return best[0][0] if best else library.store.faces.person(None)


def _unnamed(library: Library) -> set[int]:
    return {number for number, called in library.store.faces.persons().items() if called is None}


def usable_faces(library: Library, name: str, faces: Sequence[StoredFace]) -> UsableFaces:
    """With their vectors, from the store."""
    ids = list(dict.fromkeys(one.image for one in faces))
    vectors = {image: regions.vectors for image, regions in library.store.regions.of_images(name, ids)}
    dim = library.region_cards[name].dim
    found = [vectors[one.image][one.place] for one in faces]
    return UsableFaces(
        list(faces),
        np.array(found, np.float32).reshape(len(found), dim),
        np.array([one.image for one in faces], np.int64),
    )


def _person_faces(library: Library, name: str, faces: Sequence[StoredFace]) -> tuple[PersonFace, ...]:
    ids = [one.image for one in faces]
    rows, regions = library.store.rows(ids), dict(library.store.regions.of_images(name, ids))
    found = [
        PersonFace(
            rows[one.image].path,
            stored_face(one, regions[one.image], rows[one.image]),
            str(one.source),
            one.probability or 0.0,
        )
        for one in faces
        if one.image in rows and one.image in regions
    ]
    return tuple(sorted(found, key=lambda one: (-one.probability, one.path)))


def _named(face: StoredFace) -> int | None:
    """The person that a user says it is."""
    return face.person if face.source == USER else None


def _is_nobodys(face: StoredFace) -> bool:
    return face.source == USER and face.person is None
