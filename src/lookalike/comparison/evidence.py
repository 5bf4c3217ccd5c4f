"""What speaks for and against two images being related: a few named numbers, measured once.

``examine`` lays one image on the other and measures; ``relation.py`` weighs what it found. Every number is the same,
or its sign alone is changed, when the two images change places.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from lookalike.comparison.alignment.ecc import lay
from lookalike.comparison.alignment.matching import (
    Matrix,
    Placement,
    corners,
    inverse,
    moved,
    place,
    seen_from_two_places,
    snapped,
    turn_of,
)
from lookalike.comparison.alignment.orientations import between, nearest
from lookalike.comparison.alignment.overlap import Difference, Overlap, difference, overlap, refined
from lookalike.descriptors.keypoints import Keypoints, keypoints
from lookalike.types import Box, Floats, Image

FEW = 12  # inliers below which the images are laid on one another without keypoints as well
MOSTLY = 0.6  # of what is beyond the other image: from here on it is a bar or a border
MANY, EXACT = 100, 0.25  # inliers and pixels of residual from which on a transform is as exact as it gets
ENOUGH = 15  # inliers that prove a place, if what lies there agrees
PLAIN = 12  # grey levels: what differs less from one colour is plain
SIDE = 400  # pixels of the shorter side at which an image is to be read


@dataclass(frozen=True, slots=True)
class Subject:
    """An image that is to be compared, with its keypoints, which are found once."""

    image: Image
    points: Keypoints


def subject(image: Image) -> Subject:
    return Subject(image, keypoints(image))


@dataclass(frozen=True, slots=True)
class Finding:
    """How a lies on b and what differs there. ``outside_a``, ``outside_b``: the share of each image that the other
    does not show. ``shared``: the share of the keypoints that could be inliers which are."""

    placement: Placement
    part: Overlap
    difference: Difference
    outside_a: float
    outside_b: float
    shared: float = 0.0

    def seen_from_the_other(self) -> Finding:
        """The same with a and b in each other's place."""
        placed, part = self.placement, self.part
        return Finding(
            replace(placed, matrix=inverse(placed.matrix), a=placed.b, b=placed.a),
            replace(part, a=part.b, b=part.a, to_a=part.to_b, to_b=part.to_a),
            replace(self.difference, detail=-self.difference.detail),
            self.outside_b,
            self.outside_a,
            self.shared,
        )

    @property
    def box_in(self) -> str:
        """Which image shows more, so that the other lies within it: "a" or "b"."""
        return "a" if self.outside_a > self.outside_b else "b"


def examine(a: Subject, b: Subject) -> Finding | None:
    """How a lies on b, or None where nothing says that it does. Seen from b it is the same, to the last digit."""
    if _order(a.image) > _order(b.image):
        found = _examined(b, a)
        return found and found.seen_from_the_other()
    return _examined(a, b)


def _order(image: Image) -> tuple[int, int, int]:
    return image.width * image.height, image.width, zlib.crc32(image.pixels.tobytes())


def _examined(a: Subject, b: Subject) -> Finding | None:
    placed = place(a.points, b.points)
    found = _found(a.image, b.image, placed) if placed else None
    if placed and found:
        found = replace(found, shared=_shared(a.points, b.points, placed))
    if found is None or found.placement.inliers < FEW:
        laid = lay(a.image, b.image)
        other = _found(a.image, b.image, laid) if laid else None
        if other and (found is None or other.difference.agreement > found.difference.agreement):
            return other
    return found


def _found(a: Image, b: Image, placed: Placement) -> Finding | None:
    """With a transform from few or inexact points moved into place, where that makes the two agree better."""
    found = _as_placed(a, b, placed)
    if found is None or (placed.inliers >= MANY and placed.residual <= EXACT):
        return found
    matrix = refined(found.part, placed.inverted)
    better = None if matrix is None else _as_placed(a, b, replace(placed, matrix=matrix))
    return better if better and better.difference.agreement > found.difference.agreement else found


