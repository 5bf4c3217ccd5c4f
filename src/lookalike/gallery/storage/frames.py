"""The gallery's rows of frames; knows nothing of search."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lookalike.descriptors.video import VideoDescription
from lookalike.errors import GalleryDamaged
from lookalike.gallery.storage.descriptors import DescriptorStore
from lookalike.gallery.storage.frame_codec import unpacked
from lookalike.gallery.storage.sql_database import SqlDatabase


class FrameStore:
    """What a gallery holds of frames, over its database connection."""

    def __init__(self, database: SqlDatabase, descriptors: DescriptorStore) -> None:
        self._db = database
        self._number = descriptors.number

    def videos(self) -> int:
        """As in the contract."""
        return int(self._db.all("SELECT count(*) FROM images WHERE codec IS NOT NULL")[0][0])

    def images(self, name: str) -> list[int]:
        """As in the contract."""
        sql = "SELECT image_id FROM frames WHERE descriptor_id = ? ORDER BY image_id"
        return [one[0] for one in self._db.all(sql, (self._number(name),))]

    def since(self, name: str, seq: int, limit: int) -> list[tuple[int, int, VideoDescription]]:
        """As in the contract."""
        sql = "SELECT seq, image_id, data FROM frames WHERE seq > ? AND descriptor_id = ? ORDER BY seq LIMIT ?"
        found = self._db.all(sql, (seq, self._number(name), limit))
        return [(number, image, unpacked(data, self._what(image))) for number, image, data in found]

    def of_image(self, name: str, image: int) -> VideoDescription | None:
        """As in the contract."""
        found = self._data(name, image)
        return None if found is None else unpacked(found, self._what(image))

    def lacking(self, name: str) -> list[int]:
        """As in the contract."""
        sql = """SELECT id FROM images p WHERE p.codec IS NOT NULL AND NOT EXISTS
                 (SELECT 1 FROM frames f WHERE f.descriptor_id = ? AND f.image_id = p.id) ORDER BY id"""
        return [one[0] for one in self._db.all(sql, (self._number(name),))]

    def damaged(self, name: str) -> list[int]:
        """As in the contract."""
        return [image for image in self.images(name) if not self._is_sound(name, image)]

    def _is_sound(self, name: str, image: int) -> bool:
        try:
            self.of_image(name, image)
        except GalleryDamaged:
            return False
        return True

    def _data(self, name: str, image: int) -> bytes | None:
        sql = "SELECT data FROM frames WHERE descriptor_id = ? AND image_id = ?"
        found = self._db.all(sql, (self._number(name), image))
        return found[0][0] if found else None

    # --- writing; call within a transaction

    def put(self, image: int, found: Mapping[str, bytes]) -> None:
        """As in the contract."""
        sql = "INSERT INTO frames (descriptor_id, image_id, data) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
        self._db.run_each(sql, [(self._number(name), image, data) for name, data in found.items()])

    def put_copy(self, image: int, source: int) -> None:
        """Take over those of another image with the same bytes."""
        self._db.run(
            """INSERT INTO frames (descriptor_id, image_id, data)
               SELECT descriptor_id, ?, data FROM frames WHERE image_id = ? ON CONFLICT DO NOTHING""",
            (image, source),
        )

    def forget(self, name: str, images: Iterable[int]) -> None:
        """As in the contract."""
        rows = [(self._number(name), image) for image in images]
        self._db.run_each("DELETE FROM frames WHERE descriptor_id = ? AND image_id = ?", rows)

    def _what(self, image: int) -> str:
        return f"{self._db.file}: the frames of video {image}"
