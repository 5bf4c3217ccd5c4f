"""Evidence for and against two images being related: a few named numbers, from their geometry and their distances.

edit_classifier.py weighs them. Every number is the same when the two images change places. Of a pair without an
alignment those that describe one are 0. Names and ranges:

======================== ============================================================================================
aligned                  1 if the one was aligned with the other
inliers                  log(1 + inliers) of the affine transform
epipolar_inliers         the same of a fundamental matrix, at least that of the affine transform
inlier_ratio             0..1, inliers of all matches
keypoint_coverage        0..1, of the keypoints that could be inliers
unmatched_keypoints      log(1 + keypoints) of the image with fewer, the less the more inliers there are
residual                 pixels of the search, median of the inliers
local_ncc                0..1, mean normalised cross-correlation in small windows
local_ncc_log            0..1, the same on the scale of -log(1 - x)
structured               0..1, the share of the overlap with structure in it
changed                  0..1, root of the share of the overlap that is something else
tone                     log(1 + mean difference of colour / 0.004)
sharpness_log_ratio      0..1.5, without sign
noise_level              log(1 + finest difference / 0.01)
noise_flat_ratio         -2..0.5, log of that difference in smooth places to that in others
mirrored, negative       1 if it is
rotation, tilt           0..1, of 45 degrees, of 2 degrees
anisotropy               0..1, log of the ratio of the two scales, of 0.1
outside_overlap          0..1, logarithmic: of the image that shows more, what the other does not show, if it is a scene
outside_overlap_plain    the same, of what is one plain colour
outside_share            0..1, the larger share outside the overlap
outside_both             0..1, logarithmic: the smaller share outside the overlap
tiny                     1 if the overlap is no larger than an icon
unexplained              0..1, logarithmic: grey levels of the worst block that recompression does not explain
unexplained_spot         0..1, the same of the worst spot, as small as a digit
unexplained_colour       0..1, the same: how many more there are in colour alone
unexplained_coarse       0..1, the same of what is left once both are blurred
unexplained_common       0..1, the same of what is left nearly everywhere
recoloured_part          0..1, root of the share that has another colour while as much kept its own
changed_share            0..1, root of the share of the overlap that recompression does not explain
changed_places           0..1, logarithmic: in how many separate places
changed_unfilled         0..1, how little the largest fills its bounding box
changed_elsewhere        0..1, what is not in the largest
changed_flatness         0..1, of what changed, the share that is one colour, in the image where that is more
changed_flatness_other   0..1, in the other
changed_balance          0..1, contrast there in the image with less of it, as a share of the other's
changed_texture          0..1, how well fine structure still agrees there
changed_noise            0..1, how little the grain agrees where nothing changed
verified                 0..1, how surely keypoints and pixels together verify the alignment
NAME_distance            the descriptor's distance in units of its median negative distance
unverified_NAME_distance the same, the less the better the alignment is verified
======================== ============================================================================================
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from lookalike.comparison.alignment.align import Alignment, PairGeometry
from lookalike.comparison.alignment.transforms import corners, rotation_degrees, transform_points
from lookalike.comparison.alignment.unexplained import Unexplained
from lookalike.comparison.evidence_scales import log_levels, log_tone
from lookalike.descriptors import get
from lookalike.descriptors.base import Described
from lookalike.distance import METRICS
from lookalike.types import Image, Pixels

UNKNOWN_DISTANCE = 1.0  # of unrelated images: it stands for one that cannot be told
VERIFYING_INLIERS = 15  # that verify an alignment, if what lies there agrees
PLAIN_TOLERANCE = 12  # grey levels: what differs less from one colour is plain
MOSTLY_PLAIN = 0.6  # of what is outside the overlap: from here on it is a bar or a border
OUTSIDE_SIDE = 96  # pixels at which what is outside is looked at
MAX_LOCAL_NCC, LOCAL_NCC_LOG_RANGE = 0.995, 5.3  # -log(1 - 0.995) is 5.3
MAX_TONE = 0.2
MAX_SHARPNESS_LOG_RATIO = 1.5
NOISE_UNIT = 0.01
NOISE_FLAT_RANGE = (-2.0, 0.5)
FULL_ROTATION, FULL_TILT = 45.0, 2.0  # degrees
FULL_ANISOTROPY = 0.1
PLAIN_CHANGE = 4.0  # grey levels of a block that recompression does not explain: from here on something changed
FULL_NOISE = 1.0  # grey levels: grain that is as strong is sure to be seen
MANY_PLACES = 33
ICON_SIDE = 100  # pixels of the longer side, of the coarser image

NO_ALIGNMENT: Mapping[str, float] = dict.fromkeys(
    (
        "aligned", "inliers", "epipolar_inliers", "inlier_ratio", "keypoint_coverage", "unmatched_keypoints",
        "residual", "local_ncc", "local_ncc_log", "structured", "changed", "tone", "sharpness_log_ratio",
        "noise_level", "noise_flat_ratio", "mirrored", "rotation", "tilt", "anisotropy", "negative",
        "outside_overlap", "outside_overlap_plain", "outside_share", "outside_both",
        "tiny", "unexplained", "unexplained_spot", "unexplained_colour", "unexplained_coarse", "unexplained_common",
        "recoloured_part", "changed_share", "changed_places", "changed_unfilled", "changed_elsewhere",
        "changed_flatness", "changed_flatness_other", "changed_balance", "changed_texture", "changed_noise",
    ),
    0.0,
)  # fmt: skip


def distance_key(name: str) -> str:
    """The evidence that a descriptor's distance is: "copy_distance"."""
    return f"{name}_distance"


