"""A person's labels: from the folders that images lie in, or from a CSV file with the columns path and label."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lookalike.csvfile import Line, Named, read_csv
from lookalike.errors import UserError
from lookalike.gallery.storage.base import GalleryStorage
from lookalike.paths import PathLike, absolute, composed
from lookalike.types import Failure, Label, LabelReport

COLUMNS = ("path", "label")
CERTAIN = 1.0


@dataclass(slots=True)
class ReadLabels:
    """path -> label, paths of which nothing is said, and what could not be used."""

    labels: dict[str, str] = field(default_factory=dict)
    unlabelled: list[str] = field(default_factory=list)
    failed: list[Failure] = field(default_factory=list)


def label_from_folders(store: GalleryStorage, root: PathLike) -> LabelReport:
    """Images below ``root`` are called as the first folder on the way to them; those in ``root`` itself get no label.

    Raises UserError if the gallery holds none below it."""
    top = absolute(root)
    start = composed(top).rstrip(os.sep) + os.sep
    inside = [row.path for row in store.every_row() if composed(row.path).startswith(start)]
    if not inside:
        raise UserError(f"{root}: this gallery holds no image below it; index it first")
    read = ReadLabels()
    for path in inside:
        folders = composed(path)[len(start) :].split(os.sep)[:-1]
        _take(read, path, folders[0] if folders else "", path)
    return _written(store, "folders", read)


def label_from_csv(store: GalleryStorage, file: PathLike) -> LabelReport:
    """Images are called as a line of the file says. Lines that name no image of the gallery, no label, or another
    label than an earlier line are listed as failed, and so is every line of such an image; the others are used.

    Raises UserError for a file without these columns."""
    return _written(store, "csv", read_csv_labels([row.path for row in store.every_row()], file))


def read_csv_labels(paths: Sequence[str], file: PathLike) -> ReadLabels:
    """What the file calls these images; nothing is written. Raises UserError for a file without these columns."""
    lines = read_csv(file, COLUMNS)
    named = Named(paths, os.path.dirname(absolute(file)))
    read, lines_of = ReadLabels(), dict[str, dict[str, Line]]()
    for line in lines:
        try:
            lines_of.setdefault(named.path(line.values[0]), {}).setdefault(_tidy(line.values[1]), line)
        except UserError as error:
            read.failed.append(Failure(f"{file}:{line.number}", str(error)))
    for path, labels in lines_of.items():
        where = ", ".join(str(line.number) for line in labels.values())
        if len(labels) > 1:
            read.failed.append(Failure(f"{file}:{where}", f"{path}: called {' and '.join(map(repr, labels))}"))
        else:
            _take(read, path, next(iter(labels)), f"{file}:{where}")
    return read


def _take(read: ReadLabels, path: str, label: str, place: str) -> None:
    label = _tidy(label)
    if not label:
        read.unlabelled.append(path)
    elif label.encode("utf-8", "replace").decode("utf-8") != label:
        read.failed.append(Failure(place, f"{label!r} is no label: not UTF-8"))
    else:
        read.labels[path] = label


def _tidy(label: str) -> str:
    """One way to write it: what macOS writes into folder names is not what people type."""
    return composed(label).strip()


def _written(store: GalleryStorage, source: str, read: ReadLabels) -> LabelReport:
    """In place of what the same source said of these images before."""
    rows = {path: store.row_of(path) for path in (*read.labels, *read.unlabelled)}
    with store.transaction():
        store.labels.clear(source, [row.id for row in rows.values() if row])
        store.labels.put(_labels(read.labels, {path: row.id for path, row in rows.items() if row}, source))
    counts = dict(Counter(read.labels.values()).most_common())
    return LabelReport(source, len(read.labels), len(read.unlabelled), counts, tuple(read.failed))


def _labels(labels: Mapping[str, str], ids: Mapping[str, int], source: str) -> list[tuple[int, Label]]:
    return [(ids[path], Label(label, CERTAIN, source)) for path, label in labels.items() if path in ids]
