"""At a glance: unrelated images are told, and whatever could be a copy is left to a full comparison."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lookalike.comparison import glance
from lookalike.comparison.edit_classifier import COPY, OF_PIXELS, WITHOUT_INLIERS, copy_odds, most_unmatched_odds, rules
from lookalike.comparison.glance import GLANCE_KEYPOINTS, TwoScaleInput, at_a_glance
from lookalike.comparison.pair import COMPARISON_DESCRIPTORS, PRIOR, compare_features, extract_features
from lookalike.descriptors import describe_all
from lookalike.imaging import from_array
from lookalike.imaging.manipulations import apply
from lookalike.types import Pixels
from samples import drawn, reduced

HARD = ("crop-25", "pasted", "collage", "mirror", "negative", "rotate-90", "blur", "pixelate", "noise", "hue")


def seen(pixels: Pixels) -> TwoScaleInput:
    image = from_array(pixels)
    return TwoScaleInput.of(image, describe_all([image], COMPARISON_DESCRIPTORS), None)


@pytest.fixture(scope="module")
def originals() -> dict[str, TwoScaleInput]:
    return {name: seen(reduced(name)) for name in ("coffee", "astronaut", "chelsea")}


@pytest.mark.parametrize("edit", HARD)
def test_no_copy_is_taken_for_unrelated(originals: dict[str, TwoScaleInput], edit: str) -> None:
    """Whatever was done to it, a full comparison has to tell."""
    for name, original in originals.items():
        copy = seen(apply(edit, reduced(name)))
        assert at_a_glance(copy.coarse(), original.coarse()) is None
        assert at_a_glance(original.coarse(), copy.coarse()) is None


def test_unrelated_images_are_told(originals: dict[str, TwoScaleInput]) -> None:
    """Both ways round alike, with no place and no alignment, as no copies: as a full comparison says."""
    a, b = originals["coffee"], originals["astronaut"]
    there, back = at_a_glance(a.coarse(), b.coarse()), at_a_glance(b.coarse(), a.coarse())
    assert there is not None
    assert back is not None
    assert (there.relation, there.probability) == (back.relation, pytest.approx(back.probability, abs=1e-12))
    assert (there.transform, there.box, there.inliers) == (None, None, 0)
    in_full = compare_features(a.full(), b.full())
    assert max(there.probability, in_full.probability) < 0.01


def test_what_shows_too_little_is_left_open(originals: dict[str, TwoScaleInput]) -> None:
    """A flat image has no keypoints to be told by, nor has one of a few pixels."""
    for pixels in (np.full((200, 300, 3), 128, np.uint8), drawn(3, 9, 9)):
        assert at_a_glance(seen(pixels).coarse(), originals["coffee"].coarse()) is None


def test_what_could_win_without_keypoints_is_left_open(
    originals: dict[str, TwoScaleInput], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the vectors are near and the thumbnails alike, it may be aligned by ECC; one of both is not enough."""
    a, b = originals["coffee"].coarse(), originals["astronaut"].coarse()
    near = replace(b, described=a.described)
    assert at_a_glance(a, near) is not None
    monkeypatch.setattr(glance, "best_orientation", lambda *_: ("upright", -0.6))
    assert at_a_glance(a, near) is None
    assert at_a_glance(a, b) is not None


def test_the_bound_is_one(originals: dict[str, TwoScaleInput]) -> None:
    """No pair that is aligned without an inlier has more odds than could be said of it before it was."""
    aligned = 0
    for name in originals:
        soft = apply("blur", apply("blur", apply("resize-25", apply("blur", reduced(name)))))
        for other in originals.values():
            evidence = compare_features(extract_features(from_array(soft)), other.full()).evidence
            before = {**evidence, **dict.fromkeys((*OF_PIXELS, *WITHOUT_INLIERS), 0.0)}
            if evidence["inliers"] == 0:
                aligned += evidence["aligned"] > 0
                assert copy_odds(evidence, PRIOR) <= most_unmatched_odds(before, PRIOR) + 1e-9
    known = {"verified", "unmatched_keypoints", *(name for name in rules()[COPY].weights if "distance" in name)}
    assert set(rules()[COPY].weights) <= {*known, *OF_PIXELS, *WITHOUT_INLIERS}


def test_either_scale_is_found_once_and_when_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is looked for before; a glance has fewer keypoints; kept ones serve both."""
    found: list[str] = []
    for scale in ("coarse_keypoints", "with_keypoints"):
        real = getattr(glance, scale)
        monkeypatch.setattr(glance, scale, lambda image, scale=scale, real=real: [found.append(scale), real(image)][1])
    both = seen(reduced("coffee"))
    assert found == []
    assert both.coarse() is both.coarse()
    assert found == ["coarse_keypoints"]
    assert len(both.coarse().keypoint_image.keypoints) <= GLANCE_KEYPOINTS < len(both.full().keypoint_image.keypoints)
    kept = TwoScaleInput.of(both.full().image, both.full().described, None, both.full().keypoint_image.keypoints)
    assert kept.coarse() is kept.full()
    assert found == ["coarse_keypoints", "with_keypoints"]
