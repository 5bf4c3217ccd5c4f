"""From named evidence to an answer: one weighted sum says whether it is a copy, others what was done to it, or what
else the two may be.

The weights stand in ``relation.toml`` and can be read there; ``recipes/fit_relation.py`` fits them. A probability is
right at even odds; a search asks with its own prior, as in calibration.py.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from lookalike.comparison.calibration import Calibration
from lookalike.comparison.scoring import RelationScore
from lookalike.logistic import logit, scalar_sigmoid
from lookalike.types import Relation

COPIES: tuple[Relation, ...] = ("re-encoded", "edited", "crop", "mirrored", "rotated")
OTHERS: tuple[Relation, ...] = ("same scene", "similar", "unrelated")


@dataclass(frozen=True, slots=True)
class EditType:
    """What people do to images: the ``edits`` of imaging/manipulations.py, and what a copy is called then."""

    relation: Relation
    edits: tuple[str, ...]


PART = "part"  # one lies in the other, however it came there: what the relation "crop" says already
EDIT_TYPES: Mapping[str, EditType] = {
    "mirrored": EditType("mirrored", ("mirror", "flip")),
    "rotated": EditType("rotated", ("rotate-90", "rotate-180", "rotate-270", "rotate-5")),
    PART: EditType("crop", ("crop-95", "crop-80", "crop-50", "crop-25", "pasted", "collage", "screenshot", "pad")),
    "cropped": EditType("crop", ("crop-95", "crop-80", "crop-50", "crop-25")),
    "inside another image": EditType("crop", ("pasted", "collage")),
    "screenshot": EditType("crop", ("screenshot",)),
    "padded": EditType("crop", ("pad",)),
    "border": EditType("edited", ("border",)),
    "caption": EditType("edited", ("caption",)),
    "overlay": EditType("edited", ("watermark", "sticker", "covered")),
    "recoloured": EditType("edited", ("brightness+", "brightness-", "contrast+", "contrast-", "gamma", "hue",
                                      "saturation", "grey", "sepia", "posterise", "auto-contrast", "colour-cast")),
    "negative": EditType("edited", ("negative",)),
    "blurred": EditType("edited", ("blur",)),
    "sharpened": EditType("edited", ("sharpen",)),
    "pixelated": EditType("edited", ("pixelate",)),
    "noise": EditType("edited", ("noise",)),
    "stretched": EditType("edited", ("stretch",)),
}  # fmt: skip
EDIT_LOGIT_THRESHOLD = -1.0  # log-odds from which on an edit is named; several at once hide one another


@dataclass(frozen=True, slots=True)
class Rule:
    """A weighted sum of evidence: above zero says yes."""

    intercept: float
    weights: Mapping[str, float]

    def odds(self, evidence: Mapping[str, float]) -> float:
        """The logarithm of the odds."""
        return self.intercept + sum(weight * evidence[name] for name, weight in self.weights.items())

    def contributions(self, evidence: Mapping[str, float]) -> dict[str, float]:
        """What each piece of evidence adds to the logarithm of the odds."""
        return {name: weight * evidence[name] for name, weight in self.weights.items()}


def edit_rule(edit_type: str) -> str:
    """The name of the rule that says whether something of this type was done to a copy."""
    return f"edit {edit_type}"


@cache
def rules() -> Mapping[str, Rule]:
    """ "copy", "edit ..." for what was done to a copy, and one for each of OTHERS, as they come with the package."""
    text = resources.files("lookalike.comparison").joinpath("relation.toml").read_text("utf-8")
    return {
        name: Rule(float(rule["intercept"]), rule["weights"]) for name, rule in tomllib.loads(text)["rules"].items()
    }


def classify_relation(
    evidence: Mapping[str, float], prior: float = 0.5, own: Calibration | None = None
) -> RelationScore:
    """The relation that the evidence speaks for, and the probability that the two are copies.

    Of a copy the gravest of the things that were done to it gives the name: mirrored, rotated, crop, edited; one that
    nothing was done to is re-encoded. ``prior``: the share of copies expected among the pairs that are asked about.
    ``own``: a library's own curve, whose distance is minus the log-odds at even odds."""
    odds = rules()["copy"].odds(evidence)
    odds = odds + logit(prior) if own is None else own.odds(-odds, prior)
    relation: Relation
    if odds >= 0:
        relation = next((EDIT_TYPES[name].relation for name in _edits_above(evidence, 0.0)), "re-encoded")
    else:
        relation = max(OTHERS, key=lambda name: rules()[name].odds(evidence))
    return RelationScore(relation, scalar_sigmoid(odds), odds)


def detect_edits(evidence: Mapping[str, float]) -> tuple[str, ...]:
    """What was done to make the one image of the other, as far as the evidence shows it, the gravest first."""
    return tuple(name for name in _edits_above(evidence, EDIT_LOGIT_THRESHOLD) if name != PART)


def _edits_above(evidence: Mapping[str, float], threshold: float) -> list[str]:
    return [name for name in EDIT_TYPES if rules()[edit_rule(name)].odds(evidence) > threshold]
