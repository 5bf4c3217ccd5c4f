"""Where another video is shown within the frames of one: places that are known, found to a few hundredths."""

from __future__ import annotations

import numpy as np
import PIL.Image
import pytest

from lookalike.comparison.insets import MAX_VIEWS, inset_views
from lookalike.types import Image
from videos import pan

WIDTH, HEIGHT = 480, 352


def frames(left: int, top: int, width: int, height: int) -> list[Image]:
    """Ten frames of one film with another one in this place."""
    found = []
    for own, other in zip(pan("astronaut.png", 1.0), pan("motorcycle_left.png", 1.0, start=5), strict=True):
        host = np.array(PIL.Image.fromarray(other).resize((WIDTH, HEIGHT)))
        host[top : top + height, left : left + width] = np.asarray(PIL.Image.fromarray(own).resize((width, height)))
        found.append(Image(host, WIDTH, HEIGHT))
    return found


def overlap(view: tuple[float, float, float, float], left: int, top: int, width: int, height: int) -> float:
    """Intersection over union, counted on pixels."""
    found, wanted = np.zeros((HEIGHT, WIDTH), bool), np.zeros((HEIGHT, WIDTH), bool)
    x, y, across, down = view
    found[round(y * HEIGHT) : round((y + down) * HEIGHT), round(x * WIDTH) : round((x + across) * WIDTH)] = True
    wanted[top : top + height, left : left + width] = True
    return float((found & wanted).sum() / (found | wanted).sum())


@pytest.mark.parametrize("place", [(340, 240, 120, 88), (20, 30, 192, 141), (288, 0, 192, 141)])
def test_a_place_is_found_wherever_it_is(place: tuple[int, int, int, int]) -> None:
    """A quarter of the side in a corner, two fifths elsewhere, two fifths on the border: one of few views is there."""
    views = inset_views(frames(*place))
    assert len(views) <= MAX_VIEWS
    assert max(overlap((view.x, view.y, view.width, view.height), *place) for view in views) > 0.85
