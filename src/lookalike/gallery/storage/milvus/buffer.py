"""What a transaction is going to write, and its form in the journal.

Milvus has no transactions. So nothing is written while one goes on; at its end what belongs to new images is written
first, which nobody sees without their rows, then everything else as a journal; the state's new name (state.py) commits
it; then the journal is carried out. Each step of that may be done twice, and whoever comes next does what is left.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from lookalike.gallery.storage.milvus.server import Document

Change = Document | None  # None: it is deleted


class StoredVector(NamedTuple):
    """As in the contract: packed, and packed classes if there are any."""

    data: bytes
    contrast: float
    classes: bytes | None = None


@dataclass(slots=True)
class Buffer:
    """Changes by key: documents of records and of images, and vectors by the number of their descriptor. ``bits``:
    whether that one's are bits. ``dropped``: descriptors that are gone with all their vectors."""

    records: dict[str, Change] = field(default_factory=dict)
    images: dict[int, Change] = field(default_factory=dict)
    vectors: dict[int, dict[int, StoredVector | None]] = field(default_factory=dict)
    bits: dict[int, bool] = field(default_factory=dict)
    dropped: list[int] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.records or self.images or self.vectors or self.dropped)

    def split(self, first_new: int) -> tuple[Buffer, Buffer]:
        """What belongs to images that nobody has seen, from the id ``first_new``; and the rest, with their rows."""
        new, rest = Buffer(bits=self.bits), Buffer(images=self.images, bits=self.bits, dropped=self.dropped)
        for key, record in self.records.items():
            part = new if record is not None and record["image"] >= first_new else rest
            part.records[key] = record
        for number, vectors in self.vectors.items():
            for image, vector in vectors.items():
                part = new if vector is not None and image >= first_new else rest
                part.vectors.setdefault(number, {})[image] = vector
        return new, rest

    def packed(self) -> str:
        """As text."""
        vectors = [
            [number, image, _packed(one)] for number, part in self.vectors.items() for image, one in part.items()
        ]
        return json.dumps([self.records, list(self.images.items()), vectors, list(self.bits.items()), self.dropped])

    @classmethod
    def unpacked(cls, text: str) -> Buffer:
        """From such a text."""
        records, images, vectors, bits, dropped = json.loads(text)
        buffer = cls(records, dict(images), bits=dict(bits), dropped=dropped)
        for number, image, one in vectors:
            buffer.vectors.setdefault(number, {})[image] = _unpacked(one)
        return buffer


def _packed(vector: StoredVector | None) -> Any:
    return vector and [text_of(vector.data), vector.contrast, vector.classes and text_of(vector.classes)]


def _unpacked(found: Any) -> StoredVector | None:
    return found and StoredVector(bytes_of(found[0]), found[1], found[2] and bytes_of(found[2]))


def text_of(data: bytes) -> str:
    """Bytes as Milvus keeps them: in text fields."""
    return base64.b64encode(data).decode("ascii")


def bytes_of(text: str) -> bytes:
    """The bytes again."""
    return base64.b64decode(text)


def pieces(text: str, size: int) -> Iterator[str]:
    """A text in pieces of at most so many characters; one if it is empty."""
    for start in range(0, max(1, len(text)), size):
        yield text[start : start + size]
