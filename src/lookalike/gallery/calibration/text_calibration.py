"""Fits, to a person's labels, how probably an image shows a text by a network that reads texts.

Each label is asked for as a text, in each labelled image: it is right of the images that are called so, and wrong of
the others. A logistic curve (Platt 1999) takes the log-odds of index/model_words.py to the probability. Texts that
will be searched for are other ones than these labels, so what the curve is worth is measured on labels that it was not
fitted on, and it is kept only if it is the better one beyond doubt.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from lookalike.comparison.calibration import Calibration
from lookalike.errors import UserError
from lookalike.gallery.index.model_words import ModelWords, text_descriptors, text_measure
from lookalike.gallery.library import Library
from lookalike.gallery.storage.base import GalleryStorage, Tuning
from lookalike.gallery.storage.filters import PERSONS
from lookalike.intervals import paired_interval
from lookalike.logistic import Logistic, Reals, fit, sigmoid
from lookalike.types import Floats, TextTuneReport

MIN_IMAGES = 20  # that a person has labelled
MIN_LABELS = 3  # so that some are left when others are held out
MAX_IMAGES, MAX_LABELS = 5_000, 200  # the commonest labels, and that many images
FOLDS = 5
L2 = 1.0
MIN_SLOPE = 0.01  # below it the log-odds say nothing of the labels
BINS = 10
SEED = 2026
Truth = NDArray[np.bool_]


def fit_texts(library: Library, by: str | None) -> TextTuneReport:
    """Fit the curve of the descriptor ``by``, by default the first that reads texts, and keep it if it helped.

    Raises UserError for one that is not held or reads no texts, too few labels, or labels that it cannot tell apart."""
    name = by or next(iter(text_descriptors(library.cards)), None)
    if name is None:
        raise UserError("this gallery holds no network that reads texts: lookalike models import")
    columns, said = library.text_columns.get(library.card(name).name), _labels(library.store)
    columns = columns.keep(_chosen(columns.ids, said))
    labels = [label for label, _ in Counter(said[int(number)] for number in columns.ids).most_common(MAX_LABELS)]
    if len(columns.ids) < MIN_IMAGES or len(labels) < MIN_LABELS:
        raise UserError(
            f"{MIN_IMAGES} images with {MIN_LABELS} labels of yours are needed, besides a vector of {name!r}; there are"
            f" {len(columns.ids)} with {len(labels)}: lookalike labels import"
        )
    odds = ModelWords(library.store, name, columns).odds([label.replace("_", " ") for label in labels]).T
    truth = np.array([[said[int(number)] == label for label in labels] for number in columns.ids], bool)
    return _report(library.store, name, odds, truth)


def _labels(store: GalleryStorage) -> dict[int, str]:
    """Image id -> what a person calls it."""
    return {number: one.labels[0].label for source in PERSONS for number, one in store.labels.of_images(source=source)}


def _chosen(ids: NDArray[np.int64], said: Mapping[int, str]) -> NDArray[np.int64]:
    """Positions of at most MAX_IMAGES images that are labelled."""
    places = np.flatnonzero(np.isin(ids, np.fromiter(said, np.int64, len(said))))
    if len(places) > MAX_IMAGES:
        places = np.sort(np.random.default_rng(SEED).choice(places, MAX_IMAGES, replace=False))
    return places


def _report(store: GalleryStorage, name: str, odds: Floats, truth: Truth) -> TextTuneReport:
    """``odds``, ``truth``: (N, L), of N images and L labels."""
    before, after = sigmoid(odds), _held_out(odds, truth)
    gain = paired_interval(_scores(before, truth), _scores(after, truth))
    kept = gain.verdict == "better"
    if kept:
        curve = _fitted(odds, truth)
        origin = f"{truth.shape[1]} labels of {len(truth)} images"
        with store.transaction():
            measure = Tuning(Calibration(curve.coefficients[0], curve.intercept, origin), {name: 1.0})
            store.put_tuning(text_measure(name), measure)
    return TextTuneReport(
        by=name,
        images=len(truth),
        labels=truth.shape[1],
        error_before=calibration_error(before, truth),
        error_after=calibration_error(after, truth),
        gain=gain,
        kept=kept,
    )


def _fitted(odds: Floats, truth: Truth) -> Logistic:
    found = fit(odds.reshape(-1, 1), truth.ravel(), l2=L2, nonnegative=True)
    if found.coefficients[0] < MIN_SLOPE:
        raise UserError("by this network, images with a label are no nearer to it than others: nothing can be fitted")
    return found


def _held_out(odds: Floats, truth: Truth) -> Reals:
    """(N, L): each label's probabilities by a curve that was fitted on other labels."""
    found = np.empty(odds.shape, np.float64)
    for held in _folds(odds.shape[1]):
        rest = np.setdiff1d(np.arange(odds.shape[1]), held)
        curve = _fitted(odds[:, rest], truth[:, rest])
        found[:, held] = sigmoid(curve.coefficients[0] * odds[:, held] + curve.intercept)
    return found


def _folds(labels: int) -> Sequence[NDArray[np.int64]]:
    """Commoner and rarer labels in each."""
    folds = min(FOLDS, labels)
    return [np.arange(first, labels, folds) for first in range(folds)]


def _scores(probability: Reals, truth: Truth) -> Reals:
    """(N,): of each image 1 less the mean squared error (Brier 1950)."""
    return np.asarray(1 - ((probability - truth) ** 2).mean(axis=1), np.float64)


def calibration_error(probability: Reals, truth: Truth) -> float:
    """The mean difference of said and true share over bins of probability (ECE, Guo et al., arXiv 1706.04599)."""
    said, true = probability.ravel(), truth.ravel()
    bins = np.minimum((said * BINS).astype(int), BINS - 1)
    gaps = np.bincount(bins, said, BINS) - np.bincount(bins, true, BINS)
    return float(np.abs(gaps).sum() / len(said))
