"""Why two images are related so: maps and contributions that add up, and the regions that were really edited."""

from __future__ import annotations

import json
import math
from pathlib import Path

import cv2
import numpy as np
import pytest

import lookalike as la
from lookalike.comparison.edit_classifier import rules
from lookalike.comparison.explain.attribution import (
    CUES,
    MAX_POINTS,
    Explanation,
    attribution,
    contributions_of,
    explain,
    explanation_json,
)
from lookalike.descriptors import get
from lookalike.imaging import from_array
from lookalike.types import Box, to_json
from networks import SIDE, TILES, install, means, with_parts
from samples import drawn, photograph


@pytest.fixture(scope="module")
def edited() -> tuple[Explanation, Box]:
    """A photograph, the same with a red disc on it, and the place of the disc."""
    pixels = np.ascontiguousarray(photograph("chelsea.png"))
    pasted = cv2.circle(pixels.copy(), (320, 90), 50, (230, 20, 40), -1)
    return explain(from_array(pixels), from_array(pasted)), Box(270, 40, 101, 101)


def intersection_over_union(a: Box, b: Box) -> float:
    """Intersection over union."""
    wide = min(a.x + a.width, b.x + b.width) - max(a.x, b.x)
    high = min(a.y + a.height, b.y + b.height) - max(a.y, b.y)
    both = max(wide, 0) * max(high, 0)
    return both / (a.width * a.height + b.width * b.height - both)


def total(explanation: Explanation) -> float:
    return explanation.baseline + explanation.prior + sum(explanation.contributions.values())


@pytest.mark.parametrize("other", ["coffee.png", "chelsea.png", "astronaut.png"])
def test_content_adds_up_to_the_similarity(other: str) -> None:
    """Both maps add up to the cosine similarity of the two vectors, as numpy has it."""
    a, b = from_array(photograph("chelsea.png")[20:200]), from_array(photograph(other)[:, ::-1].copy())
    expected = float((get("content").describe([a]).vectors @ get("content").describe([b]).vectors.T)[0, 0])
    maps = attribution(a, b, "content")
    assert maps is not None
    assert expected == pytest.approx(maps[0].sum(), abs=1e-4)
    assert expected == pytest.approx(maps[1].sum(), abs=1e-4)


def test_a_map_of_a_known_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a vector is the colours of tiles, a tile's contribution is the product of its own colours over both
    lengths."""
    monkeypatch.setenv("LOOKALIKE_MODELS", str(tmp_path))
    install(tmp_path, model=with_parts(means()))
    images = [from_array(drawn(seed, SIDE, SIDE)) for seed in (1, 2)]
    a, b = (p.pixels.reshape(TILES, 4, TILES, 4, 3).mean(axis=(1, 3)) / 255 - 0.5 for p in images)
    expected = (a * b).sum(-1) / np.linalg.norm(a) / np.linalg.norm(b)
    maps = attribution(*images, "places")
    assert maps is not None
    for found in maps:
        np.testing.assert_allclose(expected, found, atol=1e-6)


def test_a_model_without_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user's own network without parts has no map, nor has a hash; neither is an error."""
    monkeypatch.setenv("LOOKALIKE_MODELS", str(tmp_path))
    install(tmp_path)
    images = [from_array(drawn(seed, SIDE, SIDE)) for seed in (1, 2)]
    assert [attribution(*images, name) for name in ("places", "structure")] == [None, None]


def test_what_was_pasted_is_found(edited: tuple[Explanation, Box]) -> None:
    """The largest region that changed is the disc that was drawn: its box, and its share of the image."""
    explanation, expected_box = edited
    assert intersection_over_union(explanation.changed[0].box, expected_box) >= 0.5
    assert explanation.changed[0].share == pytest.approx(math.pi * 50**2 / (451 * 300), rel=0.35)
    assert explanation.changed_mask is not None
    assert explanation.alignment is not None
    assert explanation.changed_mask.shape == explanation.alignment.overlap.mask.shape


