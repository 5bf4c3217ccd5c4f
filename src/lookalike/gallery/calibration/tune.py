"""Fits a measure to pairs that a person has annotated: the weights of the blend, and what probability a distance means.

The pairs come from this library, so the number of its images is in them already: the curve is kept so that, with the
library's prior, it gives the probability at even odds among pairs like those that were annotations.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from lookalike.comparison.calibration import Calibration, library_prior, shipped
from lookalike.comparison.score_normalization import background_similarity, is_normalised
from lookalike.comparison.weight_learning import check_pairs, cross_validated, fitted, pair_metrics
from lookalike.csvfile import Named, read_csv
from lookalike.descriptors.base import DescriptorCard
from lookalike.descriptors.fusion import BLEND, DEFAULT_WEIGHTS, Blend
from lookalike.errors import UserError
from lookalike.gallery.calibration.scoring import background_weight, gallery_curves
from lookalike.gallery.storage.base import GalleryStorage, Tuning
from lookalike.gallery.storage.embeddings import Embeddings
from lookalike.intervals import auc_gain_interval, outcome, paired_share_interval
from lookalike.logistic import logit
from lookalike.paths import PathLike, absolute
from lookalike.types import Failure, TuneReport, Verdict

COLUMNS = ("a", "b", "verdict")
PRECISION = 0.95


@dataclass(slots=True)
class Annotations:
    """Pairs of contents that a person has annotated, each content by the id of an image that has it: (a, b) with a < b
    -> verdict. ``unused``: how many could teach nothing. ``failed``: those that could not be used, and why."""

    pairs: dict[tuple[int, int], Verdict] = field(default_factory=dict)
    unused: int = 0
    failed: list[Failure] = field(default_factory=list)


def annotations_from_csv(store: GalleryStorage, file: PathLike) -> Annotations:
    """The pairs of a CSV file with the columns a, b and verdict, "same" or "different".

    A pair that is there twice counts once; one with both verdicts is listed as failed. Raises UserError for a file
    without these columns."""
    named = Named([row.path for row in store.every_row()], os.path.dirname(absolute(file)))
    annotations, verdicts_of = Annotations(), dict[tuple[int, int], dict[str, int]]()
    for line in read_csv(file, COLUMNS):
        try:
            pair, verdict = _read(store, named, line.values)
            verdicts_of.setdefault(pair, {}).setdefault(verdict, line.number)
        except UserError as error:
            annotations.failed.append(Failure(f"{file}:{line.number}", str(error)))
    for pair, verdicts in verdicts_of.items():
        place = f"{file}:{', '.join(map(str, verdicts.values()))}"
        if len(verdicts) > 1:
            annotations.failed.append(Failure(place, "called both same and different"))
        else:
            _take(annotations, pair, next(iter(verdicts)), place)
    return annotations


def _read(store: GalleryStorage, named: Named, values: Sequence[str]) -> tuple[tuple[int, int], str]:
    verdict = values[2].lower()
    if verdict not in get_args(Verdict):
        raise UserError(f"the verdict must be same or different, not {values[2]!r}")
    rows = [store.row_of(named.path(value)) for value in values[:2]]
    a, b = sorted(store.same_bytes(row.sha256)[0].id for row in rows if row)
    return (a, b), verdict


def annotations_from_verdicts(store: GalleryStorage) -> Annotations:
    """The pairs that ``duplicates --same`` and ``--different`` have recorded, of images that are still held."""
    annotations = Annotations()
    for *digests, verdict in store.verdicts():
        held = [store.same_bytes(digest) for digest in digests]
        if all(held):
            a, b = sorted(rows[0].id for rows in held)
            _take(annotations, (a, b), verdict, f"{held[0][0].path}, {held[1][0].path}")
        else:
            annotations.unused += 1
    return annotations


def _take(annotations: Annotations, pair: tuple[int, int], verdict: Any, place: str) -> None:
    if pair[0] != pair[1]:
        annotations.pairs[pair] = verdict
    elif verdict == "same":
        annotations.unused += 1
    else:
        annotations.failed.append(Failure(place, "called different, and the same to the last byte"))


def fit_tuning(
    store: GalleryStorage,
    cards: Mapping[str, DescriptorCard],
    by: str,
    annotations: Annotations,
    precision: float,
    keep: bool = True,
) -> TuneReport:
    """Fit the measure ``by`` to the pairs, and keep it in the store if that helped beyond doubt.

    Raises UserError for too few pairs, one verdict only, a descriptor that is not held, or pairs in which those that
    belong together are no closer."""
    names = list(cards) if by == BLEND else [by]
    if by not in cards and by != BLEND:
        raise UserError(f"this gallery holds no {by!r}; it holds {', '.join(cards)}, and {BLEND}")
    distances, same = _measured(store, cards, names, annotations)
    check_pairs(same)
    learnt, prior = fitted(distances, same), library_prior(store.count())
    origin = f"{len(same)} pairs that were annotations: {same.sum()} same, {(~same).sum()} different"
    curve = Calibration(learnt.slope, learnt.intercept - logit(prior), origin)
    known, odds = _before(store, by, distances, prior), cross_validated(distances, same)
    earlier = _commoner(same) if known is None else known
    accuracy_gain = paired_share_interval((earlier >= 0) == same, (odds >= 0) == same)
    auc_gain = auc_gain_interval(earlier, odds, same)
    result = outcome(accuracy_gain, auc_gain)
    helped = result == "helped"
    weights = learnt.weights if by == BLEND else {}
    if helped and keep:
        with store.transaction():
            store.put_tuning(by, Tuning(curve, weights))
    return TuneReport(
        by=by,
        same=int(same.sum()),
        different=int((~same).sum()),
        weights=weights,
        threshold=curve.distance(precision, prior),
        precision=precision,
        before=None if known is None else pair_metrics(known, same, precision),
        after=pair_metrics(odds, same, precision),
        accuracy_gain=accuracy_gain,
        auc_gain=auc_gain,
        outcome=result,
        helped=helped,
        kept=helped and keep,
        unused=annotations.unused,
        failed=tuple(annotations.failed),
    )


def _measured(
    store: GalleryStorage, cards: Mapping[str, DescriptorCard], names: Sequence[str], annotations: Annotations
) -> tuple[dict[str, NDArray[Any]], NDArray[np.bool_]]:
    """name -> (N,) distances of the pairs that have every vector, and (N,) whether they are the same; the other pairs
    are added to those that failed."""
    ids = np.array(sorted({number for pair in annotations.pairs for number in pair}), np.int64)
    embeddings = Embeddings.read(store, cards, names, ids)
    place = {number: row for row, number in enumerate(embeddings.ids.tolist())}
    used = {pair: verdict for pair, verdict in annotations.pairs.items() if place.keys() >= set(pair)}
    for pair in (pair for pair in annotations.pairs if pair not in used):
        rows = store.rows([number for number in pair if number not in place])
        paths = ", ".join(row.path for row in rows.values())
        annotations.failed.append(Failure(paths, f"too little in it for {', '.join(names)}: a pair is left out"))
    a, b = (np.array([place[pair[side]] for pair in used], np.int64) for side in (0, 1))
    distances: dict[str, NDArray[Any]] = dict(embeddings.along(a, b))
    for name in names if len(names) == 1 and is_normalised(cards[names[0]]) else ():
        background = background_similarity(embeddings.vectors[name])  # as in calibrate.py
        distances[name] = distances[name] + background_weight(name) * (background[a] + background[b]) / 2
    return distances, np.array([verdict == "same" for verdict in used.values()], bool)


def _before(
    store: GalleryStorage,
    by: str,
    distances: Mapping[str, NDArray[Any]],
    prior: float,
) -> NDArray[np.float64] | None:
    """(N,) log-odds that this library gives the pairs without any of them; None where it says nothing."""
    curve = gallery_curves(store, tuned=False).get(by) or shipped().curves.get(by)
    weights = DEFAULT_WEIGHTS if by == BLEND else {by: 1.0}
    if curve is None or not set(weights) <= set(distances):
        return None
    distance = np.asarray(Blend(weights).distance(distances), float)
    odds: NDArray[np.float64] = curve.intercept + logit(prior) - curve.slope * distance
    return odds


def _commoner(same: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(N,) log-odds that give the commoner verdict, always."""
    return np.full(len(same), 1.0 if same.mean() >= 0.5 else -1.0)