def _as_placed(a: Image, b: Image, placed: Placement) -> Finding | None:
    whole = between(nearest(placed.matrix), (a.width, a.height), (b.width, b.height))
    placed = replace(placed, matrix=snapped(placed.matrix, whole, (a.width, a.height)))
    part = overlap(a, b, placed.matrix)
    if part is None:
        return None
    outside = _outside(a, b, placed.matrix), _outside(b, a, inverse(placed.matrix))
    return Finding(placed, part, difference(part, placed.inverted), *outside)


def _shared(a: Keypoints, b: Keypoints, placed: Placement) -> float:
    """Of the image that has fewer keypoints where the two overlap."""
    there = [_near(a.points, placed.a), _near(b.points, placed.b)]
    return min(1.0, placed.inliers / max(min(there), 1))


def _near(points: Floats, inliers: Floats) -> int:
    """How many of the points lie in the convex hull of the inliers."""
    hull = cv2.convexHull(inliers)
    return sum(cv2.pointPolygonTest(hull, (float(x), float(y)), False) >= 0 for x, y in points)


def _outside(a: Image, b: Image, matrix: Matrix) -> float:
    """The share of a that does not lie on b."""
    polygon = moved(matrix, corners(a.width, a.height)).astype(np.float32)
    frame = corners(b.width, b.height).astype(np.float32)
    area, whole = cv2.intersectConvexConvex(polygon, frame)[0], cv2.contourArea(polygon)
    return float(np.clip(1 - area / whole, 0, 1)) if whole > 0 else 1.0


def box_of(finding: Finding, a: Image, b: Image) -> Box:
    """Where the one image lies in the one that shows more (``box_in``), in pixels of the upright original."""
    inner, outer, matrix = (a, b, finding.placement.matrix)
    if finding.box_in == "a":
        inner, outer, matrix = b, a, inverse(matrix)
    place_ = moved(matrix, corners(inner.width, inner.height))
    low = np.clip(place_.min(0), 0, (outer.width, outer.height))
    high = np.clip(place_.max(0), 0, (outer.width, outer.height))
    x, y, width, height = (float(value) for value in (*low, *(high - low)))
    return Box(x, y, width, height)


# --- as numbers


def measured(a: Subject, b: Subject, finding: Finding | None, distances: Mapping[str, float]) -> dict[str, float]:
    """Evidence by name. ``distances``: what the vectors say, see decision.py."""
    found = dict(NOTHING)
    if finding is not None:
        found |= _of_points(finding) | _of_pixels(finding) | _of_shape(a.image, b.image, finding)
    found["views"] = max(found["inliers"], math.log1p(_views(a, b)))
    missing = 1 - min(1.0, math.expm1(found["inliers"]) / ENOUGH)
    found["missed"] = math.log1p(min(len(a.points), len(b.points))) * missing  # there are points, but none agree
    return with_distances(found, distances)


def _views(a: Subject, b: Subject) -> int:
    first, second = (a, b) if _order(a.image) <= _order(b.image) else (b, a)
    return seen_from_two_places(first.points, second.points)


def with_distances(found: Mapping[str, float], distances: Mapping[str, float]) -> dict[str, float]:
    """``found`` and the distances, which say less of a copy the better its place is ``proved``: a small part of an
    image is far from the whole of it in every one of them."""
    proved = found["agreement"] * min(1.0, math.expm1(found["inliers"]) / ENOUGH)
    unproved = {f"unproved {name}": distance * (1 - proved) for name, distance in distances.items()}
    return {**distances, **unproved, **found, "proved": proved}


NOTHING: Mapping[str, float] = {
    "placed": 0.0, "inliers": 0.0, "views": 0.0, "held": 0.0, "shared": 0.0, "missed": 0.0, "residual": 0.0,
    "agreement": 0.0, "alike": 0.0, "structured": 0.0, "changed": 0.0, "tone": 0.0, "sharpness": 0.0, "grain": 0.0,
    "even": 0.0, "mirrored": 0.0, "turned": 0.0, "tilted": 0.0, "stretched": 0.0, "negative": 0.0,
    "beyond": 0.0, "beyond plain": 0.0, "beyond much": 0.0, "shifted": 0.0,
}  # fmt: skip


