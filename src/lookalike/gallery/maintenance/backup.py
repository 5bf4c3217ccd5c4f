"""Copies a gallery while it is used. The copy is whole or not there at all."""

from __future__ import annotations

import os
import shutil
import uuid
from contextlib import closing
from pathlib import Path

from lookalike.errors import GalleryExists, StorageFull, UserError
from lookalike.gallery.library import Library
from lookalike.gallery.storage.sqlite_engine import FILE
from lookalike.gallery.storage.thumbnails import FILE as THUMBNAILS
from lookalike.gallery.storage.thumbnails import Thumbnails
from lookalike.paths import PathLike, absolute


def backup(library: Library, target: PathLike, replace: bool) -> int:
    """As ``Gallery.backup``."""
    folder = Path(absolute(target))
    _refuse(library, folder, replace)
    name = f"{folder.name}.{uuid.uuid4().hex[:8]}"
    draft, before = folder.with_name(f"{name}.draft"), folder.with_name(f"{name}.before")
    try:
        draft.mkdir(parents=True)
        size = _write(library, draft)
        _put_in_place(draft, folder, before)
    except OSError as error:
        raise StorageFull(f"{folder}: cannot be written: {error.strerror or error}; no copy was made") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return size


def _refuse(library: Library, folder: Path, replace: bool) -> None:
    if folder == library.path or library.path in folder.parents:
        raise UserError(f"{folder}: lies in the gallery itself; choose another place")
    if folder.exists() and not replace:
        raise GalleryExists(f"{folder}: there is something already; choose another name, or replace it")
    if folder.exists() and not (folder / FILE).is_file():
        raise GalleryExists(f"{folder}: is no gallery, and is not replaced")


def _write(library: Library, draft: Path) -> int:
    """The database, and thumbnails where they cannot be made again; index copies make themselves. Returns bytes."""
    library.store.backup(draft / FILE)
    if library.store.privacy.opaque and (library.path / THUMBNAILS).exists():
        with closing(Thumbnails(library.path)) as thumbnails:
            thumbnails.backup(draft / THUMBNAILS)
    files = [one for one in draft.iterdir() if one.is_file()]
    for path in [*files, draft]:
        _sync(path)
    return sum(one.stat().st_size for one in files)


def _put_in_place(draft: Path, folder: Path, before: Path) -> None:
    """What it replaces is thrown away last."""
    replaces = folder.exists()
    if replaces:
        folder.rename(before)
    try:
        draft.rename(folder)
    except OSError:
        if replaces:
            before.rename(folder)
        raise
    _sync(folder.parent)
    shutil.rmtree(before, ignore_errors=True)


def _sync(path: Path) -> None:
    """On the disk, not only on the way there."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
