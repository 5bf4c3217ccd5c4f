"""A gallery's place: a folder, or the URL of what an engine keeps."""

from __future__ import annotations

import re

from lookalike.paths import PathLike, absolute

_URL = re.compile(r"([a-z][a-z0-9+.-]+)://")
_PASSWORD = re.compile(r"(?<=://)([^/@:]*):[^/@]*@")


def is_url(place: PathLike) -> bool:
    """Whether an engine keeps it, rather than a folder."""
    return isinstance(place, str) and _URL.match(place) is not None


def place_of(place: PathLike) -> str:
    """A gallery's place as engines take it: a URL as it is, a folder's absolute path."""
    return str(place) if is_url(place) else absolute(place)


def name_of(place: PathLike) -> str:
    """A gallery's place as it is shown: without a password."""
    return _PASSWORD.sub(r"\1@", place_of(place))
