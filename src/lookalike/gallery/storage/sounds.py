"""The gallery's rows of soundtracks; knows nothing of search."""

from __future__ import annotations

from collections.abc import Iterable

from lookalike.descriptors.sound import SoundDescription
from lookalike.errors import GalleryDamaged
from lookalike.gallery.storage.sound_codec import unpacked
from lookalike.gallery.storage.sql_database import SqlDatabase

_REPLACING = "ON CONFLICT (image_id) DO UPDATE SET data = excluded.data"


class SoundStore:
    """What a gallery holds of soundtracks, over its database connection."""

    def __init__(self, database: SqlDatabase) -> None:
        self._db = database

    def videos(self) -> list[int]:
        """As in the contract."""
        return [one[0] for one in self._db.all("SELECT image_id FROM sounds ORDER BY image_id")]

    def of_video(self, video: int) -> SoundDescription | None:
        """As in the contract."""
        found = self._db.all("SELECT data FROM sounds WHERE image_id = ?", (video,))
        return unpacked(found[0][0], f"{self._db.file}: the sound of video {video}") if found else None

    def lacking(self) -> list[int]:
        """As in the contract."""
        sql = """SELECT id FROM images p WHERE p.codec IS NOT NULL AND NOT EXISTS
                 (SELECT 1 FROM sounds s WHERE s.image_id = p.id) ORDER BY id"""
        return [one[0] for one in self._db.all(sql)]

    def damaged(self) -> list[int]:
        """As in the contract."""
        return [video for video in self.videos() if not self._is_whole(video)]

    def _is_whole(self, video: int) -> bool:
        try:
            self.of_video(video)
        except GalleryDamaged:
            return False
        return True

    # --- writing; call within a transaction

    def put(self, video: int, data: bytes | None) -> None:
        """As in the contract."""
        if data is not None:
            self._db.run(f"INSERT INTO sounds (image_id, data) VALUES (?, ?) {_REPLACING}", (video, data))

    def put_copy(self, video: int, source: int) -> None:
        """Take over that of another video with the same bytes."""
        sql = f"INSERT INTO sounds (image_id, data) SELECT ?, data FROM sounds WHERE image_id = ? {_REPLACING}"
        self._db.run(sql, (video, source))

    def forget(self, videos: Iterable[int]) -> None:
        """As in the contract."""
        self._db.run_each("DELETE FROM sounds WHERE image_id = ?", [(one,) for one in videos])
