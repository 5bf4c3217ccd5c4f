"""Vectors of whole images on Milvus, a collection per descriptor, and the keypoints beside them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.gallery.storage.base import Vectors
from lookalike.gallery.storage.milvus.buffer import StoredVector, bytes_of
from lookalike.gallery.storage.milvus.collections import vectors_of
from lookalike.gallery.storage.milvus.descriptors import Descriptors
from lookalike.gallery.storage.milvus.expressions import both, members
from lookalike.gallery.storage.milvus.session import Session
from lookalike.types import Ids

_PART = 2_000  # members of one expression, and vectors of one answer
_FIELDS = ("id", "contrast", "classes", "vector")

VectorRows = list[tuple[int, StoredVector]]  # by image id, rising


class VectorStore:
    """The vectors of a gallery. Numbers are those of descriptors."""

    def __init__(self, session: Session, descriptors: Descriptors) -> None:
        self._session, self._descriptors = session, descriptors

    # --- reading

    def _query(self, number: int, condition: str) -> VectorRows:
        """Those that were committed."""
        bits = self._descriptors.is_bits(number)
        found = self._session.query(vectors_of(self._session.gallery, number), condition, _FIELDS)
        return sorted(((one["id"], _stored(one, bits)) for one in found), key=lambda one: one[0])

    def _overlaid(self, number: int, found: VectorRows) -> VectorRows:
        """With what the transaction changes."""
        changed = self._changed(number)
        kept = [one for one in found if one[0] not in changed]
        return sorted([*kept, *((image, one) for image, one in changed.items() if one is not None)], key=_image)

    def _changed(self, number: int) -> dict[int, StoredVector | None]:
        buffer = self._session.buffer
        return {} if buffer is None else buffer.vectors.get(number, {})

    def _has(self, number: int) -> bool:
        """Whether vectors of it were committed."""
        return number in self._descriptors.numbers() and not self._is_new(number)

    def _is_new(self, number: int) -> bool:
        begun = self._session.state()
        return number >= begun.number

    def blocks(self, name: str, after: int = 0) -> Iterator[VectorRows]:
        """All behind an id, a block at a time."""
        number = self._descriptors.number(name)
        if self._has(number):
            for condition in self._session.ranges(after):
                changed = self._changed(number)
                yield [one for one in self._query(number, condition) if one[0] not in changed]
        yield [one for one in self._overlaid(number, []) if one[0] > after]

    def of_images(self, name: str, ids: Sequence[int] | Ids) -> VectorRows:
        """Of these images."""
        number = self._descriptors.number(name)
        wanted = {int(image) for image in ids}
        asked = sorted(wanted) if self._has(number) else []
        found: VectorRows = []
        for start in range(0, len(asked), _PART):
            found += self._query(number, members("id", asked[start : start + _PART]))
        return [one for one in self._overlaid(number, found) if one[0] in wanted]

    def vectors(self, name: str, *, after: int = 0, limit: int = -1, contrast: float = 0.0, dtype: Any) -> Vectors:
        """As in the contract."""
        found: VectorRows = []
        for block in self.blocks(name, after):
            found += [one for one in block if one[1].contrast >= contrast]
            if 0 <= limit <= len(found):
                break
        return _matrix(found if limit < 0 else found[:limit], dtype)

    def vectors_of(self, name: str, ids: Sequence[int] | Ids, *, contrast: float = 0.0, dtype: Any) -> Vectors:
        """As in the contract."""
        return _matrix([one for one in self.of_images(name, ids) if one[1].contrast >= contrast], dtype)

    def vector(self, name: str, number: int) -> tuple[bytes, float] | None:
        """As in the contract."""
        found = self.of_images(name, [number])
        return (found[0][1].data, found[0][1].contrast) if found else None

    def packed_vectors(self, name: str, after: int, limit: int) -> list[tuple[int, bytes, float]]:
        """As in the contract."""
        found: list[tuple[int, bytes, float]] = []
        for block in self.blocks(name, after):
            found += [(image, one.data, one.contrast) for image, one in block]
            if len(found) >= limit:
                break
        return found[:limit]

    def classes_of(self, name: str, ids: Sequence[int]) -> dict[int, bytes]:
        """As in the contract."""
        return {image: one.classes for image, one in self.of_images(name, ids) if one.classes is not None}

    def images(self, name: str) -> set[int]:
        """Ids of those that have one."""
        number = self._descriptors.number(name)
        changed = self._changed(number)
        found = {image for image, one in changed.items() if one is not None}
        if self._has(number):
            collection = vectors_of(self._session.gallery, number)
            for condition in self._session.ranges():
                found |= {one["id"] for one in self._session.query(collection, condition, ["id"])} - set(changed)
        return found

    def count(self, number: int, contrast: float) -> int:
        """How many have this contrast, of those that were committed."""
        kept = self._session.memo.setdefault("vectors", {})
        if (number, contrast) not in kept:
            condition = both(f"id < {self._session.state().image}", f"contrast >= {contrast}" if contrast else "")
            found = self._session.query(vectors_of(self._session.gallery, number), condition, ["count(*)"])
            kept[number, contrast] = int(found[0]["count(*)"])
        return int(kept[number, contrast])

    # --- writing; call within a transaction

    def put(self, name: str, image: int, vector: StoredVector) -> None:
        """Of an image that has none."""
        number = self._descriptors.number(name)
        buffer = self._session.writing()
        buffer.bits[number] = self._descriptors.is_bits(number)
        buffer.vectors.setdefault(number, {})[image] = vector

    def put_missing(
        self, name: str, vectors: Mapping[int, tuple[bytes, float]], classes: Mapping[int, bytes], held: set[int]
    ) -> None:
        """Of those images that are ``held`` and have none."""
        there = {image for image, _ in self.of_images(name, list(vectors))}
        for image, (data, contrast) in vectors.items():
            if image in held and image not in there:
                self.put(name, image, StoredVector(data, contrast, classes.get(image)))
        if vectors:
            self._descriptors.count_backfill(name)

    def put_copy(self, image: int, source: int) -> None:
        """Take over those of another image."""
        names = {number: name for name, number in self._numbers().items()}
        for number in self._descriptors.numbers():
            for _, vector in self.of_images(names[number], [source]):
                self.put(names[number], image, vector)

    def _numbers(self) -> dict[str, int]:
        return {name: self._descriptors.number(name) for name in self._descriptors.fingerprints()}

    def forget(self, name: str, images: Iterable[int]) -> None:
        """As ``forget_vectors`` in the contract."""
        number = self._descriptors.number(name)
        self._session.writing().vectors.setdefault(number, {}).update(dict.fromkeys(images))
        self._descriptors.count_backfill(name)  # an index that holds them begins anew

    def forget_images(self, images: Iterable[int]) -> None:
        """Their vectors of all kinds."""
        gone = list(images)
        for number in self._descriptors.numbers():
            vectors = self._session.writing().vectors.setdefault(number, {})
            for image in gone:
                if self._session.is_new(image):
                    vectors.pop(image, None)
                else:
                    vectors[image] = None


def _image(one: tuple[int, StoredVector]) -> int:
    return one[0]


def _stored(one: Mapping[str, Any], bits: bool) -> StoredVector:
    data = one["vector"][0] if bits else np.array(one["vector"], np.float32).astype(np.float16).tobytes()
    return StoredVector(data, one["contrast"], bytes_of(one["classes"]) if one["classes"] else None)


def _matrix(found: VectorRows, dtype: Any) -> tuple[Ids, NDArray[Any]]:
    ids = np.fromiter((image for image, _ in found), np.int64, len(found))
    flat = np.frombuffer(b"".join(one.data for _, one in found), dtype)
    return ids, flat.reshape(len(found), -1) if found else flat.reshape(0, 0)
