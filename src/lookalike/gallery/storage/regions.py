"""The gallery's rows of regions and of objects; knows nothing of search."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lookalike.descriptors.neural.region_model import Regions
from lookalike.errors import GalleryDamaged
from lookalike.gallery.storage.base import FaceWord, PackedRegions, StoredFace, StoredRegions
from lookalike.gallery.storage.descriptors import DescriptorStore
from lookalike.gallery.storage.face_words import forgotten_face, matched
from lookalike.gallery.storage.faces import FaceStore
from lookalike.gallery.storage.region_codec import of_unit_length, packed_vectors, unpacked, without_vectors
from lookalike.gallery.storage.sql_database import MANY, SqlDatabase, batched, marks

SAME_FACE = 0.8  # the cosine of two faces from which they are one photograph's: AT&T's, turned by 30 degrees, have 0.90


class RegionStore:
    """What a gallery holds of regions, over its database connection."""

    def __init__(self, database: SqlDatabase, descriptors: DescriptorStore, faces: FaceStore) -> None:
        self._db, self._faces = database, faces
        self._number = descriptors.number

    def names(self) -> dict[str, str]:
        """Region descriptor -> its fingerprint."""
        found = self._db.all("SELECT name, fingerprint FROM descriptors WHERE classes IS NOT NULL ORDER BY id")
        return dict(found)

    def described(self, name: str) -> int:
        """How many images were asked for their regions."""
        sql = "SELECT count(*) FROM regions WHERE descriptor_id = ?"
        return int(self._db.all(sql, (self._number(name),))[0][0])

    def since(self, name: str, seq: int, limit: int) -> list[tuple[int, int, StoredRegions]]:
        """(seq, image id, vectors as they are kept) of the next ``limit`` rows after ``seq``."""
        sql = """SELECT seq, image_id, data FROM regions WHERE seq > ? AND descriptor_id = ? ORDER BY seq LIMIT ?"""
        found = self._db.all(sql, (seq, self._number(name), limit))
        return [(number, image, packed_vectors(data, self._what(image))) for number, image, data in found]

    def images(self, name: str) -> list[int]:
        """Ids of the images that were asked for their regions."""
        sql = "SELECT image_id FROM regions WHERE descriptor_id = ? ORDER BY image_id"
        return [one[0] for one in self._db.all(sql, (self._number(name),))]

    def of_images(self, name: str, ids: Sequence[int]) -> Iterator[tuple[int, Regions]]:
        """Image id and regions, for those of the images that were asked."""
        for block in self._blobs(name, ids):
            yield from ((image, unpacked(data, self._what(image))) for image, data in block)

    def vectors_of(self, name: str, ids: Sequence[int]) -> Iterator[list[tuple[int, StoredRegions]]]:
        """Image id and vectors as they are kept, some hundred images at a time."""
        for block in self._blobs(name, ids):
            yield [(image, packed_vectors(data, self._what(image))) for image, data in block]

    def packed(self, name: str, ids: Sequence[int]) -> list[tuple[int, bytes]]:
        """As in the contract."""
        return [one for block in self._blobs(name, ids) for one in block]

    def _blobs(self, name: str, ids: Sequence[int]) -> Iterator[list[tuple[int, bytes]]]:
        for part in batched(ids, MANY):
            sql = f"SELECT image_id, data FROM regions WHERE descriptor_id = ? AND image_id IN ({marks(part)})"
            yield self._db.all(sql, (self._number(name), *part))

    def objects(self, ids: Sequence[int]) -> dict[int, dict[str, int]]:
        """Image id -> name of a class -> how many are seen; "" stands for all together."""
        found: dict[int, dict[str, int]] = {}
        for part in batched(ids, MANY):
            sql = f"""SELECT image_id, name, max(count) FROM objects WHERE image_id IN ({marks(part)}) GROUP BY 1, 2"""
            for image, name, count in self._db.all(sql, part):
                found.setdefault(image, {})[name] = count
        return found

    def objects_by(self, name: str, ids: Sequence[int]) -> dict[int, dict[str, int]]:
        """As in the contract."""
        found: dict[int, dict[str, int]] = {}
        for part in batched(ids, MANY):
            sql = f"""SELECT image_id, name, count FROM objects WHERE descriptor_id = ? AND image_id IN ({marks(part)})
                      ORDER BY image_id, name"""
            for image, what, count in self._db.all(sql, (self._number(name), *part)):
                found.setdefault(image, {})[what] = count
        return found

    def lacking(self, name: str) -> list[int]:
        """Images, no videos, that were not asked for their regions."""
        sql = """SELECT id FROM images p WHERE p.codec IS NULL AND NOT EXISTS
                 (SELECT 1 FROM regions r WHERE r.descriptor_id = ? AND r.image_id = p.id) ORDER BY id"""
        return [one[0] for one in self._db.all(sql, (self._number(name),))]

    def damaged(self, name: str) -> list[int]:
        """As in the contract."""
        blocks = self._blobs(name, self.images(name))
        return [image for block in blocks for image, data in block if not self._sound(image, data)]

    def _sound(self, image: int, data: bytes) -> bool:
        try:
            unpacked(data, self._what(image))
        except GalleryDamaged:
            return False
        return True

    # --- writing; call within a transaction

    def forget(self, name: str, images: Iterable[int]) -> None:
        """As in the contract."""
        rows = [(self._number(name), image) for image in images]
        for table in ("regions", "objects", "faces"):
            self._db.run_each(f"DELETE FROM {table} WHERE descriptor_id = ? AND image_id = ?", rows)

    def put(self, image: int, found: Mapping[str, PackedRegions]) -> None:
        """The regions of an image, by descriptor; those that are there already stay."""
        for name, one in found.items():
            number = self._number(name)
            one, said = self._reminded(image, name, one)
            sql = "INSERT INTO regions (descriptor_id, image_id, data) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
            if self._db.run_each(sql, [(number, image, one.data)]):
                rows = [(image, number, what, count) for what, count in one.objects.items()]
                self._db.run_each("INSERT INTO objects VALUES (?, ?, ?, ?)", rows)
                self._faces.put(image, number, one.faces)
                self._say_again(image, name, said)

    def _reminded(self, image: int, name: str, one: PackedRegions) -> tuple[PackedRegions, dict[int, FaceWord]]:
        """The regions, without the vectors of those that a person wished forgotten; and what was said of which."""
        words = self._faces.words.of_image(image, name) if one.faces else []
        if not words:
            return one, {}
        said = matched(words, unpacked(one.data, self._what(image)).boxes)
        gone = [place for place, word in said.items() if word.forgotten]
        faces = [forgotten_face(face) if place in gone else face for place, face in enumerate(one.faces)]
        return replace(one, data=without_vectors(one.data, gone), faces=tuple(faces)), said

    def _say_again(self, image: int, name: str, said: Mapping[int, FaceWord]) -> None:
        if not said:
            return
        stored = {one.place: one for one in self._faces.of_images(name, [image])[image]}
        spoken = {place: word for place, word in said.items() if not word.forgotten}
        named = [
            replace(stored[place], person=word.person, source="user", probability=None if word.person is None else 1.0)
            for place, word in spoken.items()
        ]
        self._faces.assign(name, named)
        self._faces.words.drop(said.values())

    def spoken(self, image: int) -> dict[str, list[tuple[StoredFace, NDArray[np.int8]]]]:
        """Descriptor -> the faces of an image of which a person said whose they are, each with its vector."""
        found = {}
        for name, faces in self._faces.spoken_of(image).items():
            for _, data in self.packed(name, [image]):
                vectors = packed_vectors(data, self._what(image))
                found[name] = [(one, vectors[one.place]) for one in faces]
        return found

    def say_of_alike(self, image: int, spoken: Mapping[str, Sequence[tuple[StoredFace, NDArray[np.int8]]]]) -> None:
        """Within a transaction: the file of an image has changed. What was said of a face is said of the one that is
        so like it that it is the same photograph, cropped, turned or toned; of another photograph nothing is."""
        for name, faces in spoken.items():
            stored = {one.place: one for one in self._faces.of_images(name, [image]).get(image, [])}
            for _, data in self.packed(name, [image]) if stored else ():
                alike = of_unit_length(packed_vectors(data, self._what(image)))
                for before, vector in faces:
                    similarity = alike @ of_unit_length(vector[None])[0]
                    best = int(similarity.argmax())
                    if similarity[best] >= SAME_FACE and best in stored:
                        said = replace(stored.pop(best), person=before.person, source="user")
                        self._faces.assign(name, [replace(said, probability=before.probability)])

    def keep_words(self, name: str) -> None:
        """Within a transaction: what a person said of the faces of this descriptor outlives their regions."""
        spoken = [one for one in self._faces.every(name) if one.source == "user" or one.flaw == "forgotten"]
        boxes = {image: found.boxes for image, found in self.of_images(name, sorted({one.image for one in spoken}))}
        words = [
            FaceWord(one.image, tuple(boxes[one.image][one.place].tolist()), one.person, one.flaw == "forgotten")
            for one in spoken
        ]
        self._faces.words.keep(name, words)

    def put_copy(self, image: int, source: int) -> None:
        """Take over those of another image with the same bytes."""
        self._db.run(
            """INSERT INTO regions (descriptor_id, image_id, data)
               SELECT descriptor_id, ?, data FROM regions WHERE image_id = ? ON CONFLICT DO NOTHING""",
            (image, source),
        )
        self._db.run(
            """INSERT INTO objects SELECT ?, descriptor_id, name, count FROM objects WHERE image_id = ?
               ON CONFLICT DO NOTHING""",
            (image, source),
        )
        self._faces.put_copy(image, source)

    def rewrite(self, name: str, image: int, data: bytes) -> None:
        """As in the contract."""
        sql = "UPDATE regions SET data = ? WHERE descriptor_id = ? AND image_id = ?"
        self._db.run(sql, (data, self._number(name), image))

    def mark(self, classes: Mapping[str, Iterable[str]]) -> None:
        """These descriptors give regions, of these classes."""
        rows = [(json.dumps(list(names)), name) for name, names in classes.items()]
        self._db.run_each("UPDATE descriptors SET classes = ? WHERE name = ?", rows)

    def _what(self, image: int) -> str:
        return f"{self._db.file}: the regions of image {image}"
