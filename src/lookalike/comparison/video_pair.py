"""Two videos -> which segments they share: descriptions, temporal alignment, a few frames compared, probability."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from lookalike.comparison.alignment.transforms import Matrix, corners, inverse, transform_points
from lookalike.comparison.frame_timing import AlignedViews, end_times, near_line, read_views, watched_times
from lookalike.comparison.insets import inset_views
from lookalike.comparison.pair import compare_features, extract_features
from lookalike.comparison.sound_pair import shared_sound, sound_failures, statement
from lookalike.comparison.temporal import TemporalMatch, same_stretch, temporal_matches
from lookalike.comparison.video_evidence import probability, shipped_curve, stretch_evidence
from lookalike.descriptors import get
from lookalike.descriptors.sound import SoundDescription, describe_soundtrack
from lookalike.descriptors.video import (
    DESCRIPTOR,
    WHOLE,
    VideoDescription,
    View,
    describe_frames,
    describe_views,
)
from lookalike.imaging.frame_sampling import RATE
from lookalike.imaging.video import Video, VideoSource, open_video
from lookalike.parallel import in_order
from lookalike.types import (
    Box,
    Comparison,
    Image,
    Progress,
    Relation,
    Segment,
    Side,
    VideoComparison,
    VideoFrame,
    VideoInfo,
)

MAX_VERIFIED = 8  # stretches of a pair of videos that are looked at frame by frame
FRAME_SIDE = 400  # pixels of the shorter side of frames that are compared
COMPARED = 3  # pairs of frames of a stretch that are compared as images ...
ROUNDS = 2  # ... and again where that moves the stretch, so often at most, ...
NEGLIGIBLE = 0.07  # ... by more seconds than this
MAX_FAILED = 3  # that are no copies one after the other: then those of less score are not looked at either
MAX_PARTS_VERIFIED = 2  # the same of stretches that run along in a part of the frames only
SAME_COMPOSITION = 0.75  # similarity of whole frames from which on parts of them are not described
INSET_FRAMES, INSET_SIDE = (
    10,
    240,
)  # frames in which pictures in the picture are sought, and their shorter side, in pixels
MIN_PART_SIMILARITY = 0.5  # of two of these frames' parts to some frame of the other video: then parts are described
MIN_PART_CENTRED = 0.3  # centred correlation of these: of several parts some run along by chance
PARTS_SECONDS = 900.0  # of the longer video: beyond, parts of frames are not described
EXPLAINED = 0.8  # of a stretch that lies within segments in both videos: then it says nothing new
MIN_PROBABILITY = 0.5  # of a segment that is told
COPIES: tuple[Relation, ...] = ("mirrored", "rotated", "crop", "edited", "re-encoded", "identical")  # the gravest first

INVERSE = {"rotated 90": "rotated 270", "rotated 270": "rotated 90"}  # any other orientation is its own
OTHER: dict[Side, Side] = {"a": "b", "b": "a"}


@dataclass(frozen=True, slots=True)
class VideoInput:
    """A video and the descriptions of its frames and of its sound, made once. ``sound``: None if it has none."""

    video: Video
    description: VideoDescription
    sound: SoundDescription | None = None


def describe_video(
    source: VideoSource, *, fps: float | None = None, rate: float = RATE, progress: Progress | None = None
) -> VideoInput:
    """Read a video, an animation or a folder of frames and describe it.

    ``fps``: of a folder, as for ``open_video``; ``rate``: frames a second that are described. ``progress`` is told
    seconds. Raises LoadError for one that cannot be read to its end, MissingDependency without PyAV."""
    video = open_video(source, fps=fps)
    frames = video.frames(rate, get(DESCRIPTOR).card.min_side)
    described = describe_frames(_reported(frames, video.info, progress))
    return VideoInput(video, described, describe_soundtrack(video.info))


def compare_videos(
    a: VideoSource, b: VideoSource, *, fps: float | None = None, progress: Progress | None = None
) -> VideoComparison:
    """Which segments of two videos show the same, at which speed, what was done to them, and how sure that is.

    ``fps``: of those that are folders of numbered frames. ``progress`` is told seconds read. Raises as
    ``describe_video`` does."""
    sides = list(in_order(partial(_described, source, fps, progress) for source in (a, b)))
    return compare_described(*sides)


def _described(source: VideoSource, fps: float | None, progress: Progress | None) -> VideoInput:
    return describe_video(source, fps=fps if os.path.isdir(source) else None, progress=progress)


def _reported(frames: Iterator[VideoFrame], info: VideoInfo, progress: Progress | None) -> Iterator[VideoFrame]:
    for frame in frames:
        if progress is not None:
            progress(round(frame.time), round(info.duration))
        yield frame


def compare_described(a: VideoInput, b: VideoInput, *, parts: bool = True) -> VideoComparison:
    """The same of videos that are described already; of both only a few frames are read again. ``parts``: where nothing
    is found, look for the one as a picture in the other."""
    first, second, is_swapped = in_one_order(a, b)
    wholes = whole_candidates(first, second)
    segments = _verified_all(first, second, wholes)
    if parts and not any(one.probability >= MIN_PROBABILITY for one in segments):
        segments += _verified_all(first, second, part_candidates(first, second, wholes))
    if is_swapped:
        segments = [swapped(one) for one in segments]
    sure = sorted(_distinct(one for one in segments if one.probability >= MIN_PROBABILITY), key=lambda one: one.a_start)
    sound = shared_sound(a.sound, b.sound, sure)
    return VideoComparison(
        a.video.info,
        b.video.info,
        tuple(sure),
        max((one.probability for one in segments), default=0.0),
        sound,
        statement(sure, sound, a.sound, b.sound),
        sound_failures(a.sound, b.sound),
    )


def in_one_order(a: VideoInput, b: VideoInput) -> tuple[VideoInput, VideoInput, bool]:
    """The shorter one first, and whether that is b: two videos give the same segments whichever is called a."""
    keys = [(one.video.info.duration, one.description.vectors.tobytes()) for one in (a, b)]
    return (b, a, True) if keys[1] < keys[0] else (a, b, False)


def swapped(segment: Segment) -> Segment:
    """The same segment with the two videos in each other's places."""
    return replace(
        segment,
        a_start=segment.b_start,
        a_end=segment.b_end,
        b_start=segment.a_start,
        b_end=segment.a_end,
        speed=round(1 / segment.speed, 3),
        orientation=INVERSE.get(segment.orientation, segment.orientation),
        box_in=OTHER.get(segment.box_in) if segment.box_in else None,
    )


