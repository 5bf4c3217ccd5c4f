"""Why a comparison comes out as it does: which regions were changed, what each cue contributes, where the similarity
lies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lookalike.comparison.alignment.align import Alignment, KeypointImage, PairGeometry, pair_geometry
from lookalike.comparison.alignment.transforms import Matrix, transform_points
from lookalike.comparison.edit_classifier import COPY, copy_odds, rules
from lookalike.comparison.evidence import UNKNOWN_DISTANCE, distance_key, evidence_values, unverified
from lookalike.comparison.pair import COMPARISON_DESCRIPTORS, PRIOR, compare_aligned, extract_features
from lookalike.descriptors import get, shipped_names
from lookalike.descriptors.neural.onnx_model import Neural
from lookalike.imaging import ImageSource
from lookalike.logistic import logit
from lookalike.types import Box, Comparison, Floats, Image, to_json

MIN_REGION_SHARE = 0.001  # of the overlap: what is smaller is left out
MAX_POINTS = 200  # inliers that are given, at most
# Evidence that comes from the pixels of the overlap.
PIXEL_EVIDENCE = (
    *("local_ncc", "local_ncc_log", "structured", "changed", "tone"),
    *("sharpness_log_ratio", "noise_level", "noise_flat_ratio"),
)
CONTENT = "changed content"  # what is taken off where the two show the same with other content
CUES = (*COMPARISON_DESCRIPTORS, "geometry", "pixels", CONTENT)
DISTANCES = {distance_key(name): name for name in COMPARISON_DESCRIPTORS}
UNVERIFIED = {unverified(key): key for key in DISTANCES}

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ChangedRegion:
    """A region of b that is something else in a. ``box``: in pixels of the upright original of b. ``share``: 0..1, how
    much of b the region covers; its box may cover more."""

    box: Box
    share: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """The reasons for a comparison, for people and programs.

    ``alignment``: how a lies on b, or None. ``changed``: the regions that were edited, largest first; ``changed_mask``:
    (h, w) bool, the same in pixels of the overlap; both only of copies and variants.
    ``contributions``: cue -> what it adds to the logarithm of the odds beyond what two unrelated images have, see
    ``contributions_of``; empty where nothing was weighed, as the images are the same. ``baseline``: what two unrelated
    images have; ``prior``: what a copy has before anything is seen. All of these add up to ``comparison.odds``.
    ``content_a``, ``content_b``: (h, w) float32, what each cell of the image, squeezed to a square, adds to the
    cosine similarity of ``content``: each map adds up to it. None if the model has no such output.
    """

    comparison: Comparison
    a: Image
    b: Image
    alignment: Alignment | None
    changed: tuple[ChangedRegion, ...]
    changed_mask: Mask | None
    contributions: Mapping[str, float]
    baseline: float
    prior: float
    content_a: Floats | None
    content_b: Floats | None

    def points(self, count: int = MAX_POINTS) -> Floats:
        """(M, 2, 2) float32, M up to ``count``: places in a and in b, (x, y) in pixels of the originals, that show the
        same."""
        if self.alignment is None:
            return np.zeros((0, 2, 2), np.float32)
        pairs = np.stack([self.alignment.match.a, self.alignment.match.b], axis=1)
        rows = np.linspace(0, len(pairs) - 1, min(count, len(pairs)))
        return np.asarray(pairs[np.rint(rows).astype(int)], np.float32)


def explain(a: ImageSource, b: ImageSource) -> Explanation:
    """What ``compare`` says of two images, and why. Raises LoadError for an image that cannot be read."""
    names = shipped_names()
    first, second = extract_features(a, names), extract_features(b, names)
    geometry = pair_geometry(first.keypoint_image, second.keypoint_image)
    comparison, alignment = compare_aligned(first, second, geometry), geometry.alignment
    shown = alignment if comparison.transform is not None else None
    is_variant = comparison.relation == "variant"
    changed, changed_mask = changed_regions(shown, second.image, is_variant) if shown else ((), None)
    baseline = baseline_evidence(first.keypoint_image, second.keypoint_image)
    content = attribution(first.image, second.image, "content")
    return Explanation(
        comparison=comparison,
        a=first.image,
        b=second.image,
        alignment=alignment,
        changed=changed,
        changed_mask=changed_mask,
        contributions=contributions_of(comparison.evidence, baseline) if comparison.odds is not None else {},
        baseline=rules()[COPY].odds(baseline),
        prior=logit(PRIOR),
        content_a=content[0] if content else None,
        content_b=content[1] if content else None,
    )


def explanation_json(explanation: Explanation) -> dict[str, Any]:
    """As plain JSON values: the fields of the comparison, and beside them what explains it. ``points``: [[x, y] in a,
    [x, y] in b] of up to MAX_POINTS inliers."""
    fields = ("changed", "contributions", "baseline", "prior", "content_a", "content_b")
    reasons = {name: to_json(getattr(explanation, name)) for name in fields}
    return {**to_json(explanation.comparison), **reasons, "points": to_json(explanation.points())}


# --- where it was edited


def changed_regions(alignment: Alignment, b: Image, in_detail: bool = False) -> tuple[tuple[ChangedRegion, ...], Mask]:
    """The connected regions of what changed, largest first, and (h, w) bool, where they are in the overlap. What is
    smaller than MIN_REGION_SHARE is left out. ``in_detail``: with all that recompression does not explain."""
    different = alignment.difference.mask
    if in_detail and alignment.unexplained is not None:
        finer = alignment.unexplained.mask.astype(np.uint8)
        different = different | (cv2.resize(finer, different.shape[::-1], interpolation=cv2.INTER_NEAREST) > 0)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(different.astype(np.uint8))
    areas = stats[:, cv2.CC_STAT_AREA]
    kept = [n for n in range(1, count) if areas[n] >= MIN_REGION_SHARE * alignment.overlap.mask.sum()]
    kept.sort(key=lambda n: -areas[n])
    to_b = alignment.overlap.to_b
    scale = abs(float(np.linalg.det(to_b[:2, :2]))) / (b.width * b.height)
    found = tuple(ChangedRegion(_box(labels == n, to_b, b), min(float(areas[n]) * scale, 1.0)) for n in kept)
    return found, np.isin(labels, kept)


def _box(region: Mask, to_b: Matrix, b: Image) -> Box:
    pixels = np.argwhere(region)[:, ::-1].astype(np.float32)
    steps = np.array([[0, 0], [1, 0], [0, 1], [1, 1]], np.float32)
    corners = np.concatenate([pixels + step for step in steps])
    hull = np.asarray(cv2.convexHull(corners), np.float32)[:, 0]
    outline = transform_points(to_b, hull).clip(0, (b.width, b.height))
    x, y, width, height = (float(value) for value in (*outline.min(0), *np.ptp(outline, axis=0)))
    return Box(x, y, width, height)


# --- what each cue says


def baseline_evidence(a: KeypointImage, b: KeypointImage) -> dict[str, float]:
    """The evidence if a and b had nothing to do with each other: as far apart as unrelated images, and not aligned."""
    return evidence_values(PairGeometry(a, b, None, 0), dict.fromkeys(DISTANCES, UNKNOWN_DISTANCE))


def contributions_of(evidence: Mapping[str, float], baseline: Mapping[str, float]) -> dict[str, float]:
    """Cue -> what it adds to the logarithm of the odds beyond the ``baseline``; in all, the odds less its own.

    Keypoints and pixels together verify an alignment, which then takes from what a distance says. What several cues do
    together is divided between them by Shapley's value (1953): verified = keypoints x pixels is halved; of the product
    distance x keypoints x pixels a third of the distance's change is its own. That the content must be the same as well
    can only take something off, and comes last."""
    contributions = dict.fromkeys(CUES, 0.0)
    if evidence["aligned"]:
        contributions[CONTENT] = copy_odds(evidence, PRIOR) - rules()[COPY].odds(evidence) - logit(PRIOR)
    for name, weight in rules()[COPY].weights.items():
        for cue, change in _changes(name, evidence, baseline).items():
            contributions[cue] += weight * change
    return contributions


def _changes(name: str, evidence: Mapping[str, float], baseline: Mapping[str, float]) -> dict[str, float]:
    """How much of the change of one piece of evidence, against the baseline, is each cue's."""
    change, verified = evidence[name] - baseline[name], evidence["verified"]
    if name == "verified":
        return {"geometry": change / 2, "pixels": change / 2}
    if name in UNVERIFIED:
        distance = UNVERIFIED[name]
        own = (evidence[distance] - baseline[distance]) * (1 - verified / 3)
        return {_cue(distance): own, "geometry": (change - own) / 2, "pixels": (change - own) / 2}
    return {_cue(name): change}


def _cue(evidence: str) -> str:
    if evidence in DISTANCES:
        return DISTANCES[evidence]
    return "pixels" if evidence in PIXEL_EVIDENCE else "geometry"


# --- where the similarity lies


def attribution(a: Image, b: Image, name: str) -> tuple[Floats, Floats] | None:
    """What each cell of a, and of b, adds to the cosine similarity of their vectors ``name``: two maps (h, w) float32,
    each of which adds up to it. None for a descriptor whose model has no such output: its file needs an output ``name``
    + "_parts"."""
    descriptor = get(name)
    if not isinstance(descriptor, Neural):
        return None
    first, second = (descriptor.network.parts(image, name) for image in (a, b))
    if first is None or second is None:
        return None
    first, second = _unit_length(first), _unit_length(second)
    return first @ second.sum((0, 1)), second @ first.sum((0, 1))


def _unit_length(parts: Floats) -> Floats:
    """(h, w, D) parts of a vector -> those of the vector of unit length; zeros stay."""
    length = np.linalg.norm(parts.sum((0, 1)))
    return parts / length if length > 0 else parts
