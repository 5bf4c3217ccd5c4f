"""How probable it is that a label is wrong: class probabilities that never saw it, and the share of wrong labels.

Each image is classified twice by others: by the votes of its nearest, and by discriminant analysis of the vectors (one
scatter for all classes, shrunk towards a round one: Friedman, "Regularized discriminant analysis", 1989), fitted to the
other folds. Its densities are Student's t, not normal (Peel and McLachlan, "Robust mixture modelling using the t
distribution", 2000): an unusual image is far from all classes, and is not sure to be of the one that happens to be the
nearest. Both together become class probabilities by logistic regression. A label is taken to be the true class, but for
a share that fell on any class alike; that share and the regression are fitted together by expectation maximisation
(Dempster, Laird and Rubin, 1977). So where the classifiers are often wrong, a label that they disagree with need not
be; and classes that somebody mixed up throughout count as alike, not as wrong.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lookalike.types import Floats

FOLDS = 5  # of which four say what the fifth's classes are
FOLD_SEED = 2026
SHRINKAGE = 0.7  # share of the round scatter
TINY_SCATTER = 1e-12  # below which all images of a class are one
FREEDOM = 100.0  # of Student's t; with 10 a few right labels are called wrong where a fifth is
PRIOR_IMAGES = 1.0  # of the mean of all, that each class has more than its own
LEAST_SHARE = 0.02  # of the votes, that a class without any counts with
SAMPLE_CELLS = 1_000_000  # images times classes that the fit goes by, at most
BLOCK_CELLS = 4_000_000  # of these at a time afterwards
MAX_STEPS = 200
TOLERANCE = 1e-6
FIRST_WEIGHTS, FIRST_NOISE = (0.1, 0.6), 0.05  # where the fit begins
PRIOR_DEVIATIONS = (0.1, 0.5)  # of the weights, about the first ones: few images that a line separates know no better
MAX_STEP = 2.0  # of the weights at a time
LIKELIHOOD_DROP = 1.353  # half the 90 % quantile of chi squared with one degree of freedom: 95 % of one side
LEAST_NOISE, BISECTIONS = 1e-4, 12

Whole = NDArray[np.int64]
Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LabelledVectors:
    """N images: ``vectors``, (N, D) float; ``kinds``, (N,) numbers of C classes. ``near``: (N, k) rows of the nearest
    others; ``votes``: (N, k), how much each counts."""

    vectors: Floats
    kinds: Whole
    near: Whole
    votes: Floats

    @property
    def classes(self) -> int:
        return int(self.kinds.max()) + 1

    def shares(self, rows: Whole) -> Doubles:
        """(B, C): of the votes of each image's nearest."""
        found = np.zeros((len(rows), self.classes))
        for place in range(self.near.shape[1]):
            np.add.at(found, (np.arange(len(rows)), self.kinds[self.near[rows, place]]), self.votes[rows, place])
        shares: Doubles = found / np.maximum(found.sum(axis=1, keepdims=True), 1e-12)
        return shares


