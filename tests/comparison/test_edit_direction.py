"""Which of two copies was edited: told where it can be, and the same whichever comes first."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from lookalike.comparison.pair import ComparisonInput, compare_features, extract_features
from lookalike.imaging import from_array
from lookalike.imaging.manipulations import apply
from samples import photograph, reduced

SIZES = {"coffee": reduced("coffee"), "astronaut": photograph("astronaut.png")}


@pytest.fixture(scope="module")
def originals() -> Mapping[str, ComparisonInput]:
    return {name: extract_features(from_array(pixels)) for name, pixels in SIZES.items()}


@pytest.mark.parametrize("photo", list(SIZES))
@pytest.mark.parametrize(
    ("edit", "name"),
    [
        ("grey", "greyed"),
        ("sepia", "greyed"),
        ("brightness+", "clipped"),
        ("posterise", "clipped"),
        ("blur", "blurred"),
        ("watermark", "overlay"),
        ("sticker", "overlay"),
        ("covered", "overlay"),
        ("border", "border"),
        ("caption", "caption"),
        ("pad", "padded"),
        ("screenshot", "screenshot"),
        ("crop-80", "cropped"),
    ],
)
def test_the_edited_one_is_told(originals: Mapping[str, ComparisonInput], photo: str, edit: str, name: str) -> None:
    """An edit that takes something away, or lays something over or around an image, shows on which side it was made."""
    edited = extract_features(from_array(apply(edit, SIZES[photo])))
    forth, back = (
        compare_features(*pair).edited_in for pair in ((originals[photo], edited), (edited, originals[photo]))
    )
    assert forth.get(name) == "b"
    assert set(forth.values()) == {"b"}
    assert back == dict.fromkeys(forth, "a")


@pytest.mark.parametrize(
    "edit", ["jpeg-50", "resize-50", "upscale-200", "brightness-", "contrast-", "noise", "mirror", "rotate-90"]
)
def test_what_may_be_either_is_not_told(originals: Mapping[str, ComparisonInput], edit: str) -> None:
    """What was only written again, or could as well be undone, points nowhere."""
    copy = extract_features(from_array(apply(edit, SIZES["coffee"])))
    assert compare_features(originals["coffee"], copy).edited_in == {}


def test_strangers_are_not_edited(originals: Mapping[str, ComparisonInput]) -> None:
    """Of two images that are no copies nothing is told."""
    assert compare_features(originals["coffee"], originals["astronaut"]).edited_in == {}
