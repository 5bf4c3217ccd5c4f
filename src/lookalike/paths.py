"""Paths as a gallery knows them."""

from __future__ import annotations

import os
import re
import sys
import unicodedata
from dataclasses import dataclass

PathLike = str | os.PathLike[str]

_URL = re.compile(r"(?:s3|https?)://")


@dataclass(frozen=True, slots=True)
class WalkPatterns:
    """Patterns in the syntax of .gitignore, relative to the folder that is walked: what is left out, and what is walked
    although it is left out by default (gallery/ingest/leave_out.py)."""

    exclude: tuple[str, ...] = ()
    include: tuple[str, ...] = ()


def composed(text: str) -> str:
    """The one way to write a name of which Unicode knows two: Macs take é apart (NFD), keyboards do not (NFC)."""
    return unicodedata.normalize("NFC", text)


def may_write(file: PathLike) -> bool:
    """Whether a file, there or not, can be written and others made beside it: its drive may be mounted read-only."""
    folder = os.path.dirname(absolute(file))
    return os.access(folder, os.W_OK) and (not os.path.exists(file) or os.access(file, os.W_OK))


def is_url(path: PathLike) -> bool:
    """Whether this is the address of files in a bucket or on a web server (gallery/elsewhere/)."""
    return isinstance(path, str) and _URL.match(path) is not None


def absolute(path: PathLike) -> str:
    """The absolute path, links kept as they are: the name under which a gallery knows a file. An address is one."""
    if is_url(path):
        return str(path).rstrip("/") if str(path).startswith("s3:") else str(path)
    return os.path.abspath(os.fspath(path))  # Path.resolve would follow links


def cache_folder() -> str:
    """The folder in which the system wants a program to keep what can be made again, for this user; it need not
    exist."""
    if sys.platform == "darwin":
        return os.path.expanduser("~/Library/Caches/lookalike")
    if sys.platform == "win32":
        return os.path.join(os.environ.get("LOCALAPPDATA") or os.path.expanduser("~"), "lookalike", "cache")
    return os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "lookalike")


def state_folder() -> str:
    """The folder in which the system wants a program to keep what it has done, for this user; it need not exist."""
    if sys.platform == "darwin":
        return os.path.expanduser("~/Library/Application Support/lookalike")
    if sys.platform == "win32":
        return os.path.join(os.environ.get("LOCALAPPDATA") or os.path.expanduser("~"), "lookalike")
    return os.path.join(os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state"), "lookalike")
