"""Fits comparison/video.toml: how sure a stretch of two videos is a copy.

    python recipes/fit_video.py PHOTOGRAPHS [VIDEO...] > video.toml && mv video.toml DIR

Edits of benchmarks/video_edits.py of films and fixed cameras drawn from the photographs, and of the first window of
each video; negatives are pairs of one camera or film at other times, and unrelated ones. What temporal alignment finds
in them is true if it overlaps what is known to be shared; all else is false, in copies too. Even odds: both count the
same. Of every four cameras the last tests (on stderr). Seeded.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.video_edits import Question, Span, questions, sources, write
from lookalike.comparison.temporal import TemporalMatch
from lookalike.comparison.video_pair import describe_video, part_candidates, verified, whole_candidates
from lookalike.imaging import is_image_name
from lookalike.logistic import fit, probability

SEED = 2026
CAMERAS = 6  # drawn ones
NEGATIVES = 20  # of each kind
PARTS_EVERY = 5  # of the other questions, parts of frames are looked at in so manieth only: it takes long
STRETCHES = 1  # of a pair of videos, and of parts of their frames
NAMES = ("similarity", "centred", "stillness", "motion", "frame_odds", "seconds", "other_speed")
SIGNS = (1, 1, -1, 1, 1, 1, -1)  # what more evidence must not do: make a copy less likely
L2 = 0.5
OVERLAP = 0.5  # of a stretch, on both sides, that what is shared must cover

Row = tuple[list[float], bool, str]


def main(photographs: Path, videos: list[Path]) -> None:
    images = sorted(path for path in photographs.rglob("*") if is_image_name(path))
    cameras = sources(images, videos, CAMERAS, SEED)
    fitted, tested = ([c for n, c in enumerate(cameras) if (n % 4 == 3) is held] for held in (False, True))
    rows, others = list(_rows(fitted, SEED)), list(_rows(tested, SEED + 1))
    x, y = (np.array([row[part] for row in rows]) for part in (0, 1))
    signs = np.array(SIGNS)
    weights = np.where(y, 0.5 / max(y.sum(), 1), 0.5 / max((~y).sum(), 1)) * len(y)
    model = fit(x * signs, y, l2=L2, nonnegative=True, weights=weights)
    for name, part in (("fitted", rows), ("others", others)):
        _report(name, part, probability(model, np.array([row[0] for row in part]) * signs))
    print("# Written by recipes/fit_video.py.")
    print(f"intercept = {model.intercept:.4f}\n\n[weights]")
    for name, value in zip(NAMES, np.array(model.coefficients) * signs, strict=True):
        if value:
            print(f"{name} = {value:.4f}")


def _rows(cameras: list, seed: int) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as place:
        for number, question in enumerate(questions(cameras, NEGATIVES, seed, share=3)):
            print(f"\r{number} {question.kind:30}", end="", file=sys.stderr)
            with_parts = "picture" in question.kind or number % PARTS_EVERY == 0
            yield from _stretches(question, Path(place), with_parts)


def _stretches(question: Question, place: Path, with_parts: bool) -> Iterator[Row]:
    a, b = (describe_video(write(place / f"{n}.mp4", clip)) for n, clip in (("a", question.a), ("b", question.b)))
    found = whole_candidates(a, b)[:STRETCHES] + (part_candidates(a, b)[:STRETCHES] if with_parts else [])
    for one in found:
        evidence = verified(a.video, b.video, one).evidence
        true = any(_is_true(one.match, span) for span in question.truth)
        yield [evidence[name] for name in NAMES], true, question.kind


def _is_true(match: TemporalMatch, span: Span) -> bool:
    """Whether the stretch lies in what is shared, and at the same offset."""
    inside = min(match.a_end, span[1]) - max(match.a_start, span[0])
    middle = (max(match.a_start, span[0]) + min(match.a_end, span[1])) / 2
    shown = span[2] + (middle - span[0]) * (span[3] - span[2]) / (span[1] - span[0])
    apart = abs(match.slope * middle + match.offset - shown)
    return inside >= OVERLAP * (match.a_end - match.a_start) and apart <= 1.0


def _report(name: str, rows: list[Row], found: np.ndarray) -> None:
    true = np.array([row[1] for row in rows])
    print(
        f"\n{name}: {true.sum()} true, found {(found[true] >= 0.5).mean():.3f}; {(~true).sum()} false, "
        f"called copies {(found[~true] >= 0.5).sum()}, at .99 {(found[~true] >= 0.99).sum()}",
        file=sys.stderr,
    )
    for row, one in zip(rows, found, strict=True):
        if row[1] != (one >= 0.5):
            print(f"  {row[2]}: {one:.3f} " + " ".join(f"{value:.2f}" for value in row[0]), file=sys.stderr)


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(path) for path in sys.argv[2:]])
