"""All near-duplicates in a library, beside imagededup's searches at the same threshold on the same hashes."""

from __future__ import annotations

import importlib.util
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import SEED, Options, in_turn, process, ratios, run, spread, table
from benchmarks.synthetic import fill, flips
from lookalike.comparison.calibration import curve, library_prior
from lookalike.gallery import Gallery

TITLE = "Gallery.duplicates beside imagededup, as whole processes"
SEARCH = Path(__file__).parent / "sides" / "imagededup_search.py"
PRECISION = 0.99
FIRST = "on the first 64 bits of each"
HEADER = ("hashes of 256 bits", "side", "seconds", "gallery is so many times as fast", "peak MiB", "pairs found")

Answer = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """So many hashes, and the searches of imagededup that can be waited for."""

    count: int
    methods: tuple[str, ...]
    rounds: int


@dataclass(frozen=True)
class Library:
    """(N, 32) uint8, the pairs at most ``limit`` bits apart that were planted, and that limit."""

    hashes: NDArray[np.uint8]
    pairs: list[list[int]]
    limit: int


def measure(options: Options) -> str:
    peer = importlib.util.find_spec("imagededup") is not None
    cases = [
        Case(options.size(2_000, 150), ("bktree", "brute_force") if peer else (), options.size(3, 1)),
        Case(options.size(10_000, 200), ("brute_force_cython",) if peer else (), options.size(3, 1)),
        Case(options.size(100_000, 1_000), (), options.size(3, 1)),
    ]
    rows = [row for case in cases for row in _compared(case)]
    missing = "" if peer else " imagededup is not installed, so it is not measured."
    note = (
        f"Random hashes with planted groups of three (2 % of the images) and pairs just beyond the limit; every "
        f"side found exactly the planted pairs. The gallery's time is that of `duplicates(precision={PRECISION})` "
        "on disk, groups built; imagededup's that of its HashEval with two processes, hashes in memory. "
        f"brute_force_cython takes 64 bits at most, so it works {FIRST}, a quarter of the bits, and its pairs are "
        f"not compared.{missing}"
    )
    return f"{table(HEADER, rows)}\n\n{note}"


def _compared(case: Case) -> list[tuple[object, ...]]:
    library = _planted(case.count)
    with tempfile.TemporaryDirectory(prefix="lookalike-bench-") as name:
        folder = Path(name)
        with Gallery.create(folder / "g", ["structure"]) as gallery:
            fill(gallery, 0, case.count, lambda first, size: {"structure": library.hashes[first : first + size]})
        sides = {"gallery": _ours(folder / "g")} | {m: _theirs(folder, library, m) for m in case.methods}
        answers = in_turn(sides, case.rounds)
    for side, found in answers.items():
        if side != "brute_force_cython":
            assert all(library.pairs == one["pairs"] for one in found), side
    return [_row(case, side, found, answers["gallery"]) for side, found in answers.items()]


def _row(case: Case, side: str, found: Sequence[Answer], ours: Sequence[Answer]) -> tuple[object, ...]:
    seconds, own = ([one["seconds"] for one in answers] for answers in (found, ours))
    faster = "1" if side == "gallery" else spread(ratios(seconds, own), 0)
    label = {"gallery": side, "brute_force_cython": f"imagededup brute_force_cython, {FIRST}"}
    peak = max(one["peak"] for one in found)
    pairs = "-" if side == "brute_force_cython" else f"{len(found[0]['pairs']):,}"
    return f"{case.count:,}", label.get(side, f"imagededup {side}"), spread(seconds), faster, f"{peak:,.0f}", pairs


def _planted(count: int) -> Library:
    """Groups of three, a quarter and half of the limit from the first; and pairs ten bits beyond the limit."""
    rng = np.random.default_rng(SEED)
    limit = int(curve("structure").distance(PRECISION, library_prior(count)))
    hashes = rng.integers(0, 256, (count, 32), np.uint8)
    places = rng.permutation(count)
    trios = places[: count // 50 // 3 * 3].reshape(-1, 3)
    for column, bits in ((1, limit // 4), (2, limit // 2)):
        hashes[trios[:, column]] = hashes[trios[:, 0]] ^ flips(rng, len(trios), 256, bits)
    beyond = places[-(count // 100) * 2 :].reshape(-1, 2)
    hashes[beyond[:, 1]] = hashes[beyond[:, 0]] ^ flips(rng, len(beyond), 256, limit + 10)
    pairs = sorted([min(a, b), max(a, b)] for trio in trios.tolist() for a, b in combinations(trio, 2))
    return Library(hashes, pairs, limit)


def _ours(gallery: Path) -> Callable[[], Answer]:
    command = [sys.executable, "-m", "benchmarks.sides.duplicates", gallery, str(PRECISION)]
    return lambda: json.loads(process(command).output)


def _theirs(folder: Path, library: Library, method: str) -> Callable[[], Answer]:
    size, limit = (8, library.limit // 4) if method == "brute_force_cython" else (32, library.limit)
    file = folder / f"{method}.txt"
    file.write_text("\n".join(row.tobytes().hex() for row in np.ascontiguousarray(library.hashes[:, :size])))
    command = [sys.executable, SEARCH, file, method, str(limit)]
    return lambda: json.loads(process(command).output)


if __name__ == "__main__":
    run(TITLE, measure)
