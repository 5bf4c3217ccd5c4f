"""Small images beside a gallery: a file of WebP by content, made when asked for.

It can be deleted at any time, unless the gallery keeps no paths: then it is all that is left to look at."""

from __future__ import annotations

import io
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import cv2
import numpy as np
from PIL import Image as Pillow

from lookalike.errors import GalleryDamaged, StorageFull
from lookalike.paths import may_write
from lookalike.types import Pixels

FILE = "thumbnails.sqlite"
SIDES = (160, 320, 640, 1600)  # pixels of the longer side that may be asked for
KEPT = 320  # the side that is kept; larger ones are made when they are asked for
QUALITY = 76
WAIT_SECONDS = 10.0

_SCHEMA = """CREATE TABLE IF NOT EXISTS thumbnails (
    sha256 TEXT NOT NULL, side INTEGER NOT NULL, data BLOB NOT NULL, PRIMARY KEY (sha256, side)
) WITHOUT ROWID"""


def webp(pixels: Pixels, side: int, quality: int = QUALITY) -> bytes:
    """(h, w, 3) uint8 sRGB -> an encoded WebP whose longer side is at most ``side`` pixels; never enlarged."""
    memory = io.BytesIO()
    Pillow.fromarray(shrunk(pixels, side)).save(memory, "WEBP", quality=quality, method=2)
    return memory.getvalue()


def shrunk(pixels: Pixels, side: int) -> Pixels:
    """(h, w, 3) uint8, its longer side at most ``side`` pixels."""
    height, width = pixels.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return pixels
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def whole_thumbnails(folder: Path) -> set[str]:
    """The contents that have one in this folder. Raises GalleryDamaged for a file that cannot be read."""
    if not (folder / FILE).exists():
        return set()
    try:
        with closing(Thumbnails(folder)) as thumbnails:
            return thumbnails.whole()
    except sqlite3.Error as error:
        raise GalleryDamaged(f"damaged: {error}") from error


def _is_whole(data: bytes) -> bool:
    """Whether a WebP is as long as its head says."""
    return data[:4] == b"RIFF" and int.from_bytes(data[4:8], "little") + 8 == len(data)


class Thumbnails:
    """The file of thumbnails in a gallery's folder. Not for several threads at once; several processes are safe. Where
    nothing can be written, those that are there are read, or else they are kept in memory."""

    def __init__(self, folder: Path) -> None:
        file = folder / FILE
        self._read_only = not may_write(file) and file.exists()
        place = file.as_uri() if may_write(file) else file.as_uri() + "?immutable=1" if self._read_only else ":memory:"
        self._db = sqlite3.connect(place, timeout=WAIT_SECONDS, isolation_level=None, check_same_thread=False, uri=True)
        if self._read_only:
            return
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.execute(_SCHEMA)

    def get(self, sha256: str, side: int) -> bytes | None:
        """The thumbnail of this content, if it is kept."""
        found = self._db.execute("SELECT data FROM thumbnails WHERE sha256 = ? AND side = ?", (sha256, side)).fetchone()
        return found[0] if found else None

    def put(self, sha256: str, side: int, data: bytes) -> None:
        """Keep a thumbnail, where that can be done."""
        if self._read_only:
            return
        self._db.execute("INSERT OR REPLACE INTO thumbnails VALUES (?, ?, ?)", (sha256, side, data))

    def put_all(self, thumbnails: Iterable[tuple[str, bytes]]) -> None:
        """Keep these, (sha256, WebP of side KEPT), all or none. Raises StorageFull."""
        with self._translated():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                rows = ((sha256, KEPT, data) for sha256, data in thumbnails)
                self._db.executemany("INSERT OR REPLACE INTO thumbnails VALUES (?, ?, ?)", rows)
                self._db.execute("COMMIT")
            except BaseException:
                self._db.execute("ROLLBACK")
                raise

    def whole(self) -> set[str]:
        """The contents that have a thumbnail that can be read. Raises sqlite3.Error for a damaged file."""
        found = self._db.execute("PRAGMA integrity_check").fetchone()[0]
        if found != "ok":
            raise sqlite3.DatabaseError(found)
        return {sha256 for sha256, data in self._db.execute("SELECT sha256, data FROM thumbnails") if _is_whole(data)}

    def backup(self, file: Path) -> None:
        """A whole copy in a new file. Raises StorageFull."""
        with closing(sqlite3.connect(file, isolation_level=None)) as copy, self._translated():
            self._db.backup(copy)

    def sweep(self, digests: set[str]) -> None:
        """Forget those of any other content."""
        with self._translated():
            held = {row[0] for row in self._db.execute("SELECT DISTINCT sha256 FROM thumbnails")}
            gone = [(sha256,) for sha256 in held - digests]
            self._db.executemany("DELETE FROM thumbnails WHERE sha256 = ?", gone)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise StorageFull(f"{FILE}: cannot be written: {error}; what was committed is kept") from error

    def close(self) -> None:
        """Everything that was put is on disk already."""
        self._db.close()
