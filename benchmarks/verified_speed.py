"""How long a search takes that verifies what it finds, beside verifying every candidate in full, in turn."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.copies import Copy, drawn_from, made
from benchmarks.harness import Options, run, table
from lookalike.gallery import WHOLE_IMAGE_DESCRIPTORS, Gallery
from lookalike.gallery.calibration.scoring import Scoring
from lookalike.gallery.search.options import RERANK_TOP_K, SearchOptions
from lookalike.gallery.search.pipeline import SearchPipeline
from lookalike.gallery.search.reranking import Checked, GeometricVerifier, comparison_input, ranked
from lookalike.imaging.manipulations import EDITS
from lookalike.types import Hit

TITLE = "Search with verification: how long an answer takes"
LIBRARY = 4_900  # photographs of 0.2 MP
DISTRACTOR_STEP = 7  # every so many photographs are kept back, to be asked for
K = RERANK_TOP_K
SIDES = ("every candidate in full, in turn", "search without regions", "search", "search, keypoints kept")
SPEED = ("query", "way", "wall, median ms", "95 % ms", "processor, median ms", "verified", "times as quick")
RECALL = ("way", "first is the original, %", "and a copy, %")
INDEX = ("gallery", "images/s", "bytes an image")


@dataclass(frozen=True)
class Question:
    """A file to search with. ``original``: name of the library's photograph that it was made of, "" for none."""

    data: bytes
    original: str


@dataclass(frozen=True)
class Answer:
    """What one way gave: seconds on the clock and of all cores, and its hits."""

    wall: float
    processor: float
    hits: Sequence[Hit]


Way = Callable[[bytes], list[Hit]]


def measure(options: Options) -> str:
    files = options.photographs("clothing")
    distractors, held = (
        files[::DISTRACTOR_STEP],
        [file for n, file in enumerate(files) if n % DISTRACTOR_STEP][:LIBRARY],
    )
    questions = _questions(held, distractors, options)
    with tempfile.TemporaryDirectory(prefix="lookalike-bench-") as folder:
        wholes, *first = _indexed(Gallery.create(Path(folder) / "wholes", WHOLE_IMAGE_DESCRIPTORS), held)
        plain, *second = _indexed(Gallery.create(Path(folder) / "plain"), held)
        kept, *third = _indexed(Gallery.create(Path(folder) / "kept", keypoints=True), held)
        with wholes, plain, kept:
            searches = (_searched(one) for one in (wholes, plain, kept))
            ways = dict(zip(SIDES, (_in_full(wholes), *searches), strict=True))
            answers = [{name: _timed(way, one.data) for name, way in ways.items()} for one in questions]
    return "\n\n".join(
        [
            _note(held, questions),
            table(SPEED, _speed(questions, answers)),
            table(RECALL, _recall(questions, answers)),
            _agreement(answers),
            table(INDEX, [("without regions", *first), ("by default", *second), ("with keypoints", *third)]),
        ]
    )


def _questions(held: Sequence[Path], distractors: Sequence[Path], options: Options) -> list[Question]:
    """Edited copies of photographs of the library, in every way of EDITS in turn, and photographs that are not there,
    by turns, so that what disturbs the clock disturbs both."""
    copies = [
        Question(made(Copy(number, file, list(EDITS)[number % len(EDITS)])), file.name)
        for number, file in enumerate(drawn_from(held, options.size(len(EDITS), 4)))
    ]
    others = [Question(file.read_bytes(), "") for file in drawn_from(distractors, options.size(len(EDITS), 2))]
    return drawn_from([*copies, *others], len(copies) + len(others))


def _indexed(gallery: Gallery, files: Sequence[Path]) -> tuple[Gallery, str, str]:
    """The gallery with these files; images a second, and bytes an image on the disk."""
    started = time.perf_counter()
    gallery.add(files)
    took = time.perf_counter() - started
    size = gallery.info().disk_bytes / len(files)
    return gallery, f"{len(files) / took:.1f}", f"{size:,.0f}"


def _searched(gallery: Gallery) -> Way:
    return lambda data: gallery.search(data, K)