def wrong_probabilities(labelled: LabelledVectors) -> Doubles:
    """(N,): of each label, that it is wrong. Deterministic; needs two classes."""
    count, classes = len(labelled.kinds), labelled.classes
    sample = np.unique(np.linspace(0, count - 1, min(count, max(SAMPLE_CELLS // classes, 200))).astype(np.int64))
    fold, analyses = _discriminant_analyses(labelled)
    model = _fitted(_features(labelled, fold, analyses, sample), labelled.kinds[sample])
    block, found = max(BLOCK_CELLS // classes, 1), []
    for start in range(0, count, block):
        rows = np.arange(start, min(start + block, count))
        found.append(model.wrong(_features(labelled, fold, analyses, rows), labelled.kinds[rows]))
    return np.concatenate(found)


# --- the two classifiers


@dataclass(frozen=True, slots=True)
class _Discriminants:
    """``whitening``: (D, D), that makes the scatter within classes round; ``means``: (C, D) of the classes, whitened;
    ``log_shares``: (C,) of the images that are of each."""

    whitening: Doubles
    means: Doubles
    log_shares: Doubles

    def scores(self, vectors: Doubles) -> Doubles:
        """(B, D) -> (B, C) log densities, each row up to a constant."""
        white = vectors @ self.whitening
        squares = (white**2).sum(axis=1)[:, None] - 2 * white @ self.means.T + (self.means**2).sum(axis=1)
        dims = self.means.shape[1]
        scores: Doubles = self.log_shares - (FREEDOM + dims) / 2 * np.log1p(np.maximum(squares, 0.0) / FREEDOM)
        return scores


def _discriminant_analyses(labelled: LabelledVectors) -> tuple[Whole, list[_Discriminants]]:
    """(N,) each image's fold, and of each fold what all the others say."""
    vectors, classes = np.asarray(labelled.vectors, np.float64), labelled.classes
    fold = np.empty(len(vectors), np.int64)
    fold[np.random.default_rng(FOLD_SEED).permutation(len(vectors))] = np.arange(len(vectors)) % FOLDS
    counts, sums = np.zeros((FOLDS, classes)), np.zeros((FOLDS, classes, vectors.shape[1]))
    np.add.at(counts, (fold, labelled.kinds), 1.0)
    np.add.at(sums, (fold, labelled.kinds), vectors)
    squares = np.stack([vectors[fold == one].T @ vectors[fold == one] for one in range(FOLDS)])
    return fold, [
        _discriminants(*(part.sum(axis=0) - part[one] for part in (counts, sums, squares))) for one in range(FOLDS)
    ]


def _discriminants(counts: Doubles, sums: Doubles, squares: Doubles) -> _Discriminants:
    """(C,) images of each class, (C, D) their sums, (D, D) the sum of all outer products -> the analysis."""
    count, dims = max(counts.sum(), 1.0), sums.shape[1]
    means = (sums + PRIOR_IMAGES * sums.sum(axis=0) / count) / (counts + PRIOR_IMAGES)[:, None]
    across = sums.T @ means
    scatter = (squares - across - across.T + (means * counts[:, None]).T @ means) / count
    size = float(np.trace(scatter)) / dims
    size = size if size > TINY_SCATTER else 1.0
    values, vectors = np.linalg.eigh((1 - SHRINKAGE) * scatter + SHRINKAGE * size * np.eye(dims))
    whitening = vectors / np.sqrt(np.maximum(values, SHRINKAGE * size / 2))
    return _Discriminants(whitening, means @ whitening, np.log((counts + 0.5) / count))


def _features(labelled: LabelledVectors, fold: Whole, analyses: list[_Discriminants], rows: Whole) -> Doubles:
    """(B, C, 2): what both say of each class."""
    features = np.empty((len(rows), labelled.classes, 2))
    for one, analysis in enumerate(analyses):
        own = fold[rows] == one
        features[own, :, 0] = analysis.scores(np.asarray(labelled.vectors[rows[own]], np.float64))
    features[:, :, 1] = np.log(labelled.shares(rows) + LEAST_SHARE)
    return features


# --- the share of wrong labels


@dataclass(frozen=True, slots=True)
class _NoiseModel:
    """``weights``: (2,) of both classifiers; ``noise``: the share of labels that fell on any class alike."""

    weights: Doubles
    noise: float

    def probabilities(self, features: Doubles) -> Doubles:
        """(B, C, 2) -> (B, C), of the true class."""
        scores = features @ self.weights
        powers = np.exp(scores - scores.max(axis=1, keepdims=True))
        shares: Doubles = powers / powers.sum(axis=1, keepdims=True)
        return shares

    def wrong(self, features: Doubles, kinds: Whole) -> Doubles:
        """(B, C, 2), (B,) -> (B,): that the label is another class than the true one."""
        own = self.probabilities(features)[np.arange(len(kinds)), kinds]
        fell = self.noise / features.shape[1]
        return np.asarray(fell * (1.0 - own) / ((1.0 - self.noise) * own + fell), np.float64)


def _fitted(features: Doubles, kinds: Whole) -> _NoiseModel:
    """The model with the least share of wrong labels that the labels do not speak against.

    Of few images the most probable share says little, and too large a share calls right labels wrong. So it is the
    lower end of its likelihood interval (one-sided, 95 %), found by bisection of its logarithm."""
    likeliest = _with_weights(_NoiseModel(np.array(FIRST_WEIGHTS), FIRST_NOISE), features, kinds, fixed=False)
    wanted = _log_likelihood(likeliest, features, kinds) - LIKELIHOOD_DROP
    low, high, model = np.log(LEAST_NOISE), np.log(max(likeliest.noise, LEAST_NOISE)), likeliest
    for _ in range(BISECTIONS if high > low else 0):
        middle = (low + high) / 2
        tried = _with_weights(replace(model, noise=float(np.exp(middle))), features, kinds, fixed=True)
        if _log_likelihood(tried, features, kinds) < wanted:
            low = middle
        else:
            high, model = middle, tried
    return model


def _with_weights(model: _NoiseModel, features: Doubles, kinds: Whole, fixed: bool) -> _NoiseModel:
    """Expectation: how probably each label fell on any class. Maximisation: a Newton step of the others' likelihood
    and, unless it is ``fixed``, the share of those that fell."""
    for _ in range(MAX_STEPS):
        before, model = model, _improved(model, features, kinds, fixed)
        change = np.abs(model.weights - before.weights).max() + abs(model.noise - before.noise)
        if change < TOLERANCE:
            break
    return model


def _improved(model: _NoiseModel, features: Doubles, kinds: Whole, fixed: bool) -> _NoiseModel:
    shares, rows = model.probabilities(features), np.arange(len(kinds))
    right = (1.0 - model.noise) * shares[rows, kinds]
    kept = right / np.maximum(right + model.noise / features.shape[1], 1e-300)
    mean = np.einsum("nc,ncf->nf", shares, features)
    off, pull = features - mean[:, None], np.diag(1.0 / np.square(PRIOR_DEVIATIONS))
    gradient = ((features[rows, kinds] - mean) * kept[:, None]).sum(axis=0) - pull @ (model.weights - FIRST_WEIGHTS)
    weighted = (off * (shares * kept[:, None])[:, :, None]).reshape(-1, 2)
    curvature = weighted.T @ off.reshape(-1, 2) + pull
    step = np.linalg.solve(curvature, gradient)
    weights = model.weights + step * min(1.0, MAX_STEP / max(float(np.abs(step).max()), 1e-12))
    return _NoiseModel(np.maximum(weights, 0.0), model.noise if fixed else float((1.0 - kept).mean()))


def _log_likelihood(model: _NoiseModel, features: Doubles, kinds: Whole) -> float:
    """Of the labels, with the prior of the weights."""
    own = model.probabilities(features)[np.arange(len(kinds)), kinds]
    prior = (np.square((model.weights - FIRST_WEIGHTS) / PRIOR_DEVIATIONS)).sum() / 2
    labels = np.log(np.maximum((1.0 - model.noise) * own + model.noise / features.shape[1], 1e-300)).sum()
    return float(labels - prior)
