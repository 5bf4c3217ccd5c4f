"""The contract of storage (base.py) on Milvus. Knows nothing of search."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from lookalike.descriptors.base import DescriptorCard
from lookalike.errors import GalleryError, GalleryExists
from lookalike.gallery.storage.base import NewGallery, NewImage
from lookalike.gallery.storage.face_words import forgotten_boxes, keep_forgotten
from lookalike.gallery.storage.milvus.buffer import StoredVector, text_of
from lookalike.gallery.storage.milvus.collections import images_of, records_of, vectors_of
from lookalike.gallery.storage.milvus.descriptors import Descriptors
from lookalike.gallery.storage.milvus.faces import Faces
from lookalike.gallery.storage.milvus.fitted import Fitted
from lookalike.gallery.storage.milvus.frames import Frames
from lookalike.gallery.storage.milvus.index import MilvusIndex
from lookalike.gallery.storage.milvus.items import Items
from lookalike.gallery.storage.milvus.labels import Labels
from lookalike.gallery.storage.milvus.meta import Meta
from lookalike.gallery.storage.milvus.records import RecordFilter, Records, data_of
from lookalike.gallery.storage.milvus.regions import Regions
from lookalike.gallery.storage.milvus.rows import Rows
from lookalike.gallery.storage.milvus.selection import Selection
from lookalike.gallery.storage.milvus.server import Document, Server
from lookalike.gallery.storage.milvus.session import Session
from lookalike.gallery.storage.milvus.sounds import Sounds
from lookalike.gallery.storage.milvus.vectors import VectorStore
from lookalike.gallery.storage.milvus.whole import bytes_held, flaw, forget_lost
from lookalike.gallery.storage.privacy import Privacy
from lookalike.gallery.storage.row import Row
from lookalike.types import Failure, Ids, Shown


class MilvusStore:
    """What one gallery holds, over one connection. Not for several threads at once."""

    def __init__(self, server: Server, unmade: bool = False) -> None:
        """``unmade``: of a gallery that is being made. Raises GalleryMissing, GalleryVersion."""
        self._session = session = Session(server, unmade)
        for name in (images_of(session.gallery), records_of(session.gallery)):
            server.load(name)
        records = self._records = Records(session)
        meta = self._meta = Meta(records)
        self._descriptors = descriptors = Descriptors(session, records, meta)
        for number in descriptors.numbers():
            server.load(vectors_of(session.gallery, number))
        rows = self._rows = Rows(session, records, meta)
        self._vectors = VectorStore(session, descriptors)
        self._fitted = fitted = Fitted(records)
        self._selection = selection = Selection(records, rows)
        self.items = selection.items = Items(session, records, rows, meta, selection.item_images)
        self.labels = selection.labels = Labels(records, rows, selection.ids)
        self.faces = Faces(session, records, descriptors, meta)
        self.regions = Regions(session, records, descriptors, self.faces)
        self.frames = Frames(session, records, rows, descriptors)
        self.sounds = Sounds(records, rows, server.where.shown)
        self.read_only = False
        self.transaction, self.snapshot, self.reading = session.transaction, session.snapshot, session.reading
        self.select = selection.ids
        # rows
        self.count, self.last_id, self.row_of, self.row_named = rows.count, rows.last_id, rows.row_of, rows.row_named
        self.rows, self.every_row, self.same_bytes = rows.rows, rows.every_row, rows.same_bytes
        self.sha256_by_size, self.digests, self.repeated_bytes = rows.sha256_by_size, rows.digests, rows.repeated_bytes
        self.totals, self.known_failure, self.failures = rows.totals, rows.known_failure, rows.failures
        self.failed_files, self.put_root, self.roots = rows.failed_files, rows.put_root, rows.roots
        self.forget_root, self.put_patterns, self.patterns = rows.forget_root, rows.put_patterns, rows.patterns
        # vectors
        self.fingerprints, self.put_descriptor = descriptors.fingerprints, descriptors.put
        self.unfinished, self.set_finished = descriptors.unfinished, descriptors.set_finished
        self.backfills, self.vectors, self.vectors_of = (
            descriptors.backfills,
            self._vectors.vectors,
            self._vectors.vectors_of,
        )
        self.vector, self.packed_vectors = self._vectors.vector, self._vectors.packed_vectors
        self.classes_of, self.forget_vectors = self._vectors.classes_of, self._vectors.forget
        # what was fitted
        self.add_verdicts, self.remove_verdicts = fitted.add_verdicts, fitted.remove_verdicts
        self.verdicts, self.different = fitted.verdicts, fitted.different
        self.calibrations, self.put_calibrations = fitted.calibrations, fitted.put_calibrations
        self.tunings, self.put_tuning, self.forget_tunings = fitted.tunings, fitted.put_tuning, fitted.forget_tunings
        if server.where.forget_lost:
            forget_lost(session, rows, records, self._vectors, descriptors)

    def fill(self, new: NewGallery) -> None:
        """What a new gallery is made with. Raises GalleryExists if another process has made it."""
        with self.transaction():
            if self.uuid():
                where = self._session.server.where.shown
                raise GalleryExists(f"{where}: another process has just made it; open it")
            self._meta.put("uuid", uuid.uuid4().hex)
            self._meta.put("keypoints", new.keypoints)
            self._meta.put("retention", new.retention)
            for card in new.cards:
                self.put_descriptor(card)
            self.regions.mark(new.regions)

    # --- the gallery itself

    @property
    def privacy(self) -> Privacy:
        """What is kept beside vectors."""
        return self._rows.privacy

    @privacy.setter
    def privacy(self, privacy: Privacy) -> None:
        self._rows.privacy = privacy

    def take_over_names(self, key: str) -> None:
        """As in the contract."""
        self._meta.put("privacy key", key)
        self.privacy = replace(self.privacy, key=key)

    def set_shown(self, shown: Shown) -> None:
        """As in the contract."""
        self._selection.shown = shown

    def index(self, card: DescriptorCard) -> MilvusIndex | None:
        """As in the contract: regions lie packed, and copies of them are searched."""
        if card.name in self.regions.names():
            return None
        return MilvusIndex(self._session, self._descriptors, self._vectors, card, self.select)

    def version(self) -> tuple[int, int]:
        """As in the contract, but that it asks the server: a millisecond."""
        return self._session.state().version, 0

    def uuid(self) -> str:
        """As in the contract."""
        return str(self._meta.get("uuid", ""))

    def last_removal(self) -> int:
        """As in the contract."""
        return max((one["seq"] for one in self._removals(0)), default=0)

    def removed_since(self, seq: int) -> tuple[int, Ids]:
        """As in the contract."""
        found = self._removals(seq)
        return (found[-1]["seq"] if found else seq), np.array([int(one["data"]) for one in found], np.int64)

    def check(self) -> str:
        """As in the contract."""
        return flaw(self._session, self._rows, self._vectors, self._descriptors)

    def backup(self, file: Path) -> None:  # noqa: ARG002  there is none
        """Not on Milvus."""
        raise GalleryError(
            f"{self._session.server.where.shown}: Milvus makes no copy in a file; copy the gallery into a folder with: "
            f"lookalike migrate {self._session.server.where.shown} FOLDER"
        )

    def close(self) -> None:
        """As in the contract. Much that was written is handed over to be indexed; nobody waits for it."""
        held = self._session.written()
        try:
            for number in set(held) & set(self._descriptors.numbers()):
                self._session.server.flush(vectors_of(self._session.gallery, number))
        finally:
            self._session.server.close()

    def vacuum(self) -> None:
        """Has the server write its segments anew; the bytes of those before go when it collects garbage."""
        for name in self._collections():
            self._session.server.flush(name)
            self._session.server.compact(name)

    def empty_log(self, trouble: str) -> None:
        """As in the contract: the server keeps no log that another process would need."""

    def disk_bytes(self) -> int:
        """What the server holds, without its indexes, as its fields are wide."""
        return bytes_held(self._session, self._descriptors)

    def _collections(self) -> list[str]:
        gallery = self._session.gallery
        return [
            images_of(gallery),
            records_of(gallery),
            *(vectors_of(gallery, one) for one in self._descriptors.numbers()),
        ]

    def _removals(self, after: int) -> list[Document]:
        found = self._records.find(RecordFilter("removal", after=after), [0])
        return sorted(found, key=lambda one: one["seq"])

    # --- what several parts keep of an image

    def keeps_keypoints(self) -> bool:
        """As in the contract."""
        return bool(self._meta.get("keypoints", False))

    def keypoints(self, number: int) -> bytes | None:
        """As in the contract."""
        found = self._records.get(f"keypoints/{number}")
        return data_of(found) if found else None

    def lacking(self, name: str) -> list[int]:
        """As in the contract."""
        held = set(self.regions.images(name)) if name in self.regions.names() else self._vectors.images(name)
        return [number for number in self._rows.which_are(codec=False) if number not in held]

    def replace_descriptor(self, card: DescriptorCard) -> None:
        """As in the contract."""
        if card.name in self.regions.names():
            self.regions.keep_words(card.name)
        self._descriptors.replace(card)

    # --- writing; call within a transaction

    def put(self, image: NewImage) -> int:
        """As in the contract."""
        before = self.row_of(image.row.path) if image.regions else None
        spoken = self.regions.spoken(before.id) if before else {}
        forgotten = forgotten_boxes(self.faces, self.regions, before.id) if before else {}
        self.forget([image.row.path])
        number = self._rows.insert(image.row)
        keep_forgotten(self.faces, number, forgotten)
        for name, (vector, contrast) in image.vectors.items():
            self._vectors.put(name, number, StoredVector(vector, contrast, image.classes.get(name)))
        if image.keypoints is not None:
            self._records.put(f"keypoints/{number}", text_of(image.keypoints), image=number)
        self.regions.put(number, image.regions)
        self.regions.say_of_alike(number, spoken)
        self.frames.put(number, image.frames)
        self.sounds.put(number, image.sound)
        return number

    def put_copy(self, row: Row, source: int) -> int:
        """As in the contract."""
        self.forget([row.path])
        number = self._rows.insert(row)
        self._vectors.put_copy(number, source)
        if (points := self.keypoints(source)) is not None:
            self._records.put(f"keypoints/{number}", text_of(points), image=number)
        self.regions.put_copy(number, source)
        self.frames.put_copy(number, source)
        self.sounds.put_copy(number, source)
        return number

    def put_vectors(
        self, name: str, vectors: Mapping[int, tuple[bytes, float]], classes: Mapping[int, bytes] | None = None
    ) -> None:
        """As in the contract."""
        self._vectors.put_missing(name, vectors, classes or {}, set(self.rows(list(vectors))))

    def move(self, number: int, path: str, mtime_ns: int) -> None:
        """As in the contract."""
        self._rows.forget_failures([path])
        there = self.row_of(path)
        if there is not None and there.id != number:
            self._forget_images([there.id])
        for row in self.rows([number]).values():
            kept = self.privacy.name(path)
            self._rows.write(replace(row, path=kept, mtime_ns=mtime_ns))
            if kept != row.path:
                self.items.move(row.path, kept)

    def touch(self, number: int, mtime_ns: int) -> None:
        """As in the contract."""
        for row in self.rows([number]).values():
            self._rows.write(replace(row, mtime_ns=mtime_ns))

    def forget(self, paths: Iterable[str]) -> int:
        """As in the contract."""
        given = list(paths)
        self._rows.forget_failures(given)
        ids = self._rows.at(given)
        self._forget_images(ids)
        return len(ids)

    def _forget_images(self, ids: Sequence[int]) -> None:
        if ids:
            self._records.delete_of_images(ids)
            self._vectors.forget_images(ids)
            self._rows.forget_images(ids)

    def put_failure(self, failure: Failure, size: int, mtime_ns: int) -> None:
        """As in the contract."""
        self.forget([failure.path])
        self._rows.put_failure(failure, size, mtime_ns)
