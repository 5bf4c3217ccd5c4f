"""Why two images are judged as they are: what was changed and where, what each cue says, where the likeness lies."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lookalike.comparison.alignment.matching import Matrix, moved
from lookalike.comparison.edit_classifier import UNKNOWN, rules
from lookalike.comparison.evidence import Finding, Subject, examine, measured
from lookalike.comparison.pair import COMPARISON_DESCRIPTORS, PRIOR, Source, extract_features, related
from lookalike.descriptors import DESCRIPTORS, get
from lookalike.descriptors.neural import model_store
from lookalike.descriptors.neural.onnx_model import Neural
from lookalike.types import Box, Comparison, Floats, Image, to_json

SPECK = 0.001  # of the common part: what is smaller is left out
POINTS = 200  # inliers that are told, at most
# Evidence that comes from pixels laid on one another.
PIXELS = ("agreement", "alike", "structured", "changed", "tone", "sharpness", "grain", "even")
CUES = (*COMPARISON_DESCRIPTORS, "geometry", "pixels")
UNPROVED = "unproved "

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Changed:
    """A region of b that is something else in a. ``box``: in pixels of the upright original of b. ``share``: 0..1, how
    much of b the region covers; its box may cover more."""

    box: Box
    share: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """The reasons for a comparison, for people and programs.

    ``finding``: how a lies on b, or None. ``changed``: the regions that were edited, largest first; ``where``: (h, w)
    bool, the same in pixels of the common part, ``finding.part``; both only of copies.
    ``shares``: cue -> what it adds to the logarithm of the odds beyond what two strangers have, see ``shares_of``;
    empty where nothing was weighed, as the images are the same. ``strangers``: what two strangers have; ``prior``:
    what a copy has before anything is seen. All of these add up to ``comparison.odds``.
    ``content_a``, ``content_b``: (h, w) float32, what each cell of the image, squeezed to a square, adds to the
    cosine similarity of ``content``: each map adds up to it. None if the model does not tell.
    """

    comparison: Comparison
    a: Image
    b: Image
    finding: Finding | None
    changed: tuple[Changed, ...]
    where: Mask | None
    shares: Mapping[str, float]
    strangers: float
    prior: float
    content_a: Floats | None
    content_b: Floats | None

    def points(self, most: int = POINTS) -> Floats:
        """(M, 2, 2) float32, M up to ``most``: places in a and in b, (x, y) in pixels of the originals, that show the
        same."""
        if self.finding is None:
            return np.zeros((0, 2, 2), np.float32)
        pairs = np.stack([self.finding.placement.a, self.finding.placement.b], axis=1)
        rows = np.linspace(0, len(pairs) - 1, min(most, len(pairs)))
        return np.asarray(pairs[np.rint(rows).astype(int)], np.float32)


def explain(a: Source, b: Source) -> Explanation:
    """What ``compare`` says of two images, and why. Raises LoadError for an image that cannot be read."""
    names = [
        *DESCRIPTORS,
        *(output.name for model in model_store.shipped() if not model.regions for output in model.outputs),
    ]
    first, second = extract_features(a, names), extract_features(b, names)
    finding = examine(first.subject, second.subject)
    comparison = related(first, second, finding)
    changed, where = regions(finding, second.image) if finding and comparison.transform is not None else ((), None)
    strangers = strangers_like(first.subject, second.subject)
    content = attribution(first.image, second.image, "content")
    return Explanation(
        comparison=comparison,
        a=first.image,
        b=second.image,
        finding=finding,
        changed=changed,
        where=where,
        shares=shares_of(comparison.evidence, strangers) if comparison.odds is not None else {},
        strangers=rules()["copy"].odds(strangers),
        prior=math.log(PRIOR / (1 - PRIOR)),
        content_a=content[0] if content else None,
        content_b=content[1] if content else None,
    )


def explanation_json(explanation: Explanation) -> dict[str, Any]:
    """As plain JSON values: the fields of the comparison, and beside them what explains it. ``points``: [[x, y] in a,
    [x, y] in b] of up to POINTS inliers."""
    told = ("changed", "shares", "strangers", "prior", "content_a", "content_b")
    reasons = {name: to_json(getattr(explanation, name)) for name in told}
    return {**to_json(explanation.comparison), **reasons, "points": to_json(explanation.points())}


# --- where it was edited


def regions(finding: Finding, b: Image) -> tuple[tuple[Changed, ...], Mask]:
    """The connected regions of what changed, largest first, and (h, w) bool, where they are in the common part. What is
    smaller than SPECK is left out."""
    different = finding.difference.where
    count, labels, stats, _ = cv2.connectedComponentsWithStats(different.astype(np.uint8))
    areas = stats[:, cv2.CC_STAT_AREA]
    kept = [n for n in range(1, count) if areas[n] >= SPECK * finding.part.mask.sum()]
    kept.sort(key=lambda n: -areas[n])
    to_b = finding.part.to_b
    scale = abs(float(np.linalg.det(to_b[:2, :2]))) / (b.width * b.height)
    found = tuple(Changed(_box(labels == n, to_b, b), min(float(areas[n]) * scale, 1.0)) for n in kept)
    return found, np.isin(labels, kept)


def _box(region: Mask, to_b: Matrix, b: Image) -> Box:
    pixels = np.argwhere(region)[:, ::-1].astype(np.float32)
    steps = np.array([[0, 0], [1, 0], [0, 1], [1, 1]], np.float32)
    corners = np.concatenate([pixels + step for step in steps])
    hull = np.asarray(cv2.convexHull(corners), np.float32)[:, 0]
    place = moved(to_b, hull).clip(0, (b.width, b.height))
    x, y, width, height = (float(value) for value in (*place.min(0), *np.ptp(place, axis=0)))
    return Box(x, y, width, height)


# --- what each cue says


def strangers_like(a: Subject, b: Subject) -> dict[str, float]:
    """The evidence if a and b had nothing to do with each other: as far apart as strangers, and nowhere in place."""
    return measured(a, b, None, {f"{name} distance": UNKNOWN for name in COMPARISON_DESCRIPTORS}) | {"views": 0.0}


def shares_of(evidence: Mapping[str, float], strangers: Mapping[str, float]) -> dict[str, float]:
    """Cue -> what it adds to the logarithm of the odds beyond what ``strangers`` have; in all, the odds less theirs.

    A place is proved by keypoints and pixels together, and then takes from what a distance says. What several cues do
    together is shared between them by Shapley's value (1953): proved = keypoints x pixels is halved; of the product
    distance x keypoints x pixels a third of the distance's change is its own."""
    shares = dict.fromkeys(CUES, 0.0)
    for name, weight in rules()["copy"].weights.items():
        for cue, change in _changes(name, evidence, strangers).items():
            shares[cue] += weight * change
    return shares


