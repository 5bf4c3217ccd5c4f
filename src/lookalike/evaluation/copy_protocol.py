"""The protocol for a folder without labels: every image of a sample is edited, and searched in the folder."""

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
from lookalike.evaluation.training_overlap import TrainingOverlap, training_overlaps
from lookalike.imaging.manipulations import EDITS
from lookalike.types import Failure, Floats, Progress

QUERIES = 100
DISTRACTORS_ONE_IN, MAX_DISTRACTORS = 5, 500  # one file in five is kept out of the library, but no more than this
TARGET_PRECISION = 0.9
QUERY_BLOCK = 1_000  # queries whose distances are in memory at a time
CURVE_POINTS = 120  # of a curve

Curve = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class CopyScore:
    """How well one measure finds copies; all of 0..1 but the threshold.

    ``recall``: share of copies whose original lies below ``threshold`` (None: any distance), which at most
    ``false_match_rate`` of the distractors pass; ``by_edit``: the same for each edit. ``recall_at_precision``: at 0.9.
    ``roc``: points (false positive rate, true positive rate). ``precision_recall``: (recall, precision).
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
    """What was evaluated, and how it did. ``library``, ``queries``, ``distractors``: images; each query is edited in
    every way. ``allowed_false_matches``: how many of the distractors may lie below the threshold. ``identical``: files
    left out because another one holds the same bytes. ``negative_pairs``: pairs that do not belong together.
    ``example``: a file that was edited. ``training_overlap``: of library and distractors."""

    library: int
    queries: int
    distractors: int
    identical: int
    negative_pairs: int
    false_match_rate: float
    allowed_false_matches: int
    seed: int
    example: str
    scores: tuple[CopyScore, ...]
    failed: tuple[Failure, ...]
    training_overlap: tuple[TrainingOverlap, ...] = ()


@dataclass(frozen=True, slots=True)
class _Queries:
    """``copies``: Q edited images, those of one original side by side. ``originals``: (Q,) rows of ``library``."""

    library: Vectors
    copies: Vectors
    originals: NDArray[np.int64]


def evaluate_copies(
    files: Sequence[str],
    by: Sequence[str] | None = None,
    *,
    distractors: Sequence[str] | None = None,
    queries: int = QUERIES,
    false_match_rate: float = ranking_metrics.FALSE_MATCH_RATE,
    seed: int = 0,
    progress: Progress = lambda *_: None,
    processes: int | None = None,
) -> CopyReport:
    """How well each measure finds the edited copies of ``queries`` of these files among all of them.

    ``by``: descriptors, "blend"; None: all. ``distractors``: files that have no copy among the others; None: one in
    five of ``files``, at most 500, is kept out of the library for that. The same ``seed`` gives the same answer. Raises
    UserError for too few images (two in the library, one distractor) and unknown names.
    """
    by = chosen(by)
    parts = needed(by)
    indexed, others = _dealt(files, distractors, seed)
    _check_enough(len(indexed), len(others), distractors is not None)
    count = min(queries, len(indexed))
    advance = counter(progress, len(indexed) + len(others) + count * len(EDITS))
    with workers(len(indexed) + len(others) + count, processes) as mapped:
        library = describe_files(mapped, indexed, parts, advance)
        negatives = _without(describe_files(mapped, others, parts, advance), library)
        _check_enough(len(library.paths), len(negatives.paths), distractors is not None)
        edited, failed = _edited(mapped, library, parts, min(count, len(library.paths)), seed, advance)
    return CopyReport(
        library=len(library.paths),
        queries=len(edited.originals) // len(EDITS),
        distractors=len(negatives.paths),
        identical=library.identical + negatives.identical,
        negative_pairs=len(edited.originals) * (len(library.paths) - 1) + len(negatives.paths) * len(library.paths),
        false_match_rate=false_match_rate,
        allowed_false_matches=ranking_metrics.allowed_matches(len(negatives.paths), false_match_rate),
        seed=seed,
        example=library.paths[edited.originals[0]],
        scores=tuple(_scored(name, edited, negatives.vectors, false_match_rate) for name in by),
        failed=(*library.failed, *negatives.failed, *failed),
        training_overlap=training_overlaps(by, (*library.digests, *negatives.digests)),
    )


# --- queries and distractors


def _dealt(files: Sequence[str], distractors: Sequence[str] | None, seed: int) -> tuple[list[str], list[str]]:
    """The library and the distractors, each in the order in which they were given."""
    if distractors is not None:
        indexed = set(files)
        return list(files), [file for file in distractors if file not in indexed]
    count = min(MAX_DISTRACTORS, max(len(files) // DISTRACTORS_ONE_IN, 1))
    drawn = set(np.random.default_rng([seed, 0]).permutation(len(files))[:count].tolist())
    held_out = [file for place, file in enumerate(files) if place in drawn]
    return [file for place, file in enumerate(files) if place not in drawn], held_out


def _check_enough(library: int, distractors: int, named: bool) -> None:
    if library >= 2 and distractors >= 1:
        return
    advice = "" if named else "; without --distractors, a fifth of the folder is kept out of the library for them"
    raise UserError(
        f"too few images: {library} for the library and {distractors} distractors; it takes 2 and 1 that can be "
        f"read and are not the same file twice{advice}"
    )


def _without(others: Library, library: Library) -> Library:
    """The distractors, less those that are byte for byte in the library."""
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
) -> tuple[_Queries, list[Failure]]:
    """A sample of the library in every edit."""
    drawn = np.sort(np.random.default_rng([seed, 1]).permutation(len(library.paths))[:count])
    done, copies, failed = describe_edits(mapped, [library.paths[row] for row in drawn], by, seed, advance)
    if not done:
        raise UserError(f"none of the {count} images that were drawn can be edited: {failed[0].reason}")
    return _Queries(library.vectors, copies, np.repeat(drawn[done], len(EDITS))), failed


# --- scores


def _scored(name: str, queries: _Queries, distractors: Vectors, false_match_rate: float) -> CopyScore:
    positive, ranks = _of_originals(name, queries)
    far = distances(name, distractors, queries.library)
    threshold = ranking_metrics.threshold_at_false_matches(far.min(axis=1), false_match_rate)
    ranking = ranking_metrics.rank_pairs(positive, chain(_negative(name, queries), [far]))
    found = (positive < threshold).reshape(-1, len(EDITS))
    return CopyScore(
        by=name,
        recall_at_1=float((ranks <= 1).mean()),
        recall_at_10=float((ranks <= 10).mean()),
        recall=float(found.mean()),
        threshold=threshold if np.isfinite(threshold) else None,
        micro_average_precision=ranking_metrics.micro_average_precision(ranking),
        recall_at_precision=ranking_metrics.recall_at_precision(ranking, TARGET_PRECISION),
        roc_auc=ranking_metrics.roc_auc(ranking),
        equal_error_rate=ranking_metrics.equal_error_rate(ranking),
        by_edit=dict(zip(EDITS, found.mean(axis=0).tolist(), strict=True)),
        roc=_thinned(ranking.false_positive_rate, ranking.recall),
        precision_recall=_thinned(ranking.recall, ranking.precision),
    )


def _of_originals(name: str, queries: _Queries) -> tuple[Floats, NDArray[np.float64]]:
    """(Q,) distance of each copy to its original, and (Q,) the rank of the original."""
    positive, ranks = [], []
    for near, own in _blocks(name, queries):
        positive.append(near[own])
        ranks.append(ranking_metrics.first_relevant_rank(near, own))
    return np.concatenate(positive), np.concatenate(ranks)


def _negative(name: str, queries: _Queries) -> Iterator[Floats]:
    """The distances of the copies to all that is not their original."""
    for near, own in _blocks(name, queries):
        yield near[~own]


def _blocks(name: str, queries: _Queries) -> Iterator[tuple[Floats, NDArray[np.bool_]]]:
    """(B, N) distances of some copies, and whether each is the one to its original."""
    rows = np.arange(len(queries.library))
    for start in range(0, len(queries.originals), QUERY_BLOCK):
        some = slice(start, start + QUERY_BLOCK)
        yield distances(name, queries.copies.rows(some), queries.library), queries.originals[some, None] == rows


def _thinned(x: NDArray[np.float64], y: NDArray[np.float64]) -> Curve:
    """Some of the points of a curve, evenly along it, the first and the last among them."""
    if not len(x):
        return ()
    places = np.unique(np.linspace(0, len(x) - 1, CURVE_POINTS).round().astype(int))
    return tuple((float(x[place]), float(y[place])) for place in places)