def _in_full(gallery: Gallery) -> Way:
    """As a search did before: each candidate is described again, has its keypoints found, and is compared in full."""
    pipeline, library = SearchPipeline(gallery._library), gallery._library
    source, chosen = pipeline.source(SearchOptions()), SearchOptions(k=K)
    verifier = replace(GeometricVerifier.of(library, Scoring.of(library.store, library.cards)), cards={})

    def search(data: bytes) -> list[Hit]:
        query = source.query(data, chosen, K)
        asked = comparison_input(query.image, query.described).full()
        checked = []
        for hit in source.candidates(query, K, None, False):
            other = verifier.load(hit.path)
            assert other is not None
            found = verifier.compare(asked, other)
            odds = np.inf if found.odds is None else found.odds
            seen = replace(hit, relation=found.relation, probability=found.probability, verified=True)
            checked.append(Checked(seen, odds))
        return ranked(checked)

    return search


def _timed(way: Way, data: bytes) -> Answer:
    started, used = time.perf_counter(), time.process_time()
    hits = way(data)
    return Answer(time.perf_counter() - started, time.process_time() - used, hits)


# --- the tables


def _note(held: Sequence[Path], questions: Sequence[Question]) -> str:
    copies = sum(bool(one.original) for one in questions)
    return (
        f"{len(held):,} photographs of clothing (0.2 MP) in the library; {copies} edited copies of some, one per "
        f"kind of edit, and {len(questions) - copies} photographs that it does not hold are asked for by `copy`, "
        f"k = {K}, the ways in turn query by query, on {len(os.sched_getaffinity(0))} cores. The first way is what a "
        "search did before it went best first, measured in the same run. "
        '"Verified": candidates a query. '
        "\"Times as quick\": the median, over the queries, of the first way's time over this one's."
    )


def _speed(questions: Sequence[Question], answers: Sequence[dict[str, Answer]]) -> list[tuple[str, ...]]:
    rows = []
    for kind, is_held in (("a copy is held", True), ("none is held", False)):
        chosen = [one for asked, one in zip(questions, answers, strict=True) if bool(asked.original) == is_held]
        for name in SIDES:
            wall = [1000 * one[name].wall for one in chosen]
            rows.append(
                (
                    kind,
                    name,
                    f"{statistics.median(wall):,.0f}",
                    f"{np.percentile(wall, 95):,.0f}",
                    f"{statistics.median(1000 * one[name].processor for one in chosen):,.0f}",
                    f"{np.mean([sum(hit.verified for hit in one[name].hits) for one in chosen]):.1f}",
                    f"{statistics.median(one[SIDES[0]].wall / one[name].wall for one in chosen):.1f}",
                )
            )
    return rows


def _recall(questions: Sequence[Question], answers: Sequence[dict[str, Answer]]) -> list[tuple[str, ...]]:
    held = [(asked, one) for asked, one in zip(questions, answers, strict=True) if asked.original]
    rows = []
    for name in SIDES:
        first = [(Path(one[name].hits[0].path).name == asked.original, one[name].hits[0]) for asked, one in held]
        right = [is_right for is_right, _ in first]
        sure = [is_right and hit.probability >= 0.5 for is_right, hit in first]
        rows.append((name, f"{100 * np.mean(right):.1f}", f"{100 * np.mean(sure):.1f}"))
    return rows


def _agreement(answers: Sequence[dict[str, Answer]]) -> str:
    """How often what is said at a glance is what a full comparison says."""
    pairs = [
        (hit, full)
        for one in answers
        for full in one[SIDES[0]].hits
        for hit in one[SIDES[1]].hits
        if hit.path == full.path and hit.verified
    ]
    same = np.mean([hit.relation == full.relation for hit, full in pairs])
    other = sum((hit.probability >= 0.5) != (full.probability >= 0.5) for hit, full in pairs)
    return (
        f"Of {len(pairs):,} candidates that the search verified, {100 * same:.1f} % have the relation of a full "
        f"comparison, and {other} are a copy to the one and none to the other."
    )


if __name__ == "__main__":
    run(TITLE, measure)
