"""A person's faces go: their vectors and landmarks, from the store, its log and its index, and that is looked after.

What stays is that the image has a face at that place. Backups and copies of the gallery are their owner's to delete.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lookalike.comparison.faces import curve_of
from lookalike.descriptors import face_network
from lookalike.errors import GalleryError
from lookalike.gallery.faces.face_search import face_hits
from lookalike.gallery.faces.grouping import person_prior
from lookalike.gallery.faces.persons import find_person, held_faces, held_names, usable_faces
from lookalike.gallery.library import Library
from lookalike.gallery.storage.base import FaceWord, StoredFace, StoredRegions
from lookalike.gallery.storage.face_words import matched
from lookalike.gallery.storage.region_codec import without_vectors
from lookalike.types import FaceHit, Floats, ForgetReport

ALIKE = 0.5  # the probability from which a face that stays is told
BLOCK = 4096  # faces that are held against those that go at a time
WINDOW = 1 << 24  # bytes of a file that are looked through at a time
PIECE = 32  # bytes of a vector that are looked for: pages of a file may cut a whole one


def forget_person(library: Library, who: str, by: str | None = None) -> ForgetReport:
    """As ``Gallery.forget_person``."""
    name = held_faces(library, by)
    store, digest = library.store, hashlib.sha256(who.encode()).hexdigest()
    if digest in store.faces.unswept() and not _is_known(library, who):
        return _finished(library, who)
    person = find_person(library, who, name)
    store.empty_log("another process is reading, and a log that it needs keeps what would be deleted")
    with store.transaction():
        gone = _of_person(library, name, person.number)
        alike = _alike(library, name, gone)
        pieces = _deleted(library, {name: gone, **_elsewhere(library, name, gone)})
        store.faces.forget_words(person.number)
        store.faces.drop_empty_persons()
        store.faces.set_unswept(store.faces.unswept() | {digest})
    searched = _swept(library, pieces)
    return ForgetReport(person.name or str(person.number), len(gone), len(_by_image(gone)), searched, alike)


def _deleted(library: Library, faces: Mapping[str, Sequence[StoredFace]]) -> set[bytes]:
    """Within a transaction: descriptor -> faces that lose their vectors; the pieces of those vectors."""
    store, pieces = library.store, set()
    for name, gone in faces.items():
        for image, places in _by_image(gone).items():
            ((_, data),) = store.regions.packed(name, [image])
            ((_, vectors),) = next(store.regions.vectors_of(name, [image]))
            pieces |= _pieces(vectors[places])
            store.regions.rewrite(name, image, without_vectors(data, places))
        store.faces.forget(name, gone)
    return pieces


def _elsewhere(library: Library, name: str, gone: Sequence[StoredFace]) -> dict[str, list[StoredFace]]:
    """The same faces by other networks that the gallery holds: those that lie at the same places."""
    places = _by_image(gone)
    boxes = {image: found.boxes[places[image]] for image, found in library.store.regions.of_images(name, list(places))}
    others: dict[str, list[StoredFace]] = {}
    for other in held_names(library):
        if other == name:
            continue
        stored = library.store.faces.of_images(other, list(places))
        for image, found in library.store.regions.of_images(other, list(places)):
            words = [FaceWord(image, tuple(box.tolist()), None, forgotten=True) for box in boxes[image]]
            rows = matched(words, found.boxes) if len(found.boxes) else {}
            others.setdefault(other, []).extend(one for one in stored.get(image, ()) if one.place in rows)
    return others


def _alike(library: Library, name: str, gone: Sequence[StoredFace]) -> tuple[FaceHit, ...]:
    """The faces that stay and are probably of the same person, though nobody said so, nor were they grouped so."""
    leaving = {(one.image, one.place) for one in gone}
    sound = [one for one in library.store.faces.every(name) if one.flaw is None]
    hers = usable_faces(library, name, [one for one in sound if (one.image, one.place) in leaving])
    others = usable_faces(library, name, [one for one in sound if (one.image, one.place) not in leaving])
    if not hers.faces or not others.faces:
        return ()
    distances = 1 - np.concatenate([block @ hers.vectors.T for block in _blocks(others.vectors)]).max(1)
    prior = person_prior(len(sound))
    near = np.flatnonzero(distances <= curve_of(face_network(name).output).distance(ALIKE, prior))
    return tuple(face_hits(library, name, [(others.faces[row], float(distances[row])) for row in near], prior))


def _blocks(vectors: Floats) -> Iterator[Floats]:
    yield from (vectors[start : start + BLOCK] for start in range(0, len(vectors), BLOCK))


def _finished(library: Library, who: str) -> ForgetReport:
    """A forgetting that was broken off once the vectors were deleted: what is left of them is swept now. Nobody knows
    them any more, so that nothing can be looked for."""
    _swept(library, set())
    return ForgetReport(who, 0, 0, 0)


def _swept(library: Library, pieces: set[bytes]) -> int:
    """The indexes go, and the files are written anew; how many bytes were searched for these pieces then."""
    for name in held_names(library):
        library.region_index.discard(name)
    library.store.vacuum()
    searched = _searched_bytes(library.path, pieces) if pieces else 0
    with library.store.transaction():
        library.store.faces.set_unswept(set())
    return searched


def _is_known(library: Library, who: str) -> bool:
    return any(who in (called, str(number)) for number, called in library.store.faces.persons().items())


def _of_person(library: Library, name: str, number: int) -> list[StoredFace]:
    """A person's faces, and those of copies of the same files, whose vectors are the same."""
    every = library.store.faces.every(name)
    ids = sorted({one.image for one in every})
    kept = {image: vectors for block in library.store.regions.vectors_of(name, ids) for image, vectors in block}
    own = [kept[one.image][one.place] for one in every if one.person == number]
    wanted = {vector.tobytes() for vector in own if vector.any()}
    return [one for one in every if one.person == number or kept[one.image][one.place].tobytes() in wanted]


