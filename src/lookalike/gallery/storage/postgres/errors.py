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
    "22025": (UserError, "where: a pattern of 'like' must not end in a single backslash"),
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


def _error(name: str, error: psycopg.Error) -> LookalikeError:
    state = error.sqlstate or ""
    said = str(error).strip().splitlines()
    first = said[0] if said else type(error).__name__
    for start, (kind, text) in _STATES.items():
        if state.startswith(start):
            return kind(f"{name}: {text}")
    if not state and isinstance(error, psycopg.OperationalError):
        return GalleryUnreachable(f"{name}: {_lost(first)}")
    return GalleryError(f"{name}: {first}")


def _lost(said: str) -> str:
    """libpq has no codes for what happens before the server answers."""
    if "password authentication failed" in said or "no password supplied" in said:
        return _STATES["28"][1]
    if "does not exist" in said and "database" in said:
        return _STATES["3D000"][1]
    if "connection failed" in said or "connection timeout" in said or "connection is bad" in said:
        return f"no server answers there ({said.rpartition(': ')[2].strip()}); {START}"
    return f"the server went away or did not answer within the deadline; {LATER}"
