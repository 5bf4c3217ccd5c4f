"""What an audit finds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lookalike.types import Failure, Group, LabelError, Relation, Result


@dataclass(frozen=True, slots=True)
class ImageFinding(Result):
    """An image that stands out: its ``value`` is beyond the ``limit``, and ``reason`` says in words what that is."""

    path: str
    value: float
    limit: float
    reason: str


@dataclass(frozen=True, slots=True)
class LeakedImage:
    """One image of a leak. ``relation``, ``probability``: to the first image of the leak; None of that one itself."""

    path: str
    split: str
    relation: Relation | None = None
    probability: float | None = None


@dataclass(frozen=True, slots=True)
class Leak(Result):
    """Copies of one image in more than one split."""

    images: tuple[LeakedImage, ...]

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that share the image, by name."""
        return tuple(sorted({one.split for one in self.images}))


@dataclass(frozen=True, slots=True)
class ClassBalance(Result):
    """How the labelled images share out among the classes.

    ``counts``: class -> split -> images, the commonest class first; without splits all are of the split "".
    ``imbalance``: how many times as many images the commonest class has as the rarest. ``effective_classes``: the
    exponential of the entropy, as many equally common classes would be as even. ``rare``: classes with less than a
    tenth of an even share. ``missing``: (class, split) where a split has no image of a class."""

    counts: Mapping[str, Mapping[str, int]]
    imbalance: float
    effective_classes: float
    rare: tuple[str, ...]
    missing: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Audit(Result):
    """The report of a data set.

    ``images``: how many could be read. ``splits``: split -> images, none if there are fewer than two. ``duplicates``:
    groups of copies whose images are all of one split; ``leaks``: those of several. ``damaged``: files that can be
    decoded, though something is wrong with them; ``failed``: that cannot be read at all. ``class_balance``,
    ``label_errors``: None where too few labels are known. ``notes``: what could not be checked, and why."""

    images: int
    splits: Mapping[str, int]
    leaks: tuple[Leak, ...]
    duplicates: tuple[Group, ...]
    outliers: tuple[ImageFinding, ...]
    blank: tuple[ImageFinding, ...]
    dark: tuple[ImageFinding, ...]
    blurred: tuple[ImageFinding, ...]
    odd_sizes: tuple[ImageFinding, ...]
    odd_shapes: tuple[ImageFinding, ...]
    damaged: tuple[Failure, ...]
    failed: tuple[Failure, ...]
    class_balance: ClassBalance | None
    label_errors: tuple[LabelError, ...] | None
    notes: tuple[str, ...]
