"""Learns the weights of a recommendation from what people clicked, or called alike, and what they passed over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lookalike.comparison.calibration import Calibration
from lookalike.csvfile import read_csv
from lookalike.errors import UserError
from lookalike.gallery.library import Library
from lookalike.gallery.recommend.measures import VisualMeasures, text_similarity, whole_measures
from lookalike.gallery.recommend.options import DEFAULT_WEIGHTS, RECOMMEND, TEXT
from lookalike.gallery.recommend.query_item import QueryItem
from lookalike.gallery.storage.base import Tuning
from lookalike.intervals import auc_gain_interval
from lookalike.logistic import fit
from lookalike.paths import PathLike
from lookalike.types import Failure, Floats, WeightReport

COLUMNS = ("item", "other", "verdict")
VERDICTS = {"clicked": True, "same": True, "passed": False, "different": False}
MIN_OF_KIND = 20  # pairs of either kind, below which nothing is learnt
FOLDS = 5
SEED = 2026
L2 = 0.1  # examples
Mask = NDArray[np.bool_]


@dataclass(slots=True)
class Clicks:
    """(item, other) by their codes -> whether the second was clicked where the first was shown."""

    pairs: dict[tuple[str, str], bool] = field(default_factory=dict)
    failed: list[Failure] = field(default_factory=list)


def read_clicks(library: Library, file: PathLike) -> Clicks:
    """A CSV file with the columns item, other, verdict: "clicked" or "passed", or "same" and "different". A pair that
    was clicked once counts as clicked. Raises UserError for a file without these columns."""
    known, clicks = library.store.items.codes(), Clicks()
    for line in read_csv(file, COLUMNS):
        item, other, verdict = (value.strip() for value in line.values)
        missing = [code for code in (item, other) if code not in known]
        if missing or verdict.lower() not in VERDICTS or item == other:
            reason = (
                f"no item {missing[0]!r} in the catalogue" if missing
                else f"the verdict must be one of {', '.join(VERDICTS)}, not {verdict!r}" if item != other
                else f"item {item!r} with itself"
            )  # fmt: skip
            clicks.failed.append(Failure(f"{file}:{line.number}", reason))
        else:
            clicks.pairs[item, other] = clicks.pairs.get((item, other), False) or VERDICTS[verdict.lower()]
    return clicks


def learn_weights(library: Library, clicks: Clicks, keep: bool = True) -> WeightReport:
    """Fit the weights, and keep them if held-out pairs are told apart better beyond doubt. Raises UserError for too few
    pairs, or where no measure tells them apart."""
    names = [*whole_measures(library), TEXT]
    clicked = np.array(list(clicks.pairs.values()), bool)
    if min(clicked.sum(), (~clicked).sum()) < MIN_OF_KIND:
        raise UserError(
            f"learning weights needs {MIN_OF_KIND} pairs of either kind; there are {int(clicked.sum())} clicked and "
            f"{int((~clicked).sum())} passed"
        )
    table = similarities(library, list(clicks.pairs), names)
    weights = _fitted(table, clicked, names)
    before = _scores(table, current_weights(library, names), names)
    after = _cross_validated(table, clicked, names)
    gain = auc_gain_interval(before, after, clicked)
    helped = gain.verdict == "better"
    if helped and keep:
        origin = f"{len(clicked)} pairs of items: {int(clicked.sum())} clicked"
        with library.store.transaction():
            library.store.put_tuning(RECOMMEND, Tuning(Calibration(1.0, 0.0, origin), weights))
    return WeightReport(
        clicked=int(clicked.sum()),
        passed=int((~clicked).sum()),
        weights=weights,
        auc_before=_auc(before, clicked),
        auc_after=_auc(after, clicked),
        auc_gain=gain,
        helped=helped,
        kept=helped and keep,
        failed=tuple(clicks.failed),
    )


def current_weights(library: Library, names: Sequence[str]) -> dict[str, float]:
    """Those that clicks taught this gallery, or the shipped ones, as far as they are among ``names``."""
    tuned = library.store.tunings().get(RECOMMEND)
    weights = DEFAULT_WEIGHTS if tuned is None else tuned.weights
    return {name: weight for name, weight in weights.items() if name in names}


def similarities(library: Library, pairs: Sequence[tuple[str, str]], names: Sequence[str]) -> NDArray[np.float64]:
    """(N, M): how alike two items are by each of the measures, in the unit of measures.py."""
    visual = VisualMeasures(library, {name: 1.0 for name in names if name != TEXT})
    columns, words = library.catalogue.get(), library.catalogue.words()
    codes = library.store.items.codes()
    found = np.zeros((len(pairs), len(names)))
    asked: dict[str, list[int]] = {}
    for place, (item, _) in enumerate(pairs):
        asked.setdefault(item, []).append(place)
    for item, places in asked.items():
        query = QueryItem.of(library, item)
        answers = text_similarity(words, query.text, columns.row(query.number))
        rows = {columns.row(codes[pairs[place][1]]): place for place in places}
        shown = np.isin(columns.pairs.items, list(rows))
        items, images = columns.pairs.items[shown], columns.pairs.images[shown]
        candidates = visual.read(np.unique(images))
        each = [visual.parts(visual.view(row), candidates, images) for row in query.images]
        for row, place in rows.items():
            here = items == row
            found[place] = [
                answers[row] if name == TEXT else _best(each, name, here) for name in names
            ]  # fmt: skip
    return found


def _best(each: Sequence[Mapping[str, Floats]], name: str, here: Mask) -> float:
    return max((float(parts[name][here].max()) for parts in each), default=0.0) if here.any() else 0.0


def _fitted(table: NDArray[np.float64], clicked: Mask, names: Sequence[str]) -> dict[str, float]:
    """Logistic regression without negative weights over measures in units of their spread."""
    spread = table.std(axis=0)
    spread[spread == 0] = 1.0
    balance = np.where(clicked, 0.5 / clicked.sum(), 0.5 / (~clicked).sum()) * len(clicked)
    model = fit(table / spread, clicked, l2=L2, nonnegative=True, weights=balance)
    raw = np.asarray(model.coefficients) / spread
    if not raw.any():
        raise UserError("no measure tells what was clicked from what was passed over: weights stay as they are")
    return {name: float(weight) for name, weight in zip(names, raw / raw.sum(), strict=True) if weight > 0}


def _scores(table: NDArray[np.float64], weights: Mapping[str, float], names: Sequence[str]) -> NDArray[np.float64]:
    return np.asarray(table @ np.array([weights.get(name, 0.0) for name in names]), np.float64)


def _cross_validated(table: NDArray[np.float64], clicked: Mask, names: Sequence[str]) -> NDArray[np.float64]:
    """(N,): the score of each pair by weights that were learnt on the other folds."""
    random, folds = np.random.default_rng(SEED), np.empty(len(clicked), np.int64)
    for kind in (True, False):
        places = random.permutation(np.flatnonzero(clicked == kind))
        folds[places] = np.arange(len(places)) % FOLDS
    scores = np.empty(len(clicked))
    for fold in range(FOLDS):
        out = folds == fold
        scores[out] = _scores(table[out], _fitted(table[~out], clicked[~out], names), names)
    return scores


def _auc(scores: NDArray[np.float64], clicked: Mask) -> float:
    """The probability that a clicked pair has the higher score; ties count half (Mann and Whitney, 1947)."""
    yes, no = np.sort(scores[clicked]), scores[~clicked]
    below = np.searchsorted(yes, no, side="left") + np.searchsorted(yes, no, side="right")
    return float(1 - below.sum() / (2 * len(yes) * len(no)))
