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


def test_each_image_is_left_out_of_its_own_answer() -> None:
    """The regression's answers are those of as many regressions, each without one image."""
    labelled, _ = drawn(3.0, 0.05)
    labelled = LabelledVectors(labelled.vectors[:60], labelled.kinds[:60], labelled.near[:60] % 60, labelled.votes[:60])
    rows = np.arange(60)
    regression = label_noise._regression(labelled, rows)
    answers = regression.left_out(rows, labelled.kinds)
    targets = np.eye(labelled.classes)[labelled.kinds]

    def without(row: int, penalty: float) -> np.ndarray:
        kept, x = rows != row, regression.inputs
        squares = x[kept].T @ x[kept] + penalty * np.eye(x.shape[1])
        return x[row] @ np.linalg.solve(squares, x[kept].T @ targets[kept])

    by_penalty = [np.stack([without(row, penalty) for row in rows]) for penalty in label_noise.RIDGES]
    errors = [float(((one - targets) ** 2).mean()) for one in by_penalty]
    assert answers == pytest.approx(by_penalty[int(np.argmin(errors))], abs=1e-8)


def test_large_sets_are_taken_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """In blocks of a few images the probabilities are the same; of a sample they are about the same."""
    labelled, _ = drawn(4.0, 0.1)
    whole = wrong_probabilities(labelled)
    monkeypatch.setattr(label_noise, "BLOCK_CELLS", 100)
    assert wrong_probabilities(labelled) == pytest.approx(whole, abs=1e-12)
    monkeypatch.setattr(label_noise, "SAMPLE_CELLS", 2400)
    assert np.abs(wrong_probabilities(labelled) - whole).mean() < 0.03
