"""How a transaction gets to the server (buffer.py says why so): what belongs to new images, the journal, the new state,
and then what the journal says. What an earlier writer left of these steps is done before.

A process that dies before the new state leaves documents without a row, which the next writer sweeps; behind it, a
journal, which the next writer or reader carries out. Nobody reads between the two.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from lookalike.errors import GalleryUnreachable
from lookalike.gallery.storage.milvus.buffer import Buffer, StoredVector, pieces, text_of
from lookalike.gallery.storage.milvus.collections import (
    NOTHING,
    PIECE,
    images_of,
    make_vectors,
    records_of,
    vectors_of,
)
from lookalike.gallery.storage.milvus.expressions import members
from lookalike.gallery.storage.milvus.loss import PAUSE_SECONDS, loss
from lookalike.gallery.storage.milvus.server import Document, Server
from lookalike.gallery.storage.milvus.state import State, StateName

SPARE = 1 << 20  # ids that are left out behind a writer that died: it may have begun to use so many
_BLOCK = 1_000  # documents, or keys, between two looks at whether we still are the writer
_JOURNAL_BLOCK = 100  # pieces of a journal in one query

One = TypeVar("One")


class Writer:
    """Writes for one process, once it is its turn."""

    def __init__(self, server: Server, names: StateName) -> None:
        self._server, self._names = server, names
        self._gallery = server.where.gallery
        self.written: dict[int, int] = {}  # number of a descriptor -> vectors so far
        self._images, self._records = images_of(self._gallery), records_of(self._gallery)

    def begin(self) -> State:
        """The state from which a transaction starts, everything before it carried out or swept. Raises
        GalleryUnreachable."""
        before = self._names.take()
        if before.unapplied:
            self._carry_out(self._journal_or_nothing(before))
            self._names.become(replace(self._names.state, unapplied=0, timestamp=self._server.now()))
        if before.holder:
            self._sweep()
        return self._names.state

    def commit(self, buffer: Buffer, counters: Mapping[str, int]) -> int:
        """Write all of it; returns the number of the version."""
        begun = self._names.state
        self._make_collections(buffer)
        new, rest = buffer.split(begun.image)
        counted = {**counters, "records": counters["records"] + len(new.records) + self._more(rest.records)}
        self._write(new)
        version = begun.version + 1
        journal = self._write_journal(version, rest)
        now = self._server.now()
        self._names.become(replace(self._names.state, version=version, unapplied=1, timestamp=now, **counted))
        self._carry_out(rest)
        self._delete(self._records, journal)
        self._names.release(unapplied=0, timestamp=self._server.now())
        return version

    def _more(self, changes: Mapping[str, Document | None]) -> int:
        """How many more records there are after these changes."""
        now = self._server.now()
        held: set[str] = set()
        for part in _blocks(changes):
            held |= {one["id"] for one in self._server.query(self._records, members("id", part), ["id"], now)}
        return sum((one is not None) - (key in held) for key, one in changes.items())

    def _make_collections(self, buffer: Buffer) -> None:
        """For the vectors of descriptors that come; those that give regions have none."""
        new: dict[int, Mapping[str, Any]] = {}
        for key, record in buffer.records.items():
            if key.startswith("descriptor/") and record is not None and record["seq"] not in buffer.dropped:
                said = json.loads(record["data"])
                if said["classes"] is None:
                    new[record["seq"]] = said["card"]
        if new:
            with ThreadPoolExecutor(len(new)) as threads:  # each waits for the server to load it
                list(threads.map(lambda number: self._make_collection(number, new[number]), new))

    def _make_collection(self, number: int, card: Mapping[str, Any]) -> None:
        make_vectors(self._server, number, card["metric"], card["dim"])

    def _write(self, buffer: Buffer) -> None:
        """What comes, with the rows of images last."""
        self._upsert(self._records, (one for one in buffer.records.values() if one is not None))
        for number, vectors in buffer.vectors.items():
            kept = {image: one for image, one in vectors.items() if one is not None}
            if kept:
                self.written[number] = self.written.get(number, 0) + len(kept)
                self._upsert(vectors_of(self._gallery, number), _vector_documents(kept, buffer.bits[number]))
        self._upsert(self._images, (one for one in buffer.images.values() if one is not None))

    def _carry_out(self, buffer: Buffer) -> None:
        """What comes, and then what goes, with the rows of images first."""
        self._write(buffer)
        self._delete(self._images, [image for image, one in buffer.images.items() if one is None])
        for number, vectors in buffer.vectors.items():
            gone = [image for image, one in vectors.items() if one is None]
            self._delete(vectors_of(self._gallery, number), gone)
        self._delete(self._records, [key for key, one in buffer.records.items() if one is None])
        for number in buffer.dropped:
            self._server.drop(vectors_of(self._gallery, number))

    def _upsert(self, name: str, documents: Iterable[Document]) -> None:
        for block in _blocks(documents):
            self._names.keep()
            self._server.upsert(name, block)

    def _delete(self, name: str, keys: Sequence[int] | Sequence[str]) -> None:
        if keys:
            self._names.keep()
            self._server.delete(name, keys)

    # --- the journal

    def _write_journal(self, version: int, buffer: Buffer) -> list[str]:
        """Returns its keys."""
        parts = list(pieces(buffer.packed(), PIECE))
        documents = [
            record(f"journal/{version}/{place}", "journal", part, seq=place, owner=str(version), pieces=len(parts))
            for place, part in enumerate(parts)
        ]
        self._upsert(self._records, documents)
        return [one["id"] for one in documents]

    def _journal_or_nothing(self, state: State) -> Buffer:
        """What a state's journal says. Nothing if it is not whole, and all that there should be is shown: whoever
        carried it out began to delete it. Raises GalleryUnreachable if Milvus does not show it."""
        where, end = self._server.where, time.monotonic() + self._server.where.timeout
        while (journal := self._journal(state.version)) is None:
            lost = "" if where.forget_lost else loss(self._server, state)
            if not lost:
                return Buffer()
            if time.monotonic() > end:
                raise GalleryUnreachable(f"{where.shown}: {lost}")
            time.sleep(PAUSE_SECONDS)
            self._names.keep()
        return journal

    def _journal(self, version: int) -> Buffer | None:
        """None if it is not whole."""
        now = self._server.now()
        texts: list[str] = []
        while True:
            start = len(texts)
            condition = (
                f'kind == "journal" and owner == "{version}" and seq >= {start} and seq < {start + _JOURNAL_BLOCK}'
            )
            found = self._server.query(self._records, condition, ["seq", "pieces", "data"], now)
            texts += [one["data"] for one in sorted(found, key=lambda one: one["seq"])]
            if not found or len(texts) == found[0]["pieces"]:
                break
        whole = bool(found) and len(texts) == found[0]["pieces"]
        return Buffer.unpacked("".join(texts)) if whole else None

    # --- what a writer left that died

    def _sweep(self) -> None:
        """What it wrote of images that have no row goes; its ids are used no more."""
        state, now = self._names.state, self._server.now()
        for name in self._server.collections():
            if name.startswith(vectors_of(self._gallery, 0)[:-1]):
                if int(name.removeprefix(vectors_of(self._gallery, 0)[:-1])) >= state.number:
                    self._server.drop(name)
                else:
                    self._sweep_collection(name, f"id >= {state.image}", now)
        self._sweep_collection(self._records, f'image >= {state.image} or kind == "journal"', now)
        spared = {"image": state.image + SPARE, "number": state.number + SPARE, "timestamp": self._server.now()}
        self._names.become(replace(self._names.state, **spared))

    def _sweep_collection(self, name: str, condition: str, now: int) -> None:
        found = self._server.query(name, condition, ["id"], now)
        self._delete(name, [one["id"] for one in found])


def record(
    key: str, kind: str, data: str, *, image: int = 0, seq: int = 0, owner: str = "", name: str = "", pieces: int = 1
) -> Document:
    """A document of the collection of records."""
    return {
        "id": key, "kind": kind, "image": image, "seq": seq, "owner": owner, "name": name, "pieces": pieces,
        "data": data, "nothing": list(NOTHING),
    }  # fmt: skip


def _vector_documents(vectors: Mapping[int, StoredVector], bits: bool) -> Iterator[Document]:
    for image, one in vectors.items():
        classes = "" if one.classes is None else text_of(one.classes)
        vector = one.data if bits else np.frombuffer(one.data, np.float16).astype(np.float32)
        yield {"id": image, "contrast": one.contrast, "classes": classes, "vector": vector}


def _blocks(every: Iterable[One]) -> Iterator[list[One]]:
    block: list[One] = []
    for one in every:
        block.append(one)
        if len(block) == _BLOCK:
            yield block
            block = []
    if block:
        yield block
