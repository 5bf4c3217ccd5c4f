"""PostgreSQL's errors in plain words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import psycopg

from lookalike.errors import (
    GalleryDamaged,
    GalleryError,
    GalleryReadOnly,
    GalleryUnreachable,
    GalleryVersion,
    LookalikeError,
    StorageFull,
    UserError,
)

START = "start it (`pg_ctl start`, `systemctl start postgresql`, `docker compose up -d`) or correct the URL"
LATER = "what was committed is kept; try again"

# The beginning of an SQLSTATE (PostgreSQL's appendix A) -> error and what to say
_STATES: Mapping[str, tuple[type[LookalikeError], str]] = {
    "28": (GalleryUnreachable, "the server does not let us in: correct user and password in the URL, or in ~/.pgpass"),
    "3D000": (GalleryUnreachable, "the server has no such database; make it with: createdb DATABASE"),
    "53100": (StorageFull, "no room left on the server's disk; what was committed is kept. Free some room and go on"),
    "53300": (GalleryUnreachable, "the server has too many connections (its max_connections); try again"),
    "55P03": (GalleryError, "another process is writing and did not finish in time; try again"),
    "57014": (GalleryUnreachable, f"the server did not answer within the deadline; {LATER}"),
    "57P": (GalleryUnreachable, f"the server is shutting down or starting; {LATER}"),
    "25006": (GalleryReadOnly, "the server is a replica, which is only read; name the primary to write"),
    "42501": (GalleryReadOnly, "this user may not do that in this gallery; ask who runs the server"),
    "42P01": (
        GalleryVersion,
        "meanwhile another process holds its vectors in another version; open the gallery again (a service: start it "
        "again)",
    ),
    "XX001": (GalleryDamaged, "damaged; restore a backup of the server"),
    "XX002": (GalleryDamaged, "an index is damaged; REINDEX it, or restore a backup of the server"),
}


@contextmanager
def translated(name: str) -> Iterator[None]:
    """Errors within are kinds of GalleryError that name the gallery."""
    try:
        yield
    except psycopg.Error as error:
        raise _error(name, error) from error


@contextmanager
def connecting(name: str) -> Iterator[None]:
    """The same for what happens before a server answers, for which libpq has no codes. Raises UserError for a URL that
    it does not understand."""
    try:
        yield
    except psycopg.OperationalError as error:
        if error.sqlstate:
            raise _error(name, error) from error
        raise GalleryUnreachable(f"{name}: {_not_connected(_first_line(error))}") from error
    except psycopg.ProgrammingError as error:
        raise UserError(f"{name}: {_first_line(error)}") from error


def _error(name: str, error: psycopg.Error) -> LookalikeError:
    state = error.sqlstate or ""
    for start, (kind, text) in _STATES.items():
        if state.startswith(start):
            return kind(f"{name}: {text}")
    if not state and isinstance(error, psycopg.OperationalError):
        return GalleryUnreachable(f"{name}: the server went away or did not answer within the deadline; {LATER}")
    return GalleryError(f"{name}: {_first_line(error)}")


def _first_line(error: psycopg.Error) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def _not_connected(said: str) -> str:
    """Why, by what the server said (FATAL), or else that there is none."""
    _, fatal, reason = said.partition("FATAL:")
    if not fatal and "password" not in said:
        return f"no server answers there ({said.rpartition(': ')[2].strip()}); {START}"
    if "database" in reason and "does not exist" in reason:
        return _STATES["3D000"][1]
    if any(word in said for word in ("password", "role", "pg_hba")):
        return _STATES["28"][1]
    return f"the server takes nobody now ({reason.strip()}); try again"
