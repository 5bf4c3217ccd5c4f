"""A catalogue as a shop writes it: a CSV file with a line for each item, or for each of its images."""

from __future__ import annotations

import csv
import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lookalike.errors import UserError
from lookalike.gallery.catalogue.numbers import decimal_mark, is_plain, number
from lookalike.gallery.storage.base import Value
from lookalike.paths import PathLike, composed
from lookalike.types import Failure

ID, TITLE = "id", "title"
FILES = ("file", "files", "image", "images")  # columns that name an item's files
NUMBERS = ("price", "stock")  # columns that are numbers, whatever stands in some cells
LEGACY = "windows-1252"  # what a table that is no UTF-8 most probably is
_NO_TABLE = {b"PK\x03\x04": "a spreadsheet or archive", b"\xd0\xcf\x11\xe0": "an old spreadsheet", b"%PDF": "a PDF"}


@dataclass(frozen=True, slots=True)
class CatalogueLine:
    """What one line says of an item. ``title``, ``files``: None where the table has no such column. ``values``: of
    each further column, None for an empty cell."""

    number: int
    code: str
    title: str | None
    files: tuple[str, ...] | None
    values: Mapping[str, Value | None]


@dataclass(frozen=True, slots=True)
class CatalogueTable:
    """``encoding``: how the file was read. ``kinds``: column -> "number" or "text". ``failed``: lines, and cells, that
    could not be used."""

    encoding: str
    kinds: Mapping[str, str]
    lines: tuple[CatalogueLine, ...]
    failed: tuple[Failure, ...]


def read_catalogue(path: PathLike, known: Mapping[str, str] | None = None) -> CatalogueTable:
    """A table separated by commas, semicolons or tabs, in UTF-8, UTF-16 with its mark, or else windows-1252. ``known``:
    kinds of columns that stay as they are. Raises UserError for a file that is none, or without a column "id"."""
    text, encoding = _decoded(path)
    rows, header = _rows(path, text)
    if len(set(header)) < len(header):
        raise UserError(f"{path}: two columns are called {next(one for one in header if header.count(one) > 1)!r}")
    if ID not in header:
        raise UserError(f"{path}: its first line must name a column 'id'; it names {', '.join(header)[:80]!r}")
    cells = [(line, dict(zip(header, row + [""] * len(header), strict=False))) for line, row in rows]
    others = [name for name in header if name not in (ID, TITLE, *FILES)]
    return _table(path, encoding, cells, others, header, known or {})


def _decoded(path: PathLike) -> tuple[str, str]:
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror or error}") from error
    for start, what in _NO_TABLE.items():
        if data.startswith(start):
            raise UserError(f"{path}: {what}, and no CSV file; save the table as CSV (UTF-8)")
    encoding = "utf-16" if data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding == "utf-16":
            raise UserError(f"{path}: begins like UTF-16, and is cut short or damaged") from error
        text, encoding = data.decode(LEGACY, "replace"), LEGACY
    if "\0" in text:
        raise UserError(f"{path}: not a CSV file: it holds NUL characters")
    return text, encoding.removesuffix("-sig")


def _rows(path: PathLike, text: str) -> tuple[list[tuple[int, list[str]]], list[str]]:
    head = text.split("\n", 1)[0]
    separator = max(",;\t", key=head.count)
    try:
        reader = csv.reader(text.splitlines(keepends=True), delimiter=separator)
        header = [_column(name) for name in next(reader, [])]
        rows = [(reader.line_num, [cell.strip() for cell in row]) for row in reader if any(map(str.strip, row))]
    except csv.Error as error:
        raise UserError(f"{path}: not a CSV file: {error}") from error
    while header and not header[-1]:
        header.pop()
    if "" in header:
        raise UserError(f"{path}: column {header.index('') + 1} has no name in the first line")
    return rows, header


def _column(name: str) -> str:
    """As filters say it: "Unit price" is unit_price."""
    return re.sub(r"\W+", "_", composed(name).strip().lower()).strip("_")


def _table(
    path: PathLike,
    encoding: str,
    cells: Sequence[tuple[int, Mapping[str, str]]],
    others: Sequence[str],
    header: Sequence[str],
    known: Mapping[str, str],
) -> CatalogueTable:
    columns = {name: [row[name] for _, row in cells if row[name]] for name in others}
    kinds = {name: known.get(name) or _kind(name, values) for name, values in columns.items()}
    marks = {name: decimal_mark(values) for name, values in columns.items() if kinds[name] == "number"}
    lines, failed = [], []
    for line, row in cells:
        place = f"{path}:{line}"
        if not row[ID]:
            failed.append(Failure(place, "no id"))
            continue
        values: dict[str, Value | None] = {}
        for name in others:
            text = composed(row[name])
            values[name] = number(text, marks[name]) if name in marks and text else text or None
            if text and values[name] is None:
                failed.append(Failure(place, f"item {row[ID]!r}: {name} {text!r} is no number; it is left empty"))
        title = composed(row[TITLE]) if TITLE in header else None
        lines.append(CatalogueLine(line, composed(row[ID]), title, _files(row, header), values))
    return CatalogueTable(encoding, kinds, tuple(lines), tuple(failed))


def _kind(name: str, values: Sequence[str]) -> str:
    return "number" if name in NUMBERS or (values and all(map(is_plain, values))) else "text"


def _files(row: Mapping[str, str], header: Sequence[str]) -> tuple[str, ...] | None:
    """Of all columns that name any; several in a cell are separated by ";" or "|"."""
    named = [name for name in FILES if name in header]
    if not named:
        return None
    found = (one.strip() for name in named for one in re.split(r"[;|]", row[name]))
    return tuple(dict.fromkeys(one for one in found if one))
