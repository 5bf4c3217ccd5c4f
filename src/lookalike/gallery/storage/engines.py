"""Which engine keeps a gallery: a folder with an SQLite file, or the one that a URL names.

An engine is a module with the functions of ``Engine``, and one line here. It is imported when a gallery of its kind is
named, so that nobody needs what others run.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from lookalike.errors import MissingDependency, UserError
from lookalike.gallery.storage import sqlite_engine
from lookalike.gallery.storage.base import GalleryStorage, NewGallery
from lookalike.paths import PathLike, absolute, cache_folder

# scheme of the URL -> module, and the extra that brings what it imports
ENGINES: Mapping[str, tuple[str, str]] = {
    "milvus": ("lookalike.gallery.storage.milvus.engine", "milvus"),
}

_URL = re.compile(r"([a-z][a-z0-9+.-]+)://")
_PASSWORD = re.compile(r"(?<=://)([^/@:]*):[^/@]*@")


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


def is_url(place: PathLike) -> bool:
    """Whether an engine keeps it, rather than a folder."""
    return isinstance(place, str) and _URL.match(place) is not None


def place_of(place: PathLike) -> str:
    """A gallery's place as engines take it: a URL as it is, a folder's absolute path."""
    return str(place) if is_url(place) else absolute(place)


def name_of(place: PathLike) -> str:
    """A gallery's place as it is shown: without a password."""
    return _PASSWORD.sub(r"\1@", place_of(place))


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
