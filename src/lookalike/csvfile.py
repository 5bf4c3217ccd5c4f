"""Tables as CSV with a header: those that people write, read strictly, and results as people take them elsewhere."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lookalike.errors import UserError
from lookalike.paths import PathLike, composed
from lookalike.types import Result


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a table. ``number``: as an editor counts, from 1; ``values``: one per wanted column, stripped."""

    number: int
    values: tuple[str, ...]


def read_csv(path: PathLike, columns: Sequence[str]) -> list[Line]:
    """The lines of a CSV file, separated by commas or semicolons; other columns and empty lines are left out.

    File names that are no UTF-8 keep their bytes, as surrogates. Raises UserError for a file that cannot be read and
    for one whose header lacks a column."""
    try:
        with open(path, encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            text = file.read()
            if "\0" in text:
                raise UserError(f"{path}: not a CSV file: it holds bytes that no text has")
            return _lines(path, text, columns)
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror or error}") from error
    except csv.Error as error:
        raise UserError(f"{path}: not a CSV file: {error}") from error


def _lines(path: PathLike, text: str, columns: Sequence[str]) -> list[Line]:
    head = text.split("\n", 1)[0]
    reader = csv.reader(text.splitlines(keepends=True), delimiter=";" if ";" in head and "," not in head else ",")
    header = [name.strip().lower() for name in next(reader, [])]
    missing = [name for name in columns if name not in header]
    if missing:
        raise UserError(
            f"{path}: its first line must name the columns {', '.join(columns)}; "
            f"there is no {missing[0]!r} in {head.strip()[:80]!r}"
        )
    places = [header.index(name) for name in columns]
    return [
        Line(reader.line_num, tuple(row[place].strip() if place < len(row) else "" for place in places))
        for row in reader
        if any(value.strip() for value in row)
    ]


def write_csv(path: PathLike, results: Iterable[Result]) -> None:
    """Hits, pairs or comparisons as a CSV file, one a line; of groups, give their pairs:
    ``[pair for group in groups for pair in group.pairs]``.

    The columns are the fields; what lies within one has a column of its own ("box.x", "distances.copy"), and lists are
    joined with "; ". File names that are no UTF-8 keep their bytes. Raises UserError for a file that cannot be
    written."""
    rows = [dict(_columns(result.to_dict())) for result in results]
    names = list(dict.fromkeys(name for row in rows for name in row))
    try:
        with open(path, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
            writer = csv.DictWriter(file, names, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror or error}") from error


def _columns(fields: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in fields.items():
        if isinstance(value, dict):
            yield from _columns(value, f"{before}{name}.")
        elif isinstance(value, list):
            yield before + name, "; ".join(one if isinstance(one, str) else json.dumps(one) for one in value)
        else:
            yield before + name, value


class Named:
    """Finds what a table means by a file: its path, as seen from the table's folder or from the current one, or its
    name alone, if only one of the known files has it. Accents are the same however they are written (NFC, NFD)."""

    def __init__(self, paths: Sequence[str], folder: str) -> None:
        self._known = set(paths)
        self._folder = folder
        self._by_name = _grouped((os.path.basename(path), path) for path in paths)
        self._by_path = _grouped((path, path) for path in paths if not path.isascii())

    def path(self, name: str) -> str:
        """The known path. Raises UserError that says why there is none."""
        for place in (os.path.join(self._folder, name), name):
            path = os.path.abspath(place)
            if name and path in self._known:
                return path
            if len(same := self._by_path.get(composed(path), [])) == 1:
                return same[0]
        same = self._by_name.get(composed(name), [])
        if len(same) == 1:
            return same[0]
        if same:
            raise UserError(f"{name}: {len(same)} images have this name; give the path")
        raise UserError(f"{name or 'no path'}: not among the indexed images")


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Composed name -> what has it."""
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(composed(name), []).append(value)
    return found
