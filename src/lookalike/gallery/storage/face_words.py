"""What a person said of faces, by their boxes: it outlives the vectors, and is said again of the faces found next.

A version of a descriptor that takes another's place finds the faces anew, perhaps in another order; a face is the one
of which something was said where the two boxes cover each other best, and by half at least. A file that changes is
described anew as well: of a face that was forgotten there is no vector to know it by, so its place decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from lookalike.descriptors.neural.face_detector import overlap
from lookalike.gallery.storage.base import FaceWord, PackedFace, RegionStorage, StoredFace
from lookalike.gallery.storage.face_codec import NOWHERE
from lookalike.gallery.storage.sql_database import SqlDatabase
from lookalike.types import Floats

MIN_OVERLAP = 0.5  # of two boxes, over what both cover


class FaceWords:
    """The table of words, over the gallery's connection."""

    def __init__(self, database: SqlDatabase) -> None:
        self._db = database

    def of_image(self, image: int, descriptor: str) -> list[FaceWord]:
        """What was said, in the order in which it was kept."""
        sql = """SELECT image_id, x, y, width, height, person_id, forgotten, id FROM face_words
                 WHERE image_id = ? AND descriptor = ? ORDER BY id"""
        return [
            FaceWord(one[0], one[1:5], one[5], bool(one[6]), one[7]) for one in self._db.all(sql, (image, descriptor))
        ]

    def every(self, name: str) -> list[FaceWord]:
        """As ``FaceStorage.pending_words``."""
        sql = """SELECT image_id, x, y, width, height, person_id, forgotten, id FROM face_words
                 WHERE descriptor = ? ORDER BY image_id, id"""
        return [FaceWord(one[0], one[1:5], one[5], bool(one[6]), one[7]) for one in self._db.all(sql, (name,))]

    # --- writing; call within a transaction

    def keep(self, name: str, words: Iterable[FaceWord]) -> None:
        """Remember these."""
        sql = """INSERT INTO face_words (image_id, descriptor, x, y, width, height, person_id, forgotten)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?)"""
        rows = [(one.image, name, *one.box, one.person, int(one.forgotten)) for one in words]
        self._db.run_each(sql, rows)

    def drop(self, words: Iterable[FaceWord]) -> None:
        """They were said again of faces."""
        self._db.run_each("DELETE FROM face_words WHERE id = ?", [(one.number,) for one in words])

    def forget_person(self, person: int) -> None:
        """What was said to be this person's gets no vector when it is found again."""
        self._db.run("UPDATE face_words SET person_id = NULL, forgotten = 1 WHERE person_id = ?", (person,))


class RememberedFaces(Protocol):
    """What an engine knows of faces, and of those that are to be found again (``words``)."""

    words: Any

    def of_images(self, name: str, ids: Sequence[int]) -> dict[int, list[StoredFace]]:
        """As in the contract."""
        ...


def forgotten_boxes(faces: RememberedFaces, regions: RegionStorage, image: int) -> dict[str, list[FaceWord]]:
    """Descriptor -> where in an image faces were forgotten, those too that were not found again since."""
    found: dict[str, list[FaceWord]] = {}
    for name in regions.names():
        gone = [one for one in faces.of_images(name, [image]).get(image, ()) if one.flaw == "forgotten"]
        boxes = dict(regions.of_images(name, [image])) if gone else {}
        words = [FaceWord(image, tuple(boxes[image].boxes[one.place].tolist()), None, True) for one in gone]
        words += [one for one in faces.words.of_image(image, name) if one.forgotten]
        if words:
            found[name] = words
    return found


def keep_forgotten(faces: RememberedFaces, image: int, forgotten: Mapping[str, Sequence[FaceWord]]) -> None:
    """Within a transaction, before the regions of what lies at its path now are written: these are not kept again."""
    for name, words in forgotten.items():
        faces.words.keep(name, [replace(one, image=image) for one in words])


def matched(words: Sequence[FaceWord], boxes: Floats) -> dict[int, FaceWord]:
    """Row of ``boxes``, (F, 4) -> the word that is of it, each word and each face once, the best overlaps first."""
    shares = np.array([overlap(np.array(word.box, np.float32), boxes) for word in words])
    found: dict[int, FaceWord] = {}
    taken: set[int] = set()
    for flat in np.argsort(-shares, axis=None, kind="stable").tolist():
        word, row = divmod(flat, len(boxes))
        if shares[word, row] < MIN_OVERLAP:
            break
        if word not in taken and row not in found:
            taken.add(word)
            found[row] = words[word]
    return found


def forgotten_face(face: PackedFace) -> PackedFace:
    """A face of which nothing is kept but that it is there."""
    return face._replace(landmarks=NOWHERE, utility=0.0, flaw="forgotten")
