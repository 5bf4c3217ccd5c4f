"""The soundtracks of videos on Milvus."""

from __future__ import annotations

from collections.abc import Iterable

from lookalike.descriptors.sound import SoundDescription
from lookalike.errors import GalleryDamaged
from lookalike.gallery.storage.milvus.records import RecordFilter, Records, data_of, text_of
from lookalike.gallery.storage.milvus.rows import Rows
from lookalike.gallery.storage.sound_codec import unpacked

_KINDS = ("sound",)


class Sounds:
    """Records ``sound/<video>``."""

    def __init__(self, records: Records, rows: Rows, where: str) -> None:
        """``where``: the gallery, for people."""
        self._records, self._rows, self._where = records, rows, where

    def videos(self) -> list[int]:
        """As in the contract."""
        return [one["image"] for one in self._records.find(RecordFilter("sound"), data=False)]

    def of_video(self, video: int) -> SoundDescription | None:
        """As in the contract."""
        found = self._records.get(f"sound/{video}")
        return unpacked(data_of(found), f"{self._where}: the sound of video {video}") if found else None

    def lacking(self) -> list[int]:
        """As in the contract."""
        return sorted({*self._rows.which_are(codec=True)} - {*self.videos()})

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
            self.forget([video])
            self._records.put(f"sound/{video}", text_of(data), image=video)

    def put_copy(self, video: int, source: int) -> None:
        """Take over that of another video with the same bytes."""
        found = self._records.get(f"sound/{source}")
        self.put(video, data_of(found) if found else None)

    def forget(self, videos: Iterable[int]) -> None:
        """As in the contract."""
        self._records.delete_all(_KINDS, images=list(videos))
