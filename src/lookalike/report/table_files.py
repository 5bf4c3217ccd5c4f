"""Tables as files, by their ending: .csv, .npz (NumPy) and .parquet (Arrow; the extra `export`)."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lookalike.errors import MissingDependency, UserError
from lookalike.gallery.tables import Table
from lookalike.report.atomic_file import replacing

ENDINGS = (".csv", ".npz", ".parquet")


def check_ending(path: str | os.PathLike[str]) -> str:
    """The ending of a table's file. Raises UserError for another, MissingDependency for .parquet without pyarrow."""
    ending = Path(path).suffix.lower()
    if ending not in ENDINGS:
        raise UserError(f"{path}: tables are written as {', '.join(ENDINGS)}, told by the file's ending")
    if ending == ".parquet":
        _arrow()
    return ending


def write_table(table: Table, path: str | os.PathLike[str]) -> None:
    """Write a table, all of it or nothing. Vectors are, in CSV, hexadecimal digits where they are bits, else numbers
    with spaces between; in Parquet, lists of a fixed length. Raises what ``check_ending`` raises, or UserError for a
    place that cannot be written."""
    ending = check_ending(path)
    with replacing(Path(path), "table") as temporary:
        {".csv": _write_csv, ".npz": _write_numpy, ".parquet": _write_parquet}[ending](table, temporary)


def _write_csv(table: Table, path: Path) -> None:
    with path.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(table.columns)
        writer.writerows(zip(*(_texts(table, name) for name in table.columns), strict=True))


def _texts(table: Table, name: str) -> Iterator[Any]:
    values = table.columns[name]
    if not isinstance(values, np.ndarray):
        yield from values
    elif name in table.packed_bits:
        yield from (row.tobytes().hex() for row in values)
    else:
        yield from (" ".join(f"{number:.7g}" for number in row) for row in values.tolist())


def _write_numpy(table: Table, path: Path) -> None:
    arrays: dict[str, Any] = {name: np.asarray(values) for name, values in table.columns.items()}
    with path.open("wb") as file:
        np.savez_compressed(file, **arrays)


def _write_parquet(table: Table, path: Path) -> None:
    arrow, parquet = _arrow()
    columns = {}
    for name, values in table.columns.items():
        if isinstance(values, np.ndarray):
            flat = arrow.array(np.ascontiguousarray(values).reshape(-1))
            columns[name] = arrow.FixedSizeListArray.from_arrays(flat, values.shape[1])
        else:
            columns[name] = arrow.array(_readable(values))
    parquet.write_table(arrow.table(columns), path)


def _readable(values: Sequence[Any]) -> list[Any]:
    """File names that are no UTF-8 with their bytes written out, for Parquet knows no others."""
    return [os.fsencode(one).decode("utf-8", "backslashreplace") if isinstance(one, str) else one for one in values]


def _arrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise MissingDependency("pyarrow is not installed; get it with: pip install 'lookalike[export]'") from error
    return pyarrow, parquet
