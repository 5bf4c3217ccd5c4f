"""Corpora that are indexed once, for all tests and all workers of a run, and copied where a test changes something."""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from lookalike.gallery import Gallery
from lookalike.gallery.gallery import WHOLE_IMAGE_DESCRIPTORS
from lookalike.gallery.library import FILE

Make = Callable[..., Any]
"""Puts images into a folder: its first argument."""


@dataclass(frozen=True, slots=True)
class Corpus:
    """A folder of images, and a gallery that holds them."""

    photos: Path
    gallery: Path


@dataclass(frozen=True, slots=True)
class Corpora:
    """All corpora of a run, below one folder that its workers share."""

    root: Path

    def photos(self, make: Make, *given: Any) -> Path:
        """The images of ``make(folder, *given)``, which are not to be changed."""
        folder = self.root / _key(make, given)
        with _once(folder) as wanted:
            if wanted:
                make(folder / "photos", *given)
        return folder / "photos"

    def indexed(
        self, make: Make, *given: Any, descriptors: Sequence[str] = WHOLE_IMAGE_DESCRIPTORS, keypoints: bool = False
    ) -> Corpus:
        """The same with a gallery of them. Neither is to be changed."""
        photos = self.photos(make, *given)
        folder = photos.parent / _key(descriptors, keypoints)
        with _once(folder) as wanted:
            if wanted:
                with Gallery.create(folder / "g.gallery", descriptors, keypoints=keypoints) as gallery:
                    gallery.add(photos)
        return Corpus(photos, folder / "g.gallery")

    def copied(self, to: Path, make: Make, *given: Any, **options: Any) -> Corpus:
        """The same as ``to/photos`` and ``to/g.gallery``, for a test to change: as if they had been indexed there."""
        corpus = self.indexed(make, *given, **options)
        shutil.copytree(corpus.photos, to / "photos", symlinks=True)
        shutil.copytree(corpus.gallery, to / "g.gallery")
        _move(to / "g.gallery", corpus.photos, to / "photos")
        return Corpus(to / "photos", to / "g.gallery")


def _key(*parts: Any) -> str:
    """The name of a folder that says what is in it."""
    words = [f"{one.__module__}.{one.__qualname__}" if callable(one) else repr(one) for one in parts]
    return sha256("\n".join(words).encode()).hexdigest()[:16]


@contextmanager
def _once(folder: Path) -> Iterator[bool]:
    """True for whoever comes first; everybody else waits until that one is done, and is told False."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = folder / "done"
        yield not done.exists()
        done.touch()


def _move(gallery: Path, old: Path, new: Path) -> None:
    """Change the paths that a gallery holds from one folder to another."""
    with closing(sqlite3.connect(gallery / FILE)) as database, database:
        for table in ("images", "failures", "roots"):
            for (path,) in database.execute(f"SELECT path FROM {table}").fetchall():
                moved = os.fsencode(new) + path.removeprefix(os.fsencode(old))
                database.execute(f"UPDATE {table} SET path = ? WHERE path = ?", (moved, path))
        for number, path in database.execute("SELECT id, path FROM images").fetchall():
            database.execute("UPDATE images SET name = ? WHERE id = ?", (path.decode("utf-8", "replace"), number))
        database.execute("UPDATE failures SET reason = replace(reason, ?, ?)", (str(old), str(new)))