def _distinct(segments: Iterable[Segment]) -> list[Segment]:
    """Of those that are the same on both sides, as parts of one frame give them, the surest."""
    kept: list[Segment] = []
    for one in sorted(segments, key=lambda segment: -segment.probability):
        if not any(same_stretch(one, other) for other in kept):
            kept.append(one)
    return kept


@dataclass(frozen=True, slots=True)
class Candidate:
    """A stretch that is to be looked at, and the part of each video's frames that runs along."""

    match: TemporalMatch
    a_view: View = WHOLE
    b_view: View = WHOLE


def whole_candidates(a: VideoInput, b: VideoInput) -> list[Candidate]:
    """Stretches of whole frames that run along, the best first."""
    return [Candidate(match) for match in temporal_matches(a.description, b.description)[:MAX_VERIFIED]]


def part_candidates(a: VideoInput, b: VideoInput, wholes: Sequence[Candidate]) -> list[Candidate]:
    """Stretches of parts of the one's frames that run along the other's whole ones: the best few of all parts.

    Of long videos none, for each frame is described as often as it has parts; and none where ``wholes``, what runs
    along of whole frames, is so much alike that neither can be a small part of the other's."""
    if max(a.video.info.duration, b.video.info.duration) > PARTS_SECONDS:
        return []
    if wholes and wholes[0].match.similarity >= SAME_COMPOSITION:
        return []
    found = []
    for view, description in _described_parts(b, a).items():
        found += [Candidate(match, b_view=view) for match in temporal_matches(a.description, description)[:1]]
    for view, description in _described_parts(a, b).items():
        found += [Candidate(match, a_view=view) for match in temporal_matches(description, b.description)[:1]]
    likely = [one for one in found if one.match.centred >= MIN_PART_CENTRED]
    return sorted(likely, key=lambda one: -one.match.score)[:MAX_PARTS_VERIFIED]