def test_the_place_in_a_larger_turned_image() -> None:
    """Boxes are in pixels of the original of b, though b was enlarged and turned by a quarter."""
    pixels = np.ascontiguousarray(photograph("chelsea.png"))
    pasted = cv2.rectangle(pixels.copy(), (60, 180), (140, 260), (20, 200, 60), -1)
    b = np.ascontiguousarray(np.rot90(cv2.resize(pasted, (902, 600), interpolation=cv2.INTER_CUBIC), -1))
    found = explain(from_array(pixels), from_array(b)).changed
    assert intersection_over_union(found[0].box, Box(600 - 522, 120, 162, 162)) >= 0.5


def test_nothing_changed_between_copies(edited: tuple[Explanation, Box]) -> None:
    """A recompressed image has no changed region, and two unrelated images have none."""
    pixels = photograph("coffee.png")
    packed = cv2.imdecode(cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 75])[1], 1)[..., ::-1]
    assert explain(from_array(pixels), from_array(packed.copy())).changed == ()
    unrelated = explain(from_array(pixels), edited[0].b)
    assert (unrelated.changed, unrelated.changed_mask) == ((), None)


@pytest.mark.parametrize("other", ["coffee.png", "chelsea.png"])
def test_contributions_add_up_to_the_odds(other: str) -> None:
    """The baseline, the prior and every cue's contribution are the logarithm of the odds, whoever the two are."""
    a, b = from_array(photograph("chelsea.png")), from_array(photograph(other)[30:250, 40:380].copy())
    explanation = explain(a, b)
    assert tuple(explanation.contributions) == CUES
    assert explanation.comparison.odds == pytest.approx(total(explanation), abs=1e-9)
    assert to_json(explanation.comparison) == to_json(la.compare(a, b))


def test_the_baseline_has_no_contributions() -> None:
    """Evidence that is no other than the baseline moves nothing."""
    names = {name for rule in rules().values() for name in rule.weights}
    evidence = dict.fromkeys(names | {"verified"}, 0.0)
    evidence |= {f"{cue}_distance": 1.0 for cue in CUES[:5]} | {f"unverified_{cue}_distance": 1.0 for cue in CUES[:5]}
    assert set(contributions_of(evidence, evidence).values()) == {0.0}


def test_the_same_image_needs_no_contributions() -> None:
    """Nothing was weighed, so nothing contributes; the maps add up to 1."""
    image = from_array(photograph("chelsea.png"))
    explanation = explain(image, image)
    assert (explanation.comparison.odds, explanation.contributions) == (None, {})
    assert explanation.content_a is not None
    assert explanation.content_a.sum() == pytest.approx(1, abs=1e-4)


def test_points(edited: tuple[Explanation, Box]) -> None:
    """Places that show the same: here each lies in both images at the same pixel; never more than are asked for."""
    points = edited[0].points(40)
    assert points.shape == (40, 2, 2)
    assert np.abs(points[:, 0] - points[:, 1]).max() < 3
    assert len(edited[0].points()) <= MAX_POINTS
    assert edited[0].points(10**6).shape[0] == edited[0].comparison.inliers


def test_as_json(edited: tuple[Explanation, Box]) -> None:
    """The fields of the comparison and the reasons, as JSON without a NaN; points are bounded."""
    explanation = edited[0]
    found = json.loads(json.dumps(explanation_json(explanation), allow_nan=False))
    expected = to_json(explanation.comparison)
    assert expected == {name: found[name] for name in expected}
    more = {"changed", "contributions", "baseline", "prior", "points", "content_a", "content_b"}
    assert more == set(found) - set(expected)
    assert set(found["changed"][0]) == {"box", "share"}
    assert len(found["points"]) == min(MAX_POINTS, explanation.comparison.inliers)
    assert np.shape(found["content_a"]) == np.shape(explanation.content_a)


def test_unrelated_images_as_json() -> None:
    """Images with nothing in common have empty lists, not errors."""
    found = explanation_json(explain(from_array(np.full((40, 60, 3), 90, np.uint8)), from_array(drawn(3))))
    assert (found["changed"], found["points"], found["transform"]) == ([], [], None)
