"""From paths and results to what the report shows. An image that cannot be read any more gets no thumbnail."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from lookalike.comparison.explain.attribution import Explanation
from lookalike.comparison.explain.draw import draw
from lookalike.descriptors import get
from lookalike.errors import LoadError
from lookalike.imaging import load
from lookalike.report.html_report import GroupView, Image, PairView, SearchView, SuspectView
from lookalike.report.thumbnails import thumbnail
from lookalike.types import Comparison, Group, Hit, LabelError

LONGEST = 4000  # pixels of an explanation's longer side: none is as long, and its words are not to be shrunk
SIDE = 320  # pixels of a thumbnail's longer side
SIDE_IN_GROUPS = 240  # a report may show thousands
SHOWN = 4  # neighbours of a suspect label


def image_view(path: str, *, side: int = SIDE, label: str = "") -> Image:
    """What the report says of the image at this path."""
    try:
        image = load(path, min_side=side)
    except LoadError as error:
        return Image(path, "", 0, 0, 0, "", label=label or error.reason)
    small = thumbnail(image.pixels, side)
    return Image(path, small, image.width, image.height, image.bytes, image.format, image.taken, label)


def pair_view(a: str, b: str, comparison: Comparison, explanation: Explanation | None = None) -> PairView:
    """Two images and their comparison, with a drawing of its reasons if they are given."""
    shares = {
        name: min(value / get(name).card.median_negative_distance, 1.0) for name, value in comparison.distances.items()
    }
    return PairView(
        image_view(a),
        image_view(b),
        comparison.relation,
        comparison.probability,
        comparison.distances,
        shares,
        comparison.box,
        comparison.box_in,
        comparison.edits,
        thumbnail(draw(explanation), side=LONGEST) if explanation else "",
    )


def search_view(query: str, hits: Sequence[Hit], by: str) -> SearchView:
    """A query and its hits."""
    return SearchView(image_view(query), tuple((image_view(hit.path), hit) for hit in hits), by)


def group_views(groups: Sequence[Group], progress: Callable[[int, int], None] | None = None) -> list[GroupView]:
    """Groups with their thumbnails, made on all cores."""
    with ThreadPoolExecutor() as pool:
        views = []
        for view in pool.map(_group_view, groups):
            views.append(view)
            if progress:
                progress(len(views), len(groups))
    return views


def suspect_views(
    suspects: Sequence[LabelError], progress: Callable[[int, int], None] | None = None
) -> list[SuspectView]:
    """Suspect labels with their thumbnails, made on all cores."""
    with ThreadPoolExecutor() as pool:
        views = []
        for view in pool.map(_suspect_view, suspects):
            views.append(view)
            if progress:
                progress(len(views), len(suspects))
    return views


def _suspect_view(suspect: LabelError) -> SuspectView:
    near = suspect.neighbours[:SHOWN]
    neighbours = tuple((image_view(one.path, side=SIDE_IN_GROUPS), one.label) for one in near)
    image = image_view(suspect.path, side=SIDE_IN_GROUPS)
    return SuspectView(image, suspect.label.label, suspect.suggested, suspect.share, neighbours)


def _group_view(group: Group) -> GroupView:
    others = tuple((image_view(p.b, side=SIDE_IN_GROUPS), p.relation, p.probability) for p in group.pairs)
    return GroupView(image_view(group.keep, side=SIDE_IN_GROUPS), others)
