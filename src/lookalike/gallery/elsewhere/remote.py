"""Buckets and web servers, by fsspec: what lies there, what it is like, its bytes. Several threads may ask at once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from tempfile import TemporaryFile
from typing import Any, BinaryIO

from lookalike.errors import FileMissing, FileUnreadable, LoadError, MissingDependency
from lookalike.gallery.elsewhere.state import FileState

CONNECT_SECONDS, READ_SECONDS = 10, 60
BLOCK = 1 << 20  # bytes that are fetched at a time of an archive
RETRIES = 3
GONE = (404, 410)  # what a server answers of a file that is not there


def state_of(url: str) -> FileState:
    """Raises FileMissing, FileUnreadable."""
    with translated(url):
        return FileState.of_headers(_file_system(url).info(url))


def headers_of(url: str) -> dict[str, Any]:
    """What fsspec tells of a file. Raises FileMissing, FileUnreadable."""
    with translated(url):
        return dict(_file_system(url).info(url))


def read(url: str) -> bytes:
    """All bytes. Raises FileMissing, FileUnreadable."""
    with translated(url):
        return bytes(_file_system(url).cat_file(url))


def entries(url: str) -> list[dict[str, Any]]:
    """What lies in a folder of a bucket: of each ``name``, "bucket/key", ``type``, "directory" or "file", and what is
    known of it. Raises FileMissing, FileUnreadable."""
    with translated(url):
        return list(_file_system(url).ls(url, detail=True))


def opened(url: str) -> BinaryIO:
    """A file to seek in, of which only what is read is fetched, if the server can send a part. Raises FileMissing,
    FileUnreadable."""
    with translated(url):
        file: BinaryIO = _file_system(url).open(url, "rb", block_size=BLOCK)
        try:
            file.seek(1)
            file.read(1)
            file.seek(0)
        except ValueError:  # the server sends files as a whole only
            file.close()
            return _on_disk(_file_system(url).open(url, "rb", block_size=0))
        return file


def _on_disk(stream: BinaryIO) -> BinaryIO:
    """A copy that is gone when it is closed."""
    copy: BinaryIO = TemporaryFile()  # noqa: SIM115  whoever asked closes it
    with stream:
        while chunk := stream.read(BLOCK):
            copy.write(chunk)
    copy.seek(0)
    return copy


@contextmanager
def translated(url: str) -> Iterator[None]:
    """Errors of fsspec, of a server and of the network in plain words."""
    try:
        yield
    except (LoadError, MissingDependency):
        raise
    except FileNotFoundError as error:
        if (cause := _not_reached(error)) is not None:  # no file is gone because its server does not answer
            raise FileUnreadable(_why(cause), url) from error
        raise FileMissing(_missing(error), url) from error
    except Exception as error:
        raise FileUnreadable(_why(error), url) from error


def _not_reached(error: FileNotFoundError) -> BaseException | None:
    """Why fsspec says of a file on a web server that it is not there, if that is not what the server said."""
    cause, status = error.__cause__, getattr(error.__cause__, "status", None)
    said = status in GONE if status is not None else not isinstance(cause, (OSError, TimeoutError, ValueError))
    return None if said or isinstance(cause, FileNotFoundError) else cause


def _missing(error: FileNotFoundError) -> str:
    return "no such bucket" if "bucket" in str(error).lower() and "not exist" in str(error) else "no such file"


def _why(error: BaseException) -> str:
    """One line."""
    status = getattr(error, "status", None)
    if status is not None:
        return f"the server refuses it: {status} {getattr(error, 'message', '')}".rstrip()
    text = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, PermissionError):
        return f"access denied: {text}"
    if "credentials" in text.lower():
        return f"{text}; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    return f"cannot be read: {text}"


def _file_system(url: str) -> Any:
    return _of_scheme(url.partition("://")[0], os.getpid())


@cache
def _of_scheme(scheme: str, _process: int) -> Any:
    """One for all threads of a process: connections do not outlive a fork. Keys and endpoints are taken from the
    environment, as by any other program."""
    own = {"skip_instance_cache": True, "use_listings_cache": False}
    try:
        if scheme == "s3":
            from s3fs import S3FileSystem

            config = {"connect_timeout": CONNECT_SECONDS, "read_timeout": READ_SECONDS, "retries": {"max_attempts": 2}}
            found = S3FileSystem(config_kwargs=config, **own)
            found.retries = RETRIES
            return found
        from aiohttp import ClientTimeout
        from fsspec.implementations.http import HTTPFileSystem
    except ModuleNotFoundError as error:
        raise MissingDependency(f"{error.name} is not installed; pip install 'lookalike[remote]'") from error
    patience = ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=READ_SECONDS)
    return HTTPFileSystem(client_kwargs={"trust_env": True, "timeout": patience}, **own)