def _changes(name: str, evidence: Mapping[str, float], strangers: Mapping[str, float]) -> dict[str, float]:
    """How much of the change of one piece of evidence, against that of strangers, is each cue's."""
    change, proved = evidence[name] - strangers[name], evidence["proved"]
    if name == "proved":
        return {"geometry": change / 2, "pixels": change / 2}
    if name.startswith(UNPROVED):
        distance = name.removeprefix(UNPROVED)
        own = (evidence[distance] - strangers[distance]) * (1 - proved / 3)
        return {_cue(distance): own, "geometry": (change - own) / 2, "pixels": (change - own) / 2}
    return {_cue(name): change}


def _cue(evidence: str) -> str:
    if evidence.endswith(" distance"):
        return evidence.removesuffix(" distance")
    return "pixels" if evidence in PIXELS else "geometry"


# --- where the likeness lies


def attribution(a: Image, b: Image, name: str) -> tuple[Floats, Floats] | None:
    """What each cell of a, and of b, adds to the cosine similarity of their vectors ``name``: two maps (h, w) float32,
    each of which adds up to it. None for a descriptor whose model does not tell: its file needs an output ``name`` +
    "_parts"."""
    descriptor = get(name)
    if not isinstance(descriptor, Neural):
        return None
    first, second = (descriptor.network.parts(image, name) for image in (a, b))
    if first is None or second is None:
        return None
    first, second = _of_unit_length(first), _of_unit_length(second)
    return first @ second.sum((0, 1)), second @ first.sum((0, 1))


def _of_unit_length(parts: Floats) -> Floats:
    """(h, w, D) parts of a vector -> those of the vector of unit length; zeros stay."""
    length = np.linalg.norm(parts.sum((0, 1)))
    return parts / length if length > 0 else parts
