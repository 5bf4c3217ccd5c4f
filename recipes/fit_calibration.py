"""Fits comparison/calibration.toml: a probability curve per measure, the rule that separates edited from re-encoded.

    python recipes/fit_calibration.py hashes FOLDER... > calibration.toml && mv calibration.toml DIR
    python recipes/fit_calibration.py networks FOLDER... > networks.toml && mv networks.toml DIR

FOLDER...: photographs of more than one kind, none of them a copy of another. Each is edited in every way of
imaging/manipulations.py that keeps its orientation; what no hash survives (HASHES_MISS) is left out. The networks are
asked for nearly every edit. Each edited image is compared with its original and with negatives: the NEAREST by each
measure, because a library search meets those, and a few others that stand for all the rest, with the weight of the
rest. So the curves are right in the far tail too, where "the best of a million negatives" lives. The even photographs
fit, the odd ones test how good the fit is (on stderr). Seeded; about ten minutes on two cores for 1,250 photographs.
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

from lookalike.comparison.score_normalization import background_similarity, is_normalised
from lookalike.descriptors import HASHES, describe_all, get
from lookalike.descriptors.fusion import BLEND, DEFAULT_WEIGHTS, Blend, learn_weights
from lookalike.distance import METRICS
from lookalike.imaging import from_array, is_image_name, load
from lookalike.imaging.manipulations import EDITS, apply
from lookalike.logistic import fit, sigmoid

SEED = 2026
NEAREST = 9
OTHERS = 6
HASHES_MISS = {"negative", "caption"}
UPRIGHT_EDITS = tuple(
    name
    for name, edit in EDITS.items()
    if (edit.kind in ("re-encoded", "edited") or name == "crop-95") and name not in HASHES_MISS
)

Table = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Fit:
    """What is fitted: curves for ``measures`` over the descriptors ``names``, on these ``edits`` but not on those that
    they cannot find (``missed``): one straight line through both would be too flat for all others. ``similar``: the
    measure by which what is no copy may yet be similar."""

    names: tuple[str, ...]
    measures: tuple[str, ...]
    similar: str
    edits: tuple[str, ...]
    missed: frozenset[str] = frozenset()


FITS = {
    "hashes": Fit(tuple(HASHES), ("blend", *HASHES), "blend", UPRIGHT_EDITS),
    "networks": Fit(
        ("copy", "content"),
        ("copy", "content"),
        "content",
        tuple(EDITS),
        frozenset({"collage", "pasted", "crop-25", "negative"}),
    ),
}


@dataclass(frozen=True, slots=True)
class Pairs:
    """P pairs: measure -> distances (P,); the query's background similarity, if it counts (P,); copies or not (P,); how
    many pairs each stands for (P,); the edit (P,)."""

    distances: Mapping[str, Table]
    background: Table
    same: NDArray[np.bool_]
    weight: NDArray[np.float64]
    edit: NDArray[np.int64]

    def even(self) -> NDArray[np.float64]:
        """Weights under which copies and negatives are as many."""
        total = np.where(self.same, self.weight[self.same].sum(), self.weight[~self.same].sum())
        return np.asarray(self.weight / total / 2)

    def log_odds_to_even(self) -> float:
        """What the log-odds gain when negatives are no more than copies."""
        return float(np.log(self.weight[~self.same].sum() / self.weight[self.same].sum()))


def describe_with_edits(job: tuple[int, Path, Fit]) -> dict[str, Table]:
    """name -> (1 + edits, D): the photograph itself, then each of its edits."""
    number, path, spec = job
    cv2.setNumThreads(1)  # two processes have two cores
    pixels = load(path, min_side=256).pixels
    images = [from_array(pixels), *(from_array(apply(name, pixels, SEED + number)) for name in spec.edits)]
    return {name: part.vectors for name, part in describe_all(images, spec.names).items()}


def pairs_of(spec: Fit, vectors: Sequence[Mapping[str, Table]], half: NDArray[np.int64]) -> Pairs:
    """Every edited image of this half with its original and with negatives."""
    generator = np.random.default_rng(SEED)
    originals = {name: np.stack([vectors[p][name][0] for p in half]) for name in spec.names}
    columns: list[tuple[dict[str, Table], float, bool, float, int]] = []
    for place, photograph in enumerate(half):
        table = distances_to(spec, vectors[photograph], originals)
        background = background_of(spec, vectors[photograph])
        for edit in (number for number, name in enumerate(spec.edits) if name not in spec.missed):
            near, rest = negatives(table, edit, place, generator)
            share = (len(half) - 1 - len(near)) / OTHERS
            for chosen, same, weight in (([place], True, 1.0), (near, False, 1.0), (rest, False, share)):
                columns += [
                    ({m: table[m][edit, other] for m in spec.measures}, background[edit], same, weight, edit)
                    for other in chosen
                ]
    return Pairs(
        {m: np.array([column[0][m] for column in columns], np.float32) for m in spec.measures},
        np.array([column[1] for column in columns], np.float32),
        np.array([column[2] for column in columns]),
        np.array([column[3] for column in columns]),
        np.array([column[4] for column in columns]),
    )


def background_of(spec: Fit, photograph: Mapping[str, Table]) -> NDArray[np.floating]:
    """(edits,) background similarity of one photograph's edits, by the descriptor whose scores are normalised."""
    for name in spec.names:
        if is_normalised(get(name).card):
            return background_similarity(photograph[name][1:])
    return np.zeros(len(spec.edits))


