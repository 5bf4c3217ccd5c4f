"""The contract of storage (base.py) over an SQL database, whichever it is: rows, verdicts, fits, and its parts. Knows
nothing of search."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from itertools import groupby
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from lookalike.comparison.calibration import Calibration
from lookalike.descriptors.base import DescriptorCard
from lookalike.gallery.storage.base import FailedFile, NewGallery, NewImage, Tuning
from lookalike.gallery.storage.descriptors import DescriptorStore
from lookalike.gallery.storage.face_words import forgotten_boxes, keep_forgotten
from lookalike.gallery.storage.faces import FaceStore
from lookalike.gallery.storage.frames import FrameStore
from lookalike.gallery.storage.items import ItemStore
from lookalike.gallery.storage.labels import LabelStore
from lookalike.gallery.storage.privacy import Privacy, Retention
from lookalike.gallery.storage.regions import RegionStore
from lookalike.gallery.storage.row import Row
from lookalike.gallery.storage.sounds import SoundStore
from lookalike.gallery.storage.sql_database import MANY, SqlDatabase, batched, marks, meta, put_meta
from lookalike.gallery.storage.vectors import VectorTables
from lookalike.paths import WalkPatterns, composed
from lookalike.types import Failure, Ids, Shown, Verdict

_REST = (
    *("sha256", "bytes", "mtime_ns", "width", "height", "format", "taken", "camera", "frames", "damage"),
    *("codec", "duration", "fps", "bitrate"),
)
_ROW = ", ".join(f"p.{name}" for name in ("id", "path", *_REST))


def _row(values: Sequence[Any]) -> Row:
    return Row(values[0], os.fsdecode(values[1]), *values[2:])


Tables = Callable[[DescriptorStore], VectorTables]  # where an engine keeps vectors


def fill(database: SqlDatabase, tables: Tables, new: NewGallery) -> None:
    """Within a transaction: what a new gallery, whose tables are empty, is made with."""
    put_meta(database, "uuid", uuid.uuid4().hex)
    put_meta(database, "keypoints", str(int(new.keypoints)))
    put_meta(database, "retention", new.retention)
    store = SqlStore(database, tables)
    for card in new.cards:
        store.put_descriptor(card)
    store.regions.mark(new.regions)


class SqlStore:
    """What one gallery holds, over one database connection."""

    def __init__(self, database: SqlDatabase, tables: Tables) -> None:
        self._db = database
        self._descriptors = DescriptorStore(database)
        self._vectors = tables(self._descriptors)
        self.items = ItemStore(database, self._raw)
        self.labels = LabelStore(database, self.items)
        self.faces = FaceStore(database, self._descriptors)
        self.regions = RegionStore(database, self._descriptors, self.faces)
        self.frames = FrameStore(database, self._descriptors)
        self.sounds = SoundStore(database)
        key = meta(database, "privacy key", self.uuid())
        self.privacy = Privacy(cast(Retention, meta(database, "retention", "paths")), key)
        self._counted: tuple[tuple[int, int], int] | None = None
        self.read_only = database.read_only
        self.transaction = database.transaction
        self.snapshot = database.snapshot
        self.reading = database.reading
        self.version = database.version
        self.check = database.check
        self.backup = database.backup
        self.vacuum = database.vacuum
        self.empty_log = database.empty_log
        self.disk_bytes = database.disk_bytes
        self.fingerprints = self._descriptors.fingerprints
        self.unfinished = self._descriptors.unfinished
        self.backfills = self._descriptors.backfills
        self.set_finished = self._descriptors.set_finished
        self.vectors = self._vectors.vectors
        self.vectors_of = self._vectors.vectors_of
        self.vector = self._vectors.vector
        self.packed_vectors = self._vectors.packed_vectors
        self.classes_of = self._vectors.classes_of
        self.put_vectors = self._vectors.put_vectors
        self.forget_vectors = self._vectors.forget_vectors
        self.index = self._vectors.index

    def close(self) -> None:
        """As in the contract. After much was written it is first made quick to search."""
        self._vectors.settle()
        self._db.close()

    def put_descriptor(self, card: DescriptorCard) -> None:
        """As in the contract."""
        self._vectors.make(self._descriptors.put(card), card)

    def replace_descriptor(self, card: DescriptorCard) -> None:
        """As in the contract."""
        self.regions.keep_words(card.name)
        self._vectors.drop(self._descriptors.current(card.name))
        self._vectors.make(self._descriptors.replace(card), card)

    def take_over_names(self, key: str) -> None:
        """As in the contract."""
        put_meta(self._db, "privacy key", key)
        self.privacy = replace(self.privacy, key=key)

    def set_shown(self, shown: Shown) -> None:
        """As in the contract."""
        self._db.shown = shown

    def uuid(self) -> str:
        """A random name that this gallery got when it was made."""
        return meta(self._db, "uuid", "")

    def keeps_keypoints(self) -> bool:
        """Whether keypoints are kept with every image."""
        return meta(self._db, "keypoints", "0") == "1"

    def keypoints(self, number: int) -> bytes | None:
        """The packed keypoints of an image, if there are any."""
        found = self._db.all("SELECT data FROM keypoints WHERE image_id = ?", (number,))
        return found[0][0] if found else None

    def count(self) -> int:
        """Images in the gallery. Databases count row by row, so the number is kept until something is written."""
        version = self.version()
        if self._counted is None or self._counted[0] != version:
            self._counted = version, int(self._db.all("SELECT count(*) FROM images")[0][0])
        return self._counted[1]

    def last_id(self) -> int:
        """The largest id, 0 if there is no image."""
        return int(self._db.all("SELECT coalesce(max(id), 0) FROM images")[0][0])

    def totals(self) -> dict[str, Any]:
        """Bytes of all files, images per format, failures and decisions."""
        formats = self._db.all("SELECT format, count(*) FROM images GROUP BY format ORDER BY 2 DESC")
        return {
            "bytes": int(self._db.all("SELECT coalesce(sum(bytes), 0) FROM images")[0][0]),
            "formats": dict(formats),
            "failures": self._db.all("SELECT count(*) FROM failures")[0][0],
            "verdicts": self._db.all("SELECT count(*) FROM verdicts")[0][0],
        }

    def row_of(self, path: str) -> Row | None:
        """The image at exactly this path."""
        found = self._db.all(f"SELECT {_ROW} FROM images p WHERE path = ?", (self._raw(path),))
        return _row(found[0]) if found else None

    def row_named(self, path: str) -> Row | None:
        """As in the contract."""
        exact = self.row_of(path)
        if exact is not None or path.isascii():
            return exact
        found = self._db.all(f"SELECT {_ROW} FROM images p WHERE name = ? LIMIT 2", (_name(self._raw(path)),))
        return _row(found[0]) if len(found) == 1 else None

    def rows(self, ids: Sequence[int]) -> dict[int, Row]:
        """Image id -> Row, for those of the ids that are still there."""
        found: dict[int, Row] = {}
        for part in batched(ids, MANY):
            sql = f"SELECT {_ROW} FROM images p WHERE p.id IN ({marks(part)})"
            found.update((values[0], _row(values)) for values in self._db.all(sql, part))
        return found

    def every_row(self) -> Iterator[Row]:
        """All images, in the order of their ids, a block at a time."""
        last = 0
        while block := self._db.all(f"SELECT {_ROW} FROM images p WHERE p.id > ? ORDER BY p.id LIMIT 5000", (last,)):
            yield from map(_row, block)
            last = block[-1][0]

    def same_bytes(self, sha256: str) -> list[Row]:
        """All images with these bytes, oldest entry first."""
        return [_row(v) for v in self._db.all(f"SELECT {_ROW} FROM images p WHERE sha256 = ? ORDER BY id", (sha256,))]

    def sha256_by_size(self, size: int) -> frozenset[str]:
        """Digests of the images whose file has this many bytes."""
        return frozenset(v[0] for v in self._db.all("SELECT sha256 FROM images WHERE bytes = ? LIMIT 1000", (size,)))

    def digests(self) -> set[str]:
        """The digests of all images."""
        return {value[0] for value in self._db.all("SELECT DISTINCT sha256 FROM images")}

    def repeated_bytes(self) -> list[list[int]]:
        """Image ids that share their bytes with others, a list per content."""
        sql = """SELECT sha256, id FROM images WHERE codec IS NULL AND sha256 IN (SELECT sha256 FROM images
                 WHERE codec IS NULL GROUP BY sha256 HAVING count(*) > 1) ORDER BY sha256, id"""
        return [[row[1] for row in rows] for _, rows in groupby(self._db.all(sql), key=lambda row: row[0])]

    def select(self, where: str | None = None) -> Ids:
        """As in the contract."""
        condition = self.items.filter(where)
        sql = f"SELECT p.id FROM images p WHERE {condition.sql} ORDER BY p.id"
        found = self._db.all(sql, condition.values)
        return np.fromiter((v[0] for v in found), np.int64, len(found))

    def lacking(self, name: str) -> list[int]:
        """As in the contract."""
        return self.regions.lacking(name) if name in self.regions.names() else self._vectors.lacking(name)

    # --- writing; call within a transaction

    def put(self, image: NewImage) -> int:
        """Write an image; whatever was at its path before is gone. Returns the new id."""
        row = image.row
        before = self.row_of(row.path) if image.regions else None
        spoken = self.regions.spoken(before.id) if before else {}
        forgotten = forgotten_boxes(self.faces, self.regions, before.id) if before else {}
        self.forget([row.path])
        number = self._insert(row)
        keep_forgotten(self.faces, number, forgotten)
        self._vectors.put_image(number, image)
        if image.keypoints is not None:
            self._db.run("INSERT INTO keypoints VALUES (?, ?)", (number, image.keypoints))
        self.regions.put(number, image.regions)
        self.regions.say_of_alike(number, spoken)
        self.frames.put(number, image.frames)
        self.sounds.put(number, image.sound)
        return number

    def put_copy(self, row: Row, source: int) -> int:
        """Write an image whose bytes are those of image ``source``: its vectors are taken over."""
        self.forget([row.path])
        number = self._insert(row)
        self._vectors.put_copy(number, source)
        self._db.run("INSERT INTO keypoints SELECT ?, data FROM keypoints WHERE image_id = ?", (number, source))
        self.regions.put_copy(number, source)
        self.frames.put_copy(number, source)
        self.sounds.put_copy(number, source)
        return number

    def _raw(self, path: str) -> bytes:
        """A file's name as it is kept."""
        return os.fsencode(self.privacy.name(path))

    def _insert(self, row: Row) -> int:
        row = self.privacy.row(row)
        path = os.fsencode(row.path)
        sql = f"INSERT INTO images (path, name, {', '.join(_REST)}) VALUES (?, ?, {marks(_REST)}) RETURNING id"
        values = (path, _name(path), *(getattr(row, name) for name in _REST))
        return int(self._db.all(sql, values)[0][0])

    def move(self, number: int, path: str, mtime_ns: int) -> None:
        """The same content now lies at another path; what the gallery had there is gone."""
        raw = self._raw(path)
        self._db.run("DELETE FROM failures WHERE path = ?", (raw,))
        self._db.run("DELETE FROM images WHERE path = ? AND id <> ?", (raw, number))
        self._db.run(
            "UPDATE images SET path = ?, name = ?, mtime_ns = ? WHERE id = ?",
            (raw, _name(raw), mtime_ns, number),
        )

    def touch(self, number: int, mtime_ns: int) -> None:
        """The file was written again with the same content."""
        self._db.run("UPDATE images SET mtime_ns = ? WHERE id = ?", (mtime_ns, number))

    def forget(self, paths: Iterable[str]) -> int:
        """Delete images and failures at these paths; returns how many images there were."""
        raw = [(self._raw(path),) for path in paths]
        self._db.run_each("DELETE FROM failures WHERE path = ?", raw)
        return self._db.run_each("DELETE FROM images WHERE path = ?", raw)

    def put_failure(self, failure: Failure, size: int, mtime_ns: int) -> None:
        """Remember a file that cannot be read as an image, until it changes."""
        self.forget([failure.path])
        raw = self._raw(failure.path)
        self._db.run(
            "INSERT INTO failures VALUES (?, ?, ?, ?)",
            (raw, failure.reason.replace(failure.path, os.fsdecode(raw)), size, mtime_ns),
        )

    def known_failure(self, path: str, size: int, mtime_ns: int) -> Failure | None:
        """What was wrong with this file when it last was tried, if it has not changed since."""
        found = self._db.all(
            "SELECT reason FROM failures WHERE path = ? AND bytes = ? AND mtime_ns = ?",
            (self._raw(path), size, mtime_ns),
        )
        return Failure(path, found[0][0]) if found else None

    def failures(self) -> list[Failure]:
        """All remembered failures."""
        return [Failure(os.fsdecode(p), r) for p, r in self._db.all("SELECT path, reason FROM failures ORDER BY path")]

    def failed_files(self) -> list[FailedFile]:
        """As in the contract."""
        found = self._db.all("SELECT path, reason, bytes, mtime_ns FROM failures ORDER BY path")
        return [FailedFile(Failure(os.fsdecode(path), reason), *known) for path, reason, *known in found]

    def put_root(self, path: str) -> None:
        """Remember a folder that was added; not, where no paths are kept."""
        if self.privacy.opaque:
            return
        self._db.run("INSERT INTO roots VALUES (?) ON CONFLICT DO NOTHING", (os.fsencode(path),))

    def roots(self) -> list[str]:
        """The folders that were added."""
        return [os.fsdecode(v[0]) for v in self._db.all("SELECT path FROM roots ORDER BY path")]

    def forget_root(self, path: str) -> None:
        """As in the contract."""
        self._db.run("DELETE FROM roots WHERE path = ?", (os.fsencode(path),))
        self.put_patterns(path, WalkPatterns())

    def put_patterns(self, root: str, patterns: WalkPatterns) -> None:
        """As in the contract."""
        if self.privacy.opaque:
            return
        held = {path: asdict(one) for path, one in {**self.patterns(), root: patterns}.items() if one != WalkPatterns()}
        put_meta(self._db, "patterns", json.dumps(held))

    def patterns(self) -> dict[str, WalkPatterns]:
        """As in the contract."""
        held = json.loads(meta(self._db, "patterns", "{}"))
        return {path: WalkPatterns(tuple(one["exclude"]), tuple(one["include"])) for path, one in held.items()}

    # --- curves fitted on this library

    def calibrations(self) -> dict[str, Calibration]:
        """measure -> curve; none before a calibration."""
        found = self._db.all("SELECT name, slope, intercept, origin FROM calibrations ORDER BY name")
        return {name: Calibration(slope, intercept, origin) for name, slope, intercept, origin in found}

    def put_calibrations(self, curves: Mapping[str, Calibration]) -> None:
        """In place of all that were there."""
        self._db.run("DELETE FROM calibrations")
        self._db.run_each(
            "INSERT INTO calibrations VALUES (?, ?, ?, ?)",
            [(name, one.slope, one.intercept, one.origin) for name, one in curves.items()],
        )

    def tunings(self) -> dict[str, Tuning]:
        """measure -> what a person's pairs taught; none before a tuning."""
        found = self._db.all("SELECT name, slope, intercept, origin, weights FROM tunings ORDER BY name")
        return {name: Tuning(Calibration(*curve), json.loads(weights)) for name, *curve, weights in found}

    def put_tuning(self, name: str, tuning: Tuning) -> None:
        """In place of what was there for this measure."""
        curve = tuning.curve
        self._db.run("DELETE FROM tunings WHERE name = ?", (name,))
        values = (name, curve.slope, curve.intercept, curve.origin, json.dumps(dict(tuning.weights)))
        self._db.run("INSERT INTO tunings VALUES (?, ?, ?, ?, ?)", values)

    def forget_tunings(self, name: str | None = None) -> int:
        """Forget what pairs taught, for one measure or for all; returns for how many."""
        if name is None:
            return self._db.run_each("DELETE FROM tunings", [()])
        return self._db.run_each("DELETE FROM tunings WHERE name = ?", [(name,)])

    # --- decisions and removals

    def add_verdicts(self, pairs: Iterable[tuple[str, str]], verdict: Verdict) -> None:
        """Remember whether the two contents (sha256) of each pair are duplicates."""
        sql = "INSERT INTO verdicts VALUES (?, ?, ?) ON CONFLICT (a, b) DO UPDATE SET verdict = excluded.verdict"
        self._db.run_each(sql, [(*sorted(p), verdict) for p in pairs])

    def remove_verdicts(self, pairs: Iterable[tuple[str, str]]) -> int:
        """Forget what was said of these pairs of contents; returns of how many something was."""
        return self._db.run_each("DELETE FROM verdicts WHERE a = ? AND b = ?", [sorted(p) for p in pairs])

    def verdicts(self) -> list[tuple[str, str, Verdict]]:
        """The pairs of contents that a person has judged."""
        return list(self._db.all("SELECT a, b, verdict FROM verdicts ORDER BY a, b"))

    def different(self) -> set[tuple[str, str]]:
        """The pairs of contents that are not duplicates; each pair sorted."""
        return set(self._db.all("SELECT a, b FROM verdicts WHERE verdict = 'different'"))

    def last_removal(self) -> int:
        """The number of the last removal, 0 before the first."""
        return int(self._db.all("SELECT coalesce(max(seq), 0) FROM removals")[0][0])

    def removed_since(self, seq: int) -> tuple[int, NDArray[np.int64]]:
        """The last removal's number, and the image ids removed after ``seq``."""
        found = self._db.all("SELECT seq, image_id FROM removals WHERE seq > ? ORDER BY seq", (seq,))
        last = found[-1][0] if found else seq
        return last, np.fromiter((v[1] for v in found), np.int64, len(found))


def _name(path: bytes) -> str:
    """A path for people and for filters."""
    return composed(path.decode("utf-8", "replace"))