def _described_parts(one: VideoInput, other: VideoInput) -> dict[View, VideoDescription]:
    """Of each part in which the other video may be shown the description, as if it were a video."""
    duration, card = one.video.info.duration, get(DESCRIPTOR).card
    times = np.linspace(0, duration, INSET_FRAMES + 1)[:-1] + duration / INSET_FRAMES / 2
    frames = one.video.frames_at(times.tolist(), INSET_SIDE)
    views = inset_views([frame.image for frame in frames])
    seen = describe_views(frames, views)
    views = [view for view in views if _shows(seen[view], other.description)]
    if not views:
        return {}
    smallest = min(min(view.width, view.height) for view in views)
    return describe_views(one.video.frames(RATE, round(card.min_side / smallest)), views)


def _shows(part: VideoDescription, other: VideoDescription) -> bool:
    """Whether any two of a part's frames are like frames of the other video."""
    if min(len(part), len(other)) < 2:
        return False
    best = (part.vectors.astype(np.float32) @ other.vectors.astype(np.float32).T).max(1)
    return bool(np.sort(best)[-2] >= MIN_PART_SIMILARITY)


def _verified_all(a: VideoInput, b: VideoInput, found: Sequence[Candidate]) -> list[Segment]:
    """The candidates as segments, best first, until several in a row are none; without those between times that are
    explained in both videos already."""
    segments: list[Segment] = []
    for candidate in found:
        if _is_explained(candidate.match, [one for one in segments if one.probability >= MIN_PROBABILITY]):
            continue
        segments.append(verified(a.video, b.video, candidate))
        if all(one.probability < MIN_PROBABILITY for one in segments[-MAX_FAILED:]) and len(segments) >= MAX_FAILED:
            break
    return segments


def _is_explained(match: TemporalMatch, sure: Sequence[Segment]) -> bool:
    """Whether most of it lies within one of these segments in a, and within one of them in b."""
    shared_a = (min(match.a_end, one.a_end) - max(match.a_start, one.a_start) for one in sure)
    shared_b = (min(match.b_end, one.b_end) - max(match.b_start, one.b_start) for one in sure)
    seconds = match.a_end - match.a_start, match.b_end - match.b_start
    return all(
        max(shared, default=0.0) >= EXPLAINED * most for shared, most in zip((shared_a, shared_b), seconds, strict=True)
    )


def verified(a: Video, b: Video, candidate: Candidate) -> Segment:
    """A stretch as a segment: a few of its frames are read again and compared, and their motion over all of them; its
    times are those of the frames that agree best."""
    look = partial(_compared, a, b, candidate)
    line, views = candidate.match, _read_views(a, b, candidate)
    times, compared = look(line, views)
    for turn in range(ROUNDS + 1):
        best, views, moved = _best_line(line, views, compared)
        if turn == ROUNDS or _moved_by(line, moved) <= NEGLIGIBLE:
            break
        line = moved
        times, compared = look(line, views)
    line = moved
    exact = views.within_its_ends(line)
    if not (exact.a_start <= times[0] and times[-1] <= exact.a_end):
        times, compared = look(exact, views)
        best, views, _ = _best_line(exact, views, compared)
    evidence = stretch_evidence(exact, compared, views.motion(exact))
    segment = Segment(
        a_start=exact.a_start,
        a_end=exact.a_end,
        b_start=max(exact.b_start, 0.0),
        b_end=min(exact.b_end, b.info.duration),
        speed=round(1 / exact.slope, 3),
        relation=_relation(compared),
        probability=probability(evidence, shipped_curve()),
        edits=_edits(compared),
        orientation=best.orientation,
        evidence=evidence,
    )
    return _with_box(segment, best, candidate, (a.info, b.info))


def _read_views(a: Video, b: Video, candidate: Candidate) -> AlignedViews:
    times = np.concatenate([watched_times(candidate.match), end_times(candidate.match)])
    first = read_views(a, times, candidate.a_view)
    return AlignedViews(first, read_views(b, near_line(candidate.match, b), candidate.b_view), None)


