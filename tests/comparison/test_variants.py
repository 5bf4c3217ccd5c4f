"""Images of one template with other content are variants, and no copies; what was only saved again is re-encoded."""

from __future__ import annotations

import io
from itertools import combinations

import numpy as np
import pytest
from PIL import Image as Pillow

import lookalike as la
from filled_in import FILLED_IN, camera, memes, receipts, with_text
from lookalike.comparison.explain.attribution import explain
from lookalike.imaging import from_array
from samples import photograph


def saved_again(pixels: np.ndarray, share: float = 0.75) -> bytes:
    """As a JPEG of quality 80, smaller."""
    image, memory = Pillow.fromarray(pixels), io.BytesIO()
    size = round(image.width * share), round(image.height * share)
    image.resize(size, Pillow.Resampling.LANCZOS).save(memory, "JPEG", quality=80)
    return memory.getvalue()


@pytest.mark.parametrize("kind", FILLED_IN)
def test_other_content_in_one_template(kind: str) -> None:
    """Every two of a kind are variants, however near they are, and surely no copies; what differs has a place."""
    for a, b in combinations(FILLED_IN[kind](), 2):
        found = la.compare(from_array(a), from_array(b))
        assert (found.relation, found.probability < 0.5) == ("variant", True)
        assert found.transform is not None
        assert (found.box, found.edits) == (None, ())


@pytest.mark.parametrize("kind", FILLED_IN)
def test_a_copy_of_one_of_them(kind: str) -> None:
    """Each, saved again at a smaller size, is its copy, and re-encoded."""
    pixels = FILLED_IN[kind]()[0]
    found = la.compare(from_array(pixels), saved_again(pixels))
    assert (found.relation, found.probability > 0.99) == ("re-encoded", True)


def test_text_on_an_image_is_an_edit_of_it() -> None:
    """An image and the same with text laid on are copies, edited; two texts on one image are none."""
    bare = np.asarray(Pillow.fromarray(photograph("chelsea.png")).resize((640, 426)))
    for meme in memes():
        found = la.compare(from_array(bare), from_array(meme))
        assert (found.relation, found.probability > 0.5) == ("edited", True)
    assert la.compare(*map(from_array, memes())).relation == "variant"


def test_nothing_moved_before_the_camera() -> None:
    """Two frames that only differ by the sensor's grain are not told apart."""
    found = la.compare(from_array(camera(1)), from_array(camera(2)))
    assert (found.relation, found.probability > 0.99) == ("re-encoded", True)


def test_one_object_in_another_colour() -> None:
    """The whole image in other hues is edited; where one object has another colour, and its ground has not, it is no
    copy."""
    pixels = np.asarray(Pillow.fromarray(photograph("coffee.png")).resize((450, 300)))
    other = pixels.copy()
    other[80:220, 120:280] = other[80:220, 120:280, ::-1]
    found = la.compare(from_array(pixels), from_array(other))
    assert found.relation in ("variant", "edited")
    assert la.compare(from_array(pixels), from_array(pixels[..., ::-1].copy())).relation == "edited"


def test_what_differs_is_outlined() -> None:
    """The changed regions of two receipts hold the lines that differ, and leave out the shop's name."""
    first, second, _ = receipts()
    explained = explain(from_array(first), from_array(second))
    assert explained.comparison.relation == "variant"
    boxes = [one.box for one in explained.changed]
    assert boxes
    assert all(box.y > 100 for box in boxes)
    assert any(box.y < 302 < box.y + box.height for box in boxes)  # apples or pears
    assert explained.contributions["changed content"] < -5
    total = explained.baseline + explained.prior + sum(explained.contributions.values())
    assert total == pytest.approx(explained.comparison.odds)


def test_different_texts_are_found_on_a_smaller_copy_too() -> None:
    """Another size and quality hide nothing."""
    base = np.asarray(Pillow.fromarray(photograph("coffee.png")).resize((640, 426)))
    a, b = with_text(base, "FIRST OF ALL", "A SPOON"), with_text(base, "AND AFTER", "A SAUCER")
    assert la.compare(from_array(a), saved_again(b)).relation == "variant"
