"""How a gallery calls files that lie elsewhere, so that prefixes of paths still mean what they mean of folders.

``s3://bucket/key`` and ``https://host/path`` as they are; a file in an archive as if the archive were a folder:
``/photos/2019.zip/summer/1.jpg``, ``s3://bucket/2019.tar/1.jpg``.
"""

from __future__ import annotations

import os
import re

from lookalike.imaging import is_image_name
from lookalike.paths import is_url

_ARCHIVE = r"\.(?:zip|tar|tgz|tar\.gz|tar\.bz2|tar\.xz)"
_NAME = re.compile(rf".*{_ARCHIVE}", re.IGNORECASE | re.DOTALL)
_END = re.compile(rf"{_ARCHIVE}(?=/)", re.IGNORECASE)


def is_archive_name(path: str) -> bool:
    """Whether a file is called like an archive."""
    return _NAME.fullmatch(path) is not None


def split_member(path: str) -> tuple[str, str] | None:
    """An archive and the name of a file or folder in it; None for what lies in no archive. A folder may be called like
    an archive, and then is none; at a web address the name decides."""
    for found in _END.finditer(path):
        archive = path[: found.end()]
        if is_url(archive) or os.path.isfile(archive):
            return archive, path[found.end() + 1 :]
    return None


def is_elsewhere(path: str) -> bool:
    """Whether the system's own calls cannot read this file."""
    return is_url(path) or split_member(path) is not None


def is_source_elsewhere(path: str) -> bool:
    """The same of what is to be walked: also an archive itself."""
    return is_elsewhere(path) or (is_archive_name(path) and os.path.isfile(path))


def is_folder_elsewhere(path: str) -> bool:
    """Whether this is the prefix of what will be found there: a bucket or a part of it, an archive, an index page that
    ends with a slash; no list of addresses, and no single file."""
    if not is_source_elsewhere(path) or is_image_name(path):
        return False
    return not path.startswith("http") or path.endswith("/") or is_archive_name(path)
