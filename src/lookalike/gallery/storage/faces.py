"""The gallery's rows of faces and persons; their boxes and vectors are regions (regions.py)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lookalike.gallery.storage.base import PackedFace, StoredFace
from lookalike.gallery.storage.descriptors import DescriptorStore
from lookalike.gallery.storage.face_codec import NOWHERE
from lookalike.gallery.storage.face_words import FaceWords
from lookalike.gallery.storage.sql_database import MANY, SqlDatabase, batched, marks, meta, put_meta

_FACE = "image_id, place, landmarks, utility, flaw, person_id, source, probability"


class FaceStore:
    """What a gallery holds of faces, over its database connection."""

    def __init__(self, database: SqlDatabase, descriptors: DescriptorStore) -> None:
        self._db = database
        self._number = descriptors.number
        self._count_backfill = descriptors.count_backfill
        self.words = FaceWords(database)
        self.forget_words = self.words.forget_person
        self.pending_words = self.words.every
        self.keep_words = self.words.keep

    def every(self, name: str) -> list[StoredFace]:
        """As in the contract."""
        sql = f"SELECT {_FACE} FROM faces WHERE descriptor_id = ? ORDER BY image_id, place"
        return [StoredFace(*one) for one in self._db.all(sql, (self._number(name),))]

    def of_images(self, name: str, ids: Sequence[int]) -> dict[int, list[StoredFace]]:
        """As in the contract."""
        found: dict[int, list[StoredFace]] = {}
        for part in batched(ids, MANY):
            sql = f"""SELECT {_FACE} FROM faces WHERE descriptor_id = ? AND image_id IN ({marks(part)})
                      ORDER BY image_id, place"""
            for one in self._db.all(sql, (self._number(name), *part)):
                found.setdefault(one[0], []).append(StoredFace(*one))
        return found

    def of_person(self, name: str, number: int) -> list[StoredFace]:
        """As in the contract."""
        sql = f"SELECT {_FACE} FROM faces WHERE person_id = ? AND descriptor_id = ? ORDER BY image_id, place"
        return [StoredFace(*one) for one in self._db.all(sql, (number, self._number(name)))]

    def spoken_of(self, image: int) -> dict[str, list[StoredFace]]:
        """Descriptor -> the faces of an image of which a person said whose they are."""
        found: dict[str, list[StoredFace]] = {}
        columns = ", ".join(f"f.{name.strip()}" for name in _FACE.split(","))
        sql = f"""SELECT d.name, {columns} FROM faces f JOIN descriptors d ON d.id = f.descriptor_id
                  WHERE f.image_id = ? AND f.source = 'user' ORDER BY f.place"""
        for name, *one in self._db.all(sql, (image,)):
            found.setdefault(name, []).append(StoredFace(*one))
        return found

    def persons(self) -> dict[int, str | None]:
        """As in the contract."""
        return dict(self._db.all("SELECT id, name FROM persons ORDER BY id"))

    def unswept(self) -> set[str]:
        """As in the contract."""
        return set(meta(self._db, "unswept faces", "").split())

    # --- writing; call within a transaction

    def set_unswept(self, digests: set[str]) -> None:
        """As in the contract."""
        put_meta(self._db, "unswept faces", " ".join(sorted(digests)))

    def put(self, image: int, descriptor: int, faces: Iterable[PackedFace]) -> None:
        """The faces of an image, in the order of its regions."""
        rows = [(image, descriptor, place, *one) for place, one in enumerate(faces)]
        sql = "INSERT INTO faces (image_id, descriptor_id, place, landmarks, utility, flaw) VALUES (?, ?, ?, ?, ?, ?)"
        self._db.run_each(sql, rows)

    def put_copy(self, image: int, source: int) -> None:
        """Take over those of another image with the same bytes."""
        self._db.run(
            f"""INSERT INTO faces (descriptor_id, {_FACE})
                SELECT descriptor_id, ?, {_FACE.partition(", ")[2]} FROM faces WHERE image_id = ?
                ON CONFLICT DO NOTHING""",
            (image, source),
        )

    def person(self, name: str | None) -> int:
        """As in the contract."""
        found = self._db.all("SELECT id FROM persons WHERE name = ?", (name,)) if name is not None else []
        found = found or self._db.all("INSERT INTO persons (name) VALUES (?) RETURNING id", (name,))
        return int(found[0][0])

    def rename(self, number: int, name: str) -> None:
        """As in the contract."""
        self._db.run("UPDATE persons SET name = ? WHERE id = ?", (name, number))

    def assign(self, name: str, faces: Iterable[StoredFace]) -> None:
        """As in the contract."""
        rows = [(one.person, one.source, one.probability, one.image, self._number(name), one.place) for one in faces]
        sql = """UPDATE faces SET person_id = ?, source = ?, probability = ?
                 WHERE image_id = ? AND descriptor_id = ? AND place = ?"""
        self._db.run_each(sql, rows)

    def drop_empty_persons(self) -> None:
        """As in the contract."""
        used = " UNION ".join(
            f"SELECT person_id FROM {table} WHERE person_id IS NOT NULL" for table in ("faces", "face_words")
        )
        self._db.run(f"DELETE FROM persons WHERE id NOT IN ({used})")

    def forget(self, name: str, faces: Iterable[StoredFace]) -> None:
        """As in the contract."""
        rows = [(NOWHERE, one.image, self._number(name), one.place) for one in faces]
        sql = """UPDATE faces SET landmarks = ?, utility = 0, flaw = 'forgotten', person_id = NULL, source = NULL,
                 probability = NULL WHERE image_id = ? AND descriptor_id = ? AND place = ?"""
        self._db.run_each(sql, rows)
        self._count_backfill(name)  # an index that holds them begins anew
