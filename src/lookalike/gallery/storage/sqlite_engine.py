"""Galleries in folders, each with one SQLite file (see engines.py)."""

from __future__ import annotations

import shutil
import uuid
from contextlib import closing
from functools import partial
from pathlib import Path

from lookalike.errors import GalleryDamaged, GalleryError, GalleryExists, GalleryMissing
from lookalike.gallery.storage.base import GalleryStorage, NewGallery
from lookalike.gallery.storage.database import Database
from lookalike.gallery.storage.sql_store import SqlStore, fill
from lookalike.gallery.storage.vectors import SqliteVectors

FILE = "gallery.sqlite"


def exists(place: str) -> bool:
    """As in Engine."""
    return Path(place).exists()


def open_storage(place: str) -> GalleryStorage:
    """As in Engine."""
    folder = Path(place)
    if not folder.exists():
        raise GalleryMissing(f"{folder}: no gallery there; make one with: lookalike index FOLDER --gallery {place}")
    if not (folder / FILE).is_file():
        raise GalleryDamaged(f"{folder}: not a gallery (it holds no {FILE})")
    return _opened(folder / FILE)


def create_storage(place: str, new: NewGallery) -> None:
    """As in Engine. It is made under another name and then renamed."""
    folder = Path(place)
    if folder.exists():
        raise GalleryExists(f"{folder}: there is something already; open it, or choose another name")
    draft = folder.with_name(f"{folder.name}.{uuid.uuid4().hex[:8]}.draft")
    try:
        draft.mkdir(parents=True)
        _create_file(draft / FILE, new)
        draft.rename(folder)
    except OSError as error:
        shutil.rmtree(draft, ignore_errors=True)
        if folder.exists():
            raise GalleryExists(f"{folder}: another process has just made it; open it") from error
        raise GalleryError(f"{folder}: cannot be made: {error.strerror or error}") from error


def _opened(file: Path) -> SqlStore:
    database = Database.open(file)
    return SqlStore(database, partial(SqliteVectors, database))


def _create_file(file: Path, new: NewGallery) -> None:
    with closing(Database.create(file)) as database, database.transaction():
        fill(database, partial(SqliteVectors, database), new)
