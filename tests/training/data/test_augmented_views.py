"""Views of training images: drawn by the step, of the size that is asked for, and drawings stay drawings."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lookalike.training.data.augmented_views import PHOTO, Views, distort_drawing, resize
from samples import drawn

PIXELS = np.stack([drawn(seed, 40, 40) for seed in range(6)])


@pytest.mark.parametrize("augmentation", [PHOTO, None])
def test_a_step_draws_what_is_its_own(augmentation: object) -> None:
    """The same step gives the same views and choices whatever came before; another step gives others."""
    views = Views(5, 32, augmentation)  # type: ignore[arg-type]  # pytest's parameter
    drawn_views = []
    for step in (3, 8, 3):
        chosen = views.begin(step).integers(0, 1000)
        drawn_views.append((chosen, views.of(PIXELS)))
    assert drawn_views[0][0] == drawn_views[2][0] != drawn_views[1][0]
    assert torch.equal(drawn_views[0][1], drawn_views[2][1])
    assert not torch.equal(drawn_views[0][1], drawn_views[1][1])
    assert (drawn_views[0][1].shape, bool((drawn_views[0][1] >= 0).all()), bool((drawn_views[0][1] <= 1).all())) == (
        (6, 3, 32, 32),
        True,
        True,
    )


def test_a_bent_drawing() -> None:
    """Ink stays ink on white paper: the corners stay white, about as much or more is black, and strokes have moved."""
    paper = torch.ones(8, 3, 48, 48)
    paper[:, :, 22:26, 10:38] = 0
    drawn_views = distort_drawing(paper, torch.Generator().manual_seed(1))
    ink = (1 - drawn_views).mean((1, 2, 3)) / (1 - paper).mean()
    assert bool((drawn_views[:, :, :3, :3] > 0.999).all())
    assert 0.6 < float(ink.min()) < float(ink.max()) < 3
    assert all(not torch.equal(drawn_views[row], paper[row]) for row in range(8))
    assert all(not torch.equal(drawn_views[row], drawn_views[0]) for row in range(1, 8))


def test_resized() -> None:
    """To the size that is asked for, one colour staying one colour; nothing is done where it has it."""
    grey = torch.full((2, 3, 40, 40), 0.25)
    assert resize(grey, 40) is grey
    assert torch.allclose(resize(grey, 28), torch.full((2, 3, 28, 28), 0.25))
