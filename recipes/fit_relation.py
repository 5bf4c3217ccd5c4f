"""Fits comparison/relation.toml: how named evidence is weighed, from pairs whose relation is known.

    python recipes/fit_relation.py DATA > relation.toml && mv relation.toml src/lookalike/comparison/

DATA holds bsds, codec/CID22, clothing (with images.csv), flowers (a folder per class), drawn
(recipes/score_normalization.py), and images of one place each from several sides: seneca, views/monstree. Half of the
photographs fit, a quarter tests (on stderr) how good the fit is; the rest is for the benchmark. Copies are edited as in
imaging/manipulations.py and written as files; negatives are the nearest by `copy`, which are what a search meets, and
others. Seeded; about fifteen minutes on two cores.
"""

from __future__ import annotations

import csv
import io
import pickle
import sys
import tempfile
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from gps import APART, metres
from numpy.typing import NDArray
from PIL import Image as Pillow

from lookalike.comparison.alignment.align import LOAD_MIN_SIDE, KeypointImage, pair_geometry, with_keypoints
from lookalike.comparison.edit_classifier import COPIES, EDIT_TYPES, OTHERS, edit_rule
from lookalike.comparison.evidence import distance_evidence, evidence_values
from lookalike.comparison.pair import COMPARISON_DESCRIPTORS
from lookalike.descriptors import describe_all
from lookalike.descriptors.base import Described
from lookalike.distance import METRICS
from lookalike.imaging import is_image_name, load
from lookalike.imaging.manipulations import EDITS, apply
from lookalike.logistic import Logistic, fit, sigmoid

SEED = 2026
UNDECIDED = {"Not sure", "Skip", "Other"}


@dataclass(frozen=True)
class LabelledPair:
    """Two files; the second is edited first by ``edit``, names with "|" between them. ``relation``: how they are
    related, "negative" if only that they are no copies is known. ``swap``: they change places. ``weight``: how many
    pairs it stands for."""

    a: Path
    b: Path
    relation: str
    edit: str = ""
    swap: bool = False
    weight: float = 1.0
    seed: int = 0


def evidence_of(pair: LabelledPair) -> dict[str, float]:
    """The evidence of one pair."""
    first, second = features(pair.a, "", 0), features(pair.b, pair.edit, pair.seed)
    if pair.swap:
        first, second = second, first
    (a, described_a), (b, described_b) = first, second
    return evidence_values(pair_geometry(a, b), distance_evidence(described_a, described_b))


@lru_cache(maxsize=4)
def features(path: Path, edit: str, seed: int) -> tuple[KeypointImage, dict[str, Described]]:
    cv2.setNumThreads(1)
    image = load(path, min_side=LOAD_MIN_SIDE)
    if edit:
        pixels = load(path, min_side=512).pixels
        for one in edit.split("|"):
            pixels = apply(one, pixels, SEED + seed)
        memory = io.BytesIO()
        kind = ("JPEG", {"quality": 90}) if seed % 2 else ("PNG", {"compress_level": 1})
        Pillow.fromarray(pixels).save(memory, kind[0], **kind[1])
        image = load(memory.getvalue(), min_side=LOAD_MIN_SIDE)
    return with_keypoints(image), describe_all([image], COMPARISON_DESCRIPTORS)


# --- the pairs


def images(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if is_image_name(path))