def unverified(key: str) -> str:
    """The evidence that a distance is where nothing verifies the alignment: "unverified_copy_distance"."""
    return f"unverified_{key}"


def distance_evidence(a: Mapping[str, Described], b: Mapping[str, Described]) -> dict[str, float]:
    """ "copy_distance" and so on, between two single images, in units of each card's median negative distance."""
    distances = {}
    for name in a:
        card = get(name).card
        known = min(float(a[name].contrast[0]), float(b[name].contrast[0])) >= card.min_contrast
        distance = float(METRICS[card.metric](a[name].vectors, b[name].vectors)[0, 0]) / card.median_negative_distance
        distances[distance_key(name)] = distance if known else UNKNOWN_DISTANCE
    return distances


def evidence_values(geometry: PairGeometry, distances: Mapping[str, float]) -> dict[str, float]:
    """Evidence by name. ``distances``: as from ``distance_evidence``."""
    values = dict(NO_ALIGNMENT)
    alignment = geometry.alignment
    if alignment is not None:
        values |= _of_match(alignment) | _of_difference(alignment)
        values |= _of_transform(alignment) | _of_outside(geometry.a.image, geometry.b.image, alignment)
        values |= _of_unexplained(alignment.unexplained)
        values["tiny"] = float(max(alignment.overlap.mask.shape) < ICON_SIDE)
    values["epipolar_inliers"] = max(values["inliers"], math.log1p(geometry.epipolar_inliers))
    missing = 1 - _verifying_share(values["inliers"])
    fewer = min(len(geometry.a.keypoints), len(geometry.b.keypoints))
    values["unmatched_keypoints"] = math.log1p(fewer) * missing  # there are keypoints, but none agree
    return with_distances(values, distances)


def with_distances(values: Mapping[str, float], distances: Mapping[str, float]) -> dict[str, float]:
    """``values`` and the distances, which say less of a copy the better the alignment is ``verified``: a small part of
    an image is far from the whole of it by every descriptor."""
    verified = values["local_ncc"] * _verifying_share(values["inliers"])
    weakened = {unverified(key): distance * (1 - verified) for key, distance in distances.items()}
    return {**distances, **weakened, **values, "verified": verified}


def _verifying_share(log_inliers: float) -> float:
    return min(1.0, math.expm1(log_inliers) / VERIFYING_INLIERS)


def _of_match(alignment: Alignment) -> dict[str, float]:
    match = alignment.match
    return {
        "aligned": 1.0,
        "inliers": math.log1p(match.inliers),
        "inlier_ratio": match.inliers / max(match.matches, 1),
        "keypoint_coverage": alignment.keypoint_coverage,
        "residual": match.residual,
        "mirrored": float(match.mirrored),
        "negative": float(match.inverted),
    }


def _of_difference(alignment: Alignment) -> dict[str, float]:
    found = alignment.difference
    ncc, (low, high) = max(found.local_ncc, 0.0), NOISE_FLAT_RANGE
    return {
        "local_ncc": ncc,
        "local_ncc_log": -math.log(1 - min(ncc, MAX_LOCAL_NCC)) / LOCAL_NCC_LOG_RANGE,
        "structured": found.structured,
        "changed": math.sqrt(found.changed),
        "tone": log_tone(min(found.tone, MAX_TONE)),
        "sharpness_log_ratio": min(abs(found.sharpness_log_ratio), MAX_SHARPNESS_LOG_RATIO),
        "noise_level": math.log1p(found.noise_level / NOISE_UNIT),
        "noise_flat_ratio": min(max(found.noise_flat_ratio, low), high),
    }


