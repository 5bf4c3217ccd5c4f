"""Reads which copies a person has chosen: the report's own list, what ``duplicates --json`` printed, or any list."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lookalike.errors import UserError
from lookalike.paths import PathLike, absolute


def read_path_list(file: PathLike) -> frozenset[str]:
    """Absolute paths: one in each line, or the copies of all groups of a JSON document. Raises UserError."""
    try:
        text = Path(file).read_text("utf-8", "surrogateescape")
    except OSError as error:
        raise UserError(f"{file}: the list cannot be read: {error.strerror or error}") from error
    if not text.lstrip().startswith("{"):
        return frozenset(absolute(line) for line in text.replace("\r\n", "\n").split("\n") if line.strip())
    try:
        return frozenset(absolute(path) for path in _copies(json.loads(text)))
    except (ValueError, TypeError, KeyError) as error:
        raise UserError(f"{file}: neither a list of paths nor what `duplicates --json` prints") from error


def _copies(document: Any) -> list[str]:
    return [path for group in document["groups"] for path in group["others"]]
