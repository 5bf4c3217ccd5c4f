"""Which engine keeps a gallery: a folder with an SQLite file, or the one that a URL names.

An engine is a module with the functions of ``Engine``, and one line here. It is imported when a gallery of its kind is
named, so that nobody needs what others run.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from lookalike.errors import MissingDependency, UserError
from lookalike.gallery.storage import sqlite_engine
from lookalike.gallery.storage.base import GalleryStorage, NewGallery
from lookalike.gallery.storage.place import is_url, name_of
from lookalike.paths import PathLike, absolute, cache_folder

# scheme of the URL -> module, and the extra that brings what it imports
ENGINES: Mapping[str, tuple[str, str]] = {
    "postgresql": ("lookalike.gallery.storage.postgres.engine", "postgres"),
    "postgres": ("lookalike.gallery.storage.postgres.engine", "postgres"),
    "milvus": ("lookalike.gallery.storage.milvus.engine", "milvus"),
}


class Engine(Protocol):
    """What a module does that keeps galleries. ``place``: an absolute path, or a URL of its scheme."""

    def exists(self, place: str) -> bool:
        """Whether there is something at this place. Raises GalleryUnreachable for an engine that does not answer."""
        ...

    def open_storage(self, place: str) -> GalleryStorage:
        """The storage of a gallery. Raises GalleryMissing, GalleryUnreachable, GalleryDamaged, GalleryVersion."""
        ...

    def create_storage(self, place: str, new: NewGallery) -> None:
        """An empty gallery. Nobody ever sees half of one. Raises GalleryExists, GalleryError."""
        ...


def engine_of(place: PathLike) -> Engine:
    """Who keeps the gallery at this place. Raises UserError for an unknown scheme, MissingDependency."""
    if not is_url(place):
        return sqlite_engine
    scheme = str(place).partition("://")[0]
    if scheme not in ENGINES:
        known = ", ".join(f"{one}://" for one in ENGINES)
        raise UserError(f"{name_of(place)}: no engine for {scheme}://; a gallery is a folder, or at one of: {known}")
    module, extra = ENGINES[scheme]
    try:
        return cast(Engine, import_module(module))
    except ModuleNotFoundError as error:
        raise MissingDependency(f"{error.name} is not installed; pip install 'lookalike[{extra}]'") from error


def folder_beside(place: PathLike, store: GalleryStorage) -> Path:
    """Where the copies that can be made again lie: in the gallery's folder, or for an engine in this user's cache."""
    if not is_url(place):
        return Path(absolute(place))
    folder = Path(cache_folder()) / "galleries" / store.uuid()
    folder.mkdir(parents=True, exist_ok=True)
    return folder
