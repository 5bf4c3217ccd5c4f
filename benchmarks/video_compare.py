"""Two videos compared: what people do to videos, and pairs of one camera at other times that are no copies.

The clips are those of video_edits.py: films and fixed cameras drawn from photographs that the curve was not fitted on,
and windows of the real videos in DATA/video/report, if there are any. Segment precision, recall and F are those of VCSL
(He et al., "A Large-scale Comprehensive Dataset and Copy-overlap Aware Evaluation Protocol for Segment-level Video Copy
Detection", CVPR 2022): the share of what was told, and of what is true, in which both overlap, on either side,
multiplied.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

from benchmarks.harness import SEED, Options, run, table
from benchmarks.video_edits import EDITS, VIDEO_ENDINGS, Question, Span, questions, sources, write
from lookalike.comparison.video_pair import compare_described, describe_video
from lookalike.types import Segment

TITLE = "Videos: segments found, and where"
CAMERAS = (8, 1)  # drawn ones; the second of each pair of figures is for --quick
NEGATIVES = (30, 1)  # of each kind
PHOTOGRAPHS = 400
NEAR = 0.5  # seconds within which an offset is right

Spans = list[tuple[float, float]]


def measure(options: Options) -> str:
    photographs = options.photographs("unseen", PHOTOGRAPHS)
    folder = options.data / "video" / "report"
    videos = (
        sorted(path for path in folder.rglob("*") if path.suffix.lower() in VIDEO_ENDINGS) if folder.is_dir() else []
    )
    cameras = sources(photographs, videos[: options.size(len(videos), 0)], options.size(*CAMERAS), SEED + 7)
    asked = list(questions(cameras, options.size(*NEGATIVES), SEED, share=options.size(2, 9)))
    answers = list(_answers(asked))
    rows = [_row(kind, [one for one in answers if one[0].kind == kind]) for kind in EDITS]
    edits = [one for one in answers if one[0].truth]
    rows = [row for row in [*rows, _row("**all edits**", edits)] if row]
    found = table(("edit", "pairs", "found, %", "offset right, %", "precision", "recall", "F"), rows)
    false = table(("no copies", "pairs", "with a segment"), list(_negatives(answers)))
    rate = median(one[2] for one in answers)
    note = f"Seconds of both videos compared in a second: {rate:.1f} (median, reading them included)."
    return f"{found}\n\n{false}\n\n{note}"


Answer = tuple[Question, tuple[Segment, ...], float]


def _answers(asked: Sequence[Question]) -> Iterator[Answer]:
    with tempfile.TemporaryDirectory() as place:
        for question in asked:
            paths = [write(Path(place) / f"{name}.mp4", clip) for name, clip in (("a", question.a), ("b", question.b))]
            started = time.perf_counter()
            segments = compare_described(*map(describe_video, paths)).segments
            yield question, segments, (question.a.seconds + question.b.seconds) / (time.perf_counter() - started)


def _row(kind: str, answers: Sequence[Answer]) -> tuple[str, ...]:
    if not answers:
        return ()
    found = [
        any(_touches(one, span) for one in segments for span in question.truth) for question, segments, _ in answers
    ]
    right = [
        all(any(_is_near(one, span) for one in segments) for span in question.truth)
        for question, segments, _ in answers
    ]
    scores = [segment_scores(segments, question.truth) for question, segments, _ in answers]
    precision, recall = (sum(part) / len(part) for part in zip(*scores, strict=True))
    harmonic = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    shares = (f"{100 * sum(part) / len(part):.0f}" for part in (found, right))
    return kind, str(len(answers)), *shares, f"{precision:.2f}", f"{recall:.2f}", f"{harmonic:.2f}"


def _negatives(answers: Sequence[Answer]) -> Iterator[tuple[str, str, str]]:
    for kind in ("same camera or film", "unrelated"):
        answered = [one[1] for one in answers if one[0].kind == kind]
        yield kind, str(len(answered)), str(sum(bool(segments) for segments in answered))


def segment_scores(segments: Sequence[Segment], truth: Sequence[Span]) -> tuple[float, float]:
    """VCSL's segment precision and recall, 0..1 each: on each side the share of the seconds that are reported, or true,
    which lie in the overlap of a reported segment and a true one, both sides multiplied."""
    guesses = [(one.a_start, one.a_end, one.b_start, one.b_end) for one in segments]
    shared = [both for guess in guesses for span in truth if (both := _overlap(guess, span))]
    return _share(shared, guesses), _share(shared, truth)


def _overlap(first: Span, second: Span) -> Span | None:
    a = max(first[0], second[0]), min(first[1], second[1])
    b = max(first[2], second[2]), min(first[3], second[3])
    return (*a, *b) if a[0] < a[1] and b[0] < b[1] else None


def _share(shared: Sequence[Span], of: Sequence[Span]) -> float:
    product = 1.0
    for side in (0, 2):
        whole = _length([(span[side], span[side + 1]) for span in of])
        product *= _length([(span[side], span[side + 1]) for span in shared]) / whole if whole else 0.0
    return product


def _length(spans: Spans) -> float:
    """Seconds that lie in any of them."""
    total, reached = 0.0, float("-inf")
    for start, end in sorted(spans):
        total += max(end - max(start, reached), 0.0)
        reached = max(reached, end)
    return total


def _touches(segment: Segment, span: Span) -> bool:
    return _overlap((segment.a_start, segment.a_end, segment.b_start, segment.b_end), span) is not None


def _is_near(segment: Segment, span: Span) -> bool:
    """Whether it shows the middle of what is shared at its time."""
    middle = (span[0] + span[1]) / 2
    shown = segment.b_start + (middle - segment.a_start) / segment.speed
    return segment.a_start <= middle <= segment.a_end and abs(shown - (span[2] + span[3]) / 2) <= NEAR


if __name__ == "__main__":
    run(TITLE, measure)
