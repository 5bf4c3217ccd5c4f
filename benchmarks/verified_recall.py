"""Which edited copies are found when the nearest by `copy` are verified with keypoints, as a search does it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.copies import Copy, drawn_from, made, one_thread
from benchmarks.copy_recall import SIDE, Vectors, dealt, distances, of_file, percent, stacked, threshold
from benchmarks.edits_recall import FOREIGN_SHARE
from benchmarks.harness import Options, run, table
from benchmarks.unseen import photographs
from lookalike.comparison.alignment.align import LOAD_MIN_SIDE, KeypointImage, pair_geometry, with_keypoints
from lookalike.comparison.pair import COMPARISON_DESCRIPTORS, ComparisonInput, compare_aligned, extract_features
from lookalike.descriptors.base import Described
from lookalike.imaging import load
from lookalike.imaging.manipulations import EDITS

TITLE = "Recall of edited copies with the nearest verified by keypoints"
NEAREST = 20  # by `copy`, of which each is verified
PHOTOGRAPHS = 12  # that are asked for, in every way of EDITS
KEPT = 200  # library images that a process remembers with their keypoints
PROCESSES = 2
WAYS = ("copy alone", f"verified, nearest {NEAREST}", f"among the nearest {NEAREST}")


@dataclass(frozen=True)
class Library:
    """Files, and the vectors that a gallery keeps of them."""

    files: Sequence[Path]
    held: Vectors


@dataclass(frozen=True)
class Verified:
    """A query's answer. ``rows``: of the nearest library images; ``odds``: the logarithm of the odds that each is a
    copy. ``nearest``, ``own``: distance by `copy` of the nearest and of the original, infinite if there is none.
    ``milliseconds``: of the processor, for verifying them, and for ``loaded`` of them that had to be read."""

    rows: list[int]
    odds: list[float]
    nearest: float
    own: float
    milliseconds: tuple[float, float]
    loaded: int

    def odds_of(self, row: int) -> float:
        """Of one library image; nothing speaks for one that is not among the nearest."""
        return self.odds[self.rows.index(row)] if row in self.rows else -np.inf


def measure(options: Options) -> str:
    sources, distractors = dealt(options)
    files = [*sources, *options.photographs("clothing", options.size(100_000, 6))]
    asked = _asked_for(sources, options)
    copies = [Copy(number, sources[number], edit) for number in asked for edit in EDITS]
    with ProcessPoolExecutor(PROCESSES, initializer=one_thread) as pool:
        held = stacked(pool.map(partial(of_file, COMPARISON_DESCRIPTORS, None), files, chunksize=8))
    library = Library(files, held)
    with ProcessPoolExecutor(PROCESSES, initializer=_open, initargs=(library,)) as pool:
        found = list(pool.map(_of_copy, copies, chunksize=len(EDITS)))
        strange = list(pool.map(_of_file, distractors, chunksize=8))
    return (
        f"{_note(options, library, asked, distractors)}\n\n{_table(copies, found, strange)}\n\n{_cost(found + strange)}"
    )


def _asked_for(sources: Sequence[Path], options: Options) -> list[int]:
    """Numbers of photographs that nothing was fitted on."""
    unseen = set(chain.from_iterable(photographs(options).values()))
    numbers = [number for number, file in enumerate(sources) if file in unseen]
    return sorted(drawn_from(numbers, options.size(PHOTOGRAPHS, 1)))


# --- in the processes of a pool


@cache
def _opened() -> list[tuple[Library, dict[int, ComparisonInput]]]:
    """One place in each process for the library and the images of it that are remembered."""
    return []


def _open(library: Library) -> None:
    one_thread()
    _opened().append((library, {}))


def _of_copy(copy: Copy) -> Verified:
    return _verified(made(copy), copy.number)


def _of_file(file: Path) -> Verified:
    return _verified(file.read_bytes())


def _verified(data: bytes, original: int | None = None) -> Verified:
    library, _ = _opened()[0]
    query = extract_features(data)
    part = query.described["copy"]
    far = distances("copy", {"copy": part.vectors, "quality copy": part.contrast}, library.held)[0]
    rows = [int(row) for row in np.argsort(far, kind="stable")[:NEAREST]]
    odds, spent, loading, loaded = [], 0.0, 0.0, 0
    for row in rows:
        started = time.process_time()
        other, is_new = _loaded(row)
        between = time.process_time()
        geometry = pair_geometry(query.keypoint_image, other.keypoint_image)
        found = compare_aligned(query, other, geometry, prior=0.5).odds
        odds.append(np.inf if found is None else found)
        spent, loading, loaded = spent + time.process_time() - between, loading + between - started, loaded + is_new
    own = np.inf if original is None else float(far[original])
    return Verified(rows, odds, float(far[rows[0]]), own, (1000 * spent, 1000 * loading), loaded)


def _loaded(row: int) -> tuple[ComparisonInput, bool]:
    """A library image: its vectors from the gallery, its keypoints from the file, unless they are remembered."""
    library, remembered = _opened()[0]
    is_new = row not in remembered
    loaded = remembered.pop(row, None) or ComparisonInput(
        _keypoint_image(library.files[row]), _described(library.held, row)
    )
    remembered[row] = loaded  # as the latest
    if len(remembered) > KEPT:
        remembered.pop(next(iter(remembered)))
    return loaded, is_new


def _keypoint_image(file: Path) -> KeypointImage:
    return with_keypoints(load(file, min_side=LOAD_MIN_SIDE))


def _described(held: Vectors, row: int) -> Mapping[str, Described]:
    one = slice(row, row + 1)
    return {name: Described(held[name][one], held[f"quality {name}"][one]) for name in COMPARISON_DESCRIPTORS}


# --- the tables


def _table(copies: Sequence[Copy], found: Sequence[Verified], strange: Sequence[Verified]) -> str:
    near = threshold(np.array([[one.nearest] for one in strange], np.float32))
    sure = -threshold(np.array([[-max(one.odds)] for one in strange], np.float32))
    pairs = list(zip(copies, found, strict=True))
    right = {
        WAYS[0]: np.array([one.own < near for one in found]),
        WAYS[1]: np.array([one.odds_of(copy.number) > sure for copy, one in pairs]),
        WAYS[2]: np.array([copy.number in one.rows for copy, one in pairs]),
    }
    edits = np.array([copy.edit for copy in copies])
    rows = [(edit, *_shares(right, edits == edit)) for edit in EDITS]
    mean = ("**all edits**", *(f"**{share}**" for share in _shares(right, np.ones(len(copies), np.bool_))))
    result = f"Thresholds: `copy` distance {near:.3f}, logarithm of the odds {sure:.2f} (at even odds)."
    return f"{table(('edit, %', *WAYS), [*rows, mean])}\n\n{result}"


def _shares(right: Mapping[str, NDArray[np.bool_]], chosen: NDArray[np.bool_]) -> list[str]:
    return [percent(float(found[chosen].mean())) for found in right.values()]


def _cost(answers: Sequence[Verified]) -> str:
    verified, loaded = (sum(len(one.rows) for one in answers), sum(one.loaded for one in answers))
    spent, loading = (sum(one.milliseconds[place] for one in answers) for place in (0, 1))
    rows = [
        ("verifying a candidate", f"{verified:,}", f"{spent / verified:.1f}"),
        ("reading it and finding its keypoints, if not remembered", f"{loaded:,}", f"{loading / max(loaded, 1):.1f}"),
    ]
    return table(("work", "times", "mean ms of processor time"), rows)


def _note(options: Options, library: Library, asked: Sequence[int], distractors: Sequence[Path]) -> str:
    return (
        f"Share of copies found. {len(library.files):,} images in the library; {len(asked)} of its photographs of "
        f"{options.size(SIDE, 64)} pixels a side or more, none of which recipes/fit_relation.py reads, are asked for "
        f"in {len(EDITS)} ways, as JPEG (quality 90) or PNG: {len(asked) * len(EDITS):,} queries. Found by `copy` "
        f"alone: the original is nearer than the distance that at most {int(len(distractors) * FOREIGN_SHARE)} of "
        f"{len(distractors):,} distractors stay under. Verified: the original is among the nearest {NEAREST} by `copy` "
        "and its odds are above those that as few of the foreign queries reach with the best of their own nearest. The "
        "last column is what verifying could find at most."
    )


if __name__ == "__main__":
    run(TITLE, measure)
