"""What a gallery holds, as tables for other programs: vectors, labels, verdicts, and copies by group and by pair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import UserError
from lookalike.gallery.calibration.scoring import Scoring
from lookalike.gallery.dedup.duplicates import duplicate_measures, verified_duplicates
from lookalike.gallery.dedup.preferred_folders import PreferredFolders
from lookalike.gallery.library import Library
from lookalike.gallery.search.options import check_precision
from lookalike.gallery.storage.embeddings import Embeddings
from lookalike.types import Group, Progress

TableName = Literal["vectors", "labels", "verdicts", "groups", "pairs"]
TABLES: tuple[TableName, ...] = get_args(TableName)


@dataclass(frozen=True, slots=True)
class Table:
    """``columns``: name -> N values, texts, numbers and truth values in a list, or an array (N,) or (N, D).
    ``packed_bits``: the columns whose bytes are eight bits each."""

    columns: Mapping[str, Sequence[Any] | NDArray[Any]]
    packed_bits: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))


@dataclass(frozen=True, slots=True)
class TableOptions:
    """As in ``Gallery.table``."""

    by: str | None = None
    where: str | None = None
    precision: float = 0.99


def gallery_table(library: Library, name: TableName, options: TableOptions, progress: Progress | None) -> Table:
    """As ``Gallery.table``."""
    if name == "vectors":
        return _vectors(library, options)
    if name == "labels":
        return _labels(library, options.where)
    if name == "verdicts":
        return _verdicts(library)
    check_precision(options.precision)
    scoring = Scoring.of(library.store, library.cards)
    measures = [options.by] if options.by else duplicate_measures(scoring, verify=True)
    groups = verified_duplicates(library, measures, options.precision, True, PreferredFolders.of(), progress)
    return _groups(groups) if name == "groups" else _pairs(groups)


def _vectors(library: Library, options: TableOptions) -> Table:
    card = library.card(options.by)
    ids = None if options.where is None else library.store.select(options.where)
    found = Embeddings.read(library.store, {card.name: card}, [card.name], ids)
    rows = library.store.rows(found.ids.tolist())
    there = [number in rows for number in found.ids.tolist()]
    found = found.keep(np.array(there, bool))
    kept = [rows[number] for number in found.ids.tolist()]
    vectors = found.vectors[card.name]
    bits = card.metric == "hamming"
    return Table(
        {
            "path": [row.path for row in kept],
            "sha256": [row.sha256 for row in kept],
            card.name: vectors if bits else vectors.astype(np.float32),
        },
        (card.name,) if bits else (),
    )


def _labels(library: Library, where: str | None) -> Table:
    found = [(one.path, label) for _, one in library.store.labels.of_images(where) for label in one.labels]
    return Table(
        {
            "path": [path for path, _ in found],
            "label": [label.label for _, label in found],
            "probability": [label.probability for _, label in found],
            "source": [label.source for _, label in found],
        }
    )


def _verdicts(library: Library) -> Table:
    found = library.store.verdicts()
    digests = {digest for a, b, _ in found for digest in (a, b)}
    paths = {digest: rows[0].path for digest in digests if (rows := library.store.same_bytes(digest))}
    return Table(
        {
            "a": [paths.get(a, "") for a, _, _ in found],
            "b": [paths.get(b, "") for _, b, _ in found],
            "verdict": [verdict for _, _, verdict in found],
            "a_sha256": [a for a, _, _ in found],
            "b_sha256": [b for _, b, _ in found],
        }
    )


def _groups(groups: Sequence[Group]) -> Table:
    members = [(number, path, path == one.keep) for number, one in enumerate(groups, 1) for path in _members(one)]
    return Table(
        {
            "group": [number for number, _, _ in members],
            "path": [path for _, path, _ in members],
            "keep": [keep for _, _, keep in members],
        }
    )


def _members(group: Group) -> tuple[str, ...]:
    return (group.keep, *group.others)


def _pairs(groups: Sequence[Group]) -> Table:
    pairs = [(number, pair) for number, one in enumerate(groups, 1) for pair in one.pairs]
    return Table(
        {
            "group": [number for number, _ in pairs],
            "a": [pair.a for _, pair in pairs],
            "b": [pair.b for _, pair in pairs],
            "relation": [pair.relation for _, pair in pairs],
            "probability": [pair.probability for _, pair in pairs],
        }
    )


class TableVerbs:
    """What ``Gallery`` says as tables."""

    _library: Library

    def table(
        self,
        name: str,
        *,
        by: str | None = None,
        where: str | None = None,
        precision: float = 0.99,
        progress: Progress | None = None,
    ) -> Table:
        """What this gallery holds as a table: "vectors" (``by`` a descriptor), "labels", "verdicts", "groups" or
        "pairs" of copies (``by`` and ``precision`` as in ``duplicates``). ``where``: only these images, of vectors and
        labels. ``lookalike.report.table_files`` writes it. Raises UserError for another table."""
        return gallery_table(self._library, checked_name(name), TableOptions(by, where, precision), progress)


def checked_name(name: str) -> TableName:
    """Raises UserError for what is no table."""
    for one in TABLES:
        if one == name:
            return one
    raise UserError(f"no table {name!r}; there are {', '.join(TABLES)}")
