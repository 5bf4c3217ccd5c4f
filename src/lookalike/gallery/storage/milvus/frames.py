"""The frames of what moves, on Milvus."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lookalike.descriptors.video import VideoDescription
from lookalike.errors import GalleryDamaged
from lookalike.gallery.storage.frame_codec import unpacked
from lookalike.gallery.storage.milvus.descriptors import Descriptors
from lookalike.gallery.storage.milvus.records import RecordFilter, Records, data_of, text_of
from lookalike.gallery.storage.milvus.rows import Rows
from lookalike.gallery.storage.milvus.session import Session

_KINDS = ("frames",)


class Frames:
    """Records ``frames/<descriptor>/<image>``, which belong to the descriptor's number."""

    def __init__(self, session: Session, records: Records, rows: Rows, descriptors: Descriptors) -> None:
        self._session, self._records, self._rows = session, records, rows
        self._number = descriptors.number

    def videos(self) -> int:
        """As in the contract."""
        return len(self._rows.which_are(codec=True))

    def images(self, name: str) -> list[int]:
        """As in the contract."""
        return [one["image"] for one in self._records.find(self._asked(name), data=False)]

    def since(self, name: str, seq: int, limit: int) -> list[tuple[int, int, VideoDescription]]:
        """As in the contract."""
        found = self._records.since(RecordFilter("frames", str(self._number(name)), after=seq), limit)
        return [(one["seq"], one["image"], unpacked(data_of(one), self._what(one["image"]))) for one in found]

    def of_image(self, name: str, image: int) -> VideoDescription | None:
        """As in the contract."""
        found = self._records.get(f"frames/{self._number(name)}/{image}")
        return unpacked(data_of(found), self._what(image)) if found else None

    def lacking(self, name: str) -> list[int]:
        """As in the contract."""
        return sorted({*self._rows.which_are(codec=True)} - {*self.images(name)})

    def damaged(self, name: str) -> list[int]:
        """As in the contract."""
        return [image for image in self.images(name) if not self._is_sound(name, image)]

    def _is_sound(self, name: str, image: int) -> bool:
        try:
            self.of_image(name, image)
        except GalleryDamaged:
            return False
        return True

    def _asked(self, name: str) -> RecordFilter:
        return RecordFilter("frames", str(self._number(name)))

    # --- writing; call within a transaction

    def put(self, image: int, found: Mapping[str, bytes]) -> None:
        """As in the contract."""
        for name, data in found.items():
            self._put(self._number(name), image, text_of(data))

    def _put(self, number: int, image: int, text: str) -> None:
        key = f"frames/{number}/{image}"
        if self._session.is_new(image) or self._records.get(key) is None:
            seq = self._session.next_number()
            self._records.put(key, text, image=image, seq=seq, owner=str(number))

    def put_copy(self, image: int, source: int) -> None:
        """Take over those of another image with the same bytes."""
        for one in self._records.find(RecordFilter("frames"), [source]):
            self._put(int(one["owner"]), image, one["data"])

    def forget(self, name: str, images: Iterable[int]) -> None:
        """As in the contract."""
        self._records.delete_all(_KINDS, str(self._number(name)), list(images))

    def _what(self, image: int) -> str:
        return f"{self._session.server.where.shown}: the frames of video {image}"
