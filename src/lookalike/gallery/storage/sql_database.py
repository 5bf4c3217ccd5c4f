"""What the stores ask of an SQL database, whichever it is. Their statements are written once, in what SQLite and
PostgreSQL share of SQL, with question marks for values; what has no common form is a ``Dialect``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from lookalike.types import Ids, Shown

MANY = 500  # values per IN list, well under any limit


@dataclass(frozen=True, slots=True)
class Dialect:
    """``like``: the operator that compares text with a pattern of ASCII and takes no notice of case; ``members``: the
    numbers of a JSON list, as what IN asks for."""

    like: str
    members: str


SQLITE = Dialect(like="LIKE", members="(SELECT value FROM json_each(?))")


class SqlDatabase(Protocol):
    """One connection. Not for several threads at once. Errors are kinds of GalleryError that name ``file``."""

    file: Any  # the place of the gallery, for messages
    read_only: bool
    shown: Shown | None  # see GalleryStorage.set_shown
    dialect: Dialect

    def all(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        """All rows of a query, or of what a statement returns."""
        ...

    def run(self, sql: str, values: Sequence[Any] = ()) -> None:
        """Run one statement within a transaction."""
        ...

    def run_each(self, sql: str, rows: Iterable[Sequence[Any]]) -> int:
        """Run one statement for each row within a transaction; returns how many rows it touched."""
        ...

    def transaction(self) -> AbstractContextManager[None]:
        """As GalleryStorage.transaction."""
        ...

    def snapshot(self) -> AbstractContextManager[None]:
        """As GalleryStorage.snapshot."""
        ...

    def reading(self) -> AbstractContextManager[None]:
        """As GalleryStorage.reading."""
        ...

    def version(self) -> tuple[int, int]:
        """As GalleryStorage.version."""
        ...

    def check(self) -> str:
        """As GalleryStorage.check."""
        ...

    def backup(self, file: Path) -> None:
        """As GalleryStorage.backup."""
        ...

    def vacuum(self) -> None:
        """As GalleryStorage.vacuum."""
        ...

    def empty_log(self, trouble: str) -> None:
        """As GalleryStorage.empty_log."""
        ...

    def disk_bytes(self) -> int:
        """As GalleryStorage.disk_bytes."""
        ...

    def close(self) -> None:
        """As GalleryStorage.close."""
        ...


def meta(database: SqlDatabase, key: str, default: str) -> str:
    """What the table ``meta`` says under this key."""
    found = database.all("SELECT value FROM meta WHERE key = ?", (key,))
    return str(found[0][0]) if found else default


def put_meta(database: SqlDatabase, key: str, value: str) -> None:
    """Within a transaction: say this under a key, in place of what was said before."""
    sql = "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
    database.run(sql, (key, value))


def marks(values: Sequence[Any]) -> str:
    """A question mark for each value, for an IN list."""
    return ",".join("?" * len(values))


def batched(ids: Sequence[int] | Ids, size: int) -> Iterator[list[int]]:
    """The ids as plain ints, ``size`` of them at a time."""
    for start in range(0, len(ids), size):
        yield [int(number) for number in ids[start : start + size]]
