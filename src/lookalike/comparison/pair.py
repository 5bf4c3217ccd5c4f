"""Two images -> what they have to do with each other."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lookalike.comparison.alignment.orientations import nearest
from lookalike.comparison.calibration import Calibration, library_prior
from lookalike.comparison.edit_classifier import decide, distances_for, edits_told
from lookalike.comparison.scoring import RelationScore
from lookalike.descriptors import DESCRIPTORS, describe_all, get, min_side
from lookalike.descriptors.base import Described
from lookalike.descriptors.neural import model_store
from lookalike.distance import METRICS
from lookalike.imaging import ImageSource, as_image
from lookalike.types import Comparison, Image

if TYPE_CHECKING:
    from lookalike.comparison.evidence import Finding, Subject

PICKED_FROM = 1000  # nobody compares at random: b is taken for the nearest to a among so many strangers
PRIOR = library_prior(PICKED_FROM)
COMPARISON_DESCRIPTORS = ("colour", "texture", "structure", "copy", "content")  # whose distances the decision weighs
WHOLE = 0.02  # of an image: what is hidden of it or beyond it below this is nobody's crop

Source = ImageSource  # a path, bytes, a file, an Image, a Pillow image or an array


@dataclass(frozen=True, slots=True)
class ComparisonInput:
    """An image with all that a comparison needs of it, found once: its keypoints and its vectors."""

    subject: Subject
    described: Mapping[str, Described]

    @property
    def image(self) -> Image:
        return self.subject.image


def extract_features(source: Source, names: Sequence[str] = COMPARISON_DESCRIPTORS) -> ComparisonInput:
    """Load an image and find what a comparison needs. Raises LoadError for one that cannot be read."""
    from lookalike.comparison.evidence import SIDE, subject  # brings OpenCV along: not before the first image

    image = as_image(source, min_side=max(SIDE, min_side(names)))
    return ComparisonInput(subject(image), describe_all([image], names))


def compare(a: Source, b: Source) -> Comparison:
    """The relation of two images, its probability, every distance, and where the one lies on the other.

    The probability is that of a search which found b for a in a small library (PICKED_FROM).
    Raises LoadError for an image that cannot be read."""
    names = [
        *DESCRIPTORS,
        *(output.name for model in model_store.shipped() if not model.regions for output in model.outputs),
    ]
    return relate(extract_features(a, names), extract_features(b, names))


def relate(a: ComparisonInput, b: ComparisonInput, prior: float = PRIOR, own: Calibration | None = None) -> Comparison:
    """The same for images that were looked at already. ``prior``, ``own``: as for ``decide``."""
    from lookalike.comparison.evidence import examine

    return related(a, b, examine(a.subject, b.subject), prior, own)


def related(
    a: ComparisonInput,
    b: ComparisonInput,
    finding: Finding | None,
    prior: float = PRIOR,
    own: Calibration | None = None,
) -> Comparison:
    """The same once it is known how the two lie on one another."""
    from lookalike.comparison.evidence import box_of, measured

    told = distances_for(*({n: looked.described[n] for n in COMPARISON_DESCRIPTORS} for looked in (a, b)))
    evidence = measured(a.subject, b.subject, finding, told)
    judged = _same_image(a.image, b.image) or decide(evidence, prior, own)
    shown = finding if finding is not None and judged.odds >= 0 else None
    is_part = shown is not None and max(shown.outside_a, shown.outside_b) > WHOLE
    return Comparison(
        relation=judged.relation,
        probability=judged.probability,
        distances={n: _distance(n, a.described[n], b.described[n]) for n in a.described},
        box=box_of(shown, a.image, b.image) if shown and is_part else None,
        box_in=shown.box_in if shown and is_part else None,
        transform=shown.placement.matrix if shown else None,
        turn=nearest(shown.placement.matrix) if shown else "upright",
        inliers=finding.placement.inliers if finding else 0,
        edits=edits_told(evidence) if judged.relation not in ("identical", "re-encoded") and judged.odds >= 0 else (),
        odds=judged.odds if math.isfinite(judged.odds) else None,
        evidence=evidence,
    )


def _same_image(a: Image, b: Image) -> RelationScore | None:
    """What can be said without any descriptor, of blank images too."""
    if a.sha256 and a.sha256 == b.sha256:
        return RelationScore("identical", 1.0, math.inf)
    if (a.width, a.height) == (b.width, b.height) and np.array_equal(a.pixels, b.pixels):
        return RelationScore("re-encoded", 1.0, math.inf)
    return None


def _distance(name: str, a: Described, b: Described) -> float:
    return float(METRICS[get(name).card.metric](a.vectors, b.vectors)[0, 0])