def _of_unexplained(found: Unexplained | None) -> dict[str, float]:
    """What recompression does not explain. What the changed places are like counts as far as something changed."""
    if found is None:  # too little overlap to see anything: nothing is proved
        return {"unexplained": 1.0, "unexplained_spot": 1.0}
    worst, content = max(found.worst_block, found.worst_chroma), found.content
    plain = min(worst / PLAIN_CHANGE, 1.0)
    noise = min(content.fine_noise_level / FULL_NOISE, 1.0)
    return {
        "unexplained": log_levels(worst),
        "unexplained_spot": log_levels(found.worst_spot),
        "unexplained_colour": log_levels(max(found.worst_chroma - found.worst_block, 0.0)),
        "unexplained_coarse": log_levels(found.coarse_block),
        "unexplained_common": log_levels(found.common_block),
        "recoloured_part": math.sqrt(2 * found.recoloured_part),
        "changed_share": math.sqrt(content.share),
        "changed_places": min(math.log1p(content.places) / math.log(MANY_PLACES), 1.0),
        "changed_unfilled": plain * (1 - content.largest_fill),
        "changed_elsewhere": plain * (1 - content.largest_share),
        "changed_flatness": plain * content.flatness,
        "changed_flatness_other": plain * content.other_flatness,
        "changed_balance": plain * content.edge_balance,
        "changed_texture": plain * max(content.kept_texture, 0.0),
        "changed_noise": plain * noise * (1 - max(content.noise_correlation, 0.0)),
    }


def _of_transform(alignment: Alignment) -> dict[str, float]:
    """What a rotation and a stretch leave."""
    matrix = alignment.match.matrix
    degrees = abs(rotation_degrees(matrix))
    large, small = np.linalg.svd(matrix[:2, :2], compute_uv=False)
    return {
        "rotation": min(degrees / FULL_ROTATION, 1.0),
        "tilt": min(degrees / FULL_TILT, 1.0),
        "anisotropy": min(math.log(large / small) / FULL_ANISOTROPY, 1.0),
    }


def _of_outside(a: Image, b: Image, alignment: Alignment) -> dict[str, float]:
    """What a crop and a border leave."""
    scene, plain = _outside_shares(a, b, alignment)
    return {
        "outside_overlap": _log_share(scene),
        "outside_overlap_plain": _log_share(plain),
        "outside_share": max(alignment.outside_a, alignment.outside_b),
        "outside_both": _log_share(min(alignment.outside_a, alignment.outside_b)),
    }


def _log_share(share: float) -> float:
    """0..1 on a scale of ratios, for shares from one in a hundred up."""
    return math.log1p(100 * share) / math.log(101)


def _outside_shares(a: Image, b: Image, alignment: Alignment) -> tuple[float, float]:
    """The share of the image that shows more which the other does not show: what is no plain colour, and what is."""
    outer, share = (a, alignment.outside_a) if alignment.box_in == "a" else (b, alignment.outside_b)
    outside = _outside_pixels(outer, alignment)
    if not len(outside):
        return share, 0.0
    plain = _plain_share(outside)
    return share * (1 - plain), share * plain


def _outside_pixels(outer: Image, alignment: Alignment) -> Pixels:
    """(N, 3) of the image that shows more, reduced, where the overlap does not reach."""
    part = alignment.overlap
    to_outer = part.to_a if alignment.box_in == "a" else part.to_b
    height, width = part.mask.shape
    side = OUTSIDE_SIDE
    small = cv2.resize(outer.pixels, (side, side), interpolation=cv2.INTER_AREA)
    shrink = np.diag([side / outer.width, side / outer.height, 1.0])
    polygon = np.rint(transform_points(shrink @ to_outer, corners(width, height)) * 16 - 8).astype(np.int32)
    covered = np.zeros((side, side), np.uint8)
    cv2.fillConvexPoly(covered, polygon, 1, shift=4)
    covered = np.asarray(cv2.dilate(covered, np.ones((3, 3), np.uint8)), np.uint8)  # what is half of each is neither
    return np.asarray(small[covered == 0], np.uint8)


def _plain_share(pixels: NDArray[np.uint8]) -> float:
    """The share of these (N, 3) pixels that have the commonest colour, give or take PLAIN_TOLERANCE; where most have,
    what is written on it in one other colour is plain as well."""
    common = np.median(pixels, axis=0)
    away = pixels - common
    bare = np.abs(away).max(1) <= PLAIN_TOLERANCE
    if bare.mean() < MOSTLY_PLAIN or bare.all():
        return float(bare.mean())
    ink = away[np.linalg.norm(away, axis=1).argmax()]
    along = away @ ink / (ink @ ink)
    return float((bare | (np.abs(away - along[:, None] * ink).max(1) <= 2 * PLAIN_TOLERANCE)).mean())