def distances_to(spec: Fit, photograph: Mapping[str, Table], originals: Mapping[str, Table]) -> dict[str, Table]:
    """measure -> (edits, N) distances of one photograph's edits to all originals."""
    table = {n: METRICS[get(n).card.metric](photograph[n][1:], originals[n]) for n in spec.names}
    return table | ({"blend": Blend(DEFAULT_WEIGHTS).combine(table)} if "blend" in spec.measures else {})


def negatives(
    table: Mapping[str, Table], edit: int, place: int, generator: np.random.Generator
) -> tuple[list[int], list[int]]:
    """The nearest by any measure, and a few of the rest."""
    near: set[int] = set()
    for measure in table:
        near |= set(np.argpartition(table[measure][edit], NEAREST)[:NEAREST].tolist())
    near.discard(place)
    rest = np.setdiff1d(np.arange(next(iter(table.values())).shape[1]), [*near, place])
    return sorted(near), generator.choice(rest, OTHERS, replace=False).tolist()


def scaled_distances(pairs: Pairs) -> NDArray[np.float64]:
    """(P, 3): the blend's components in units of the median negative distance."""
    return np.column_stack([pairs.distances[n] / get(n).card.median_negative_distance for n in DEFAULT_WEIGHTS]).astype(
        np.float64
    )


def print_curve(measure: str, fitting: Pairs, testing: Pairs, origin: str) -> None:
    """One logistic curve, moved to even odds; and how right it is on the other half."""
    features, test_features = feature_columns(measure, fitting), feature_columns(measure, testing)
    model = fit(features, fitting.same, l2=1e-6, weights=fitting.weight)
    slope, intercept = -model.coefficients[0], model.intercept + fitting.log_odds_to_even()
    print(f'[curves.{measure}]\nslope = {slope:.6g}\nintercept = {intercept:.6g}\norigin = "{origin}"')
    print("".join(f"background_weight = {-weight:.6g}\n" for weight in model.coefficients[1:]), end="")
    print("complements_blend = true\n" if measure != BLEND and get(measure).card.rerank else "")
    log_odds = intercept + test_features @ np.array(model.coefficients)
    error = calibration_error(sigmoid(log_odds), testing.same, testing.even())
    library = sigmoid(log_odds - testing.log_odds_to_even())
    sure = library >= 0.99
    right = (testing.weight * testing.same)[sure].sum() / max(testing.weight[sure].sum(), 1e-9)
    found = (sure & testing.same).sum() / testing.same.sum()
    print(f"{measure}: calibration error {error:.4f}; in a library, of the 99 % sure {right:.4f} are copies, "
          f"and they are {found:.3f} of all copies", file=sys.stderr)  # fmt: skip


def feature_columns(measure: str, pairs: Pairs) -> NDArray[np.float64]:
    """(P, 1) or, where scores are normalised, (P, 2): the distance, and the query's background similarity."""
    normalised = measure != BLEND and is_normalised(get(measure).card)
    columns = [pairs.distances[measure], *([pairs.background] if normalised else [])]
    return np.column_stack(columns).astype(np.float64)


