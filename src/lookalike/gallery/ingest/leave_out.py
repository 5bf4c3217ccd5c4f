"""What a walk leaves out: trash, what systems put beside images, hidden files, and what patterns exclude.

An --exclude pattern always holds. An --include pattern brings back what is left out by default: hidden files by any
pattern that matches them; trash folders, a system's own files and marked folders only by a pattern that ends in their
very name, so that ``.*`` never takes a trash for a library.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Any

from lookalike.errors import UserError
from lookalike.paths import WalkPatterns, composed

MARKER = ".lookalike-ignore"  # a folder that holds a file of this name is left out
HIDDEN, EXCLUDED, TRASH, THUMBNAILS, SYSTEM, MARKED = "hidden", "excluded", "trash", "thumbnails", "system", "marked"
LIVE, NO_READER, NO_FRAMES, ELSEWHERE = "live", "no reader", "no frames", "elsewhere"
REASONS = {
    EXCLUDED: "excluded by a pattern",
    HIDDEN: "hidden",
    TRASH: "trash",
    THUMBNAILS: "thumbnails of a system",
    SYSTEM: "a system's own",
    MARKED: f"marked by {MARKER}",
    LIVE: "movies of Live Photos",
    NO_READER: "videos, which need: pip install 'lookalike[video]'",
    ELSEWHERE: "videos elsewhere than in a folder",
    NO_FRAMES: "videos, for which the gallery lacks the descriptor copy",
}

_LITTER = {  # names in lower case
    TRASH: (".trash", ".trashes", "$recycle.bin", "#recycle", "@recycle"),
    THUMBNAILS: ("@eadir", ".@__thumb", ".thumbnails", "thumbs.db", "ehthumbs.db"),
    SYSTEM: (
        *(".ds_store", ".appledouble", ".spotlight-v100", ".fseventsd", "desktop.ini"),
        *("system volume information", "#snapshot", "@recently-snapshot"),
    ),
}
_BY_NAME = {name: reason for reason, names in _LITTER.items() for name in names}
_BY_START = {".trash-": TRASH, "._": SYSTEM}
_HOME_TRASH = os.path.join(".local", "share", "Trash")


class LeaveOut:
    """Tells of what lies below ``base``, an absolute path, why it is left out. Raises UserError for a pattern that does
    not parse."""

    def __init__(self, base: str, patterns: WalkPatterns = WalkPatterns()) -> None:  # noqa: B008  it is frozen
        self._start = len(base.rstrip(os.sep)) + 1
        self._exclude, self._include = _spec(patterns.exclude), _spec(patterns.include)
        self._named = {_last(pattern) for pattern in patterns.include}

    def reason(self, path: str, is_folder: bool) -> str | None:
        """Why this is left out, a key of REASONS; None if it is not."""
        name = os.path.basename(path)
        litter = _litter(path, name)
        if self.excludes(path, is_folder):
            return EXCLUDED
        if litter is not None:
            return None if name in self._named else litter
        return HIDDEN if name.startswith(".") and not self._matches(self._include, path, is_folder) else None

    def excludes(self, path: str, is_folder: bool) -> bool:
        """Whether a pattern leaves it out."""
        return self._matches(self._exclude, path, is_folder)

    def marked(self, path: str, names: Sequence[str]) -> bool:
        """Whether this folder, which holds these names, is to be left out with everything in it."""
        return MARKER in names and os.path.basename(path) not in self._named

    def _matches(self, spec: Any, path: str, is_folder: bool) -> bool:
        if spec is None:
            return False
        inside = path[self._start :]
        return bool(spec.match_file(composed(inside) + ("/" if is_folder else "")))


def _litter(path: str, name: str) -> str | None:
    low = name.lower()
    found = _BY_NAME.get(low) or next((why for start, why in _BY_START.items() if low.startswith(start)), None)
    return found or (TRASH if path.endswith(os.sep + _HOME_TRASH) else None)


def _spec(patterns: Sequence[str]) -> Any:
    """Compiled; None for none, so that pathspec is imported only where it is needed."""
    if not patterns:
        return None
    from pathspec import GitIgnoreSpec

    for pattern in patterns:
        try:
            GitIgnoreSpec.from_lines([pattern])
        except (ValueError, re.error) as error:
            raise UserError(f"pattern {pattern!r}: {error}; it is written as in a .gitignore file") from error
    return GitIgnoreSpec.from_lines([composed(pattern) for pattern in patterns])


def _last(pattern: str) -> str:
    return pattern.rstrip("/").rsplit("/", 1)[-1]
