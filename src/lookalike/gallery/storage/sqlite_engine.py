"""Galleries in folders, each with one SQLite file (see engines.py)."""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path

from lookalike.errors import GalleryDamaged, GalleryError, GalleryExists, GalleryMissing
from lookalike.gallery.storage.base import GalleryStorage, NewGallery
from lookalike.gallery.storage.sqlite_store import SqliteStore

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
    return SqliteStore.open(folder / FILE)


def create_storage(place: str, new: NewGallery) -> None:
    """As in Engine. It is made under another name and then renamed."""
    folder = Path(place)
    if folder.exists():
        raise GalleryExists(f"{folder}: there is something already; open it, or choose another name")
    draft = folder.with_name(f"{folder.name}.{uuid.uuid4().hex[:8]}.draft")
    try:
        draft.mkdir(parents=True)
        store = SqliteStore.create(draft / FILE, new.cards, new.keypoints, new.retention)
        with store.transaction():
            store.regions.mark(new.regions)
        store.close()
        draft.rename(folder)
    except OSError as error:
        shutil.rmtree(draft, ignore_errors=True)
        if folder.exists():
            raise GalleryExists(f"{folder}: another process has just made it; open it") from error
        raise GalleryError(f"{folder}: cannot be made: {error.strerror or error}") from error
