"""Fits comparison/sound.toml: how sure a stretch of two soundtracks is of one recording.

    python recipes/fit_sound.py [SOUND...] > sound.toml && mv sound.toml DIR

Questions of benchmarks/sound_edits.py about these recordings and drawn ones. What the alignment finds is true if it
lies in what is known to be shared; all else is false. What is false counts FALSE_ODDS times as much as what is true:
bars that come again are found far more often than anything is copied. Seeded.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.sound_edits import Piece, Question, describe, is_true, pieces, questions
from lookalike.comparison.sound_alignment import sound_matches
from lookalike.comparison.sound_pair import sound_evidence
from lookalike.logistic import fit, probability

SEED = 2026
DRAWN = 2  # pieces of either kind
EACH, NEGATIVES = 6, 110
NAMES = ("agreement", "rival", "repetition", "seconds")
SIGNS = (1, -1, -1, 1)  # what more evidence must not do: make a copy less likely
FALSE_ODDS = 20.0
L2 = 0.1

Row = tuple[list[float], bool, Question]


def main(paths: list[Path]) -> None:
    rows = list(_rows(pieces(paths, DRAWN, SEED)))
    x, y = np.array([row[0] for row in rows]) * SIGNS, np.array([row[1] for row in rows])
    weights = np.where(y, 1 / y.sum(), FALSE_ODDS / (~y).sum())
    model = fit(x, y, l2=L2, nonnegative=True, weights=weights * len(y) / weights.sum())
    _report(rows, y, probability(model, x))
    print("# Written by recipes/fit_sound.py.")
    print(f"intercept = {model.intercept:.4f}\n\n[weights]")
    for name, value in zip(NAMES, np.array(model.coefficients) * SIGNS, strict=True):
        print(f"{name} = {value:.4f}")


def _rows(found: list[Piece]) -> Iterator[Row]:
    whole = {one.name: describe(one.sound) for one in found}
    for number, question in enumerate(questions(found, EACH, NEGATIVES, SEED)):
        print(f"\r{number} {question.kind:40}", end="", file=sys.stderr)
        a = whole[question.name] if question.truth is not None else describe(question.a)
        b = describe(question.b)
        matches = sound_matches(a, b)
        for match in matches:
            evidence = sound_evidence(a, b, match, matches)
            yield [evidence[name] for name in NAMES], is_true(match, question.truth), question


def _report(rows: list[Row], y: np.ndarray, p: np.ndarray) -> None:
    wrong = sorted({id(row[2]) for row, one in zip(rows, p, strict=True) if not row[1] and one >= 0.5})
    print(
        f"\n{y.sum()} true, found {(p[y] >= 0.5).mean():.3f}; {(~y).sum()} false, in {len(wrong)} pairs told",
        file=sys.stderr,
    )
    for row, one in zip(rows, p, strict=True):
        if not row[1] and one >= 0.3:
            print(f"  {row[2].kind}: {row[2].name} {one:.2f} {np.round(row[0], 2)}", file=sys.stderr)


if __name__ == "__main__":
    main([Path(path) for path in sys.argv[1:]])