def _of_points(finding: Finding) -> dict[str, float]:
    placement = finding.placement
    return {
        "placed": 1.0,
        "inliers": math.log1p(placement.inliers),
        "held": placement.inliers / max(placement.matches, 1),
        "shared": finding.shared,
        "residual": placement.residual,
        "mirrored": float(placement.mirrored),
        "negative": float(placement.inverted),
    }


def _of_pixels(finding: Finding) -> dict[str, float]:
    found = finding.difference
    return {
        "agreement": max(found.agreement, 0.0),
        "alike": -math.log(1 - min(max(found.agreement, 0.0), 0.995)) / 5.3,
        "structured": found.structured,
        "changed": math.sqrt(found.changed),
        "tone": math.log1p(min(found.tone, 0.2) / 0.004),
        "sharpness": min(abs(found.detail), 1.5),
        "grain": math.log1p(found.grain / 0.01),
        "even": min(max(found.even, -2.0), 0.5),
    }


def _of_shape(a: Image, b: Image, finding: Finding) -> dict[str, float]:
    """What a turn, a stretch and a crop leave."""
    matrix = finding.placement.matrix
    turn = abs(turn_of(matrix))
    large, small = np.linalg.svd(matrix[:2, :2], compute_uv=False)
    scene, plain = _beyond(a, b, finding)
    return {
        "turned": min(turn / 45, 1.0),
        "tilted": min(turn / 2, 1.0),
        "stretched": min(math.log(large / small) / 0.1, 1.0),
        "beyond": _saturated(scene),
        "beyond plain": _saturated(plain),
        "beyond much": max(finding.outside_a, finding.outside_b),
        "shifted": _saturated(min(finding.outside_a, finding.outside_b)),
    }


def _saturated(share: float) -> float:
    """0..1 on a scale of ratios, for shares from one in a hundred up."""
    return math.log1p(100 * share) / math.log(101)


def _beyond(a: Image, b: Image, finding: Finding) -> tuple[float, float]:
    """The share of the image that shows more which the other does not show: what is no plain colour, and what is."""
    outer, to_outer = (a, finding.part.to_a) if finding.box_in == "a" else (b, finding.part.to_b)
    height, width = finding.part.mask.shape
    small = cv2.resize(outer.pixels, (96, 96), interpolation=cv2.INTER_AREA)
    shrink = np.diag([96 / outer.width, 96 / outer.height, 1.0])
    polygon = np.rint(moved(shrink @ to_outer, corners(width, height)) * 16 - 8).astype(np.int32)
    covered = np.zeros((96, 96), np.uint8)
    cv2.fillConvexPoly(covered, polygon, 1, shift=4)
    covered = np.asarray(cv2.dilate(covered, np.ones((3, 3), np.uint8)), np.uint8)  # what is half of each is neither
    share = finding.outside_a if finding.box_in == "a" else finding.outside_b
    outside = small[covered == 0]
    if not len(outside):
        return share, 0.0
    plain = _plain(outside)
    return share * (1 - plain), share * plain


def _plain(pixels: NDArray[np.uint8]) -> float:
    """The share of these (N, 3) pixels that have the commonest colour, give or take PLAIN; where most have, what is
    written on it in one other colour is plain as well."""
    common = np.median(pixels, axis=0)
    away = pixels - common
    bare = np.abs(away).max(1) <= PLAIN
    if bare.mean() < MOSTLY or bare.all():
        return float(bare.mean())
    ink = away[np.linalg.norm(away, axis=1).argmax()]
    along = away @ ink / (ink @ ink)
    return float((bare | (np.abs(away - along[:, None] * ink).max(1) <= 2 * PLAIN)).mean())
