"""Two images -> what they have to do with each other: features, geometry, evidence, relation, in this order."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lookalike.comparison.alignment.orientations import nearest_orientation
from lookalike.comparison.calibration import Calibration, library_prior
from lookalike.comparison.edit_classifier import classify_relation, detect_edits
from lookalike.comparison.scoring import RelationScore
from lookalike.descriptors import describe_all, get, min_side, shipped_names
from lookalike.descriptors.base import Described
from lookalike.distance import METRICS
from lookalike.imaging import ImageSource, as_image
from lookalike.logistic import scalar_sigmoid
from lookalike.types import Comparison, Image, Side

if TYPE_CHECKING:  # they bring OpenCV along, which waits for the first image
    from lookalike.comparison.alignment.align import Alignment, KeypointImage, PairGeometry

COMPARED_AMONG = 1000  # nobody compares at random: b is taken for the nearest to a among so many images
PRIOR = library_prior(COMPARED_AMONG)
COMPARISON_DESCRIPTORS = ("colour", "texture", "structure", "copy", "content")  # whose distances relation.toml weighs
OTHER_FRAMES = -7.0  # log-odds of a copy where other frames or pages show something else
MIN_CROP_SHARE = 0.02  # of an image: where less of it is outside the overlap there is no crop


@dataclass(frozen=True, slots=True)
class ComparisonInput:
    """An image with all that a comparison needs of it, found once: its keypoints and its vectors. ``source``: where it
    can be read again, at a larger scale; None if it cannot."""

    keypoint_image: KeypointImage
    described: Mapping[str, Described]
    source: str | os.PathLike[str] | bytes | None = None

    @property
    def image(self) -> Image:
        """The image itself."""
        return self.keypoint_image.image


def extract_features(source: ImageSource, names: Sequence[str] = COMPARISON_DESCRIPTORS) -> ComparisonInput:
    """Load an image and find what a comparison needs. Raises LoadError for one that cannot be read."""
    from lookalike.comparison.alignment.align import LOAD_MIN_SIDE, with_keypoints

    image = as_image(source, min_side=max(LOAD_MIN_SIDE, min_side(names)))
    again = source if isinstance(source, str | os.PathLike | bytes) else image.path
    return ComparisonInput(with_keypoints(image), describe_all([image], names), again)


def compare(a: ImageSource, b: ImageSource) -> Comparison:
    """The relation of two images, its probability, every distance, and where the one lies on the other.

    The probability is that of a search which found b for a in a small library (COMPARED_AMONG).
    Raises LoadError for an image that cannot be read."""
    names = shipped_names()
    return compare_features(extract_features(a, names), extract_features(b, names))


def compare_features(
    a: ComparisonInput, b: ComparisonInput, prior: float = PRIOR, own: Calibration | None = None
) -> Comparison:
    """The same from features. ``prior``, ``own``: as for ``classify_relation``."""
    from lookalike.comparison.alignment.align import pair_geometry

    return compare_aligned(a, b, pair_geometry(a.keypoint_image, b.keypoint_image), prior, own)


def compare_aligned(
    a: ComparisonInput,
    b: ComparisonInput,
    geometry: PairGeometry,
    prior: float = PRIOR,
    own: Calibration | None = None,
) -> Comparison:
    """The same once it is known how the two lie on one another."""
    evidence = _evidence(a, b, geometry)
    score = _same_image(a.image, b.image) or classify_relation(evidence, prior, own)
    if score.relation == "re-encoded" and geometry.alignment is not None and math.isfinite(score.odds):
        geometry = _at_a_finer_scale(a, b, geometry)
        evidence = _evidence(a, b, geometry)
        score = classify_relation(evidence, prior, own)
    score, note = _over_frames(a.image, b.image, geometry.alignment, score)
    is_copy, alignment = score.odds >= 0, geometry.alignment
    edits = detect_edits(evidence) if is_copy and score.relation not in ("identical", "re-encoded") else ()
    shown = alignment if is_copy or score.relation == "variant" else None
    place = _place(shown, a.image, b.image) if shown is not None else {}
    return Comparison(
        relation=score.relation,
        probability=score.probability,
        distances={n: _distance(n, a.described[n], b.described[n]) for n in a.described},
        inliers=alignment.match.inliers if alignment is not None else 0,
        edits=note or edits,
        edited_in=_edited_in(alignment, edits, evidence) if alignment and is_copy else {},
        odds=score.odds if math.isfinite(score.odds) else None,
        evidence=evidence,
        **place,
    )


def _evidence(a: ComparisonInput, b: ComparisonInput, geometry: PairGeometry) -> dict[str, float]:
    from lookalike.comparison.evidence import distance_evidence, evidence_values

    first, second = ({n: one.described[n] for n in COMPARISON_DESCRIPTORS} for one in (a, b))
    return evidence_values(geometry, distance_evidence(first, second))


def _at_a_finer_scale(a: ComparisonInput, b: ComparisonInput, geometry: PairGeometry) -> PairGeometry:
    """What large images differ by at a finer scale: before a proof, nothing may be too small to be seen."""
    from lookalike.comparison.fine_look import can_be_finer, fine_look, is_too_coarse

    possible = all(can_be_finer(one.image, one.source) for one in (a, b))
    if geometry.alignment is None or not possible or not is_too_coarse(a.image, b.image):
        return geometry
    return replace(geometry, alignment=fine_look(a.image, b.image, (a.source, b.source), geometry.alignment))


def _edited_in(alignment: Alignment, edits: Sequence[str], evidence: Mapping[str, float]) -> dict[str, Side]:
    from lookalike.comparison.edit_direction import edit_direction

    return edit_direction(alignment, edits, evidence)


def _place(alignment: Alignment, a: Image, b: Image) -> dict[str, Any]:
    """The fields of a Comparison that say how a copy lies on the other."""
    from lookalike.comparison.alignment.align import inner_box

    matrix = alignment.match.matrix
    place: dict[str, Any] = {"transform": matrix, "orientation": nearest_orientation(matrix)}
    if max(alignment.outside_a, alignment.outside_b) > MIN_CROP_SHARE:
        place |= {"box": inner_box(alignment, a, b), "box_in": alignment.box_in}
    return place


def _over_frames(
    a: Image, b: Image, alignment: Alignment | None, score: RelationScore
) -> tuple[RelationScore, tuple[str, ...]]:
    """The score once all frames or pages are looked at, and a note if they say that it is no copy after all."""
    if a.frames == b.frames == 1 or score.odds < 0 or score.relation == "identical":
        return score, ()
    from lookalike.comparison.frames import same_frames

    if same_frames(a, b, alignment.match.matrix if alignment is not None else None):
        return score, ()
    note = "animated" if "animation" in (a.sequence, b.sequence) else "other pages"
    return RelationScore("variant", scalar_sigmoid(OTHER_FRAMES), OTHER_FRAMES), (note,)


def _same_image(a: Image, b: Image) -> RelationScore | None:
    """What can be said without any descriptor, of blank images too."""
    if a.sha256 and a.sha256 == b.sha256:
        return RelationScore("identical", 1.0, math.inf)
    is_all = a.hidden == b.hidden  # what loading throws away is thrown away alike
    if is_all and (a.width, a.height) == (b.width, b.height) and np.array_equal(a.pixels, b.pixels):
        return RelationScore("re-encoded", 1.0, math.inf)
    return None


def _distance(name: str, a: Described, b: Described) -> float:
    return float(METRICS[get(name).card.metric](a.vectors, b.vectors)[0, 0])
