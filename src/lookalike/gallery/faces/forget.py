"""A person's faces go: their vectors and landmarks, from the store, its log and its index, and that is looked after.

What stays is that the image has a face at that place. Backups and copies of the gallery are their owner's to delete.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import GalleryError
from lookalike.gallery.faces.persons import find_person, held_faces
from lookalike.gallery.library import Library
from lookalike.gallery.storage.base import StoredFace, StoredRegions
from lookalike.gallery.storage.region_codec import without_vectors
from lookalike.types import ForgetReport

WINDOW = 1 << 24  # bytes of a file that are looked through at a time
PIECE = 32  # bytes of a vector that are looked for: pages of a file may cut a whole one


def forget_person(library: Library, who: str, by: str | None = None) -> ForgetReport:
    """As ``Gallery.forget_person``."""
    name = held_faces(library, by)
    person = find_person(library, who, name)
    with library.store.transaction():
        every = library.store.faces.every(name)
        gone, vectors = _with_same_vectors(library, name, every, [one for one in every if one.person == person.number])
        for image, places in _by_image(gone).items():
            ((_, data),) = library.store.regions.packed(name, [image])
            library.store.regions.rewrite(name, image, without_vectors(data, places))
        library.store.faces.forget(name, gone)
        library.store.faces.drop_empty_persons()
    library.region_index.discard(name)
    library.store.vacuum()
    searched = _searched_bytes(library.path, vectors)
    return ForgetReport(person.name or str(person.number), len(gone), len(_by_image(gone)), searched)


def _with_same_vectors(
    library: Library, name: str, every: Sequence[StoredFace], faces: Sequence[StoredFace]
) -> tuple[list[StoredFace], StoredRegions]:
    """These faces and those of copies of the same files, whose vectors are the same; and their vectors, (V, D)."""
    ids = sorted({one.image for one in every})
    kept = {image: vectors for block in library.store.regions.vectors_of(name, ids) for image, vectors in block}
    wanted = {kept[one.image][one.place].tobytes() for one in faces if kept[one.image][one.place].any()}
    same = [one for one in every if one in faces or kept[one.image][one.place].tobytes() in wanted]
    flat = b"".join(sorted(wanted))
    return same, np.frombuffer(flat, np.int8).reshape(len(wanted), -1)


def _by_image(faces: Sequence[StoredFace]) -> dict[int, list[int]]:
    places: dict[int, list[int]] = {}
    for one in faces:
        places.setdefault(one.image, []).append(one.place)
    return places


def _searched_bytes(folder: Path, vectors: StoredRegions) -> int:
    """Bytes of all files of a gallery, none of which is of these vectors. Raises GalleryError if one is."""
    searched = 0
    pieces = {row[at : at + PIECE].tobytes() for row in vectors for at in range(0, vectors.shape[1] - PIECE + 1, PIECE)}
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
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
