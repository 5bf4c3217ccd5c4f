"""Fits compare/calibration.toml: a probability curve per measure, the rule that tells edited from re-encoded.

    python recipes/fit_calibration.py FOLDER... > calibration.toml && mv calibration.toml src/lookalike/compare/

FOLDER...: photographs, none of them a copy of another. Every photograph is edited in each way of ``edits.py`` that
leaves it lying as it lay (what hashes can tell; ``negative`` and larger crops are beyond them), and each edited one
is also held against ``STRANGERS`` other photographs. The photographs are split in two halves: the even ones fit,
the odd ones tell how good the fit is (on stderr). Seeded; a few minutes on two cores.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lookalike.describe import DESCRIPTORS, describe_all, get
from lookalike.describe.blend import DEFAULT_WEIGHTS, Blend, learn_weights
from lookalike.distance import paired
from lookalike.edits import EDITS, apply
from lookalike.load import from_array, is_picture_name, load
from lookalike.logistic import Logistic, fit, sigmoid

SEED = 2026
STRANGERS = 20
NAMES = tuple(DESCRIPTORS)
BEYOND = {"negative", "rotate-5"}
USED = tuple(n for n, e in EDITS.items() if (e.kind in ("re-encoded", "edited") or n == "crop-95") and n not in BEYOND)

Vectors = Mapping[str, NDArray[np.generic]]


def describe_with_edits(job: tuple[int, Path]) -> dict[str, NDArray[np.generic]]:
    """name -> (1 + edits, D): the photograph itself, then each of its edits."""
    number, path = job
    pixels = load(path, min_side=512).pixels
    pictures = [from_array(pixels), *(from_array(apply(name, pixels, SEED + number)) for name in USED)]
    return {name: part.vectors for name, part in describe_all(pictures, NAMES).items()}


def distances(vectors: Sequence[Vectors], pairs: NDArray[np.int64]) -> dict[str, NDArray[np.float32]]:
    """(P, 3) of photograph, edit, other photograph -> every measure's distances (P,), the blend among them."""
    found = {}
    for name in NAMES:
        table = np.stack([part[name] for part in vectors])
        found[name] = paired(get(name).card.metric, table[pairs[:, 0], pairs[:, 1]], table[pairs[:, 2], 0])
    found["blend"] = Blend(DEFAULT_WEIGHTS).combine(found)
    return found


def pairs_of(half: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Every photograph's edits with itself, and with strangers: (P, 3), and whether they are copies."""
    generator = np.random.default_rng(SEED)
    edits = np.arange(1, len(USED) + 1)
    copies = [(p, e, p) for p in half for e in edits]
    strangers = [
        (p, e, other) for p in half for e in edits for other in generator.choice(half[half != p], STRANGERS, False)
    ]
    return np.array(copies + strangers), np.repeat([True, False], [len(copies), len(strangers)])


def even_odds(model: Logistic, same: NDArray[np.bool_]) -> Logistic:
    """The same curve as if there had been as many strangers as copies."""
    return Logistic(model.coefficients, model.intercept + float(np.log((~same).sum() / same.sum())))


def calibration_error(probability: NDArray[np.float64], same: NDArray[np.bool_]) -> float:
    """Expected calibration error in ten bins, copies and strangers weighing the same."""
    weight = np.where(same, 0.5 / same.sum(), 0.5 / (~same).sum())
    bins = np.minimum((probability * 10).astype(int), 9)
    gaps = [abs((weight * (probability - same))[bins == number].sum()) for number in range(10)]
    return float(sum(gaps))


def scaled(found: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float64]:
    """(P, 3): the blend's components in units of what is typical for strangers."""
    return np.column_stack([found[name] / get(name).card.typical for name in DEFAULT_WEIGHTS]).astype(np.float64)


def main(folders: Sequence[str]) -> None:
    paths = sorted(p for folder in folders for p in Path(folder).rglob("*") if is_picture_name(p))
    with ProcessPoolExecutor(2) as pool:
        vectors = list(pool.map(describe_with_edits, enumerate(paths), chunksize=4))
    halves = [np.arange(start, len(paths), 2) for start in (0, 1)]
    (pairs, same), (test_pairs, test_same) = (pairs_of(half) for half in halves)
    found, test = distances(vectors, pairs), distances(vectors, test_pairs)
    origin = f"{len(paths)} photographs, {len(USED)} edits, {int((~same).sum())} pairs of strangers, seed {SEED}"
    print("# Written by recipes/fit_calibration.py; do not edit by hand.\n")
    print("# Strangers and copies to even odds: probability = sigmoid(intercept - slope * distance).")
    for name in ("blend", *NAMES):
        model = even_odds(fit(found[name][:, None], same, l2=1e-6), same)
        slope, intercept = -model.coefficients[0], model.intercept
        error = calibration_error(sigmoid(intercept - slope * test[name]), test_same)
        print(f'[curves.{name}]\nslope = {slope:.6g}\nintercept = {intercept:.6g}\norigin = "{origin}"\n')
        print(f"{name}: calibration error on the other half {error:.4f}", file=sys.stderr)
    report_edited(found, test, pairs, test_pairs, same, test_same)
    strangers = found["blend"][~same]
    print(f"# Only 1 in 100 pairs of strangers is closer.\n[similar]\ndistance = {np.quantile(strangers, 0.01):.6g}")
    weights = learn_weights({n: found[n] for n in DEFAULT_WEIGHTS}, same)
    print("weights learnt here:", {n: round(w, 3) for n, w in weights.items()}, file=sys.stderr)


def report_edited(
    found: Mapping[str, NDArray[np.float32]],
    test: Mapping[str, NDArray[np.float32]],
    pairs: NDArray[np.int64],
    test_pairs: NDArray[np.int64],
    same: NDArray[np.bool_],
    test_same: NDArray[np.bool_],
) -> None:
    """The rule that tells edited from re-encoded copies, each kind weighing the same."""
    kinds = np.array([EDITS[name].kind != "re-encoded" for name in USED])
    edited = kinds[pairs[same][:, 1] - 1]
    model = even_odds(fit(scaled(found)[same], ~edited, l2=1e-6), ~edited)
    print("# Above zero: edited, below: re-encoded; distances in units of each card's `typical`.\n[edited]")
    print(f"intercept = {-model.intercept:.6g}")
    for name, weight in zip(DEFAULT_WEIGHTS, model.coefficients, strict=True):
        print(f"{name} = {-weight:.6g}")
    print()
    truth = kinds[test_pairs[test_same][:, 1] - 1]
    said = scaled(test)[test_same] @ -np.array(model.coefficients) - model.intercept > 0
    right = [float((said == truth)[truth == kind].mean()) for kind in (False, True)]
    print(f"re-encoded told right {right[0]:.3f}, edited {right[1]:.3f}", file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1:])
