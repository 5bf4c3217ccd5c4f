"""Which videos of a gallery show what a video shows, and which a still image, and when.

The index of key frames tells which may; the stored frames tell where, and the files how sure that is. Stretches of a
video are aligned and verified as ``compare`` of two videos does it, a still is compared with the frame most like it.
Stored soundtracks tell what is heard as well, and which videos share sound alone.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from lookalike.comparison.alignment.align import LOAD_MIN_SIDE
from lookalike.comparison.pair import extract_features
from lookalike.comparison.sound_pair import statement
from lookalike.comparison.temporal import temporal_matches
from lookalike.comparison.video_pair import VideoInput, compare_described
from lookalike.descriptors import describe_all, get
from lookalike.descriptors.sound import SoundDescription, describe_soundtrack
from lookalike.descriptors.video import DESCRIPTOR, VideoDescription, describe_frames
from lookalike.errors import LoadError, UserError
from lookalike.gallery.index.frame_index import key_frames
from lookalike.gallery.library import Library
from lookalike.gallery.search.shared_sound import sound_beside
from lookalike.gallery.search.still_search import shown_in, verified_still
from lookalike.gallery.search.video_candidates import Candidate, SoundAlone, all_of, opened, sound_alone, surest
from lookalike.gallery.storage.row import Row
from lookalike.imaging import ImageSource, as_image
from lookalike.imaging.frame_sampling import RATE
from lookalike.imaging.video import VideoSource, open_video
from lookalike.imaging.video_file import sha256_of
from lookalike.parallel import in_order
from lookalike.types import Floats, Ids, VideoComparison, VideoHit

MAX_QUERY_FRAMES = 256  # key frames of a query that are looked for, evenly spread
FRAMES_PER_QUERY_FRAME = 128  # that the index tells of
FLOOR = 0.4  # cosine similarity of two frames below which they say nothing
ALIGNED = 16  # videos at most whose stored frames are aligned with the query's, or compared with a still ...
LIKELY_SHARE = 0.25  # ... and of the likeliest one's score, what they must have
VERIFIED = 8  # of these the best, whose files are read


class VideoSearch:
    """Searches among the videos of one gallery, as they are now. Raises UserError for a gallery without ``copy``."""

    def __init__(self, library: Library) -> None:
        if DESCRIPTOR not in library.cards:
            raise UserError(f"this gallery knows no videos: it was made without the descriptor {DESCRIPTOR!r}")
        self._library, self._store = library, library.store

    def by_video(
        self, source: VideoSource | Row, k: int, where: str | None, precision: float, fps: float | None = None
    ) -> list[VideoHit]:
        """The videos that share a segment with this one, the surest first; its segments are a. A video with the same
        bytes comes first."""
        query, sha256 = self._query(source, fps)
        same = [row for row in self._store.same_bytes(sha256) if row.is_video]
        allowed = self._allowed(where)
        known = [row for row in same if allowed is None or row.id in allowed]
        hits = [VideoHit(row.path, 1.0, (all_of(row),), verified=True) for row in known]
        near = self.aligned(query.description, allowed, {row.id for row in same})[:VERIFIED]
        shown = list(in_order(partial(_verified_video, query, one) for one in near))
        seen = {row.id for row in same}
        seen |= {one.row.id for one, hit in zip(near, shown, strict=True) if hit.segments}
        alone = {hit.path: hit for hit in map(_by_sound, self.with_sound(query.sound, allowed, seen))}
        hits += [hit for hit in shown if hit.path not in alone]
        return _best([*hits, *alone.values()], k, precision)

    def by_image(self, source: ImageSource, k: int, where: str | None, precision: float) -> list[VideoHit]:
        """The videos that show this image, and when: each hit has one segment, whose a is the still."""
        image = as_image(source, min_side=max(LOAD_MIN_SIDE, get(DESCRIPTOR).card.min_side))
        described = describe_all([image], [DESCRIPTOR])[DESCRIPTOR]
        if float(described.contrast[0]) < get(DESCRIPTOR).card.min_contrast:
            return []
        vector = described.vectors[0].astype(np.float32)
        near = self.near(vector[None], self._allowed(where), set())
        shown = sorted((shown_in(vector, one) for one in near), key=lambda one: -one.similarity)
        likely = [one for one in shown[:VERIFIED] if one.similarity >= FLOOR]
        still = extract_features(image)
        return _best(list(in_order(partial(verified_still, still, one) for one in likely)), k, precision)

    def sound_of(self, row: Row) -> SoundDescription | None:
        """The soundtrack of a held video."""
        return self._store.sounds.of_video(row.id)

    def with_sound(self, sound: SoundDescription | None, allowed: set[int] | None, known: set[int]) -> list[SoundAlone]:
        """The videos that share a segment of sound with this soundtrack, but for the ``known`` ones."""
        if sound is None:
            return []
        found = dict(self._library.sound_index.candidates(sound))
        likely = [one for one in found if one not in known and (allowed is None or one in allowed)]
        rows = self._store.rows(likely[:ALIGNED])
        held = ((row, self._store.sounds.of_video(row.id)) for row in rows.values())
        alone = in_order(
            partial(sound_alone, sound, row, other, found[row.id]) for row, other in held if other is not None
        )
        return [one for one in alone if one.sound]

    def candidates(self, row: Row, after: int, known: Collection[int] = ()) -> list[Candidate]:
        """The held videos with greater ids than ``after`` that may share a segment with this held one, the likeliest
        first, but for the ``known`` ones."""
        query = self._store.frames.of_image(DESCRIPTOR, row.id)
        if query is None:
            return []
        videos = self._store.frames.images(DESCRIPTOR)
        return self.aligned(query, {number for number in videos if number > after}, {row.id, *known})

    def _query(self, source: VideoSource | Row, fps: float | None) -> tuple[_Query, str]:
        """What is compared, decoded only if the gallery does not hold its frames."""
        path = source.path if isinstance(source, Row) else source
        sha256 = source.sha256 if isinstance(source, Row) else sha256_of(os.fspath(path))
        held = next((row for row in self._store.same_bytes(sha256) if row.is_video), None)
        description = self._store.frames.of_image(DESCRIPTOR, held.id) if held else None
        sound = self._store.sounds.of_video(held.id) if held else describe_soundtrack(open_video(path, fps=fps).info)
        return _Query(path, fps, description or _described(path, fps), sound), sha256

    def _allowed(self, where: str | None) -> set[int] | None:
        return None if where is None else set(self._store.select(where).tolist())

    def aligned(self, description: VideoDescription, allowed: set[int] | None, known: set[int]) -> list[Candidate]:
        """The videos along which stretches of the query run, the best first."""
        places = key_frames(description)
        if not len(places):
            return []
        some = places[np.linspace(0, len(places) - 1, min(len(places), MAX_QUERY_FRAMES)).round().astype(np.int64)]
        near = self.near(description.vectors[some].astype(np.float32), allowed, known)
        scored = in_order(partial(_with_alignment, description, one) for one in near)
        return sorted((one for one in scored if one.score > 0), key=lambda one: -one.score)

    def near(self, vectors: Floats, allowed: set[int] | None, known: set[int]) -> list[Candidate]:
        """The videos whose key frames are nearest to these vectors."""
        index = self._library.frame_index.get(DESCRIPTOR)
        if not len(index):
            return []
        scores: dict[int, float] = {}
        for videos, _, similarities in zip(*index.nearest(vectors, FRAMES_PER_QUERY_FRAME), strict=True):
            for video, similarity in _first_of_each(videos, similarities):
                if video not in known and (allowed is None or video in allowed):
                    scores[video] = scores.get(video, 0.0) + max(similarity - FLOOR, 0.01)
        least = LIKELY_SHARE * max(scores.values(), default=0.0)
        best = sorted((video for video in scores if scores[video] >= least), key=lambda video: -scores[video])[:ALIGNED]
        rows = self._store.rows(best)
        held = ((rows[one], self._store.frames.of_image(DESCRIPTOR, one)) for one in best if one in rows)
        return [
            Candidate(row, found, scores[row.id], self._store.sounds.of_video(row.id))
            for row, found in held
            if found is not None
        ]


@dataclass(frozen=True, slots=True)
class _Query:
    path: VideoSource
    fps: float | None
    description: VideoDescription
    sound: SoundDescription | None


def _described(path: VideoSource, fps: float | None) -> VideoDescription:
    return describe_frames(open_video(path, fps=fps).frames(RATE, get(DESCRIPTOR).card.min_side))


def _first_of_each(videos: Ids, similarities: Floats) -> list[tuple[int, float]]:
    """Of the nearest frames of one query frame the nearest of each video."""
    found: dict[int, float] = {}
    for video, similarity in zip(videos.tolist(), similarities.tolist(), strict=True):
        if video >= 0:
            found.setdefault(video, similarity)
    return list(found.items())


def _with_alignment(query: VideoDescription, candidate: Candidate) -> Candidate:
    matches = temporal_matches(query, candidate.description)
    return replace(candidate, score=matches[0].score if matches else 0.0)


def shared_segments(query: VideoInput, candidate: Candidate) -> VideoComparison:
    """Where whole frames of both run along, and the sound beside them. Raises LoadError where a file cannot be read as
    it was indexed."""
    other = VideoInput(opened(candidate.row), candidate.description)
    found = compare_described(replace(query, sound=None), other, parts=False)
    sound = sound_beside(query.sound, candidate.sound, found.segments)
    return replace(found, sound=sound, statement=statement(found.segments, sound, query.sound, candidate.sound))


def _verified_video(query: _Query, candidate: Candidate) -> VideoHit:
    try:
        video = VideoInput(open_video(query.path, fps=query.fps), query.description, query.sound)
        found = shared_segments(video, candidate)
    except LoadError:
        return VideoHit(candidate.row.path, 0.0, ())
    probability = surest(found.segments, found.sound) or found.probability
    return VideoHit(
        candidate.row.path, probability, found.segments, verified=True, sound=found.sound, statement=found.statement
    )


def _by_sound(found: SoundAlone) -> VideoHit:
    """Of a video whose frames are nowhere like the query's."""
    return VideoHit(found.row.path, surest((), found.sound), (), sound=found.sound, statement=found.statement)


def _best(hits: Sequence[VideoHit], k: int, precision: float) -> list[VideoHit]:
    """The surest, those that share only sound behind those that share images."""
    sure = (hit for hit in hits if hit.probability >= precision)
    return sorted(sure, key=lambda hit: (bool(hit.sound and not hit.segments), -hit.probability))[:k]