def _by_image(faces: Sequence[StoredFace]) -> dict[int, list[int]]:
    places: dict[int, list[int]] = {}
    for one in faces:
        places.setdefault(one.image, []).append(one.place)
    return places


def _pieces(vectors: StoredRegions) -> set[bytes]:
    """Of (V, D) vectors; zeros alone are everywhere, and say nothing."""
    starts = range(0, vectors.shape[1] - PIECE + 1, PIECE)
    return {row[at : at + PIECE].tobytes() for row in vectors for at in starts if row[at : at + PIECE].any()}


def _searched_bytes(folder: Path, pieces: set[bytes]) -> int:
    """Bytes of all files of a gallery, none of which is of these pieces. Raises GalleryError if one is."""
    searched = 0
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        with suppress(FileNotFoundError):  # an index that another process has thrown away meanwhile
            for window in _windows(file):
                if _holds(window, pieces):
                    raise GalleryError(f"{file}: still holds a part of a vector that was forgotten; say it once more")
            searched += file.stat().st_size
    return searched


def _windows(file: Path) -> Iterator[bytes]:
    """A file in pieces that overlap."""
    with file.open("rb") as stream:
        rest = b""
        while block := stream.read(WINDOW):
            yield rest + block
            rest = block[-PIECE:]


def _holds(data: bytes, pieces: set[bytes]) -> bool:
    """Whether one of these pieces is among the data: what begins like one is compared as a whole."""
    heads = np.array([int.from_bytes(one[:8], "little") for one in pieces], np.uint64)
    for shift in range(min(8, len(data))):
        words: NDArray[np.uint64] = np.frombuffer(data, "<u8", (len(data) - shift) // 8, shift)
        for place in np.flatnonzero(np.isin(words, heads)).tolist():
            start = shift + 8 * place
            if data[start : start + PIECE] in pieces:
                return True
    return False
