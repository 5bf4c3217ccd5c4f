"""A connection to a gallery's schema in PostgreSQL: transactions, deadlines, another one when the server is back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

import psycopg

from lookalike.errors import GalleryError, UserError
from lookalike.gallery.storage.postgres.address import Address
from lookalike.gallery.storage.postgres.errors import connecting, translated
from lookalike.gallery.storage.postgres.vector_types import register
from lookalike.gallery.storage.postgres.watchdog import Watchdog
from lookalike.gallery.storage.sql_database import Dialect
from lookalike.types import Shown

POSTGRES = Dialect(like="ILIKE", members="(SELECT CAST(json_array_elements_text(CAST(? AS json)) AS BIGINT))")
CONNECT_SECONDS = 10
WRITER_SECONDS = 60  # for another process to finish its batch
GRACE = 2.0  # seconds that a server has to say itself that it is too late

_SETTINGS = """SELECT set_config('search_path', %s || coalesce((SELECT ', ' || quote_ident(n.nspname)
    FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'vector'), ', public'), false),
    set_config('statement_timeout', %s, false), set_config('lock_timeout', %s, false), pg_is_in_recovery(),
    (SELECT oid FROM pg_type WHERE typname = 'halfvec')"""


class PostgresDatabase:
    """One connection, as SqlDatabase. Not for several threads at once; several processes and machines are safe."""

    dialect = POSTGRES

    def __init__(self, address: Address) -> None:
        """Raises GalleryUnreachable."""
        self.file, self.schema = address.name, address.schema
        self.shown: Shown | None = None
        self.read_only = False
        self._address = address
        self._watchdog = Watchdog(address.deadline + GRACE)
        self._is_inside = False  # a transaction, or a snapshot
        self._known: int | None = None  # the number of writes, while nobody wants to know of new ones
        self.written = 0  # statements that wrote
        self._set: dict[str, str] = {}  # what was set for this connection
        try:
            self._connection = self._connected()
        except BaseException:
            self._watchdog.close()
            raise

    def _connected(self) -> psycopg.Connection[Any]:
        seconds = max(2, min(CONNECT_SECONDS, round(self._address.deadline)))  # 2 is libpq's least
        with connecting(self.file):
            connection = psycopg.connect(self._address.server, autocommit=True, connect_timeout=seconds)
        try:
            waiting = f"{min(WRITER_SECONDS, 0.9 * self._address.deadline):.3f}s"
            values = (f'"{self.schema}"', self._address.milliseconds, waiting)
            with translated(self.file):
                *_, self.read_only, oid = connection.execute(_SETTINGS, values, binary=True).fetchone() or ()
            if oid is not None:
                register(connection, oid)
        except BaseException:
            connection.close()
            raise
        self._set = {}
        return connection

    def close(self) -> None:
        """Close the connection. Everything committed is on the server already."""
        self._watchdog.close()
        self._connection.close()

    # --- statements

    def all(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        """All rows of a query."""
        with translated(self.file):
            return self._answered(sql, values)

    def all_unprepared(self, sql: str, values: Sequence[Any]) -> list[Any]:
        """All rows of a query that is planned for these values each time: for one whose best plan hangs on them."""
        with translated(self.file):
            return self._answered(sql, values, prepare=False)

    def _answered(self, sql: str, values: Sequence[Any], prepare: bool | None = None) -> list[Any]:
        """The rows; where nothing is lost by it, from a new connection, for the server may have been started again."""
        try:
            return self._execute(sql, values, prepare).fetchall()
        except psycopg.OperationalError:
            if self._is_inside or not self._connection.closed or self._watchdog.has_bitten:
                raise
            self._connection = self._connected()
            return self._execute(sql, values, prepare).fetchall()

    def _execute(self, sql: str, values: Sequence[Any] = (), prepare: bool | None = None) -> psycopg.Cursor[Any]:
        with self._within_deadline():
            return self._connection.execute(_placed(sql), tuple(values), prepare=prepare, binary=True)

    def _within_deadline(self) -> AbstractContextManager[None]:
        """A connection that is closed needs none: it answers at once."""
        closed, self._watchdog.has_bitten = self._connection.closed, False
        return nullcontext() if closed else self._watchdog.watching(self._connection.fileno())

    def set(self, name: str, value: str) -> None:
        """Set a parameter of the server for this connection, if it is not set so already."""
        if self._set.get(name) != value:
            self.all("SELECT set_config(?, ?, false)", (name, value))
            self._set[name] = value

    def script(self, text: str) -> None:
        """Run the statements of a script within a transaction."""
        with translated(self.file):
            self._connection.execute(text)

    def run(self, sql: str, values: Sequence[Any] = ()) -> None:
        """Run one statement within a transaction."""
        self.written += 1
        with translated(self.file):
            self._execute(sql, values)

    def run_each(self, sql: str, rows: Iterable[Sequence[Any]]) -> int:
        """Run one statement for each row within a transaction; returns how many rows it touched."""
        every = [tuple(row) for row in rows]
        if not every:
            return 0
        self.written += 1
        with translated(self.file), self._within_deadline():
            cursor = self._connection.cursor()
            cursor.executemany(_placed(sql), every)
            return cursor.rowcount

    def copy(self, sql: str, types: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Within a transaction: rows by COPY ... FROM STDIN (FORMAT BINARY). ``types``: of the columns."""
        self.written += 1
        with translated(self.file), self._within_deadline(), self._connection.cursor().copy(sql) as copy:
            copy.set_types(types)
            for row in rows:
                copy.write_row(row)

    # --- transactions

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of it is committed, or nothing of it. One process at a time."""
        with self._inside("BEGIN"):
            self.run("UPDATE writes SET number = number + 1")
            yield

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """All reads within see the same state, whatever other processes commit meanwhile."""
        with self._inside("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"):
            yield

    @contextmanager
    def making(self) -> Iterator[None]:
        """A transaction in which the schema is made."""
        with self._inside("BEGIN"):
            yield

    @contextmanager
    def _inside(self, begin: str) -> Iterator[None]:
        with translated(self.file):
            self._begin(begin)
            self._is_inside = True
            try:
                yield
                self._execute("COMMIT")
            except BaseException:
                with suppress(psycopg.Error):
                    self._execute("ROLLBACK")
                raise
            finally:
                self._is_inside = False

    def _begin(self, begin: str) -> None:
        try:
            self._execute(begin)
        except psycopg.OperationalError:
            if not self._connection.closed or self._watchdog.has_bitten:
                raise
            self._connection = self._connected()
            self._execute(begin)

    def version(self) -> tuple[int, int]:
        """Changes when this or another connection has written; costs a question to the server."""
        if self._known is not None:
            return self._known, self.written
        return int(self.all("SELECT number FROM writes")[0][0]), self.written

    @contextmanager
    def reading(self) -> Iterator[None]:
        """The number of writes is asked for once."""
        known = self._known
        self._known = self.version()[0]
        try:
            yield
        finally:
            self._known = known

    # --- upkeep

    @contextmanager
    def patient(self) -> Iterator[None]:
        """Without a deadline, for what may take long."""
        self._watchdog.is_asleep = True
        try:
            self.set("statement_timeout", "0")
            yield
        finally:
            self._watchdog.is_asleep = False
            with suppress(GalleryError):
                self.set("statement_timeout", self._address.milliseconds)

    def tables(self) -> list[str]:
        """The names of this gallery's tables."""
        found = self.all("SELECT tablename FROM pg_tables WHERE schemaname = ? ORDER BY 1", (self.schema,))
        return [row[0] for row in found]

    def check(self) -> str:
        """Every table is read: "ok", or the first thing that is wrong."""
        with self.patient():
            for table in self.tables():
                try:
                    self.all(f"SELECT count(*) FROM {table}")
                except GalleryError as error:
                    return str(error)
            sql = """SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n
                     ON n.oid = c.relnamespace WHERE n.nspname = ? AND NOT i.indisvalid"""
            invalid = self.all(sql, (self.schema,))
        return f"an index is not valid: {invalid[0][0]}; REINDEX it" if invalid else "ok"

    def backup(self, file: Path) -> None:  # noqa: ARG002  it copies nothing
        """Raises UserError: a server has ways of its own."""
        raise UserError(
            f"{self.file}: is backed up by its server, with pg_dump -n {self.schema} or with all that it holds; "
            f"lookalike migrate {self.file} FOLDER copies it into a folder"
        )

    def vacuum(self) -> None:
        """Write the tables anew without what was deleted; the server's log and backups are its own matter."""
        with self.patient():
            for table in self.tables():
                with translated(self.file):
                    self._execute(f"VACUUM FULL {table}")

    def empty_log(self, trouble: str) -> None:
        """The server does that by itself."""

    def disk_bytes(self) -> int:
        """Size of the tables and their indexes."""
        sql = """SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0) FROM pg_class c JOIN pg_namespace n
                 ON n.oid = c.relnamespace WHERE n.nspname = ? AND c.relkind = 'r'"""
        return int(self.all(sql, (self.schema,))[0][0])


@lru_cache(maxsize=1024)
def _placed(sql: str) -> str:
    """With psycopg's marks in place of question marks."""
    return sql.replace("%", "%%").replace("?", "%s")
