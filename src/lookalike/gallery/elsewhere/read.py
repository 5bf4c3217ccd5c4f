"""Reads the files of a gallery, wherever they lie: what is elsewhere is fetched whole, into memory."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from lookalike.errors import FileMissing, LoadError
from lookalike.gallery.elsewhere import archive, remote
from lookalike.gallery.elsewhere.address import is_elsewhere, split_member
from lookalike.gallery.elsewhere.file_cache import FileCache
from lookalike.gallery.elsewhere.state import FileState
from lookalike.gallery.storage.row import Row
from lookalike.imaging import MAX_PIXELS, load
from lookalike.types import Image

AT_ONCE = 16  # files that are asked for at the same time: a server far away answers each after a while


def read_elsewhere(path: str) -> bytes:
    """All bytes of one file elsewhere. Raises LoadError."""
    inside = split_member(path)
    return remote.read(path) if inside is None else archive.opened(inside[0]).read(inside[1])


def state_elsewhere(path: str) -> FileState:
    """What a file elsewhere is like. Raises LoadError."""
    inside = split_member(path)
    return remote.state_of(path) if inside is None else archive.opened(inside[0]).member(inside[1]).state


def read_many(paths: Iterable[str]) -> dict[str, bytes | LoadError]:
    """Path -> the bytes of a file elsewhere, or why it cannot be read; several at once."""
    wanted = list(paths)
    if not wanted:
        return {}
    with ThreadPoolExecutor(min(AT_ONCE, len(wanted)), thread_name_prefix="lookalike-fetch") as pool:
        return dict(zip(wanted, pool.map(_read_or_error, wanted), strict=True))


def gone_elsewhere(path: str) -> bool:
    """Whether a file elsewhere surely is there no more; one that cannot be asked about may be."""
    try:
        state_elsewhere(path)
    except FileMissing:
        return True
    except LoadError:
        return False
    return False


def load_path(path: str, *, min_side: int | None, max_pixels: int = MAX_PIXELS) -> Image:
    """An image of a gallery by its path, wherever it lies. Raises LoadError."""
    if not is_elsewhere(path):
        return load(path, min_side=min_side, max_pixels=max_pixels)
    files = FileCache.of_user()
    data = files.get(path)
    if data is None:
        data = read_elsewhere(path)
        files.put(path, data)
    return load_bytes(data, path, min_side=min_side, max_pixels=max_pixels)


def load_row(row: Row, *, min_side: int | None, max_pixels: int = MAX_PIXELS) -> Image:
    """The same of a row; what is kept of another version of its file is not used. Raises LoadError."""
    if not is_elsewhere(row.path):
        return load(row.path, min_side=min_side, max_pixels=max_pixels)
    files = FileCache.of_user()
    data = files.get(row.path)
    if data is None or hashlib.sha256(data).hexdigest() != row.sha256:
        data = read_elsewhere(row.path)
        files.put(row.path, data)
    return load_bytes(data, row.path, min_side=min_side, max_pixels=max_pixels)


def load_bytes(data: bytes, path: str, *, min_side: int | None, max_pixels: int) -> Image:
    """The bytes of a file elsewhere, decoded. Raises LoadError that names it."""
    try:
        return replace(load(data, min_side=min_side, max_pixels=max_pixels), path=path)
    except LoadError as error:
        raise type(error)(error.reason, path) from error


def _read_or_error(path: str) -> bytes | LoadError:
    try:
        return read_elsewhere(path)
    except LoadError as error:
        return error
    except OSError as error:
        return LoadError((error.strerror or str(error)).lower(), os.fspath(path))
