"""Two images -> how the one lies on the other, and what differs there: by keypoints, else by ECC, or not at all.

Everything is the same, or its direction alone is changed, when the two images change places.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace

import cv2
import numpy as np

from lookalike.comparison.alignment.difference import Difference, difference
from lookalike.comparison.alignment.ecc import align_ecc, refine_ecc
from lookalike.comparison.alignment.matching import AffineMatch, estimate_affine, match_images
from lookalike.comparison.alignment.orientations import nearest_orientation, orientation_matrix
from lookalike.comparison.alignment.overlap import Overlap, overlap
from lookalike.comparison.alignment.transforms import Matrix, corners, inverse, snap_to_orientation, transform_points
from lookalike.comparison.alignment.unexplained import Unexplained, unexplained
from lookalike.descriptors.keypoints import Keypoints, keypoints
from lookalike.types import Box, Floats, Image, Side

LOAD_MIN_SIDE = 400  # pixels of the shorter side that an image to be aligned is read with
FEW_INLIERS = 12  # below these ECC is tried as well
EXACT_INLIERS, EXACT_RESIDUAL = 100, 0.25  # inliers and pixels from which on a transform is not refined


@dataclass(frozen=True, slots=True)
class KeypointImage:
    """An image that is to be aligned, with its keypoints, which are found once."""

    image: Image
    keypoints: Keypoints


def with_keypoints(image: Image) -> KeypointImage:
    """The image with its keypoints, which are found now."""
    return KeypointImage(image, keypoints(image))


@dataclass(frozen=True, slots=True)
class Alignment:
    """How a lies on b and what differs there. ``outside_a``, ``outside_b``: 0..1, the share of each image that the
    other does not show. ``keypoint_coverage``: 0..1, of the keypoints that could be inliers the share that are.
    ``unexplained``: what differs beyond recompression, the same seen from either side."""

    match: AffineMatch
    overlap: Overlap
    difference: Difference
    outside_a: float
    outside_b: float
    keypoint_coverage: float = 0.0
    unexplained: Unexplained | None = None

    def reversed(self) -> Alignment:
        """The same with a and b in each other's place."""
        match = self.match
        return Alignment(
            replace(match, matrix=inverse(match.matrix), a=match.b, b=match.a),
            self.overlap.reversed(),
            self.difference.reversed(),
            self.outside_b,
            self.outside_a,
            self.keypoint_coverage,
            self.unexplained,
        )

    @property
    def box_in(self) -> Side:
        """Which image shows more, so that the other lies within it: "a" or "b"."""
        return "a" if self.outside_a > self.outside_b else "b"


@dataclass(frozen=True, slots=True)
class PairGeometry:
    """All that keypoints and pixels say of two images. ``alignment``: None where nothing says that a lies on b.
    ``epipolar_inliers``: the matches that two photographs of one scene could have, whether it is flat or not."""

    a: KeypointImage
    b: KeypointImage
    alignment: Alignment | None
    epipolar_inliers: int


def pair_geometry(a: KeypointImage, b: KeypointImage) -> PairGeometry:
    """The alignment of two images and their epipolar inliers."""
    first, second = in_fixed_order(a, b)
    matches = match_images(first.keypoints, second.keypoints)
    found = _explained(first, second, matches.affine)
    return PairGeometry(a, b, _seen_from(a, first, found), matches.epipolar_inliers)


def align_images(a: KeypointImage, b: KeypointImage) -> Alignment | None:
    """How a lies on b, or None where nothing says that it does. Seen from b it is the same, to the last digit."""
    first, second = in_fixed_order(a, b)
    return _seen_from(a, first, _explained(first, second, estimate_affine(first.keypoints, second.keypoints)))


def _seen_from(a: KeypointImage, first: KeypointImage, found: Alignment | None) -> Alignment | None:
    return found if found is None or first is a else found.reversed()


def _explained(a: KeypointImage, b: KeypointImage, match: AffineMatch | None) -> Alignment | None:
    """The alignment with what it leaves unexplained. ``match``: by keypoints."""
    found = _align(a, b, match)
    if found is None:
        return None
    matrix, changed = found.match.matrix, found.difference.mask
    return replace(found, unexplained=unexplained(a.image, b.image, matrix, changed, found.match.inverted))


