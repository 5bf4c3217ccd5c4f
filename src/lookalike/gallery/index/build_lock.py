"""One process at a time builds an index; the others wait for it, and read what it saved.

The lock is one of SQLite's, on a file beside the index: it works on every system, and ends with the process that holds
it, however that ends.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

WAIT_SECONDS = 3600.0  # for another process; after that, everyone for himself


@contextmanager
def building(file: Path) -> Iterator[None]:
    """Within, no other process is within, if a lock can be had there."""
    lock = _locked(file)
    try:
        yield
    finally:
        if lock is not None:
            lock.close()


def _locked(file: Path) -> sqlite3.Connection | None:
    lock = None
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        lock = sqlite3.connect(file, timeout=WAIT_SECONDS, isolation_level=None, check_same_thread=False)
        lock.execute("BEGIN EXCLUSIVE")
    except (OSError, sqlite3.Error):
        if lock is not None:
            lock.close()
        return None
    return lock
