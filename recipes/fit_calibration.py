"""Fits comparison/calibration.toml: a probability curve per measure, the rule that separates edited from re-encoded.

    python recipes/fit_calibration.py hashes FOLDER... > calibration.toml && mv calibration.toml DIR
    python recipes/fit_calibration.py networks FOLDER... > networks.toml && mv networks.toml DIR

FOLDER...: photographs of more than one kind, none of them a copy of another. Each is edited in every way of
``edits.py`` that leaves it lying as it lay; what no hash survives (UNDETECTABLE) is left out. The networks are
fitted on nearly every edit. Each edited image is paired with its original and with negatives: the NEAREST_NEGATIVES by
each measure, because a library search meets those, and a few others that stand for all the rest, with the weight of the
rest. So the curves are right in the far tail too,
where "the best of a million negatives" lives. The even photographs fit, the odd ones measure how good the fit is
(on stderr). Seeded; about ten minutes on two cores for 1,250 photographs.
"""

from __future__ import annotations

import sys
import tempfile
import zlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from lookalike.comparison.score_normalization import background_similarity
from lookalike.descriptors import DESCRIPTORS, describe_all, get
from lookalike.descriptors.fusion import DEFAULT_WEIGHTS, Blend, learn_weights
from lookalike.distance import METRICS
from lookalike.imaging import from_array, is_image_name, load
from lookalike.imaging.manipulations import EDITS, apply
from lookalike.logistic import fit, sigmoid

SEED = 2026
NEAREST_NEGATIVES = 9
OTHER_NEGATIVES = 6
UNDETECTABLE = {"negative", "caption"}
ALIGNED_EDITS = tuple(
    n for n, e in EDITS.items() if (e.kind in ("re-encoded", "edited") or n == "crop-95") and n not in UNDETECTABLE
)

Table = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class FitSpec:
    """What is fitted: curves for ``measures`` over the descriptors ``names``, on these ``edits`` but not on those that
    are ``undetectable`` for them: one straight line through both would be too flat for all others. ``similar``: the
    measure that finds what is no copy and yet similar."""

    names: tuple[str, ...]
    measures: tuple[str, ...]
    similar: str
    edits: tuple[str, ...]
    undetectable: frozenset[str] = frozenset()


SPECS = {
    "hashes": FitSpec(tuple(DESCRIPTORS), ("blend", *DESCRIPTORS), "blend", ALIGNED_EDITS),
    "networks": FitSpec(
        ("copy", "content"),
        ("copy", "content"),
        "content",
        tuple(EDITS),
        frozenset({"collage", "pasted", "crop-25", "negative"}),
    ),
}


@dataclass(frozen=True, slots=True)
class Pairs:
    """P pairs, each array (P,): measure -> distances; background similarity of the query, where needed; copies or not;
    how many pairs each stands for; the edit."""

    distances: Mapping[str, Table]
    background: Table
    same: NDArray[np.bool_]
    weight: NDArray[np.float64]
    edit: NDArray[np.int64]

    def balanced(self) -> NDArray[np.float64]:
        """Weights under which positives and negatives are as many."""
        total = np.where(self.same, self.weight[self.same].sum(), self.weight[~self.same].sum())
        return np.asarray(self.weight / total / 2)

    def prior_log_odds(self) -> float:
        """What the log-odds gain when negatives are no more than positives."""
        return float(np.log(self.weight[~self.same].sum() / self.weight[self.same].sum()))


def describe_with_edits(job: tuple[int, Path, FitSpec]) -> dict[str, Table]:
    """name -> (1 + edits, D): the photograph itself, then each of its edits."""
    number, path, spec = job
    cv2.setNumThreads(1)  # two processes have two cores
    pixels = load(path, min_side=256).pixels
    images = [from_array(pixels), *(from_array(apply(name, pixels, SEED + number)) for name in spec.edits)]
    return {name: part.vectors for name, part in describe_all(images, spec.names).items()}


