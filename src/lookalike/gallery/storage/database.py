"""A connection to a gallery's SQLite file: create, migrate, transactions, and errors in plain words."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext, suppress
from importlib import resources
from pathlib import Path
from typing import Any

from lookalike.errors import GalleryDamaged, GalleryError, GalleryReadOnly, GalleryVersion, StorageFull
from lookalike.gallery.storage.sql_database import SQLITE
from lookalike.gallery.storage.text_match import matches
from lookalike.paths import composed, may_write
from lookalike.types import Shown

APPLICATION_ID = 0x4C6B416C  # "LkAl": tells a gallery from any other SQLite file
MIGRATIONS = (
    "schema.sql",
    "schema-2.sql",
    "schema-3.sql",
    "schema-4.sql",
    "schema-5.sql",
    "schema-6.sql",
    "schema-7.sql",
    "schema-8.sql",
    "schema-9.sql",
    "schema-10.sql",
    "schema-11.sql",
    "schema-12.sql",
    "schema-13.sql",
)  # number n takes a gallery from version n to n + 1
CACHE_KIB = 8_192  # of pages: room for what leads to a row among millions
WAIT_SECONDS = 60.0  # for another process to finish its batch

_NULL = re.compile(r"NULL value in (\w+)\.(\w+)")
_ERRORS: Mapping[str, tuple[type[GalleryError], str]] = {
    "SQLITE_FULL": (
        StorageFull,
        "no room left on the disk; what was committed is kept. Free some room and go on",
    ),
    "SQLITE_IOERR": (StorageFull, "the disk refused to read or write; what was committed is kept"),
    "SQLITE_CORRUPT": (GalleryDamaged, "damaged; restore a copy, or index the folders into a new gallery"),
    "SQLITE_NOTADB": (GalleryDamaged, "not a gallery (its file is no SQLite database)"),
    "SQLITE_BUSY": (GalleryError, "another process is writing and did not finish in time; try again"),
    "SQLITE_READONLY": (
        GalleryReadOnly,
        "the gallery is read only here; change its permissions, or copy its folder elsewhere",
    ),
    "SQLITE_CANTOPEN": (GalleryError, "cannot be opened; check its folder and permissions"),
}


class Database:
    """One connection, as SqlDatabase. Not for several threads at once; several processes are safe (WAL)."""

    dialect = SQLITE

    def __init__(self, file: Path, options: str = "") -> None:
        """``options``: of SQLite's file address, for a connection that only reads."""
        self.file, self.read_only = file, bool(options)
        self.shown: Shown | None = None  # see GalleryStorage.set_shown
        place = file.as_uri() + options
        with self._translated():
            self._db = sqlite3.connect(
                place, timeout=WAIT_SECONDS, isolation_level=None, check_same_thread=False, uri=True
            )
            self._db.create_function("composed", 1, composed, deterministic=True)
            self._db.create_function("matches", 2, matches, deterministic=True)
            self._db.execute("PRAGMA foreign_keys = ON")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.execute(f"PRAGMA cache_size = -{CACHE_KIB}")

    @classmethod
    def create(cls, file: Path) -> Database:
        """A new, empty gallery file of the newest schema."""
        database = cls(file)
        for setting in ("page_size = 8192", "journal_mode = WAL", f"application_id = {APPLICATION_ID}"):
            database.all(f"PRAGMA {setting}")
        database._migrate()
        return database

    @classmethod
    def open(cls, file: Path) -> Database:
        """An existing gallery file, brought to the newest schema; where nothing can be written, it is only read.

        Raises GalleryDamaged for a file that is cut short or no gallery, GalleryVersion for a newer one, or for an
        older one that can only be read."""
        _refuse_cut_short(file)
        database = cls(file) if may_write(file) else cls._open_to_read(file)
        try:
            database._refuse_other_files()
            database._migrate()
            return database
        except BaseException:
            database.close()
            raise

    @classmethod
    def _open_to_read(cls, file: Path) -> Database:
        """With SQLite's locks if another process has it open and shares them; else as a file that nobody changes."""
        with suppress(GalleryError):
            return cls(file, "?mode=ro")  # reads the file, for its settings are asked for
        if _has_log(file):
            raise GalleryReadOnly(
                f"{file}: read only here, and another process has not finished writing to it; open it once where it "
                "can be written, or copy its folder there"
            )
        return cls(file, "?immutable=1")

    def _refuse_other_files(self) -> None:
        if self.pragma("application_id") != APPLICATION_ID:
            raise GalleryDamaged(f"{self.file}: not a gallery")
        version = self.pragma("user_version")
        if version > len(MIGRATIONS):
            raise GalleryVersion(
                f"{self.file}: made by a newer Lookalike (format {version}, this one reads up to "
                f"{len(MIGRATIONS)}); upgrade with: pip install -U lookalike"
            )

        if self.read_only and version < len(MIGRATIONS):
            raise GalleryVersion(
                f"{self.file}: of an earlier format ({version}, now {len(MIGRATIONS)}), and read only here; open it "
                "once where it can be written, or copy its folder there"
            )

    def _migrate(self) -> None:
        """Each step is taken whole or not at all, and by one process: who waited for it asks again what is left."""
        while self.pragma("user_version") < len(MIGRATIONS):
            with self.transaction():
                if (version := self.pragma("user_version")) == len(MIGRATIONS):
                    return
                script = resources.files("lookalike.gallery.storage").joinpath(MIGRATIONS[version])
                for statement in _statements(script.read_text("utf-8")):
                    self.run(statement)
                self.run(f"PRAGMA user_version = {version + 1}")

    def close(self) -> None:
        """Close the connection. Everything committed is on disk already."""
        self._db.close()

    def pragma(self, name: str) -> int:
        """The value of a numeric PRAGMA."""
        return int(self.all(f"PRAGMA {name}")[0][0])

    def reading(self) -> AbstractContextManager[None]:
        """What was committed is known at once, so nothing is saved."""
        return nullcontext()

    def version(self) -> tuple[int, int]:
        """Changes when this or another connection has written; costs microseconds."""
        return self.pragma("data_version"), self._db.total_changes

    def all(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        """All rows of a query."""
        try:  # and no context manager: a search asks several times
            return self._db.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise _in_plain_words(error, self.file) from error

    def run(self, sql: str, values: Sequence[Any] = ()) -> None:
        """Run one statement within a transaction."""
        self._db.execute(sql, values)

    def run_each(self, sql: str, rows: Iterable[Sequence[Any]]) -> int:
        """Run one statement for each row within a transaction; returns how many rows it touched."""
        return self._db.executemany(sql, rows).rowcount

    def disk_bytes(self) -> int:
        """Size of the file, as far as SQLite uses it."""
        return self.pragma("page_count") * self.pragma("page_size")

    def vacuum(self) -> None:
        """Write the file anew without what was deleted, and empty the log: nothing deleted is left in either."""
        self.all("VACUUM")
        self.empty_log("deleted, but another process is reading, and what was deleted is still in the log")

    def empty_log(self, trouble: str) -> None:
        """Write the log into the file. Raises GalleryError with this ``trouble`` while another process reads."""
        if self.all("PRAGMA wal_checkpoint(TRUNCATE)")[0][0]:
            raise GalleryError(f"{self.file}: {trouble}; close it and say it again")

    def check(self) -> str:
        """SQLite's own checks of the file and of what belongs to what: "ok", or the first thing that is wrong."""
        with self._translated():
            found = _first_flaw(self._db, "integrity_check")
        lost = len(self.all("PRAGMA foreign_key_check")) if found == "ok" else 0
        return f"rows that belong to no image: {lost:,}" if lost else found

    def backup(self, file: Path) -> None:
        """A whole copy of one moment in a new file, while this one is used."""
        with closing(sqlite3.connect(file, isolation_level=None)) as copy, self._translated(file):
            self._db.backup(copy)
            if (found := _first_flaw(copy, "quick_check")) != "ok":
                raise GalleryDamaged(f"{self.file}: damaged: {found}")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of it is committed, or nothing of it."""
        with self._translated():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """All reads within see the same state, whatever other processes commit meanwhile."""
        with self._translated():
            self._db.execute("BEGIN")
            try:
                yield
            finally:
                self._db.execute("ROLLBACK")

    @contextmanager
    def _translated(self, file: Path | None = None) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise _in_plain_words(error, file or self.file) from error


def _in_plain_words(error: sqlite3.Error, file: Path) -> GalleryError:
    name = getattr(error, "sqlite_errorname", "") or ""
    found = next((value for key, value in _ERRORS.items() if name.startswith(key)), None)
    kind, text = found or (GalleryError, str(error))
    return kind(f"{file}: {text}")


def _refuse_cut_short(file: Path) -> None:
    """A database without a pending write-ahead log must be as long as its header says."""
    if _has_log(file):
        return
    with file.open("rb") as stream:
        head = stream.read(100)
    size = file.stat().st_size
    if len(head) < 100:
        raise GalleryDamaged(f"{file}: damaged, only {size} bytes long; index the folders into a new gallery")
    page = int.from_bytes(head[16:18], "big")
    expected = (65536 if page == 1 else page) * int.from_bytes(head[28:32], "big")
    if head.startswith(b"SQLite format 3\0") and size < expected:
        raise GalleryDamaged(
            f"{file}: cut short ({size} of {expected} bytes); restore a copy, or index the folders into a new gallery"
        )


def _first_flaw(connection: sqlite3.Connection, check: str) -> str:
    """What a check of SQLite finds first, or "ok". SQLite 3.40 also finds NULLs that are not there, one for each row of
    some tables without row ids: whether there are any is asked, and what it finds behind them is waited for."""
    claimed = set[tuple[str, str]]()
    for (message,) in connection.execute(f"PRAGMA {check}({2**31 - 1})"):
        claim = _NULL.fullmatch(message)
        if claim is None:
            return str(message)
        claimed.add((claim[1], claim[2]))
    for table, column in sorted(claimed):
        if connection.execute(f"SELECT 1 FROM {table} WHERE {column} IS NULL LIMIT 1").fetchone():
            return f"NULL value in {table}.{column}"
    return "ok"


def _statements(script: str) -> Iterator[str]:
    """The statements of a script, one at a time: ``executescript`` would commit before it begins."""
    statement = ""
    for piece in script.split(";")[:-1]:  # a semicolon may also stand in a comment, a text or a trigger
        statement += piece + ";"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _has_log(file: Path) -> bool:
    """Whether something was committed that is not yet in the file itself."""
    log = file.with_name(file.name + "-wal")
    return log.exists() and log.stat().st_size > 0