def quarter(files: Sequence[Path], part: int, count: int) -> list[Path]:
    """Quarter ``part`` of the files; quarters 0 and 1 fit, 2 tests, 3 is for the benchmark."""
    order = np.random.default_rng(SEED).permutation(len(files))
    mine = [files[n] for n in order[part * len(files) // 4 : (part + 1) * len(files) // 4]]
    return mine[:count]


def labelled_pairs(data: Path, parts: Sequence[int], count: int, edits: int) -> list[LabelledPair]:
    rng = np.random.default_rng([SEED, *parts])
    photographs = [
        file
        for folder in ("bsds", "codec/CID22", "clothing", "drawn")
        for part in parts
        for file in quarter(images(data / folder), part, count)
    ]
    return [
        *_copies(photographs, edits, rng),
        *_negatives(photographs, rng),
        *_views(data, parts, rng),
        *_classes(data, parts, count, rng),
    ]


# A change that comes with a crop, a mirror or a turn; none before an edit that would only be seen by it.
ALSO = ("jpeg-30", "resize-50", "brightness-", "contrast+", "grey", "saturation", "blur")
AGAIN = ("jpeg-90", "jpeg-50", "jpeg-30", "webp-50", "resize-50")  # what is re-encoded twice is re-encoded
SIMPLE = ("jpeg-50", "resize-50", "brightness+", "crop-80")  # for drawn things, of which other edits leave nothing


def _copies(files: Sequence[Path], edits: int, rng: np.random.Generator) -> Iterator[LabelledPair]:
    for number, file in enumerate(files):
        is_drawn = file.stem.startswith("drawn")
        for edit in SIMPLE if is_drawn else map(str, rng.choice(list(EDITS), edits, replace=False)):
            kind = EDITS[edit].kind
            before = AGAIN if kind == "re-encoded" else ALSO if kind in ("crop", "mirrored", "rotated") else ()
            if before and rng.random() < 0.4:
                edit = f"{rng.choice(before)}|{edit}"
            if kind != "re-encoded" and rng.random() < 0.4:
                edit = f"{edit}|{rng.choice(AGAIN)}"
            yield LabelledPair(file, file, kind, edit, bool(rng.random() < 0.5), 1.0, number)


def _negatives(files: Sequence[Path], rng: np.random.Generator) -> Iterator[LabelledPair]:
    with ProcessPoolExecutor(2) as pool:
        vectors = np.concatenate(list(pool.map(_copy_vector, files, chunksize=16)))
    far = METRICS["cosine"](vectors, vectors)
    np.fill_diagonal(far, np.inf)
    for number, file in enumerate(files):
        order = np.argsort(far[number])
        edit = str(rng.choice(list(EDITS)))
        for other in order[:3]:
            yield LabelledPair(files[other], file, "negative", edit if rng.random() < 0.5 else "", False, 1.0, number)
        for other in rng.choice(order[3:-1], 3, replace=False):
            yield LabelledPair(
                files[other], file, "unrelated", edit if rng.random() < 0.5 else "", False, (len(files) - 4) / 3, number
            )


def _copy_vector(file: Path) -> NDArray[np.float32]:
    cv2.setNumThreads(1)
    return describe_all([load(file, min_side=160)], ("copy",))["copy"].vectors


LIGHT = ("", "", "jpeg-50", "resize-50", "crop-80", "brightness+", "grey")


def _views(data: Path, parts: Sequence[int], rng: np.random.Generator) -> Iterator[LabelledPair]:
    """Neighbours in a row of photographs of one place; each row is cut into quarters. Where an aircraft turned they may
    have nothing in common: those that say where they were taken count up to APART metres."""
    for folder, reach in (("seneca", 1), ("views/monstree", 2)):
        files = images(data / folder)
        for part in parts:
            row = files[part * len(files) // 4 : (part + 1) * len(files) // 4]
            for n, file in enumerate(row):
                for other in row[n + 1 : n + 1 + reach]:
                    for _ in range(2 if folder == "seneca" else 3):
                        edit, swap = str(rng.choice(LIGHT)), bool(rng.random() < 0.5)
                        if metres(file, other) <= APART:
                            yield LabelledPair(file, other, "same scene", edit, swap, 1.0, n)


def _classes(data: Path, parts: Sequence[int], count: int, rng: np.random.Generator) -> Iterator[LabelledPair]:
    """Images of one class, and of two classes."""
    for part in parts:
        for classes in (_flowers(data), _clothing(data)):
            rows = {name: quarter(files, part, count) for name, files in sorted(classes.items())}
            rows = {name: files for name, files in rows.items() if len(files) > 1}
            for number in range(2 * count):
                name = str(rng.choice(list(rows)))
                a, b = rng.choice(len(rows[name]), 2, replace=False)
                yield LabelledPair(rows[name][a], rows[name][b], "similar", "", False, 1.0, number)
        flowers, clothing = (
            sorted(file for files in classes.values() for file in files)
            for classes in (_flowers(data), _clothing(data))
        )
        photographs = quarter(images(data / "bsds"), part, 1000)
        for number in range(count):
            pools = [quarter(flowers, part, 1000), quarter(clothing, part, 1000), photographs]
            first, second = rng.choice(3, 2, replace=False)
            a, b = (pools[n][int(rng.integers(len(pools[n])))] for n in (first, second))
            yield LabelledPair(a, b, "unrelated", "", False, 1.0, number)


def _flowers(data: Path) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for file in images(data / "flowers"):
        found.setdefault(file.parent.name, []).append(file)
    return found


def _clothing(data: Path) -> dict[str, list[Path]]:
    files = {file.stem: file for file in images(data / "clothing")}
    found: dict[str, list[Path]] = {}
    for listed in (data / "clothing").rglob("images.csv"):
        with listed.open(newline="") as lines:
            for row in csv.DictReader(lines):
                if row["image"] in files and row["label"] not in UNDECIDED:
                    found.setdefault(row["label"], []).append(files[row["image"]])
    return found


def all_evidence(labelled: Sequence[LabelledPair]) -> list[dict[str, float]]:
    """The evidence of every pair, kept in a file, so that the fit can be changed and run again."""
    kept = Path(tempfile.gettempdir()) / f"lookalike-relation-{zlib.crc32(repr(labelled).encode()):08x}.pickle"
    if not kept.exists():
        with ProcessPoolExecutor(2) as pool:
            values = list(pool.map(evidence_of, labelled, chunksize=16))
        kept.write_bytes(pickle.dumps(values))
    found: list[dict[str, float]] = pickle.loads(kept.read_bytes())
    return found


# --- the fit

COPY_EVIDENCE = (
    *(
        "unverified_copy_distance",
        "unverified_structure_distance",
        "unverified_texture_distance",
        "verified",
        "aligned",
        "inliers",
    ),
    *("inlier_ratio", "keypoint_coverage", "unmatched_keypoints", "residual", "local_ncc", "structured", "changed"),
    "outside_both",
)
EDIT_EVIDENCE = (
    *("colour_distance", "texture_distance", "structure_distance", "copy_distance"),
    *("inliers", "inlier_ratio", "keypoint_coverage"),
    *(
        "residual",
        "local_ncc",
        "local_ncc_log",
        "changed",
        "tone",
        "sharpness_log_ratio",
        "noise_level",
        "noise_flat_ratio",
        "mirrored",
        "negative",
        "rotation",
    ),
    *("tilt", "anisotropy", "outside_overlap", "outside_overlap_plain", "outside_share", "outside_both"),
)
OTHER_EVIDENCE = (
    *("colour_distance", "texture_distance", "structure_distance", "copy_distance", "content_distance"),
    *("aligned", "inliers", "epipolar_inliers", "inlier_ratio", "keypoint_coverage", "local_ncc", "outside_both"),
)
MIN_EPIPOLAR_EVIDENCE = 2.65  # log(1 + inliers) of 14 inliers; two pages of text have as many
SCENE_EVIDENCE = (
    *("copy_distance", "epipolar_inliers", "aligned", "inliers", "inlier_ratio", "keypoint_coverage"),
    *("residual", "local_ncc", "outside_both"),
)
RIDGE = 0.002  # examples


@dataclass(frozen=True)
class Pairs:
    """Labelled pairs and their evidence."""

    labelled: list[LabelledPair]
    values: list[dict[str, float]]

    def of(self, relations: Sequence[str]) -> Pairs:
        chosen = [n for n, pair in enumerate(self.labelled) if pair.relation in relations]
        return Pairs([self.labelled[n] for n in chosen], [self.values[n] for n in chosen])

    def table(self, names: Sequence[str]) -> NDArray[np.float64]:
        return np.array([[evidence[name] for name in names] for evidence in self.values])

    def without_unseen_scenes(self) -> Pairs:
        """Without the views of one scene that share too little to be recognised: what is no more than similar is
        none."""
        seen = [evidence["epipolar_inliers"] >= MIN_EPIPOLAR_EVIDENCE for evidence in self.values]
        kept = [n for n, pair in enumerate(self.labelled) if pair.relation != "same scene" or seen[n]]
        return Pairs([self.labelled[n] for n in kept], [self.values[n] for n in kept])

    def drawn_negatives(self) -> Pairs:
        """Pages of text and the like, on which matches are many and mean nothing."""
        kept = [
            n for n, pair in enumerate(self.labelled) if pair.relation == "negative" and pair.a.stem.startswith("drawn")
        ]
        return Pairs([self.labelled[n] for n in kept], [self.values[n] for n in kept])

    def photographs(self) -> Pairs:
        """Without drawn things: an edit may leave no trace on them."""
        kept = [n for n, pair in enumerate(self.labelled) if not pair.a.stem.startswith("drawn")]
        return Pairs([self.labelled[n] for n in kept], [self.values[n] for n in kept])

    def edited_by(self, edits: Sequence[str]) -> NDArray[np.bool_]:
        return np.array([bool(set(pair.edit.split("|")) & set(edits)) for pair in self.labelled])

    def has_relation(self, relations: Sequence[str]) -> NDArray[np.bool_]:
        return np.array([pair.relation in relations for pair in self.labelled])

    def weights(self) -> NDArray[np.float64]:
        """How many pairs each stands for; images of one scene count as much as the copies, for they are what is
        taken for copies."""
        scene, copies = self.has_relation(["same scene"]), self.has_relation(COPIES)
        given = np.array([pair.weight for pair in self.labelled])
        return np.where(scene, copies.sum() / max(scene.sum(), 1), given)


def fit_copy(pairs: Pairs) -> Logistic:
    """Whether it is a copy, right where copies are as many as negatives."""
    same, weights = pairs.has_relation(COPIES), pairs.weights()
    model = fit(pairs.table(COPY_EVIDENCE), same, l2=RIDGE, weights=weights)
    return Logistic(model.coefficients, model.intercept + float(np.log(weights[~same].sum() / weights[same].sum())))


def fit_rule(pairs: Pairs, names: Sequence[str], yes: NDArray[np.bool_], balanced: bool) -> Logistic:
    """One kind against all others. ``balanced``: both sides weigh the same; or else every pair does."""
    weights = np.where(yes, 1 / yes.sum(), 1 / (~yes).sum()) * len(yes) / 2 if balanced else None
    return fit(pairs.table(names), yes, l2=RIDGE, weights=weights)


def fitted(pairs: Pairs) -> dict[str, tuple[tuple[str, ...], Logistic]]:
    copies, others = pairs.of(COPIES).photographs(), pairs.of(OTHERS).without_unseen_scenes()
    found = {"copy": (COPY_EVIDENCE, fit_copy(pairs))}
    drawn = pairs.drawn_negatives()
    scenes = Pairs(others.labelled + drawn.labelled, others.values + drawn.values)
    found["same scene"] = (SCENE_EVIDENCE, fit_rule(scenes, SCENE_EVIDENCE, scenes.has_relation(["same scene"]), True))
    for name in ("similar", "unrelated"):
        found[name] = (OTHER_EVIDENCE, fit_rule(others, OTHER_EVIDENCE, others.has_relation([name]), True))
    for name, edit_type in EDIT_TYPES.items():
        found[edit_rule(name)] = (
            EDIT_EVIDENCE,
            fit_rule(copies, EDIT_EVIDENCE, copies.edited_by(edit_type.edits), False),
        )
    return found


def to_toml(found: dict[str, tuple[tuple[str, ...], Logistic]], origin: str) -> str:
    lines = [
        f"# Written by recipes/fit_relation.py from {origin}; do not edit by hand.",
        "# Log-odds = intercept + the sum of weight x evidence; comparison/evidence.py says what each evidence is.",
    ]
    for rule, (names, model) in found.items():
        lines += ["", f'[rules."{rule}"]', f"intercept = {model.intercept:.4f}", f'[rules."{rule}".weights]']
        lines += [f"{name} = {weight:.4f}" for name, weight in zip(names, model.coefficients, strict=True)]
    return "\n".join(lines) + "\n"


def report(found: dict[str, tuple[tuple[str, ...], Logistic]], pairs: Pairs) -> None:
    """How good the fit is on other images, on stderr."""
    odds = {
        name: pairs.table(names) @ np.array(model.coefficients) + model.intercept
        for name, (names, model) in found.items()
    }
    same, weights = pairs.has_relation(COPIES), pairs.weights()
    even = np.where(same, weights / weights[same].sum(), weights / weights[~same].sum()) / 2
    probability = sigmoid(odds["copy"])
    bins = np.minimum((probability * 10).astype(int), 9)
    error = sum(abs((even * (probability - same))[bins == number].sum()) for number in range(10))
    print(f"copy: calibration error {error:.4f}; {np.mean(probability[same] > 0.5):.4f} of copies, "
          f"{np.mean(probability[~same] <= 0.5):.4f} of others classified correctly", file=sys.stderr)  # fmt: skip
    print(f"surest negatives: {np.sort(odds['copy'][~same])[-5:].round(1)}; copies beyond 6.9: "
          f"{np.mean(odds['copy'][same] > 6.9):.4f}", file=sys.stderr)  # fmt: skip
    pairs = pairs.photographs()
    for names in (COPIES, OTHERS):
        chosen = pairs.of(names)
        odds = {
            name: chosen.table(parts) @ np.array(model.coefficients) + model.intercept
            for name, (parts, model) in found.items()
        }
        if names == COPIES:
            predicted = np.full(len(chosen.labelled), "re-encoded", object)
            for name, edit_type in reversed([*EDIT_TYPES.items()]):
                predicted[odds[edit_rule(name)] > 0] = edit_type.relation
        else:
            predicted = np.array(names, object)[np.argmax([odds[name] for name in names], axis=0)]
        relation = np.array([pair.relation for pair in chosen.labelled], object)
        edits = np.array([pair.edit for pair in chosen.labelled], object)
        print({name: round(float((predicted == name)[relation == name].mean()), 3) for name in names}, file=sys.stderr)
        wrong = Counter(zip(edits[predicted != relation], predicted[predicted != relation], strict=True))
        print([(edit, name, count) for (edit, name), count in wrong.most_common(12)], file=sys.stderr)
        for name, edit_type in EDIT_TYPES.items() if names == COPIES else ():
            yes, seen = chosen.edited_by(edit_type.edits), odds[edit_rule(name)] > 0
            print(f"{name}: seen in {seen[yes].mean():.3f}, wrongly in {seen[~yes].mean():.3f}", file=sys.stderr)


def main(data: Path) -> None:
    fitting, testing = (labelled_pairs(data, parts, 36, 12) for parts in ((0, 1), (2,)))
    found = fitted(Pairs(fitting, all_evidence(fitting)))
    print(to_toml(found, f"{len(fitting)} pairs, seed {SEED}"), end="")
    report(found, Pairs(testing, all_evidence(testing)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
