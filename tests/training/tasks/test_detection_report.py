"""What a detector's page says and draws: false negatives, false positives with reasons, and where boxes lie."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image as Pillow

from lookalike.evaluation.detection_metrics import Detections, true_boxes
from lookalike.training.export.draw_boxes import LONGER_SIDE, PREDICTED_COLOUR, TRUE_COLOUR, draw_boxes, draw_crop
from lookalike.training.export.training_page import Page, Section, write_page
from lookalike.training.tasks.detection_report import HeldOutImages, evaluate_detector, reason, sections

A, B, C = (0.1, 0.1, 0.3, 0.3), (0.5, 0.5, 0.4, 0.4), (0.6, 0.1, 0.2, 0.2)
NAMES = ("cat", "dog")


def boxes(*rows: tuple) -> np.ndarray:
    return np.array(rows, np.float32).reshape(-1, 4)


def detections(*rows: tuple) -> Detections:
    """Of (box, class, score)."""
    return Detections(
        boxes(*(box for box, _, _ in rows)), np.array([k for _, k, _ in rows], int), np.array([s for *_, s in rows])
    )


@pytest.fixture
def result() -> tuple[Section, ...]:
    """Two images: a cat found, a dog missed and something found where nothing is; and an image of nothing."""
    truth = [true_boxes(boxes(A, B), np.array([0, 1])), true_boxes(boxes(), np.array([], int))]
    evaluation = evaluate_detector([detections((A, 0, 0.9), (C, 1, 0.95)), detections()], truth, NAMES)
    images = HeldOutImages(
        np.full((2, 60, 60, 3), 120, np.uint8), np.array([[200, 100], [100, 200]]), ("a.jpg", "b.jpg")
    )
    return sections(evaluation, images, [7, 8])


def test_what_the_sections_say(result: tuple[Section, ...]) -> None:
    """The table by class, what was found in each image, the false negative with its share, the false positive with its
    reason."""
    table, examples, missed, false = result
    assert table.tables[0].rows == (("cat", "7", "1", "1.000", "1.000"), ("dog", "8", "1", "0.000", "0.000"))
    assert [one.text for one in examples.strips[0].images] == ["1 of 2 detected, 1 false", "0 of 0 detected"]
    assert [(one.text, one.title) for one in missed.strips[0].images] == [("dog, 16.0%", "a.jpg")]
    assert missed.lede.startswith("1 of 2 true boxes")
    assert [one.text for one in false.strips[0].images] == ["dog 0.95: no box is annotated there"]


def test_images_keep_their_shape(result: tuple[Section, ...]) -> None:
    """They were squeezed to squares, and are shown as wide or as high as they are."""
    sizes = []
    for one in result[1].strips[0].images:
        with Pillow.open(io.BytesIO(base64.b64decode(one.uri.partition(",")[2]))) as image:
            sizes.append(image.size)
    assert sizes == [(LONGER_SIDE, LONGER_SIDE // 2), (LONGER_SIDE // 2, LONGER_SIDE)]


def test_names_are_shown_as_they_are(tmp_path) -> None:
    """A class that is called like a tag is text on the page."""
    evil = "<img src=x onerror=alert(1)>"
    truth = [true_boxes(boxes(A), np.array([0]))]
    images = HeldOutImages(np.zeros((1, 32, 32, 3), np.uint8), np.array([[9, 9]]), (evil,))
    evaluation = evaluate_detector([detections((C, 0, 0.9))], truth, (evil,))
    write_page(Page("A detector", (), sections(evaluation, images, [1])), tmp_path / "page.html")
    assert "<img src=x" not in (tmp_path / "page.html").read_text()


def test_without_names() -> None:
    """A detector of objects alone: whatever the classes are, a box is right where an object is."""
    evaluation = evaluate_detector([detections((A, -1, 0.9))], [true_boxes(boxes(A), np.array([5]))], ())
    assert evaluation.metrics["AP"] == pytest.approx(1)
    assert evaluation.metrics["recall of 10 boxes"] == 1


def test_nothing_found_and_nothing_there() -> None:
    """The page can be written all the same."""
    images = HeldOutImages(np.zeros((1, 32, 32, 3), np.uint8), np.array([[9, 9]]), ("a",))
    for truth in (true_boxes(boxes(A), np.array([0])), true_boxes(boxes(), np.array([], int))):
        evaluation = evaluate_detector([detections()], [truth], NAMES)
        assert len(sections(evaluation, images, [0, 0])) == 4
        assert all(np.isfinite(value) for value in evaluation.metrics.values())


@pytest.mark.parametrize(
    ("box", "kind", "why"),
    [
        (A, 1, "it is cat"),
        (A, 0, "cat, but detected twice"),
        ((0.25, 0.1, 0.3, 0.3), 0, "cat, but poorly localised"),
        (C, 0, "no box is annotated there"),
    ],
)
def test_why_a_detection_is_false(box: tuple, kind: int, why: str) -> None:
    """Another thing, one that somebody has, a place beside it, or nothing."""
    assert reason(boxes(box)[0], kind, true_boxes(boxes(A), np.array([0])), NAMES) == why


def test_where_boxes_are_drawn() -> None:
    """In an image twice as wide as high, the edges of a box have its colour at its place, and nothing else has."""
    drawn = draw_boxes(np.full((50, 50, 3), 120, np.uint8), (200, 100), boxes((0.5, 0.5, 0.25, 0.4)), boxes())
    rows, columns = np.nonzero((drawn == TRUE_COLOUR).all(2))
    middle = (rows.min() + rows.max()) / 2, (columns.min() + columns.max()) / 2
    assert drawn.shape == (LONGER_SIDE // 2, LONGER_SIDE, 3)
    assert middle == pytest.approx((0.7 * LONGER_SIDE / 2, 0.625 * LONGER_SIDE), abs=1.5)
    assert columns.max() - columns.min() == pytest.approx(0.25 * LONGER_SIDE, abs=8)
    assert not (drawn == PREDICTED_COLOUR).all(2).any()


@pytest.mark.parametrize("box", [(0, 0, 0.01, 0.01), (0.99, 0.99, 0.01, 0.01), (0, 0, 1, 1), (0, 0.4, 1, 0.01)])
def test_what_is_around_a_box(box: tuple) -> None:
    """A box at an edge, of a pixel or of everything can be seen, and is drawn."""
    cut = draw_crop(np.full((50, 50, 3), 120, np.uint8), (300, 100), boxes(box)[0], PREDICTED_COLOUR)
    assert max(cut.shape[:2]) == pytest.approx(LONGER_SIDE / 2, abs=1)
    assert (cut == PREDICTED_COLOUR).all(2).any()
