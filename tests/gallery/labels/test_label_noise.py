"""How probable a wrong label is: against explicit loops, and against labels that were planted."""

from __future__ import annotations

import numpy as np
import pytest

from lookalike.distance import euclidean
from lookalike.gallery.labels import label_noise
from lookalike.gallery.labels.label_noise import LabelledVectors, wrong_probabilities

CLASSES, COUNT, NEAREST = 6, 900, 10


def drawn(apart: float, wrong: float, seed: int = 0) -> tuple[LabelledVectors, np.ndarray]:
    """Clouds of vectors whose centres lie so far apart, a share of them labelled as any other class; and which."""
    random = np.random.default_rng(seed)
    true = random.integers(0, CLASSES, COUNT)
    vectors = (apart * np.eye(CLASSES, 16)[true] + random.normal(0, 1, (COUNT, 16))).astype(np.float32)
    planted = random.random(COUNT) < wrong
    kinds = np.where(planted, (true + random.integers(1, CLASSES, COUNT)) % CLASSES, true)
    distances = euclidean(vectors, vectors)
    np.fill_diagonal(distances, np.inf)
    near = np.argsort(distances, axis=1)[:, :NEAREST]
    return LabelledVectors(vectors, kinds, near, np.ones(near.shape, np.float32)), planted


@pytest.mark.parametrize("apart", [1.5, 3.0, 6.0])
def test_right_labels_are_not_called_wrong(apart: float) -> None:
    """However well or badly the classes can be told apart, nothing is likely wrong where nothing is."""
    labelled, _ = drawn(apart, 0.0)
    probabilities = wrong_probabilities(labelled)
    assert (probabilities >= 0.9).sum() == 0
    assert probabilities.mean() < 0.01


@pytest.mark.parametrize("apart", [2.5, 6.0])
def test_what_is_called_wrong_is_wrong_as_often_as_said(apart: float) -> None:
    """Over five sets with a fifth of the labels planted: the called are wrong nine times in ten, and no more are wrong
    by estimate than are, for the estimate is a careful one."""
    sets = [drawn(apart, 0.2, seed) for seed in range(5)]
    found = np.concatenate([wrong_probabilities(labelled) for labelled, _ in sets])
    planted = np.concatenate([one for _, one in sets])
    called = found >= 0.9
    assert called.sum() > 20
    assert planted[called].mean() >= 0.9
    assert 0.5 * planted.sum() < found.sum() < planted.sum()


def test_many_are_found_where_classes_are_clear() -> None:
    """Clouds well apart: most of the planted labels are called wrong."""
    labelled, planted = drawn(4.0, 0.2)
    called = wrong_probabilities(labelled) >= 0.9
    assert called[planted].mean() > 0.7


@pytest.mark.parametrize("count", [24, 170])
def test_few_right_labels_are_not_called_wrong(count: int) -> None:
    """Six small sets of right labels, some of which the neighbours disagree with: none is called wrong."""
    for seed in range(6):
        whole, _ = drawn(3.0, 0.0, seed)
        distances = euclidean(whole.vectors[:count], whole.vectors[:count])
        np.fill_diagonal(distances, np.inf)
        near = np.argsort(distances, axis=1)[:, :NEAREST]
        votes = np.ones(near.shape, np.float32)
        few = LabelledVectors(whole.vectors[:count], whole.kinds[:count], near, votes)
        assert wrong_probabilities(few).max() < 0.9


def test_the_discriminants_by_loops() -> None:
    """What is said of an image are Student's densities by the images of the other folds alone, one after the other."""
    labelled, _ = drawn(3.0, 0.05)
    labelled = LabelledVectors(labelled.vectors[:60], labelled.kinds[:60], labelled.near[:60] % 60, labelled.votes[:60])
    fold, analyses = label_noise._discriminant_analyses(labelled)
    assert np.bincount(fold).tolist() == [12] * label_noise.FOLDS
    vectors, dims = labelled.vectors.astype(float), labelled.vectors.shape[1]
    for one, analysis in enumerate(analyses):
        others = np.flatnonzero(fold != one)
        middle, means = vectors[others].mean(axis=0), []
        for kind in range(labelled.classes):
            own = vectors[[row for row in others if labelled.kinds[row] == kind]]
            means.append((own.sum(axis=0) + middle) / (len(own) + 1))
        scatter = np.zeros((dims, dims))
        for row in others:
            off = vectors[row] - means[labelled.kinds[row]]
            scatter += np.outer(off, off) / len(others)
        scatter = 0.3 * scatter + 0.7 * np.trace(scatter) / dims * np.eye(dims)
        for row in np.flatnonzero(fold == one):
            expected = []
            for kind, mean in enumerate(means):
                square = (vectors[row] - mean) @ np.linalg.solve(scatter, vectors[row] - mean)
                share = ((labelled.kinds[others] == kind).sum() + 0.5) / len(others)
                expected.append(np.log(share) - (100 + dims) / 2 * np.log(1 + square / 100))
            assert analysis.scores(vectors[[row]])[0] == pytest.approx(expected, abs=1e-8)


def test_vectors_that_are_all_alike_say_nothing() -> None:
    """One image many times under two labels: there is no scatter, no label is wrong, and no number is infinite."""
    count = 40
    near = (np.arange(count)[:, None] + np.arange(1, 6)) % count
    same = LabelledVectors(np.ones((count, 8), np.float32), np.arange(count) % 2, near, np.ones(near.shape, np.float32))
    probabilities = wrong_probabilities(same)
    assert np.isfinite(probabilities).all()
    assert probabilities.max() < 0.5


def test_an_unusual_image_of_a_class_is_not_called_wrong() -> None:
    """Right labels of images that lie four times as far from the rest of their class as others, in any direction."""
    labelled, _ = drawn(5.0, 0.05)
    random = np.random.default_rng(5)
    vectors = labelled.vectors.copy()
    odd = random.choice(COUNT, 20, replace=False)
    clean, _ = drawn(5.0, 0.0)
    right = np.array([row for row in odd if labelled.kinds[row] == clean.kinds[row]])
    vectors[odd] = 5.0 * np.eye(CLASSES, 16)[clean.kinds[odd]] + random.normal(0, 4, (20, 16))
    distances = euclidean(vectors, vectors)
    np.fill_diagonal(distances, np.inf)
    near = np.argsort(distances, axis=1)[:, :NEAREST]
    found = wrong_probabilities(LabelledVectors(vectors, labelled.kinds, near, labelled.votes))
    assert len(right) > 10
    assert (found[right] >= 0.9).mean() <= 0.2


def test_large_sets_are_taken_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """In blocks of a few images the probabilities are the same; of a sample they are about the same."""
    labelled, _ = drawn(4.0, 0.1)
    whole = wrong_probabilities(labelled)
    monkeypatch.setattr(label_noise, "BLOCK_CELLS", 100)
    assert wrong_probabilities(labelled) == pytest.approx(whole, abs=1e-12)
    monkeypatch.setattr(label_noise, "SAMPLE_CELLS", 2400)
    assert np.abs(wrong_probabilities(labelled) - whole).mean() < 0.03
