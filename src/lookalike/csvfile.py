"""Tables that people write: CSV with a header, read strictly, line by line."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from dataclasses import dataclass

from lookalike.errors import UserError
from lookalike.paths import PathLike


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
            return _lines(path, file.read(), columns)
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


class Named:
    """Finds what a table means by a file: its path, as seen from the table's folder or from the current one, or its
    name alone, if only one of the known files has it."""

    def __init__(self, paths: Sequence[str], folder: str) -> None:
        self._known = set(paths)
        self._folder = folder
        self._by_name: dict[str, list[str]] = {}
        for path in paths:
            self._by_name.setdefault(os.path.basename(path), []).append(path)

    def path(self, told: str) -> str:
        """The known path. Raises UserError that says why there is none."""
        for place in (os.path.join(self._folder, told), told):
            if told and os.path.abspath(place) in self._known:
                return os.path.abspath(place)
        same = self._by_name.get(told, [])
        if len(same) == 1:
            return same[0]
        if same:
            raise UserError(f"{told}: {len(same)} images have this name; give the path")
        raise UserError(f"{told or 'no path'}: not among the indexed images")
