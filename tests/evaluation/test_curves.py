"""Curves over any numbers: round marks, and every point in its place between them."""

from __future__ import annotations

import pytest

from lookalike.evaluation import charts


@pytest.mark.parametrize(
    ("ends", "expected"),
    [
        ((0.0, 1.0), [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        ((20.0, 2154.0), [0, 500, 1000, 1500, 2000, 2500]),
        ((0.0081, 0.0416), [0.0, 0.01, 0.02, 0.03, 0.04, 0.05]),
        ((-0.02, 0.845), [-0.2, 0.0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        ((3.0, 3.0), [2.4, 2.6, 2.8, 3.0, 3.2, 3.4, 3.6]),
    ],
)
def test_marks_are_round_and_hold_everything(ends: tuple[float, float], expected: list[float]) -> None:
    """Equal steps of a round size, from below the least to above the largest."""
    marks = charts._marks(*ends)
    assert marks == pytest.approx(expected)
    assert marks[0] <= ends[0] <= ends[1] <= marks[-1]


def test_points_lie_where_the_axes_say() -> None:
    """A point on a mark of each axis is drawn at both marks' places."""
    drawn = charts.curves("t", "x", "y", [("one", [(0, 0), (500, 0.4), (1000, 1)])])
    across = {tick.text: tick.at for tick in drawn.x_ticks}
    up = {tick.text: tick.at for tick in drawn.y_ticks}
    points = [tuple(map(float, point.split(","))) for point in drawn.lines[0].points.split()]
    assert points[0] == pytest.approx((across["0"], up["0"]), abs=0.1)
    assert points[1][1] == pytest.approx(up["0.4"], abs=0.1)
    assert points[2] == pytest.approx((across["1,000"], up["1"]), abs=0.1)