def in_fixed_order(a: KeypointImage, b: KeypointImage) -> tuple[KeypointImage, KeypointImage]:
    """Both in the order in which they are compared, whichever is given first."""
    return (a, b) if _order(a.image) <= _order(b.image) else (b, a)


def _order(image: Image) -> tuple[int, int, int]:
    return image.width * image.height, image.width, zlib.crc32(image.pixels.tobytes())


def _align(a: KeypointImage, b: KeypointImage, match: AffineMatch | None) -> Alignment | None:
    found = _by_keypoints(a, b, match)
    if found is not None and found.match.inliers >= FEW_INLIERS:
        return found
    whole = align_ecc(a.image, b.image)
    other = _refined(a.image, b.image, whole) if whole else None
    is_better = other and (found is None or other.difference.local_ncc > found.difference.local_ncc)
    return other if is_better else found


def _by_keypoints(a: KeypointImage, b: KeypointImage, match: AffineMatch | None) -> Alignment | None:
    found = _refined(a.image, b.image, match) if match else None
    if match is None or found is None:
        return None
    return replace(found, keypoint_coverage=_keypoint_coverage(a.keypoints, b.keypoints, match))


def _refined(a: Image, b: Image, match: AffineMatch) -> Alignment | None:
    """With a transform from few or inexact points refined by ECC, where that makes the two agree better."""
    found = _measure(a, b, match)
    if found is None or (match.inliers >= EXACT_INLIERS and match.residual <= EXACT_RESIDUAL):
        return found
    matrix = refine_ecc(found.overlap, match.inverted)
    better = None if matrix is None else _measure(a, b, replace(match, matrix=matrix))
    return better if better and better.difference.local_ncc > found.difference.local_ncc else found


def _measure(a: Image, b: Image, match: AffineMatch) -> Alignment | None:
    """The overlap by this transform, and what differs there; None if there is hardly any."""
    whole = orientation_matrix(nearest_orientation(match.matrix), (a.width, a.height), (b.width, b.height))
    match = replace(match, matrix=snap_to_orientation(match.matrix, whole, (a.width, a.height)))
    part = overlap(a, b, match.matrix)
    if part is None:
        return None
    outside = _outside(a, b, match.matrix), _outside(b, a, inverse(match.matrix))
    return Alignment(match, part, difference(part, match.inverted), *outside)


def _keypoint_coverage(a: Keypoints, b: Keypoints, match: AffineMatch) -> float:
    """Of the image that has fewer keypoints where the inliers are."""
    there = [_count_within(a.points, match.a), _count_within(b.points, match.b)]
    return min(1.0, match.inliers / max(min(there), 1))


def _count_within(points: Floats, inliers: Floats) -> int:
    """How many of the points lie in the convex hull of the inliers."""
    hull = cv2.convexHull(inliers)[:, 0].astype(np.float64)
    sides = np.roll(hull, -1, axis=0) - hull  # a point within lies on the same side of all
    there = points.astype(np.float64)[:, None] - hull
    side_of = sides[:, 0] * there[..., 1] - sides[:, 1] * there[..., 0]
    return int(((side_of >= 0).all(1) | (side_of <= 0).all(1)).sum())


def _outside(a: Image, b: Image, matrix: Matrix) -> float:
    """The share of a that does not lie on b."""
    polygon = transform_points(matrix, corners(a.width, a.height)).astype(np.float32)
    frame = corners(b.width, b.height).astype(np.float32)
    area, whole = cv2.intersectConvexConvex(polygon, frame)[0], cv2.contourArea(polygon)
    return float(np.clip(1 - area / whole, 0, 1)) if whole > 0 else 1.0


def inner_box(alignment: Alignment, a: Image, b: Image) -> Box:
    """Where the one image lies in the one that shows more (``box_in``), in pixels of the upright original."""
    inner, outer, matrix = (a, b, alignment.match.matrix)
    if alignment.box_in == "a":
        inner, outer, matrix = b, a, inverse(matrix)
    outline = transform_points(matrix, corners(inner.width, inner.height))
    low = np.clip(outline.min(0), 0, (outer.width, outer.height))
    high = np.clip(outline.max(0), 0, (outer.width, outer.height))
    x, y, width, height = (float(value) for value in (*low, *(high - low)))
    return Box(x, y, width, height)
