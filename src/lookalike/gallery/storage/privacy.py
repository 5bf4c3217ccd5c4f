"""What a gallery keeps beside vectors: paths, or thumbnails without paths, or nothing.

Without paths, an image is known by an opaque name: a keyed hash of its path (BLAKE2b, the key being the gallery's own
random uuid). It is the same each time, so that unchanged files are not read again, and cannot be read back. Whoever
holds the gallery and guesses a path can check the guess; likewise an image, by its sha256. Vectors tell what kind of
image it is. When a file last changed and its size are kept; when and with what it was taken are not.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Literal, get_args

from lookalike.errors import UserError
from lookalike.gallery.storage.row import Row

Retention = Literal["paths", "thumbnails", "vectors"]
RETENTION: tuple[str, ...] = get_args(Retention)
DIGITS = 24
_OPAQUE = re.compile(rf"image-[0-9a-f]{{{DIGITS}}}")


@dataclass(frozen=True, slots=True)
class Privacy:
    """How one gallery calls its files. ``key``: of this gallery alone."""

    retention: Retention
    key: str

    @property
    def opaque(self) -> bool:
        """Whether paths are kept from it."""
        return self.retention != "paths"

    def name(self, path: str) -> str:
        """The name under which a file is kept: its path, or an opaque one. An opaque name stays as it is."""
        if not self.opaque:
            return path
        last = os.path.basename(path)  # people hand it back as a path below where they are
        if _OPAQUE.fullmatch(last):
            return last
        digest = blake2b(os.fsencode(path), key=bytes.fromhex(self.key), digest_size=DIGITS // 2)
        return f"image-{digest.hexdigest()}"

    def row(self, row: Row) -> Row:
        """The image as it is kept."""
        return replace(row, path=self.name(row.path), taken=None, camera=None) if self.opaque else row

    def need_paths(self, what: str) -> None:
        """Raises UserError where files have to be read again."""
        if self.opaque:
            raise UserError(f"{what} reads the files again, and this gallery keeps no paths, only {self.retention}")


def checked(retention: str) -> Retention:
    """Raises UserError for another word."""
    for one in get_args(Retention):
        if one == retention:
            return one  # type: ignore[no-any-return]  # typeshed's get_args gives Any
    raise UserError(f"a gallery keeps {', '.join(RETENTION)}, not {retention!r}")
