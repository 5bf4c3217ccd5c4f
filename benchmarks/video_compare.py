"""Two videos compared: what people do to videos, and pairs of one camera at other times that are no copies.

The recordings are those of DATA/video/report/recordings, one of a camera each, and films and fixed cameras drawn from
photographs; the curve was fitted on none of these cameras and photographs. Segment precision, recall and F are those of
VCSL (He et al., "A Large-scale Comprehensive Dataset and Copy-overlap Aware Evaluation Protocol for
Segment-level Video Copy Detection", CVPR 2022): the share of what was told, and of what is true, in which both overlap,
on either side, multiplied.

Beside it vPDQ's algorithm (facebook/ThreatExchange): PDQ, by Meta's own code (pdqhash), of a frame a second, those of
quality below 50 left out; two videos match if four fifths of the frames of either have one of the other within 30 bits.
And, on the sample edits that were published with it, TMK's own hashes (first level: cosine of at least .7).

Answers are kept in build/video_compare as they come, so that a run that was cut short goes on.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from importlib import resources
from itertools import chain, zip_longest
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import ROOT, SEED, Options, process, run, table
from benchmarks.video_edits import (
    EDITS,
    VIDEO_ENDINGS,
    Clip,
    Question,
    Span,
    at_other_times,
    drawn,
    edits,
    recorded,
    unrelated,
    write,
)
from lookalike.comparison.temporal import Spans as SegmentSpans
from lookalike.comparison.video_pair import VideoInput, compare_described, describe_video
from lookalike.imaging.video import Video, open_video
from lookalike.types import Pixels

TITLE = "Videos: segments found, and where"
DRAWN, DRAWN_SECONDS = (8, 2), (60, 24)  # the second of each pair of figures is for --quick
OTHER_TIMES, UNRELATED = (340, 2), (160, 1)
SHARE = (3, 9)  # of the edits of a recording every so manieth
PHOTOGRAPHS = 400
NEAR = 0.5  # seconds within which an offset is right
PDQ_BITS, PDQ_QUALITY, PDQ_SHARE, PDQ_SIDE = 30, 50, 0.8, 512
TMK_COSINE = 0.7
ORIGINAL = "chair-orig-22-sd-bar"

Spans = list[tuple[float, float]]


@dataclass(frozen=True)
class ReportedSegment:
    """A segment that was told."""

    a_start: float
    a_end: float
    b_start: float
    b_end: float


@dataclass(frozen=True)
class Answer:
    """What was told of a question. ``vpdq``: the larger share of frames that match."""

    key: str
    kind: str
    truth: tuple[Span, ...]
    segments: tuple[ReportedSegment, ...]
    probability: float
    vpdq: float
    seconds: float
    took: float


def measure(options: Options) -> str:
    folder = _working_folder(options)
    drawn(
        options.photographs("unseen", PHOTOGRAPHS), folder, options.size(*DRAWN), SEED + 7, options.size(*DRAWN_SECONDS)
    )
    workers = options.size(os.cpu_count() or 1, 1)
    share = partial(_answer_share, options, folder, workers)
    kept = len(_answers(folder))
    if workers == 1:
        share(0)
    else:
        with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
            list(pool.map(share, range(workers)))
    answers = _answers(folder)
    parts = [_edits(answers), _false_alarms(answers), _published(options.data / "video"), _cost(options.data, answers)]
    if kept:
        parts.append(f"{kept} of the {len(answers)} answers are of earlier runs, which are not in the time above.")
    return "\n\n".join(part for part in parts if part)


# --- answers ------------------------------------------------------------------------------------------


def _working_folder(options: Options) -> Path:
    """Where what was drawn and answered is kept: another one for each curve, data and size."""
    curve = resources.files("lookalike.comparison").joinpath("video.toml").read_bytes()
    key = zlib.crc32(curve + f"{options.data} {options.quick} {SEED}".encode())
    folder = ROOT / "build" / "video_compare" / f"{key:08x}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _answers(folder: Path) -> list[Answer]:
    """All that were kept, by any number of workers."""
    return [one for file in sorted(folder.glob("answers-*.jsonl")) for one in _read(file)]


def _read(file: Path) -> list[Answer]:
    rows: list[dict[str, Any]] = [json.loads(line) for line in file.read_text().splitlines()]
    return [
        Answer(
            **{
                **row,
                "truth": tuple(tuple(span) for span in row["truth"]),
                "segments": tuple(ReportedSegment(*one) for one in row["segments"]),
            }
        )
        for row in rows
    ]


def _answer_share(options: Options, folder: Path, workers: int, number: int) -> None:
    """Answers every so manieth question, if it is not answered yet."""
    done = {one.key for one in _answers(folder)}
    with tempfile.TemporaryDirectory() as place, (folder / f"answers-{number}.jsonl").open("a") as out:
        for key, question in _questions(options, folder):
            if zlib.crc32(key.encode()) % workers == number and key not in done:
                out.write(json.dumps({"key": key, **_answered(question, Path(place))}) + "\n")
                out.flush()


def _questions(options: Options, folder: Path) -> Iterator[tuple[str, Question]]:
    """Each with a key, which stays the same where more are asked."""
    own = options.data / "video" / "report" / "recordings"
    files = sorted(own.iterdir()) if own.is_dir() and not options.quick else []
    files = [file for file in [*files, *sorted(folder.iterdir())] if file.suffix in VIDEO_ENDINGS]
    recordings = [recorded(file, folder) for file in files]
    cameras = [one for one in recordings if not one.name.startswith("film")]
    asked = {
        "edit": edits(recordings, SEED, options.size(*SHARE)),
        "other time": at_other_times(cameras, options.size(*OTHER_TIMES), SEED),
        "unrelated": unrelated(recordings, options.size(*UNRELATED), SEED),
    }
    numbered = [_numbered(name, part) for name, part in asked.items()]
    return (pair for pair in chain.from_iterable(zip_longest(*numbered)) if pair is not None)


def _numbered(name: str, asked: Iterator[Question]) -> Iterator[tuple[str, Question]]:
    return ((f"{name} {number}", one) for number, one in enumerate(asked))


def _answered(question: Question, place: Path) -> dict[str, Any]:
    """As JSON. Describing the first of the two is not in the time, for it is cut out of what is described already."""
    started = time.perf_counter()
    b = _described(question.b, place)
    result = compare_described(question.a, b)
    took = time.perf_counter() - started
    return {
        "kind": question.kind,
        "truth": question.truth,
        "segments": [(one.a_start, one.a_end, one.b_start, one.b_end) for one in result.segments],
        "probability": result.probability,
        "vpdq": vpdq_share(question.a.video, b.video),
        "seconds": question.a.video.info.duration + b.video.info.duration,
        "took": took,
    }


def _described(side: VideoInput | Clip, place: Path) -> VideoInput:
    return describe_video(write(place / "b.mp4", side)) if isinstance(side, Clip) else side


# --- tables -------------------------------------------------------------------------------------------


def _edits(answers: Sequence[Answer]) -> str:
    rows = [_row(kind, [one for one in answers if one.kind == kind]) for kind in EDITS]
    copies = [one for one in answers if one.truth]
    rows.append(_row("**all edits**", copies))
    rows.append(_row("all but pictures in pictures", [one for one in copies if "picture in" not in one.kind]))
    head = ("edit", "pairs", "found, %", "offset right, %", "precision", "recall", "F", "vPDQ's algorithm, found, %")
    return table(head, [row for row in rows if row])


def _row(kind: str, answers: Sequence[Answer]) -> tuple[str, ...]:
    if not answers:
        return ()
    found = [any(_touches(one, span) for one in answer.segments for span in answer.truth) for answer in answers]
    right = [all(any(_is_near(one, span) for one in answer.segments) for span in answer.truth) for answer in answers]
    scores = [segment_scores(answer.segments, answer.truth) for answer in answers]
    precision, recall = (sum(part) / len(part) for part in zip(*scores, strict=True))
    harmonic = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    shares = (f"{100 * sum(part) / len(part):.0f}" for part in (found, right))
    peer = 100 * sum(answer.vpdq >= PDQ_SHARE for answer in answers) / len(answers)
    return kind, str(len(answers)), *shares, f"{precision:.2f}", f"{recall:.2f}", f"{harmonic:.2f}", f"{peer:.0f}"


def _false_alarms(answers: Sequence[Answer]) -> str:
    rows = []
    for name, same in (("same camera at other times", True), ("unrelated", False)):
        own = [one for one in answers if not one.truth and one.kind.endswith("at another time") is same]
        reported = [one for one in own if one.segments]
        surest = max((one.probability for one in own), default=0.0)
        peer = sum(one.vpdq >= PDQ_SHARE for one in own)
        rows.append((name, str(len(own)), str(len(reported)), f"{surest:.2f}", str(peer)))
    return table(("no copies", "pairs", "with a segment", "surest", "vPDQ's algorithm, matched"), rows)


def _published(folder: Path) -> str:
    """The edits of one clip that TMK was published with: found, and how far the offset is from that of the pixels."""
    samples = sorted((folder / "tmk").glob("*.mp4")) if (folder / "tmk").is_dir() else []
    originals = [path for path in samples if path.stem == ORIGINAL]
    if not originals:
        return ""
    original, rows = describe_video(originals[0]), []
    for path in samples:
        if path.stem == ORIGINAL:
            continue
        other = describe_video(path)
        segments = compare_described(original, other).segments
        best = max(segments, key=lambda one: one.probability, default=None)
        apart = "-" if best is None else f"{abs(best.b_start - best.a_start - _pixel_offset(originals[0], path)):.2f}"
        sure = "-" if best is None else f"{best.probability:.3f}"
        peers = f"{100 * vpdq_share(original.video, other.video):.0f}", _tmk(originals[0], path)
        rows.append((path.stem, "no" if best is None else "yes", sure, apart, *peers))
    head = ("published edit", "found", "probability", "offset wrong by, s", "vPDQ's algorithm, % of frames", "TMK")
    return table(head, rows)


def _cost(data: Path, answers: Sequence[Answer]) -> str:
    rate = median(one.seconds / one.took for one in answers)
    note = f"Seconds of both videos compared in a second: {rate:.1f} (median; one of them described beforehand)."
    clips = sorted((data / "video").glob("*/*.mp4"))
    if not clips:
        return note
    longest = max(clips, key=lambda path: open_video(path).info.duration)
    info = open_video(longest).info
    code = f"from lookalike.comparison.video_pair import describe_video; describe_video({str(longest)!r})"
    used = process([sys.executable, "-c", code])
    speed, hour = info.duration / used.wall, 3600 * used.wall / info.duration
    return (
        f"{note} A video of {info.duration:.0f} s, {info.width} x {info.height} at {info.fps:.0f} frames a second, is "
        f"described in {used.wall:.1f} s with the start-up ({used.cpu:.1f} s of the processor): {speed:.0f} times as "
        f"fast as it runs, {hour:.0f} s an hour; {used.peak:.0f} MiB at the peak."
    )


# --- peers and truth ----------------------------------------------------------------------------------


def vpdq_share(a: Video, b: Video) -> float:
    """0..1, the larger of the shares of either's frames that have one of the other's within PDQ_BITS."""
    first, second = (_pdq(video) for video in (a, b))
    if not len(first) or not len(second):
        return 0.0
    near = (first[:, None] != second[None]).sum(2) <= PDQ_BITS
    return float(max(near.any(1).mean(), near.any(0).mean()))


def _pdq(video: Video) -> NDArray[np.bool_]:
    """(N, 256) bits of those of a frame a second that are good enough."""
    import pdqhash

    times = np.arange(0, max(video.info.duration - 0.2, 0.1), 1.0).tolist()
    hashes = [pdqhash.compute(frame.image.pixels) for frame in video.frames_at(times, PDQ_SIDE)]
    return np.array([bits.astype(bool) for bits, quality in hashes if quality >= PDQ_QUALITY]).reshape(-1, 256)


def _tmk(a: Path, b: Path) -> str:
    """The cosine of the hashes that were published, and whether it is a match."""
    hashes = [path.parent.parent / "tmk-hashes" / f"{path.stem}.tmk" for path in (a, b)]
    if not all(path.exists() for path in hashes):
        return "-"
    first, second = (_tmk_average(path.read_bytes()) for path in hashes)
    cosine = float(first @ second / (np.linalg.norm(first) * np.linalg.norm(second)))
    return f"{cosine:.3f}" + ("" if cosine >= TMK_COSINE else ", no match")


def _tmk_average(data: bytes) -> NDArray[np.float32]:
    """The pure average feature: after the header of eight words come periods and coefficients, then this."""
    _, periods, coefficients, size, _ = np.frombuffer(data, np.int32, 5, 12).tolist()
    return np.frombuffer(data, np.float32, size, 32 + 4 * (periods + coefficients))


def _pixel_offset(a: Path, b: Path) -> float:
    """Seconds by which b runs later than a: where small frames, ten a second, differ least. It knows nothing of us."""
    first, second = (_small_frames(path) for path in (a, b))
    best, found = float("inf"), 0
    for shift in range(-len(first) // 2, len(second) // 2):
        rows = np.arange(max(0, -shift), min(len(first), len(second) - shift))
        apart = float(np.abs(first[rows] - second[rows + shift]).mean())
        if len(rows) >= len(first) // 3 and apart < best:
            best, found = apart, shift
    return found / 10


def _small_frames(path: Path) -> NDArray[np.float32]:
    """(N, 1,024) luma, each frame about its mean and over its deviation, as colours and logos must not count."""
    video = open_video(path)
    times = np.arange(0, video.info.duration - 0.1, 0.1).tolist()
    small = [_luma(frame.image.pixels) for frame in video.frames_at(times, 64)]
    flat = np.stack(small).reshape(len(small), -1)
    flat = flat - flat.mean(1, keepdims=True)
    return np.asarray(flat / np.maximum(flat.std(1, keepdims=True), 1e-6), np.float32)


def _luma(pixels: Pixels) -> NDArray[np.float32]:
    return np.asarray(cv2.resize(pixels, (32, 32), interpolation=cv2.INTER_AREA).mean(2), np.float32)


# --- segments -----------------------------------------------------------------------------------------


def segment_scores(segments: Sequence[SegmentSpans], truth: Sequence[Span]) -> tuple[float, float]:
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


def _touches(segment: SegmentSpans, span: Span) -> bool:
    return _overlap((segment.a_start, segment.a_end, segment.b_start, segment.b_end), span) is not None


def _is_near(segment: SegmentSpans, span: Span) -> bool:
    """Whether it shows the middle of what is shared at its time."""
    middle = (span[0] + span[1]) / 2
    slope = (segment.b_end - segment.b_start) / (segment.a_end - segment.a_start)
    shown = segment.b_start + (middle - segment.a_start) * slope
    return segment.a_start <= middle <= segment.a_end and abs(shown - (span[2] + span[3]) / 2) <= NEAR


if __name__ == "__main__":
    run(TITLE, measure)
