"""The protocol for a folder without labels: every image of a sample is edited, and looked for in the folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import UserError
from lookalike.evaluation import ranking_metrics
from lookalike.evaluation.embeddings import (
    Advance,
    Library,
    Mapper,
    Vectors,
    chosen,
    counter,
    describe_edits,
    describe_files,
    distances,
    needed,
    workers,
)
from lookalike.imaging.manipulations import EDITS
from lookalike.types import Failure, Floats, Progress

QUERIES = 100
FOREIGN_PART, FOREIGN_MOST = 5, 500  # one file in five is kept out of the library, but no more than this
PRECISION = 0.9
BLOCK = 1_000  # queries whose distances are in memory at a time
POINTS = 120  # of a curve

Curve = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class CopyScore:
    """How well one measure finds copies; all of 0..1 but the threshold.

    ``recall``: share of copies whose original lies below ``threshold`` (None: any distance), which at most
    ``false_share`` of the foreign queries pass; ``by_edit``: the same for each edit. ``recall_at_precision``: at 0.9.
    ``roc``: points (share of wrong pairs, share of right pairs). ``precision_recall``: (recall, precision).
    """

    by: str
    recall_at_1: float
    recall_at_10: float
    recall: float
    threshold: float | None
    micro_average_precision: float
    recall_at_precision: float
    roc_auc: float
    equal_error_rate: float
    by_edit: Mapping[str, float]
    roc: Curve
    precision_recall: Curve


@dataclass(frozen=True, slots=True)
class CopyReport:
    """What was evaluated, and how it did. ``library``, ``queries``, ``foreign``: images; each query is edited in
    every way. ``allowed``: how many of the foreign ones may lie below the threshold. ``identical``: files left out
    because another one holds the same bytes. ``wrong``: pairs that do not belong together. ``example``: a file that
    was edited."""

    library: int
    queries: int
    foreign: int
    identical: int
    wrong: int
    false_share: float
    allowed: int
    seed: int
    example: str
    scores: tuple[CopyScore, ...]
    failed: tuple[Failure, ...]


@dataclass(frozen=True, slots=True)
class _Asked:
    """``copies``: Q edited images, those of one original side by side. ``originals``: (Q,) rows of ``held``."""

    held: Vectors
    copies: Vectors
    originals: NDArray[np.int64]


def evaluate_copies(
    files: Sequence[str],
    by: Sequence[str] | None = None,
    *,
    foreign: Sequence[str] | None = None,
    queries: int = QUERIES,
    false_share: float = ranking_metrics.FALSE_SHARE,
    seed: int = 0,
    progress: Progress = lambda *_: None,
    processes: int | None = None,
) -> CopyReport:
    """How well each measure finds the edited copies of ``queries`` of these files among all of them.

    ``by``: descriptors, "blend"; None: all. ``foreign``: files that have no copy among the others; None: one in five
    of ``files``, at most 500, is kept out of the library for that. The same ``seed`` gives the same answer. Raises
    UserError for too few images (two in the library, one foreign) and unknown names.
    """
    by = chosen(by)
    parts = needed(by)
    held, strange = _dealt(files, foreign, seed)
    _check_enough(len(held), len(strange), foreign is not None)
    count = min(queries, len(held))
    advance = counter(progress, len(held) + len(strange) + count * len(EDITS))
    with workers(len(held) + len(strange) + count, processes) as mapped:
        library = describe_files(mapped, held, parts, advance)
        others = _without(describe_files(mapped, strange, parts, advance), library)
        _check_enough(len(library.paths), len(others.paths), foreign is not None)
        asked, failed = _edited(mapped, library, parts, min(count, len(library.paths)), seed, advance)
    return CopyReport(
        library=len(library.paths),
        queries=len(asked.originals) // len(EDITS),
        foreign=len(others.paths),
        identical=library.identical + others.identical,
        wrong=len(asked.originals) * (len(library.paths) - 1) + len(others.paths) * len(library.paths),
        false_share=false_share,
        allowed=ranking_metrics.allowed_matches(len(others.paths), false_share),
        seed=seed,
        example=library.paths[asked.originals[0]],
        scores=tuple(_scored(name, asked, others.vectors, false_share) for name in by),
        failed=(*library.failed, *others.failed, *failed),
    )


# --- who is asked, and who is a stranger


def _dealt(files: Sequence[str], foreign: Sequence[str] | None, seed: int) -> tuple[list[str], list[str]]:
    """The library and the foreign files, each in the order in which they were given."""
    if foreign is not None:
        held = set(files)
        return list(files), [file for file in foreign if file not in held]
    apart = min(FOREIGN_MOST, max(len(files) // FOREIGN_PART, 1))
    drawn = set(np.random.default_rng([seed, 0]).permutation(len(files))[:apart].tolist())
    held_out = [file for place, file in enumerate(files) if place in drawn]
    return [file for place, file in enumerate(files) if place not in drawn], held_out


def _check_enough(held: int, strange: int, named: bool) -> None:
    if held >= 2 and strange >= 1:
        return
    advice = "" if named else "; without --foreign, a fifth of the folder is kept out of the library as foreign"
    raise UserError(
        f"too few images: {held} for the library and {strange} foreign ones; it takes 2 and 1 that can be "
        f"read and are not the same file twice{advice}"
    )


def _without(others: Library, library: Library) -> Library:
    """The foreign images, less those that are byte for byte in the library."""
    known = set(library.digests)
    kept = [row for row, digest in enumerate(others.digests) if digest not in known]
    return Library(
        tuple(others.paths[row] for row in kept),
        tuple(others.digests[row] for row in kept),
        others.vectors.rows(np.array(kept, np.int64)),
        others.failed,
        others.identical + len(others.paths) - len(kept),
    )


def _edited(
    mapped: Mapper, library: Library, by: Sequence[str], count: int, seed: int, advance: Advance
) -> tuple[_Asked, list[Failure]]:
    """A sample of the library in every edit; the strangers come later."""
    drawn = np.sort(np.random.default_rng([seed, 1]).permutation(len(library.paths))[:count])
    done, copies, failed = describe_edits(mapped, [library.paths[row] for row in drawn], by, seed, advance)
    if not done:
        raise UserError(f"none of the {count} images that were drawn can be edited: {failed[0].reason}")
    return _Asked(library.vectors, copies, np.repeat(drawn[done], len(EDITS))), failed


# --- scores


def _scored(name: str, asked: _Asked, strange: Vectors, false_share: float) -> CopyScore:
    right, ranks = _of_originals(name, asked)
    far = distances(name, strange, asked.held)
    threshold = ranking_metrics.threshold_at_false_matches(far.min(axis=1), false_share)
    ranking = ranking_metrics.rank_pairs(right, chain(_wrong(name, asked), [far]))
    found = (right < threshold).reshape(-1, len(EDITS))
    return CopyScore(
        by=name,
        recall_at_1=float((ranks <= 1).mean()),
        recall_at_10=float((ranks <= 10).mean()),
        recall=float(found.mean()),
        threshold=threshold if np.isfinite(threshold) else None,
        micro_average_precision=ranking_metrics.micro_average_precision(ranking),
        recall_at_precision=ranking_metrics.recall_at_precision(ranking, PRECISION),
        roc_auc=ranking_metrics.roc_auc(ranking),
        equal_error_rate=ranking_metrics.equal_error_rate(ranking),
        by_edit=dict(zip(EDITS, found.mean(axis=0).tolist(), strict=True)),
        roc=_thinned(ranking.false_positives, ranking.recall),
        precision_recall=_thinned(ranking.recall, ranking.precision),
    )


def _of_originals(name: str, asked: _Asked) -> tuple[Floats, NDArray[np.float64]]:
    """(Q,) distance of each copy to its original, and (Q,) the original's place in the answer."""
    right, ranks = [], []
    for near, own in _blocks(name, asked):
        right.append(near[own])
        ranks.append(ranking_metrics.best_rank(near, own))
    return np.concatenate(right), np.concatenate(ranks)


def _wrong(name: str, asked: _Asked) -> Iterator[Floats]:
    """The distances of the copies to all that is not their original."""
    for near, own in _blocks(name, asked):
        yield near[~own]


def _blocks(name: str, asked: _Asked) -> Iterator[tuple[Floats, NDArray[np.bool_]]]:
    """(B, N) distances of some copies, and whether each is the one to its original."""
    rows = np.arange(len(asked.held))
    for start in range(0, len(asked.originals), BLOCK):
        some = slice(start, start + BLOCK)
        yield distances(name, asked.copies.rows(some), asked.held), asked.originals[some, None] == rows


def _thinned(x: NDArray[np.float64], y: NDArray[np.float64]) -> Curve:
    """Some of the points of a curve, evenly along it, the first and the last among them."""
    if not len(x):
        return ()
    places = np.unique(np.linspace(0, len(x) - 1, POINTS).round().astype(int))
    return tuple((float(x[place]), float(y[place])) for place in places)
