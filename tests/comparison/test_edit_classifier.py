"""From evidence to relation: the shipped weights, on evidence made by hand and on real pairs."""

from __future__ import annotations

from dataclasses import astuple

import numpy as np
import pytest

import lookalike as la
from lookalike.comparison.edit_classifier import (
    COPIES,
    EDIT_TYPES,
    PART,
    UNALIGNED,
    Rule,
    both,
    classify_relation,
    detect_edits,
    edit_rule,
    rules,
    same_content,
)
from lookalike.comparison.evidence import NO_ALIGNMENT, with_distances
from lookalike.comparison.pair import compare_features, extract_features
from lookalike.imaging import from_array
from lookalike.imaging.manipulations import EDITS, apply
from samples import photograph

NEGATIVES = {f"{name}_distance": 1.0 for name in ("colour", "texture", "structure", "copy", "content")}


def test_every_rule_is_there() -> None:
    """There is a rule for "copy", for all that is done to images and for what is no copy; each asks for evidence that
    is measured."""
    assert set(rules()) == {"copy", *UNALIGNED, *map(edit_rule, EDIT_TYPES)}
    known = set(with_distances(NO_ALIGNMENT, NEGATIVES))
    assert all(set(rule.weights) <= known for rule in rules().values())
    assert {one.relation for one in EDIT_TYPES.values()} | {"re-encoded"} == set(COPIES)


def test_every_edit_has_its_name() -> None:
    """Each edit that people make has a type, with the relation that it is made for, or is a mere re-encoding."""
    named = {edit: one.relation for name, one in EDIT_TYPES.items() if name != PART for edit in one.edits}
    assert {name: edit.kind for name, edit in EDITS.items() if edit.kind != "re-encoded"} == named


def test_a_rule_is_a_weighted_sum() -> None:
    """Log-odds are the intercept and what each piece of evidence adds."""
    rule = Rule(-1.0, {"x": 2.0, "y": -3.0})
    assert rule.odds({"x": 4.0, "y": 1.0, "z": 9.0}) == -1 + 8 - 3
    assert rule.contributions({"x": 4.0, "y": 1.0}) == {"x": 8.0, "y": -3.0}


def test_nothing_in_common() -> None:
    """Images that cannot be aligned and are as far apart as negatives are unrelated."""
    score = classify_relation(with_distances(NO_ALIGNMENT, NEGATIVES))
    assert (score.relation, score.probability < 0.1) == ("unrelated", True)


def test_the_prior_moves_the_odds_alone() -> None:
    """A copy expected in 1 of 1,001 pairs costs log 1,000 of the odds that both show the same; that the content is the
    same as well costs no more in a larger library. Probability and odds say the same."""
    evidence = la.compare(
        from_array(photograph("coffee.png")), from_array(apply("blur", photograph("coffee.png")))
    ).evidence
    even, rare = classify_relation(evidence), classify_relation(evidence, 1 / 1001)
    shown, content = rules()["copy"].odds(evidence), same_content().odds(evidence)
    assert even.odds == pytest.approx(both(shown, content))
    assert rare.odds == pytest.approx(both(shown - np.log(1000), content))
    assert rare.probability == pytest.approx(1 / (1 + np.exp(-rare.odds)))


@pytest.mark.parametrize("edit", EDITS)
def test_every_edit_is_a_copy(edit: str) -> None:
    """Each of the edits of a real photograph is surely a copy, and what was done to it is not called the opposite."""
    found = la.compare(from_array(photograph("astronaut.png")), from_array(apply(edit, photograph("astronaut.png"))))
    assert found.probability > 0.9
    assert found.relation in COPIES
    if EDITS[edit].kind in ("mirrored", "rotated", "crop"):
        assert found.relation == EDITS[edit].kind
        assert detect_edits(found.evidence) == found.edits


def test_two_edits_at_once() -> None:
    """A crop with other light is a crop, a mirrored one in grey mirrored; both name what else was done."""
    pixels = photograph("astronaut.png")
    for first, second, relation in (("brightness-", "crop-50", "crop"), ("grey", "mirror", "mirrored")):
        found = la.compare(from_array(pixels), from_array(apply(second, apply(first, pixels))))
        assert (found.relation, found.probability > 0.9) == (relation, True)
        assert "recoloured" in found.edits


def test_seen_from_the_other_side() -> None:
    """Evidence, relation and probability are the same when the two change places, and the box stays where it was."""
    pixels = photograph("coffee.png")
    a, b = from_array(pixels), from_array(apply("crop-25", pixels))
    there, back = la.compare(a, b), la.compare(b, a)
    assert there.evidence == pytest.approx(back.evidence)
    assert (there.relation, there.odds) == (back.relation, pytest.approx(back.odds))
    assert (there.box_in, back.box_in) == ("a", "b")
    assert there.box is not None
    assert back.box is not None
    assert astuple(there.box) == pytest.approx(astuple(back.box))


def test_features_are_extracted_once() -> None:
    """Features can be compared with many others; the answer is that of `compare`."""
    a, b = from_array(photograph("coffee.png")), from_array(apply("crop-50", photograph("coffee.png")))
    once = compare_features(extract_features(a), extract_features(b))
    assert (once.relation, once.odds, once.box) == (
        la.compare(a, b).relation,
        la.compare(a, b).odds,
        la.compare(a, b).box,
    )