def pairs_of(spec: FitSpec, vectors: Sequence[Mapping[str, Table]], half: NDArray[np.int64]) -> Pairs:
    """Every edited image of this half with its original and with negatives."""
    generator = np.random.default_rng(SEED)
    originals = {name: np.stack([vectors[p][name][0] for p in half]) for name in spec.names}
    columns: list[tuple[dict[str, Table], float, bool, float, int]] = []
    for place, photograph in enumerate(half):
        table = distances_to_originals(spec, vectors[photograph], originals)
        similarity = (
            background_similarity(vectors[photograph]["copy"][1:])
            if "copy" in spec.names
            else np.zeros(len(spec.edits))
        )
        for edit in (number for number, name in enumerate(spec.edits) if name not in spec.undetectable):
            near, rest = hard_negatives(table, edit, place, generator)
            share = (len(half) - 1 - len(near)) / OTHER_NEGATIVES
            for chosen, same, weight in (([place], True, 1.0), (near, False, 1.0), (rest, False, share)):
                columns += [
                    ({m: table[m][edit, other] for m in spec.measures}, similarity[edit], same, weight, edit)
                    for other in chosen
                ]
    return Pairs(
        {m: np.array([column[0][m] for column in columns], np.float32) for m in spec.measures},
        np.array([column[1] for column in columns], np.float32),
        np.array([column[2] for column in columns]),
        np.array([column[3] for column in columns]),
        np.array([column[4] for column in columns]),
    )


def distances_to_originals(
    spec: FitSpec, photograph: Mapping[str, Table], originals: Mapping[str, Table]
) -> dict[str, Table]:
    """measure -> (edits, N) distances of one photograph's edits to all originals."""
    table = {n: METRICS[get(n).card.metric](photograph[n][1:], originals[n]) for n in spec.names}
    return table | ({"blend": Blend(DEFAULT_WEIGHTS).combine(table)} if "blend" in spec.measures else {})


def hard_negatives(
    table: Mapping[str, Table], edit: int, place: int, generator: np.random.Generator
) -> tuple[list[int], list[int]]:
    """The nearest by any measure, and a few of the rest."""
    near: set[int] = set()
    for measure in table:
        near |= set(np.argpartition(table[measure][edit], NEAREST_NEGATIVES)[:NEAREST_NEGATIVES].tolist())
    near.discard(place)
    rest = np.setdiff1d(np.arange(next(iter(table.values())).shape[1]), [*near, place])
    return sorted(near), generator.choice(rest, OTHER_NEGATIVES, replace=False).tolist()


def scaled(pairs: Pairs) -> NDArray[np.float64]:
    """(P, 3): the blend's components in units of the median distance of negatives."""
    return np.column_stack([pairs.distances[n] / get(n).card.median_negative_distance for n in DEFAULT_WEIGHTS]).astype(
        np.float64
    )


def print_curve(measure: str, fitting: Pairs, testing: Pairs, origin: str) -> None:
    """One logistic curve, moved to even odds; and its calibration on the other half."""
    training, held_out = evidence(measure, fitting), evidence(measure, testing)
    model = fit(training, fitting.same, l2=1e-6, weights=fitting.weight)
    slope, intercept = -model.coefficients[0], model.intercept + fitting.prior_log_odds()
    print(f'[curves.{measure}]\nslope = {slope:.6g}\nintercept = {intercept:.6g}\norigin = "{origin}"')
    print("".join(f"crowding = {-weight:.6g}\n" for weight in model.coefficients[1:]))
    log_odds = intercept + held_out @ np.array(model.coefficients)
    error = calibration_error(sigmoid(log_odds), testing.same, testing.balanced())
    library = sigmoid(log_odds - testing.prior_log_odds())
    sure = library >= 0.99
    precision = (testing.weight * testing.same)[sure].sum() / max(testing.weight[sure].sum(), 1e-9)
    recall = (sure & testing.same).sum() / testing.same.sum()
    print(f"{measure}: calibration error {error:.4f}; in a library, at 99 %: precision {precision:.4f}, "
          f"recall {recall:.3f}", file=sys.stderr)  # fmt: skip


def evidence(measure: str, pairs: Pairs) -> NDArray[np.float64]:
    """(P, 1) or, for `copy`, (P, 2): the distance, and the background similarity of the query."""
    columns = [pairs.distances[measure], *([pairs.background] if measure == "copy" else [])]
    return np.column_stack(columns).astype(np.float64)


