"""What of a search may be chosen; the same for every kind of query."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lookalike.errors import UserError
from lookalike.paths import PathLike
from lookalike.types import Box

RERANK_TOP_K = 20  # candidates that are re-ranked by geometric verification
Region = Box | tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """As in ``Gallery.search``. Raises UserError for what is out of range or does not go together."""

    k: int = 10
    by: str | Mapping[str, float] | None = None
    where: str | None = None
    region: Region | None = None
    exact: bool = False
    views: bool = False
    rerank: int | None = None
    precision: float | None = None
    good: tuple[PathLike, ...] = ()
    bad: tuple[PathLike, ...] = ()

    def __post_init__(self) -> None:
        if self.k < 1:
            raise UserError(f"k must be 1 or more, not {self.k}")
        if self.precision is not None:
            check_precision(self.precision)
        if self.rerank is not None and self.rerank < 0:
            raise UserError(f"rerank must be 0 or more, not {self.rerank}")
        if self.feedback and (self.views or self.rerank):
            raise UserError("good and bad exclude views and rerank; leave one of them out")
        if self.rerank and self.views:
            raise UserError("rerank and views exclude one another; leave one of them out")

    @property
    def feedback(self) -> bool:
        """Whether examples are given."""
        return bool(self.good or self.bad)

    def depth(self, default: bool) -> int:
        """How many candidates are re-ranked. ``default``: whether any are if nothing is said."""
        if self.rerank is not None:
            return self.rerank
        return RERANK_TOP_K if default and not self.views and not self.feedback else 0


def check_precision(precision: float) -> None:
    """Raises UserError for what is no precision to ask for."""
    if not 0.5 <= precision < 1.0:
        raise UserError(f"precision must lie between 0.5 and 1, for instance 0.99, not {precision}")


def parse_region(region: Region) -> Box:
    """A region as people write it. Raises UserError if it is not four numbers."""
    if isinstance(region, Box):
        return region
    try:
        x, y, width, height = map(float, region)
    except (TypeError, ValueError):
        raise UserError(f"a region is four numbers x, y, width, height, not {region!r}") from None
    return Box(x, y, width, height)
