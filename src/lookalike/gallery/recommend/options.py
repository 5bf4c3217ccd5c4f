"""What of a recommendation may be chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lookalike.distance import normalise_weights
from lookalike.errors import UserError
from lookalike.gallery.recommend.palette import PALETTE

RECOMMEND = "recommend"  # what the weights that clicks taught are kept as
TEXT = "text"  # the measure of titles and text columns
# The best of a grid on the half of a shop's items that benchmarks/recommend_gain.py does not ask about: where words are
# looked for, and where only images are.
DEFAULT_WEIGHTS: Mapping[str, float] = {"content": 0.3, PALETTE: 0.15, TEXT: 0.55}
IMAGE_WEIGHTS: Mapping[str, float] = {"content": 0.8, PALETTE: 0.2}
DIVERSITY = 0.3
FOLD = "variant_of"  # the column that folds variants if nothing is said


@dataclass(frozen=True, slots=True)
class RecommendOptions:
    """As in ``Gallery.recommend``. Raises UserError for what is out of range."""

    k: int = 10
    by: str | Mapping[str, float] | None = None
    where: str | None = None
    text: str = ""
    diversity: float = DIVERSITY
    fold: str | None = None
    good: Sequence[str] = ()
    bad: Sequence[str] = ()

    def __post_init__(self) -> None:
        if self.k < 1:
            raise UserError(f"k must be 1 or more, not {self.k}")
        if not 0 <= self.diversity <= 1:
            raise UserError(f"diversity must lie between 0 (the best alone) and 1, not {self.diversity}")

    def weights(
        self, held: tuple[str, ...], has_text: bool, learnt: Mapping[str, float] | None = None
    ) -> dict[str, float]:
        """Measure -> weight, which add up to 1. ``held``: what can be measured of images; ``has_text``: whether words
        are looked for; ``learnt``: weights that take the place of the default ones. Raises UserError
        for a measure that is not held, or has nothing to go by."""
        known = (*held, *((TEXT,) if has_text else ()))
        if self.by is None:
            usual = learnt or (DEFAULT_WEIGHTS if has_text else IMAGE_WEIGHTS)
            wanted = {name: weight for name, weight in usual.items() if name in known} or {known[0]: 1.0}
        else:
            wanted = _parsed(self.by) if isinstance(self.by, str) else dict(self.by)
        if TEXT in wanted and not has_text:
            raise UserError("nothing is known of what words to look for: give a text, or an item that has a title")
        if missing := [name for name in wanted if name not in known]:
            raise UserError(f"this gallery holds no {', '.join(missing)}; it holds {', '.join((*held, TEXT))}")
        return {name: weight for name, weight in normalise_weights(wanted).items() if weight > 0}


def _parsed(text: str) -> dict[str, float]:
    """ "content" or "content=2,text=1"."""
    weights: dict[str, float] = {}
    for part in text.split(","):
        name, _, value = (one.strip() for one in part.partition("="))
        if name in weights:
            raise UserError(f"{name!r} is there twice in {text!r}")
        try:
            weights[name] = float(value or 1)
        except ValueError:
            raise UserError(f"{part.strip()!r} is not name=weight, as in colour=2") from None
    return weights