def _compared(
    a: Video, b: Video, candidate: Candidate, match: TemporalMatch, views: AlignedViews
) -> tuple[NDArray[np.float64], list[Comparison]]:
    """Of each third of a stretch the pair of frames in which the duller one has most contrast, compared as images; and
    their times in a."""
    a_times, b_times = views.contrasted(match, COMPARED)
    pairs = zip(_images(a, a_times, candidate.a_view), _images(b, b_times, candidate.b_view), strict=True)
    return a_times, list(in_order(partial(_compare, *pair) for pair in pairs))


def _moved_by(line: TemporalMatch, moved: TemporalMatch) -> float:
    """Seconds of b, at the end that moved most."""
    return max(abs(moved.b_start - line.b_start), abs(moved.b_end - line.b_end))


def _best_line(
    match: TemporalMatch, views: AlignedViews, compared: Sequence[Comparison]
) -> tuple[Comparison, AlignedViews, TemporalMatch]:
    """The comparison by whose transform the frames agree best, the views aligned by it, and the line of that. Before a
    camera that moves another time looks like another place: only the true place holds for all of a stretch."""
    tried: list[tuple[Comparison, AlignedViews, TemporalMatch]] = []
    for one in sorted(compared, key=_trust, reverse=True):
        if one.transform is not None or not tried:
            aligned = views.moved(one.transform)
            tried.append((one, aligned, aligned.on_its_line(match)))
    return max(tried, key=lambda each: each[1].motion(each[2]))


def _images(video: Video, times: NDArray[np.float64], view: View) -> list[Image]:
    frames = video.frames_at(times.tolist(), round(FRAME_SIDE / min(view.width, view.height)))
    return [frame.image if view == WHOLE else view.of(frame.image) for frame in frames]


def _with_box(
    segment: Segment, compared: Comparison, candidate: Candidate, infos: tuple[VideoInfo, VideoInfo]
) -> Segment:
    """The segment with the place of the one's images in the other's, in pixels of the whole video with its bars."""
    if compared.transform is None:
        return segment
    views = (candidate.a_view, candidate.b_view)
    if views == (WHOLE, WHOLE):
        if compared.box is None or compared.box_in is None:
            return segment
        content = infos[0 if compared.box_in == "a" else 1].content
        return replace(segment, box_in=compared.box_in, box=_shifted(compared.box, content.x, content.y))
    side: Side = "b" if candidate.a_view == WHOLE else "a"
    inner, outer = (infos[0], infos[1]) if side == "b" else (infos[1], infos[0])
    matrix = compared.transform if side == "b" else inverse(compared.transform)
    view, content = views[1 if side == "b" else 0], outer.content
    box = _shifted(
        _outline(matrix, inner.content), content.x + view.x * content.width, content.y + view.y * content.height
    )
    return replace(segment, box_in=side, box=box)


def _outline(matrix: Matrix, content: Box) -> Box:
    """Around where a whole image goes."""
    placed = transform_points(matrix, corners(content.width, content.height))
    (left, top), (right, bottom) = placed.min(0).tolist(), placed.max(0).tolist()
    return Box(left, top, right - left, bottom - top)


def _shifted(box: Box, x: float, y: float) -> Box:
    return replace(box, x=box.x + x, y=box.y + y)


def _compare(a: Image, b: Image) -> Comparison:
    return compare_features(extract_features(a), extract_features(b))


def _trust(comparison: Comparison) -> tuple[bool, int]:
    return comparison.transform is not None, comparison.inliers


def _relation(compared: Sequence[Comparison]) -> Relation:
    """What most of the pairs of frames that are copies say, of as many the gravest; "edited" if none of them is one."""
    counts = Counter(one.relation for one in compared if one.relation in COPIES)
    return max(COPIES, key=lambda relation: (counts[relation], -COPIES.index(relation))) if counts else "edited"


def _edits(compared: Sequence[Comparison]) -> tuple[str, ...]:
    """What was done to most of the pairs of frames that are copies."""
    copies = [one for one in compared if one.relation in COPIES]
    counts = Counter(edit for one in copies for edit in one.edits)
    return tuple(edit for edit, count in counts.items() if 2 * count > len(copies))
