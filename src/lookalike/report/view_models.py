"""From paths and results to what the report shows. An image that cannot be read any more gets no thumbnail."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from lookalike.comparison.explain.attribution import Explanation
from lookalike.comparison.explain.draw import draw
from lookalike.descriptors import get
from lookalike.errors import LoadError, MissingDependency
from lookalike.gallery.elsewhere.read import load_path
from lookalike.imaging.filmstrip import filmstrip
from lookalike.imaging.video import is_video_name, open_video
from lookalike.parallel import in_order
from lookalike.report.html_report import (
    GroupView,
    Image,
    LabelErrorView,
    PairView,
    SearchView,
    TextSearchView,
    VideoPairView,
)
from lookalike.report.sound_timeline import sound_text
from lookalike.report.thumbnails import thumbnail
from lookalike.report.video_timeline import video_pair_view
from lookalike.types import Comparison, Group, Hit, LabelError, Progress, TextHit, VideoComparison, VideoPair

T = TypeVar("T")
V = TypeVar("V")

EXPLANATION_SIDE = 4000  # pixels of an explanation's longer side: none is as long, and its words are not to be shrunk
THUMBNAIL_SIDE = 320  # pixels of a thumbnail's longer side
GROUP_THUMBNAIL_SIDE = 240  # a report may show thousands
MAX_NEIGHBOURS = 4  # of a label that is likely wrong


def image_view(path: str, *, side: int = THUMBNAIL_SIDE, label: str = "") -> Image:
    """What the report says of the image or the video at this path."""
    try:
        if is_video_name(path):
            return _video_view(path, side, label)
        image = load_path(path, min_side=side)
    except LoadError as error:
        return Image(path, "", 0, 0, 0, "", label=label or error.reason)
    except MissingDependency as error:
        return Image(path, "", 0, 0, 0, "", label=label or str(error))
    small = thumbnail(image.pixels, side)
    return Image(path, small, image.width, image.height, image.bytes, image.format, image.taken, label)


def _video_view(path: str, side: int, label: str) -> Image:
    video = open_video(path)
    info, strip = video.info, thumbnail(filmstrip(video, side), side)
    return Image(path, strip, info.width, info.height, info.bytes, info.format, None, label, info.duration)


def pair_view(a: str, b: str, comparison: Comparison, explanation: Explanation | None = None) -> PairView:
    """Two images and their comparison, with a drawing of its reasons if they are given."""
    relative_distances = {
        name: min(value / get(name).card.median_negative_distance, 1.0) for name, value in comparison.distances.items()
    }
    return PairView(
        image_view(a),
        image_view(b),
        comparison.relation,
        comparison.probability,
        comparison.distances,
        relative_distances,
        comparison.box,
        comparison.box_in,
        comparison.edits,
        thumbnail(draw(explanation), side=EXPLANATION_SIDE) if explanation else "",
    )


def search_view(query: str, hits: Sequence[Hit], by: str) -> SearchView:
    """A query and its hits."""
    return SearchView(image_view(query), tuple((image_view(hit.path), hit) for hit in hits), by)


def text_search_view(text: str, hits: Sequence[tuple[TextHit, str]]) -> TextSearchView:
    """A text and its hits, with why in words."""
    return TextSearchView(text, tuple((image_view(hit.path), hit, why) for hit, why in hits))


def group_views(groups: Sequence[Group], progress: Progress | None = None) -> list[GroupView]:
    """Groups with their thumbnails, made on all cores."""
    return _on_all_cores(_group_view, groups, progress)


def shared_views(pairs: Sequence[VideoPair], progress: Progress | None = None) -> list[VideoPairView]:
    """Videos that share segments, with their timelines, made on all cores."""
    return _on_all_cores(_shared_view, pairs, progress)


def label_error_views(label_errors: Sequence[LabelError], progress: Progress | None = None) -> list[LabelErrorView]:
    """Label errors with their thumbnails, made on all cores."""
    return _on_all_cores(_label_error_view, label_errors, progress)


def _on_all_cores(make: Callable[[T], V], items: Sequence[T], progress: Progress | None) -> list[V]:
    views = []
    for view in in_order(partial(make, item) for item in items):
        views.append(view)
        if progress:
            progress(len(views), len(items))
    return views


def _label_error_view(label_error: LabelError) -> LabelErrorView:
    near = label_error.neighbours[:MAX_NEIGHBOURS]
    neighbours = tuple((image_view(one.path, side=GROUP_THUMBNAIL_SIDE), one.label) for one in near)
    image = image_view(label_error.path, side=GROUP_THUMBNAIL_SIDE)
    return LabelErrorView(
        image=image,
        label=label_error.label.label,
        suggested=label_error.suggested,
        share=label_error.share,
        probability=label_error.probability,
        likely=label_error.likely,
        neighbours=neighbours,
    )


def _shared_view(pair: VideoPair) -> VideoPairView:
    """Without a timeline where one of the two cannot be read any more."""
    try:
        a, b = open_video(pair.a), open_video(pair.b)
        found = VideoComparison(a.info, b.info, pair.segments, pair.probability, pair.sound, pair.statement)
        return video_pair_view(a, b, found)
    except (LoadError, MissingDependency):
        return VideoPairView(pair.a, pair.b, pair.segments, "", tuple(map(sound_text, pair.sound)), pair.statement)


def _group_view(group: Group) -> GroupView:
    others = tuple((image_view(p.b, side=GROUP_THUMBNAIL_SIDE), p.relation, p.probability) for p in group.pairs)
    return GroupView(image_view(group.keep, side=GROUP_THUMBNAIL_SIDE), others, group.reason)
