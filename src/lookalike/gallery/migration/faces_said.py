"""What a gallery says of faces, in words that do not depend on its ids, so that two galleries can be compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from lookalike.gallery.storage.base import GalleryStorage

Who = tuple[str, ...]  # nobody, a name, or of a group without one its first face
Said = tuple[object, ...]


def exact(value: float) -> float:
    """As an engine of single precision keeps it."""
    return float(np.float32(value))


def faces_said(store: GalleryStorage, name: str) -> list[Said]:
    """Of each face of a network its image's path, its place there, what is kept of it, and whose it is; and what was
    said of faces that are to be found again. Sorted."""
    faces, words = store.faces.every(name), store.faces.pending_words(name)
    paths = _paths(store, {one.image for one in faces} | {one.image for one in words})
    who = _who(store, ((one.person, (paths[one.image], one.place)) for one in faces if one.image in paths))
    found: list[Said] = [
        (
            *(paths[one.image], one.place, one.landmarks, exact(one.utility), one.flaw or ""),
            *(who.get(one.person, ()), one.source or "", exact(-1.0 if one.probability is None else one.probability)),
        )
        for one in faces
        if one.image in paths
    ]
    found += [
        (paths[one.image], -1, b"", *map(exact, one.box), who.get(one.person, ()), one.forgotten)
        for one in words
        if one.image in paths
    ]
    return sorted(found, key=repr)


def _paths(store: GalleryStorage, ids: Iterable[int]) -> dict[int, str]:
    return {number: row.path for number, row in store.rows(sorted(ids)).items()}


def _who(store: GalleryStorage, places: Iterable[tuple[int | None, tuple[str, int]]]) -> Mapping[int | None, Who]:
    """Number of a person -> what it is called, or the first face of the group."""
    first: dict[int | None, tuple[str, int]] = {}
    for person, place in places:
        first[person] = min(first.get(person, place), place)
    called = store.faces.persons()
    found: dict[int | None, Who] = {number: ("group", *map(str, place)) for number, place in first.items() if number}
    return found | {number: ("named", name) for number, name in called.items() if name is not None}