def calibration_error(probability: NDArray[np.float64], same: NDArray[np.bool_], weight: NDArray[np.float64]) -> float:
    """Expected calibration error in ten bins."""
    bins = np.minimum((probability * 10).astype(int), 9)
    return float(sum(abs((weight * (probability - same))[bins == number].sum()) for number in range(10)))


def print_edited_rule(spec: FitSpec, fitting: Pairs, testing: Pairs) -> None:
    """The rule that separates edited from re-encoded copies, each kind weighing the same."""
    is_edited = np.array([EDITS[name].kind != "re-encoded" for name in spec.edits])
    edited = is_edited[fitting.edit[fitting.same]]
    weight = np.where(edited, 1 / edited.sum(), 1 / (~edited).sum()) * len(edited)
    model = fit(scaled(fitting)[fitting.same], edited, l2=1e-6, weights=weight)
    print(
        "# Above zero: edited, below: re-encoded; distances in units of each card's median_negative_distance.\n[edited]"
    )
    print(f"intercept = {model.intercept:.6g}")
    for name, coefficient in zip(DEFAULT_WEIGHTS, model.coefficients, strict=True):
        print(f"{name} = {coefficient:.6g}")
    predicted = scaled(testing)[testing.same] @ np.array(model.coefficients) + model.intercept > 0
    truth = is_edited[testing.edit[testing.same]]
    accuracy = [float((predicted == truth)[truth == kind].mean()) for kind in (False, True)]
    print(f"accuracy: re-encoded {accuracy[0]:.3f}, edited {accuracy[1]:.3f}", file=sys.stderr)


def negative_distance(pairs: Pairs, measure: str, share: float) -> float:
    """The distance that this share of all negative pairs stays under."""
    distance, weight = pairs.distances[measure][~pairs.same], pairs.weight[~pairs.same]
    order = np.argsort(distance)
    return float(distance[order][np.searchsorted(np.cumsum(weight[order]), share * weight.sum())])


def cached_vectors(spec: FitSpec, paths: Sequence[Path]) -> list[dict[str, Table]]:
    """The vectors of every photograph and its edits; kept in a file, so that the fit can be changed and run again."""
    key = repr((spec.edits, [get(name).card.fingerprint for name in spec.names], [str(path) for path in paths], SEED))
    kept = Path(tempfile.gettempdir()) / f"lookalike-fit-{zlib.crc32(key.encode()):08x}.npz"
    if not kept.exists():
        with ProcessPoolExecutor(2) as pool:
            found = list(pool.map(describe_with_edits, ((*job, spec) for job in enumerate(paths)), chunksize=4))
        np.savez(kept, **{name: np.stack([part[name] for part in found]) for name in spec.names})
    tables = dict(np.load(kept).items())
    return [{name: table[number] for name, table in tables.items()} for number in range(len(paths))]


def main(which: str, folders: Sequence[str]) -> None:
    spec = SPECS[which]
    paths = sorted(p for folder in folders for p in Path(folder).rglob("*") if is_image_name(p))
    vectors = cached_vectors(spec, paths)
    fitting, testing = (pairs_of(spec, vectors, np.arange(start, len(paths), 2)) for start in (0, 1))
    origin = f"{len(paths)} photographs, {len(spec.edits) - len(spec.undetectable)} edits, seed {SEED}"
    print("# Written by recipes/fit_calibration.py; do not edit by hand.\n")
    print("# At even odds of copy and no copy: probability = sigmoid(intercept - slope * distance).")
    for measure in spec.measures:
        print_curve(measure, fitting, testing, origin)
    if "blend" in spec.measures:
        print_edited_rule(spec, fitting, testing)
    print("\n# Only 1 in 100 negative pairs is closer.")
    print(f"[similar]\n{spec.similar} = {negative_distance(fitting, spec.similar, 0.01):.6g}")
    if "blend" not in spec.measures:
        return
    weights = learn_weights({n: fitting.distances[n] for n in DEFAULT_WEIGHTS}, fitting.same)
    print("weights that a logistic fit gives:", {n: round(w, 3) for n, w in weights.items()}, file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
