"""What the event loop asks the gallery itself: rows, labels, verdicts; microseconds each, by one thread."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

from lookalike.gallery import Gallery
from lookalike.gallery.storage.thumbnails import FILE, Thumbnails

T = TypeVar("T")


class GalleryThread:
    """A gallery that one thread asks, on behalf of the event loop."""

    def __init__(self, folder: str) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="gallery")
        self._gallery = self._thread.submit(Gallery.open, folder).result()
        self._thumbnails: Thumbnails | None = None

    async def ask(self, question: Callable[[Gallery], T]) -> T:
        """What ``question(gallery)`` gives, or raises."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, question, self._gallery)

    async def thumbnail(self, sha256: str, side: int) -> bytes | None:
        """A small image that is kept beside the gallery."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._kept, sha256, side)

    def _kept(self, sha256: str, side: int) -> bytes | None:
        with suppress(sqlite3.Error):
            if self._thumbnails is None and (self._gallery.path / FILE).exists():
                self._thumbnails = Thumbnails(self._gallery.path)
            return self._thumbnails.get(sha256, side) if self._thumbnails else None
        return None

    def close(self) -> None:
        self._thread.submit(self._gallery.close).result()
        self._thread.shutdown()
