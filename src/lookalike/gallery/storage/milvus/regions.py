"""Regions and objects on Milvus. What is made of them is the same as in regions.py; where they lie is not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from lookalike.gallery.storage.base import PackedRegions, StoredRegions
from lookalike.gallery.storage.milvus.descriptors import Descriptors
from lookalike.gallery.storage.milvus.faces import Faces
from lookalike.gallery.storage.milvus.records import RecordFilter, Records, data_of, digest, json_of, text_of
from lookalike.gallery.storage.milvus.session import Session
from lookalike.gallery.storage.region_codec import packed_vectors
from lookalike.gallery.storage.regions import RegionStore
from lookalike.gallery.storage.sql_database import batched

_PART = 250  # images whose packed regions are read at a time


class Regions(RegionStore):
    """Records ``region/<descriptor>/<image>`` and ``object/<descriptor>/<image>/<class>``."""

    def __init__(self, session: Session, records: Records, descriptors: Descriptors, faces: Faces) -> None:
        self._session, self._records, self._descriptors = session, records, descriptors
        self._faces = faces  # type: ignore[assignment]  # the same calls, other rows
        self._number = descriptors.number

    def names(self) -> dict[str, str]:
        """As in the contract."""
        return self._descriptors.regions()

    def mark(self, classes: Mapping[str, Iterable[str]]) -> None:
        """As in the contract."""
        self._descriptors.mark(classes)

    def _asked(self, name: str) -> RecordFilter:
        return RecordFilter("region", str(self._number(name)))

    def described(self, name: str) -> int:
        """As in the contract."""
        return len(self.images(name))

    def images(self, name: str) -> list[int]:
        """As in the contract."""
        return [one["image"] for one in self._records.find(self._asked(name), data=False)]

    def since(self, name: str, seq: int, limit: int) -> list[tuple[int, int, StoredRegions]]:
        """As in the contract."""
        found = self._records.since(RecordFilter("region", str(self._number(name)), after=seq), limit)
        return [(one["seq"], one["image"], packed_vectors(data_of(one), self._what(one["image"]))) for one in found]

    def _blobs(self, name: str, ids: Sequence[int]) -> Iterator[list[tuple[int, bytes]]]:
        for part in batched(ids, _PART):
            yield [(one["image"], data_of(one)) for one in self._records.find(self._asked(name), part)]

    def objects(self, ids: Sequence[int]) -> dict[int, dict[str, int]]:
        """As in the contract."""
        return self._objects(RecordFilter("object"), ids)

    def objects_by(self, name: str, ids: Sequence[int]) -> dict[int, dict[str, int]]:
        """As in the contract."""
        return self._objects(RecordFilter("object", str(self._number(name))), ids)

    def _objects(self, asked: RecordFilter, ids: Sequence[int]) -> dict[int, dict[str, int]]:
        found: dict[int, dict[str, int]] = {}
        for one in sorted(self._records.find(asked, ids), key=lambda one: (one["image"], one["name"])):
            counts = found.setdefault(one["image"], {})
            counts[one["name"]] = max(json_of(one), counts.get(one["name"], 0))
        return found

    # --- writing; call within a transaction

    def put(self, image: int, found: Mapping[str, PackedRegions]) -> None:
        """As in the contract."""
        for name, one in found.items():
            number = self._number(name)
            if self._session.is_new(image) or self._records.get(f"region/{number}/{image}") is None:
                said, words = self._reminded(image, name, one)
                self._write(number, image, said.data)
                for what, count in said.objects.items():
                    self._write_object(number, image, what, count)
                self._faces.put(image, number, said.faces)
                self._say_again(image, name, words)

    def _write(self, number: int, image: int, data: bytes) -> None:
        seq = self._session.next_number()
        self._records.put(f"region/{number}/{image}", text_of(data), image=image, seq=seq, owner=str(number))

    def _write_object(self, number: int, image: int, what: str, count: int) -> None:
        key = f"object/{number}/{image}/{digest(what)}"
        self._records.put(key, str(count), image=image, owner=str(number), name=what)

    def put_copy(self, image: int, source: int) -> None:
        """Take over those of another image with the same bytes."""
        for one in self._records.find(RecordFilter("region"), [source]):
            self._write(int(one["owner"]), image, data_of(one))
        for one in self._records.find(RecordFilter("object"), [source]):
            self._write_object(int(one["owner"]), image, one["name"], json_of(one))
        self._faces.put_copy(image, source)

    def rewrite(self, name: str, image: int, data: bytes) -> None:
        """As in the contract."""
        number = self._number(name)
        found = self._records.get(f"region/{number}/{image}")
        if found is not None:
            key = f"region/{number}/{image}"
            self._records.put(key, text_of(data), image=image, seq=found["seq"], owner=str(number))

    def forget(self, name: str, images: Iterable[int]) -> None:
        """As in the contract."""
        self._records.delete_all(("region", "object", "face"), str(self._number(name)), list(images))

    def _what(self, image: int) -> str:
        return f"{self._session.server.where.shown}: the regions of image {image}"
