"""Fits comparison/video.toml: how sure a stretch of two videos is a copy.

    python recipes/fit_video.py rows PHOTOGRAPHS FOLDER ROWS    # collects rows for as long as it may run, and goes on
    python recipes/fit_video.py fit ROWS > video.toml && mv video.toml DIR
    python recipes/fit_video.py test ROWS                       # rows of other cameras, by the curve that ships

FOLDER holds recordings, each of one camera; drawn ones, made of the photographs, are written beside them. Positives are
edits of their windows (benchmarks/video_edits.py); negatives are windows of one camera at other times, and of two. What
temporal alignment finds is true if it overlaps what is known to be shared; what else it finds in copies is left out. Of
the stretches that are found in two videos PRIOR are taken for copies. Seeded.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.video_edits import (
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
from lookalike.comparison.video_evidence import probability, shipped_curve
from lookalike.comparison.video_pair import (
    Candidate,
    VideoInput,
    describe_video,
    in_one_order,
    part_candidates,
    swapped,
    verified,
    whole_candidates,
)
from lookalike.imaging import is_image_name
from lookalike.logistic import fit
from lookalike.types import Segment

SEED = 2026
DRAWN = 10
OTHER_TIMES, UNRELATED = 180, 60
SHARE = 3  # of the edits of a recording every so manieth is asked
PARTS_EVERY = 6  # of the negatives, parts of frames are looked at in so manieth only: it takes long
STRETCHES = 2  # of a pair of videos; of parts of their frames one
NAMES = ("centred", "distinct", "stillness", "motion", "frame_odds", "seconds", "other_speed")
SIGNS = (1, 1, -1, 1, 1, 1, -1)  # what more evidence must not do: make a copy less likely
L2 = 0.5
PRIOR = 0.25
OVERLAP = 0.5  # of a stretch, on both sides, that what is shared must cover

Row = dict[str, Any]


def collect(photographs: Path, folder: Path, rows: Path) -> None:
    """Appends a line of JSON for each question that has none yet."""
    images = sorted(path for path in photographs.rglob("*") if is_image_name(path))
    own = sorted(path for path in folder.iterdir() if path.suffix in VIDEO_ENDINGS)
    made, kept = folder / "drawn", folder / "described"
    for place in (made, kept):
        place.mkdir(exist_ok=True)
    recordings = [recorded(path, kept) for path in [*own, *drawn(images, made, DRAWN, SEED)]]
    cameras = [one for one in recordings if not one.name.startswith("film")]
    asked = _in_turn(
        edits(recordings, SEED, SHARE),
        at_other_times(cameras, OTHER_TIMES, SEED),
        unrelated(recordings, UNRELATED, SEED),
    )
    done = len(rows.read_text().splitlines()) if rows.exists() else 0
    with tempfile.TemporaryDirectory() as place, rows.open("a") as file:
        for number, question in islice(enumerate(asked), done, None):
            found = list(_rows(question, Path(place), number))
            file.write(json.dumps({"kind": question.kind, "shared": bool(question.truth), "rows": found}) + "\n")
            file.flush()


def _in_turn(*parts: Iterator[Question]) -> Iterator[Question]:
    """One of each, again and again, so that those that were asked at any time are of all kinds."""
    left = list(parts)
    while left:
        for part in list(left):
            question = next(part, None)
            if question is None:
                left.remove(part)
            else:
                yield question


def _rows(question: Question, place: Path, number: int) -> Iterator[Row]:
    a, b, is_swapped = in_one_order(question.a, _described(question.b, place))
    wholes = whole_candidates(a, b)
    found = wholes[:STRETCHES]
    true = 0
    for one in chain(found, _parts(question, number, a, b, wholes)):
        segment = verified(a.video, b.video, one)
        segment = swapped(segment) if is_swapped else segment
        is_true = any(_is_true(segment, span) for span in question.truth)
        yield {"true": is_true, "evidence": dict(segment.evidence), "span": (segment.a_start, segment.a_end)}
        true += is_true
        if question.truth and true == len(question.truth):
            return


def _parts(
    question: Question, number: int, a: VideoInput, b: VideoInput, wholes: Sequence[Candidate]
) -> Iterator[Candidate]:
    if "picture" in question.kind or number % PARTS_EVERY == 0:
        yield from part_candidates(a, b, wholes)[:1]


def _described(side: VideoInput | Clip, place: Path) -> VideoInput:
    return describe_video(write(place / "b.mp4", side)) if isinstance(side, Clip) else side


def _is_true(segment: Segment, span: Span) -> bool:
    """Whether the stretch lies in what is shared, and at the same offset."""
    inside = min(segment.a_end, span[1]) - max(segment.a_start, span[0])
    middle = (max(segment.a_start, span[0]) + min(segment.a_end, span[1])) / 2
    wanted = span[2] + (middle - span[0]) * (span[3] - span[2]) / (span[1] - span[0])
    shown = segment.b_start + (middle - segment.a_start) / segment.speed
    return inside >= OVERLAP * (segment.a_end - segment.a_start) and abs(shown - wanted) <= 1.0


def _read(path: Path) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Kinds, (N, names) evidence, and which are true."""
    asked = [json.loads(line) for line in path.read_text().splitlines()]
    rows = [(one["kind"], row) for one in asked for row in one["rows"] if row["true"] or not one["shared"]]
    x = np.array([[row["evidence"][name] for name in NAMES] for _, row in rows])
    return [kind for kind, _ in rows], x, np.array([row["true"] for _, row in rows])


def fit_curve(path: Path) -> None:
    """Prints the curve."""
    _, x, y = _read(path)
    signs = np.array(SIGNS)
    weights = np.where(y, PRIOR / y.sum(), (1 - PRIOR) / (~y).sum()) * len(y)
    model = fit(x * signs, y, l2=L2, nonnegative=True, weights=weights)
    print("# Written by recipes/fit_video.py.")
    print(f"intercept = {model.intercept:.4f}\n\n[weights]")
    for name, value in zip(NAMES, np.array(model.coefficients) * signs, strict=True):
        if value:
            print(f"{name} = {value:.4f}")


def test_curve(path: Path) -> None:
    """How sure the curve that ships is of these, and what it gets wrong."""
    kinds, x, y = _read(path)
    found = np.array([probability(dict(zip(NAMES, row, strict=True)), shipped_curve()) for row in x])
    print(
        f"{y.sum()} true, found {(found[y] >= 0.5).mean():.3f}, at .9 {(found[y] >= 0.9).mean():.3f}; "
        f"{(~y).sum()} false, called copies {(found[~y] >= 0.5).sum()}, at .9 {(found[~y] >= 0.9).sum()}"
    )
    for kind, row, true, one in zip(kinds, x, y, found, strict=True):
        if true != (one >= 0.5):
            print(f"{one:.3f} {kind}: " + " ".join(f"{n} {v:.2f}" for n, v in zip(NAMES, row, strict=True)))


if __name__ == "__main__":
    {"rows": collect, "fit": fit_curve, "test": test_curve}[sys.argv[1]](*map(Path, sys.argv[2:]))
