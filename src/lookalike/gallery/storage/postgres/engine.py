"""Galleries in PostgreSQL with pgvector, each in a schema of its own (see engines.py)."""

from __future__ import annotations

from contextlib import closing
from functools import partial
from importlib import resources

import psycopg

from lookalike.errors import GalleryError, GalleryExists, GalleryMissing, GalleryVersion
from lookalike.gallery.storage.base import GalleryStorage, NewGallery
from lookalike.gallery.storage.postgres.address import Address
from lookalike.gallery.storage.postgres.database import PostgresDatabase
from lookalike.gallery.storage.postgres.vectors import PostgresVectors
from lookalike.gallery.storage.sql_database import meta, put_meta
from lookalike.gallery.storage.sql_store import SqlStore, fill

FORMAT = 13  # of the newest schema, as of the SQLite file
COLLATIONS = ("und-x-icu", "C.utf8", "C.UTF-8", "en_US.utf8", "en_US.UTF-8")  # that know the case of every script
NO_PGVECTOR = (
    "the server has no pgvector; install it there (the package postgresql-NN-pgvector, the image pgvector/pgvector) or "
    "have who runs it say in this database: CREATE EXTENSION vector"
)


def exists(place: str) -> bool:
    """As in Engine."""
    with closing(PostgresDatabase(Address.of(place))) as database:
        return _has_schema(database)


def open_storage(place: str) -> GalleryStorage:
    """As in Engine."""
    database = PostgresDatabase(Address.of(place))
    try:
        if not _has_schema(database):
            raise GalleryMissing(f"{database.file}: no gallery there; make one with: lookalike index FOLDER -g URL")
        _refuse_other_versions(database)
        return SqlStore(database, partial(PostgresVectors, database))
    except BaseException:
        database.close()
        raise


def create_storage(place: str, new: NewGallery) -> None:
    """As in Engine. It is made in one transaction."""
    address = Address.of(place)
    with closing(PostgresDatabase(address)) as database:
        _install_pgvector(database)
    with closing(PostgresDatabase(address)) as database:  # which knows pgvector's types
        try:
            with database.making():
                _make_schema(database)
                put_meta(database, "format", str(FORMAT))
                fill(database, partial(PostgresVectors, database), new)
        except GalleryError as error:
            if isinstance(error.__cause__, psycopg.errors.DuplicateSchema | psycopg.errors.UniqueViolation):
                raise GalleryExists(f"{database.file}: there is a gallery already; open it, or name another") from error
            raise


def _has_schema(database: PostgresDatabase) -> bool:
    return bool(database.all("SELECT 1 FROM pg_namespace WHERE nspname = ?", (database.schema,)))


def _install_pgvector(database: PostgresDatabase) -> None:
    if database.all("SELECT 1 FROM pg_extension WHERE extname = 'vector'"):
        return
    try:
        database.run("CREATE EXTENSION IF NOT EXISTS vector")
    except GalleryError as error:
        raise GalleryError(f"{database.file}: {NO_PGVECTOR}") from error


def _make_schema(database: PostgresDatabase) -> None:
    known = [name for (name,) in database.all("SELECT collname FROM pg_collation")]
    collation = next((name for name in COLLATIONS if name in known), "default")
    script = resources.files("lookalike.gallery.storage.postgres").joinpath("schema.sql").read_text("utf-8")
    database.run(f'CREATE SCHEMA "{database.schema}"')
    database.script(script.replace("{collation}", collation))


def _refuse_other_versions(database: PostgresDatabase) -> None:
    version = int(meta(database, "format", "0"))
    if version != FORMAT:
        which = "a newer" if version > FORMAT else "an earlier"
        raise GalleryVersion(
            f"{database.file}: made by {which} Lookalike (format {version}, this one reads {FORMAT}); use that one, or "
            "upgrade with: pip install -U lookalike"
        )
