"""Whether probabilities and relations are what they say, on photographs that nothing was fitted on."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.copies import Copy, drawn_from, made, one_thread
from benchmarks.harness import SEED, Options, run, table
from lookalike import compare
from lookalike.comparison.scoring import classify_from_distances
from lookalike.descriptors.fusion import DEFAULT_WEIGHTS
from lookalike.gallery import Gallery
from lookalike.imaging.manipulations import EDITS

TITLE = "Calibration on photographs not used for fitting"
BINS = (0.0, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0)
# What leaves an image lying as it lay. Of these, a negative and a tilt are known to be beyond hashes.
UPRIGHT = (*(n for n, edit in EDITS.items() if edit.kind in ("re-encoded", "edited")), "crop-95", "rotate-5")
HARD = ("negative", "rotate-5")
ASKED: Mapping[str, tuple[str, ...]] = {
    "re-encoded": tuple(name for name, edit in EDITS.items() if edit.kind == "re-encoded"),
    "edited": tuple(name for name, edit in EDITS.items() if edit.kind == "edited"),
    "mirrored": ("mirror", "flip"),
    "rotated": ("rotate-90", "rotate-180", "rotate-270"),
}
RELATIONS = ("identical", "re-encoded", "edited", "mirrored", "rotated", "similar", "unrelated")
PLANTED = tuple(name for name in UPRIGHT if name not in HARD)
PRECISION = 0.99


@dataclass(frozen=True)
class Question:
    """A copy, and the photograph that it is held against. ``truth``: its kind, or "unrelated"."""

    copy: Copy
    other: Path
    truth: str


def measure(options: Options) -> str:
    files = options.photographs("unseen")
    with ProcessPoolExecutor(initializer=one_thread) as pool:
        questions = _reliability_questions(files, options.size(3_000, 12))
        scored = list(pool.map(_probability, questions, chunksize=8))
        pairs = _relation_questions(files, options.size(500, 2))
        related = list(pool.map(_relation, pairs, chunksize=8))
        found = _duplicates(pool, options)
    hard = np.array([question.copy.edit in HARD for question in questions])
    copies = np.array([question.truth != "unrelated" for question in questions])
    probability = np.array(scored)
    return "\n\n".join(
        [
            f"**classify_from_distances() at even odds.** {copies.sum():,} copies ({len(UPRIGHT)} edits that leave the "
            f"image lying as it lies) and {(~copies).sum():,} pairs of strangers. Expected calibration error over "
            f"ten bins: {_expected_error(probability, copies):.4f}; without {' and '.join(HARD)}, which hashes cannot "
            f"tell: {_expected_error(probability[~hard], copies[~hard]):.4f}.",
            _reliability(probability, copies, hard),
            f"**compare().** {len(pairs):,} pairs; per row, what the relation was told to be, in percent.",
            _confusion(pairs, related),
            found,
        ]
    )


def _reliability_questions(files: Sequence[Path], count: int) -> list[Question]:
    """As many copies as strangers; the same edited images on both sides."""
    chosen = [files[n] for n in np.random.default_rng(SEED).integers(0, len(files), count)]
    copies = [Copy(n, file, UPRIGHT[n % len(UPRIGHT)]) for n, file in enumerate(chosen)]
    same = [Question(copy, copy.file, EDITS[copy.edit].kind) for copy in copies]
    return same + _negatives(copies, files)


def _negatives(copies: Sequence[Copy], files: Sequence[Path]) -> list[Question]:
    places = np.random.default_rng(SEED + 1).integers(0, len(files), len(copies))
    others = [files[n] if files[n] != copy.file else files[n - 1] for n, copy in zip(places, copies, strict=True)]
    return [Question(copy, other, "unrelated") for copy, other in zip(copies, others, strict=True)]


def _relation_questions(files: Sequence[Path], each: int) -> list[Question]:
    questions = []
    for kind, edits in ASKED.items():
        chosen = drawn_from(files, each)
        copies = [Copy(n, file, edits[n % len(edits)]) for n, file in enumerate(chosen)]
        questions += [Question(copy, copy.file, kind) for copy in copies]
    return questions + _negatives([question.copy for question in questions[::4]], files)


def _probability(question: Question) -> float:
    """By the three hashes of our default; 0 for a blank image."""
    distances = compare(question.other, made(question.copy)).distances
    return classify_from_distances(distances).probability if set(DEFAULT_WEIGHTS) <= set(distances) else 0.0


def _relation(question: Question) -> str:
    return compare(question.other, made(question.copy)).relation


def _expected_error(probability: NDArray[np.float64], copies: NDArray[np.bool_]) -> float:
    """Guo et al., 2017: the gap between said and seen, ten equal bins, weighted by the pairs in them."""
    places = np.minimum((probability * 10).astype(int), 9)
    gaps = [abs(probability[places == n].sum() - copies[places == n].sum()) for n in range(10)]
    return float(sum(gaps) / len(copies))


def _reliability(probability: NDArray[np.float64], copies: NDArray[np.bool_], hard: NDArray[np.bool_]) -> str:
    places = np.clip(np.searchsorted(BINS, probability, side="right") - 1, 0, len(BINS) - 2)
    rows = []
    for number, (low, high) in enumerate(pairwise(BINS)):
        cells = [f"{low:g} to {high:g}"]
        for chosen in (places == number, (places == number) & ~hard):
            cells += [f"{chosen.sum():,}", _mean(probability[chosen]), _mean(copies[chosen])]
        rows.append(cells)
    header = ("probability", "pairs", "mean said", "copies seen", "without the hard: pairs", "mean said", "copies seen")
    return table(header, rows)


def _mean(values: NDArray[np.generic]) -> str:
    return f"{values.mean():.3f}" if len(values) else "-"


def _confusion(questions: Sequence[Question], answers: Sequence[str]) -> str:
    counts = Counter(zip((question.truth for question in questions), answers, strict=True))
    rows = []
    for truth in (*ASKED, "unrelated"):
        total = sum(number for (asked, _), number in counts.items() if asked == truth)
        shares = [100 * counts[truth, answer] / total for answer in RELATIONS]
        rows.append((truth, total, *(f"{share:.1f}" if share else "0" for share in shares)))
    return table(("in truth", "pairs", *RELATIONS), rows)


# --- duplicates in a library with planted copies


def _duplicates(pool: ProcessPoolExecutor, options: Options) -> str:
    photographs = drawn_from(options.photographs("clothing"), options.size(1_000, 12))
    doubled = photographs[: options.size(200, 4)]
    with tempfile.TemporaryDirectory(prefix="lookalike-bench-") as name:
        folder = Path(name)
        list(pool.map(partial(_write, folder), range(len(photographs)), photographs))
        generator = np.random.default_rng(SEED)
        edits = [generator.choice(PLANTED, 2, replace=False).tolist() for _ in doubled]
        copies = [Copy(n, file, edit) for n, file in enumerate(doubled) for edit in edits[n]]
        list(pool.map(partial(_write_copy, folder), copies))
        truth = {pair for n in range(len(doubled)) for pair in combinations(_family(n, edits[n]), 2)}
        with Gallery.create(folder / "g") as gallery:
            report = gallery.add(folder)
            assert report.added == len(photographs) + len(copies), report
            groups = gallery.duplicates(precision=PRECISION)
    members = [sorted(Path(path).name for path in (group.keep, *group.others)) for group in groups]
    found = {pair for group in members for pair in combinations(group, 2)}
    return _result(truth, found, len(photographs), len(copies))


def _family(number: int, edits: Sequence[str]) -> list[str]:
    return sorted([f"{number:05}.jpg", *(f"{number:05} {edit}" + _ending(number) for edit in edits)])


def _ending(number: int) -> str:
    return ".png" if number % 2 else ".jpg"


def _write(folder: Path, number: int, file: Path) -> None:
    (folder / f"{number:05}.jpg").write_bytes(file.read_bytes())


def _write_copy(folder: Path, copy: Copy) -> None:
    (folder / f"{copy.number:05} {copy.edit}{_ending(copy.number)}").write_bytes(made(copy))


def _result(truth: set[tuple[str, str]], found: set[tuple[str, str]], photographs: int, copies: int) -> str:
    right, wrong = len(truth & found), sorted(found - truth)
    examples = "; ".join(" + ".join(pair) for pair in wrong[:6])
    row = (
        PRECISION,
        f"{len(truth):,}",
        f"{len(found):,}",
        f"{right / max(len(found), 1):.4f}",
        f"{right / len(truth):.3f}",
    )
    header = ("precision asked", "planted pairs", "pairs in groups", "precision seen", "recall")
    result = table(header, [row])
    note = (
        f"Not planted, to be looked at, for the photographs may hold copies of their own: {examples}." if wrong else ""
    )
    return (
        f"**Gallery.duplicates.** {photographs:,} photographs of clothing and {copies:,} edited copies, two of each of "
        f"the first {copies // 2:,}; the pairs among three such images count.\n\n{result}\n\n{note}".rstrip()
    )


if __name__ == "__main__":
    run(TITLE, measure)
