"""At a glance: two images that surely are no copies, told from fewer keypoints at a coarser scale and from the vectors.

A search verifies the nearest twenty images, most of which are unrelated. Keypoints at a quarter of the area cost a
quarter of the time and still match wherever those of a comparison do; only where they match, or where what nobody has
looked at yet could make a copy of the two, a full comparison has to tell. What matches in fine grain alone, such as the
floor that two things lie on, a glance does not see: it then says similar where a full comparison says variant.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lookalike.comparison.alignment.align import KeypointImage, PairGeometry, in_fixed_order, with_keypoints
from lookalike.comparison.alignment.ecc import MIN_CORRELATION, best_orientation
from lookalike.comparison.alignment.matching import match_images
from lookalike.comparison.calibration import Calibration
from lookalike.comparison.edit_classifier import most_unmatched_odds
from lookalike.comparison.evidence import distance_evidence, evidence_values
from lookalike.comparison.pair import COMPARISON_DESCRIPTORS, PRIOR, ComparisonInput, compare_aligned
from lookalike.descriptors.base import Described
from lookalike.descriptors.keypoints import Keypoints, keypoints
from lookalike.parallel import once
from lookalike.types import Comparison, Image

GLANCE_AREA = 40_000  # pixels at which keypoints are looked for
GLANCE_KEYPOINTS = 300
FEW_KEYPOINTS = 40  # an image with fewer has too little to be told by
CHANCE_INLIERS = 4  # of an affine transform: what chance alone gives
CHANCE_EPIPOLAR_INLIERS = 9  # the same of a fundamental matrix at this scale


@dataclass(frozen=True, slots=True)
class TwoScaleInput:
    """An image with what a ``coarse`` glance needs of it, and what a ``full`` comparison needs: each is found by the
    thread that asks first, and once."""

    image: Image
    coarse: Callable[[], ComparisonInput]
    full: Callable[[], ComparisonInput]

    @classmethod
    def of(
        cls,
        image: Image,
        described: Mapping[str, Described],
        source: str | os.PathLike[str] | bytes | None,
        kept: Keypoints | None = None,
    ) -> TwoScaleInput:
        """``described``: all of COMPARISON_DESCRIPTORS. ``kept``: keypoints that are known already, for both."""
        if kept is not None:
            known = ComparisonInput(KeypointImage(image, kept), described, source)
            return cls(image, lambda: known, lambda: known)
        return cls(
            image,
            once(lambda: ComparisonInput(coarse_keypoints(image), described, source)),
            once(lambda: ComparisonInput(with_keypoints(image), described, source)),
        )


def coarse_keypoints(image: Image) -> KeypointImage:
    """The image with the keypoints of a glance."""
    return KeypointImage(image, keypoints(image, GLANCE_KEYPOINTS, GLANCE_AREA))


def at_a_glance(
    a: ComparisonInput, b: ComparisonInput, prior: float = PRIOR, own: Calibration | None = None
) -> Comparison | None:
    """What two images have to do with each other that surely are no copies, both with the keypoints of a glance; None
    where a full comparison has to tell. ``prior``, ``own``: as for ``compare_features``."""
    first, second = in_fixed_order(a.keypoint_image, b.keypoint_image)
    if min(len(first.keypoints), len(second.keypoints)) < FEW_KEYPOINTS:
        return None
    matches = match_images(first.keypoints, second.keypoints)
    inliers = matches.affine.inliers if matches.affine is not None else 0
    if inliers > CHANCE_INLIERS or matches.epipolar_inliers > CHANCE_EPIPOLAR_INLIERS:
        return None
    apart = PairGeometry(a.keypoint_image, b.keypoint_image, None, matches.epipolar_inliers)
    if _could_be_aligned(a, b, apart, prior, own):
        return None
    found = compare_aligned(a, b, apart, prior, own)
    return None if found.odds is None or found.odds >= 0 else found


def _could_be_aligned(
    a: ComparisonInput, b: ComparisonInput, apart: PairGeometry, prior: float, own: Calibration | None
) -> bool:
    """Whether the whole images look alike as thumbnails, so that they could be aligned without keypoints, and whether
    they could be copies if they were."""
    distances = distance_evidence(*({n: one.described[n] for n in COMPARISON_DESCRIPTORS} for one in (a, b)))
    if most_unmatched_odds(evidence_values(apart, distances), prior, own) < 0:
        return False
    return abs(best_orientation(a.image, b.image)[1]) >= MIN_CORRELATION
