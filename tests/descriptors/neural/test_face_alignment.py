"""Five points are laid on their places, and how far a face is turned is told by them."""

from __future__ import annotations

import numpy as np
import pytest

from lookalike.descriptors.neural.face_alignment import ARCFACE, aligned, misfit, similarity_transform, yaw

POINTS = np.array(ARCFACE)


def test_a_similarity_is_found_again() -> None:
    """Rotated by 30 degrees, twice as large, and moved: the inverse brings every point back."""
    turn = 2 * np.array([[np.cos(np.pi / 6), -np.sin(np.pi / 6)], [np.sin(np.pi / 6), np.cos(np.pi / 6)]])
    moved = POINTS @ turn.T + [300, -40]
    found = similarity_transform(moved, POINTS)
    assert moved @ found[:, :2].T + found[:, 2] == pytest.approx(POINTS, abs=1e-9)
    assert np.linalg.det(found[:, :2]) == pytest.approx(1 / 4)


def test_a_mirrored_face_is_not_mirrored_back() -> None:
    """A similarity never turns left to right: a mirrored portrait stays one."""
    mirrored = POINTS * [-1, 1]
    assert np.linalg.det(similarity_transform(mirrored, POINTS)[:, :2]) > 0


@pytest.mark.parametrize("scale", [0.5, 1.0, 7.0])
def test_an_aligned_face_has_its_points_where_they_belong(scale: float) -> None:
    """A white dot at each landmark, the face rotated by 90 degrees, at three sizes."""
    around = (POINTS - 56) @ np.array([[0, -1], [1, 0]]).T * scale + 60 * scale + 50
    size = round(120 * scale + 100)
    x, y = np.meshgrid(np.arange(size), np.arange(size))
    near = [np.hypot(x - a, y - b) for a, b in around]
    pixels = np.repeat((255 * (np.min(near, 0) < 3 * scale)).astype(np.uint8)[..., None], 3, 2)
    face = aligned(pixels, around, ARCFACE, 112)
    assert face.shape == (112, 112, 3)
    for a, b in ARCFACE:
        assert face[round(b), round(a)].min() > 128
    assert face[5, 5].max() == 0


def test_a_large_face_is_made_smaller_without_noise() -> None:
    """A chequerboard of single pixels, eight times too fine, becomes grey."""
    board = (np.indices((1200, 1200)).sum(0) % 2 * 255).astype(np.uint8)
    face = aligned(np.repeat(board[..., None], 3, 2), POINTS * 8 + 100, ARCFACE, 112)
    assert np.abs(face.astype(int) - 128).max() <= 2


def test_a_turned_head_is_told_by_its_nose() -> None:
    """From the front the nose is between the eyes; in profile it is beside one of them."""
    profile = POINTS + np.array([[0, 0], [0, 0], [20, 0], [0, 0], [0, 0]])
    assert yaw(POINTS) == pytest.approx(0.007, abs=0.02)
    assert yaw(profile) > 0.9
    assert misfit(POINTS, ARCFACE) == pytest.approx(0, abs=1e-9)
    assert misfit(profile, ARCFACE) > 0.05
    assert yaw(np.zeros((5, 2))) == np.inf