def calibration_error(probability: NDArray[np.float64], same: NDArray[np.bool_], weight: NDArray[np.float64]) -> float:
    """Expected calibration error in ten bins."""
    bins = np.minimum((probability * 10).astype(int), 9)
    return float(sum(abs((weight * (probability - same))[bins == number].sum()) for number in range(10)))


def print_edited_rule(spec: Fit, fitting: Pairs, testing: Pairs) -> None:
    """The rule that separates edited from re-encoded copies, each kind weighing the same."""
    is_edited = np.array([EDITS[name].kind != "re-encoded" for name in spec.edits])
    edited = is_edited[fitting.edit[fitting.same]]
    weight = np.where(edited, 1 / edited.sum(), 1 / (~edited).sum()) * len(edited)
    model = fit(scaled_distances(fitting)[fitting.same], edited, l2=1e-6, weights=weight)
    print("# Above zero: edited, below: re-encoded; distances in units of each card's `median_negative_distance`.")
    print("[edited]")
    print(f"intercept = {model.intercept:.6g}")
    for name, coefficient in zip(DEFAULT_WEIGHTS, model.coefficients, strict=True):
        print(f"{name} = {coefficient:.6g}")
    predicted = scaled_distances(testing)[testing.same] @ np.array(model.coefficients) + model.intercept > 0
    is_edited_copy = is_edited[testing.edit[testing.same]]
    right = [float((predicted == is_edited_copy)[is_edited_copy == kind].mean()) for kind in (False, True)]
    print(f"accuracy: re-encoded {right[0]:.3f}, edited {right[1]:.3f}", file=sys.stderr)


def negative_distance(pairs: Pairs, measure: str, share: float) -> float:
    """The distance that this share of all pairs of negatives stays under."""
    distance, weight = pairs.distances[measure][~pairs.same], pairs.weight[~pairs.same]
    order = np.argsort(distance)
    return float(distance[order][np.searchsorted(np.cumsum(weight[order]), share * weight.sum())])


def described_cached(spec: Fit, paths: Sequence[Path]) -> list[dict[str, Table]]:
    """The vectors of every photograph and its edits; kept in a file, so that the fit can be changed and run again."""
    fingerprints = [get(name).card.fingerprint for name in spec.names]
    key = repr((spec.edits, fingerprints, [str(path) for path in paths], SEED))
    cache = Path(tempfile.gettempdir()) / f"lookalike-fit-{zlib.crc32(key.encode()):08x}.npz"
    if not cache.exists():
        with ProcessPoolExecutor(2) as pool:
            found = list(pool.map(describe_with_edits, ((*job, spec) for job in enumerate(paths)), chunksize=4))
        np.savez(cache, **{name: np.stack([part[name] for part in found]) for name in spec.names})
    tables = dict(np.load(cache).items())
    return [{name: table[number] for name, table in tables.items()} for number in range(len(paths))]


def main(which: str, folders: Sequence[str]) -> None:
    spec = FITS[which]
    paths = sorted(p for folder in folders for p in Path(folder).rglob("*") if is_image_name(p))
    vectors = described_cached(spec, paths)
    fitting, testing = (pairs_of(spec, vectors, np.arange(start, len(paths), 2)) for start in (0, 1))
    origin = f"{len(paths)} photographs, {len(spec.edits) - len(spec.missed)} edits, seed {SEED}"
    print("# Written by recipes/fit_calibration.py; do not edit by hand.\n")
    print("# At even odds of copies and negatives: probability = sigmoid(intercept - slope * distance).")
    for measure in spec.measures:
        print_curve(measure, fitting, testing, origin)
    if "blend" in spec.measures:
        print_edited_rule(spec, fitting, testing)
    print("\n# Only 1 in 100 pairs of unrelated images is closer.")
    print(f"[similar]\n{spec.similar} = {negative_distance(fitting, spec.similar, 0.01):.6g}")
    if "blend" not in spec.measures:
        return
    weights = learn_weights({n: fitting.distances[n] for n in DEFAULT_WEIGHTS}, fitting.same)
    print("weights that a logistic fit gives:", {n: round(w, 3) for n, w in weights.items()}, file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
