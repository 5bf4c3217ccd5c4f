"""Fits comparison/relation.toml, same_content.npz, variant.npz: how evidence is weighed, from pairs of known relation.

    python recipes/fit_relation.py DATA

DATA holds bsds, codec/CID22, clothing (with images.csv), flowers (a folder per class), drawn
(recipes/score_normalization.py), images of one place each from several sides: seneca, views/monstree; and what
hard_negatives.py asks for. Half of the images fit, a quarter tests (on stderr) how good the fit is; the rest is for the
benchmark. Copies are edited as in imaging/manipulations.py and written as files; negatives are the nearest by `copy`,
which are what a search meets, and others; variants share most of their pixels. Seeded; some twenty minutes on two
cores.
"""

from __future__ import annotations

import csv
import io
import pickle
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from gps import APART, metres
from hard_negatives import REAL, Files, camera_pairs, families, neighbour_pairs, overlaid_pairs
from numpy.typing import NDArray
from PIL import Image as Pillow
from sklearn.ensemble import HistGradientBoostingClassifier
from templates import SINGLE

from lookalike.comparison.alignment.align import LOAD_MIN_SIDE, KeypointImage, pair_geometry, with_keypoints
from lookalike.comparison.boosted_trees import BoostedTrees, Node
from lookalike.comparison.edit_classifier import (
    COPIES,
    COPY,
    EDIT_TYPES,
    OTHERS,
    UNALIGNED,
    both,
    edit_rule,
    is_proved,
    nothing_differs,
)
from lookalike.comparison.evidence import distance_evidence, evidence_values
from lookalike.comparison.pair import COMPARISON_DESCRIPTORS
from lookalike.descriptors import describe_all
from lookalike.descriptors.base import Described
from lookalike.distance import METRICS
from lookalike.imaging import is_image_name, load
from lookalike.imaging.manipulations import EDITS, apply
from lookalike.logistic import Logistic, fit, sigmoid

SEED = 2026
MANY = 10_000
COMPARISON = Path(__file__).parent.parent / "src" / "lookalike" / "comparison"
T = TypeVar("T")
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


def quarter(files: Sequence[T], part: int, count: int) -> list[T]:
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
        *_variants(data, parts, 2 * count, rng),
    ]


# A change that comes with a crop, a mirror or a turn; none before an edit that would only be seen by it.
ALSO = ("jpeg-30", "resize-50", "brightness-", "contrast+", "grey", "saturation", "blur")
AGAIN = ("jpeg-90", "jpeg-50", "jpeg-30", "webp-50", "resize-50")  # what is re-encoded twice is re-encoded
PLAIN_TO_SEE = (
    "hue",
    "contrast+",
    "posterise",
    "pixelate",
    "sticker",
    "covered",
    "watermark",
)  # edits like other content
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


def _variants(data: Path, parts: Sequence[int], count: int, rng: np.random.Generator) -> Iterator[LabelledPair]:
    """What shares most of its pixels and is no copy; copies of the same images; and those with something laid on."""
    numbers, posters = (families(data, kind) for kind in SINGLE)
    sets: dict[str, list[list[Files]]] = {
        "templates": families(data),
        "cameras": [[pair] for pair in camera_pairs(data)],
        **{name: [[pair] for pair in neighbour_pairs(data / name, many)] for name, many in REAL.items()},
    }
    for name, groups in sets.items():
        yield from _hard(groups, parts, count, 4 if name == "templates" else 1, rng)
    yield from _hard(numbers, parts, count, 1, rng)
    for part in parts:
        for number, (a, b) in enumerate(quarter(overlaid_pairs(data), part, 2 * count)):
            yield LabelledPair(a, b, LAID_ON, str(rng.choice(("", "", *AGAIN))), bool(rng.random() < 0.5), 1.0, number)
    yield from _hard(posters, parts, count, 1, rng)
    for part in parts:
        for folder in ("bsds", "codec/CID22"):
            for number, file in enumerate(quarter(images(data / folder), part, count)[count // 2 :]):
                for edit in PLAIN_TO_SEE:
                    yield LabelledPair(file, file, "edited", edit, bool(rng.random() < 0.5), 1.0, number)


def _hard(
    groups: Sequence[Sequence[tuple[Path, Path]]],
    parts: Sequence[int],
    count: int,
    share: int,
    rng: np.random.Generator,
) -> Iterator[LabelledPair]:
    """``share`` times ``count`` pairs of the groups, which are dealt as wholes; copies of ``count`` of their files."""
    for part in parts:
        pairs = [pair for group in quarter(groups, part, MANY) for pair in group]
        for number in rng.permutation(len(pairs))[: share * count]:
            a, b = pairs[number]
            yield LabelledPair(a, b, "variant", str(rng.choice(LIGHT)), bool(rng.random() < 0.5), 1.0, int(number))
        files = list(dict.fromkeys(file for pair in pairs for file in pair))
        chosen = [files[number] for number in rng.permutation(len(files))[:count]]
        yield from _copies(chosen, 2, rng)
        for number, file in enumerate(chosen):
            yield LabelledPair(file, file, "re-encoded", str(rng.choice(AGAIN)), False, 1.0, number)


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
    kept = Path(tempfile.gettempdir()) / "lookalike-relation.pickle"
    known: dict[LabelledPair, dict[str, float]] = pickle.loads(kept.read_bytes()) if kept.exists() else {}
    missing = [pair for pair in dict.fromkeys(labelled) if pair not in known]
    with ProcessPoolExecutor(2) as pool:
        known.update(zip(missing, pool.map(evidence_of, missing, chunksize=16), strict=True))
    kept.write_bytes(pickle.dumps(known))
    return [known[pair] for pair in labelled]


# --- the fit

FOR, AGAINST, EITHER = 1, -1, 0  # what a piece of evidence may say of a copy: more inliers never speak against one
COPY_EVIDENCE = {
    "unverified_copy_distance": AGAINST, "unverified_structure_distance": AGAINST,
    "unverified_texture_distance": AGAINST, "verified": FOR, "aligned": EITHER, "inliers": FOR, "inlier_ratio": FOR,
    "keypoint_coverage": FOR, "unmatched_keypoints": AGAINST, "residual": AGAINST, "local_ncc": FOR,
    "structured": EITHER, "changed": AGAINST, "outside_both": AGAINST,
}  # fmt: skip
SAME_CONTENT_EVIDENCE = {
    "inliers": FOR, "inlier_ratio": FOR, "keypoint_coverage": FOR, "residual": AGAINST, "local_ncc": FOR,
    "local_ncc_log": FOR, "structured": EITHER, "changed": AGAINST, "tone": EITHER, "sharpness_log_ratio": EITHER,
    "noise_level": EITHER, "noise_flat_ratio": EITHER, "tilt": EITHER, "anisotropy": EITHER, "outside_share": EITHER,
    "outside_both": AGAINST, "verified": FOR, "colour_distance": AGAINST, "texture_distance": AGAINST,
    "structure_distance": AGAINST, "copy_distance": AGAINST, "unexplained": AGAINST, "unexplained_spot": AGAINST,
    "unexplained_colour": AGAINST, "unexplained_coarse": AGAINST, "unexplained_common": EITHER,
    "recoloured_part": AGAINST, "changed_share": EITHER,
    "changed_places": AGAINST, "changed_unfilled": AGAINST, "changed_elsewhere": AGAINST, "changed_flatness": EITHER,
    "changed_flatness_other": AGAINST, "changed_balance": AGAINST, "changed_texture": FOR, "changed_noise": AGAINST,
}  # fmt: skip
TREES, LEAVES, LEARNING_RATE = 500, 16, 0.08
MIN_LEAF, LEAF_RIDGE = 30, 3.0
COPIES_TO_VARIANTS = 2.0  # weight of the one to the other in the fit; the intercept takes it back
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
LAID_ON = "laid on"  # relation: edited, by what is no edit of EDITS
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

    def aligned_and_distinct(self) -> Pairs:
        """Those that are aligned, without the variants in which nothing can be seen to differ: nobody tells those
        apart, and among a row of frames there are some."""
        kept = [
            n
            for n, (pair, evidence) in enumerate(zip(self.labelled, self.values, strict=True))
            if evidence["aligned"] and not (pair.relation == "variant" and nothing_differs(evidence))
        ]
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
    """Whether two images show the same, right where copies are as many as negatives; variants are neither."""
    pairs = pairs.of([*COPIES, *OTHERS[1:], "negative"])
    same, weights = pairs.has_relation(COPIES), pairs.weights()
    model = fit_signed(pairs, COPY_EVIDENCE, same, weights)
    return Logistic(model.coefficients, model.intercept + float(np.log(weights[~same].sum() / weights[same].sum())))


def fit_same_content(pairs: Pairs) -> BoostedTrees:
    """Whether what lies on one another is the same, right where copies are as many as variants."""
    pairs = pairs.aligned_and_distinct()
    same = pairs.has_relation([*COPIES, LAID_ON])
    plain = 1.0 + (pairs.edited_by(PLAIN_TO_SEE) | pairs.has_relation([LAID_ON]))
    plain *= 1.0 + pairs.edited_by(["sticker"]) + 2.0 * pairs.edited_by(["covered"])
    trees = fit_trees(pairs, SAME_CONTENT_EVIDENCE, same, COPIES_TO_VARIANTS, TREES, LEAVES, plain)
    return replace(trees, intercept=trees.intercept - float(np.log(COPIES_TO_VARIANTS)))


def fit_variant(pairs: Pairs) -> BoostedTrees:
    """Whether what lies on one another and is no copy is of one template or view."""
    pairs = pairs.of([*OTHERS, "negative"]).aligned_and_distinct()
    evidence = {**dict.fromkeys(SAME_CONTENT_EVIDENCE, EITHER), "content_distance": EITHER, "epipolar_inliers": EITHER}
    return fit_trees(pairs, evidence, pairs.has_relation(["variant"]), 1.0, TREES // 2, LEAVES // 2)


def fit_trees(
    pairs: Pairs,
    signs: Mapping[str, int],
    yes: NDArray[np.bool_],
    share: float,
    trees: int,
    leaves: int,
    weights: NDArray[np.float64] | float = 1.0,
) -> BoostedTrees:
    """``share``: how much more the yes weigh, all together, than the no, before ``weights`` single out some. Checked
    against scikit-learn's own answers."""
    model = HistGradientBoostingClassifier(
        max_iter=trees,
        max_leaf_nodes=leaves,
        learning_rate=LEARNING_RATE,
        min_samples_leaf=MIN_LEAF,
        l2_regularization=LEAF_RIDGE,
        monotonic_cst=list(signs.values()),
        random_state=SEED,
    )
    table = pairs.table(list(signs))
    model.fit(table, yes, sample_weight=weights * np.where(yes, share / yes.sum(), 1 / (~yes).sum()) * len(yes) / 2)
    found = as_trees(model, list(signs))
    ours = [found.odds(evidence) for evidence in pairs.values[:50]]
    np.testing.assert_allclose(ours, model.decision_function(table[:50]), atol=1e-4)
    return found


def as_trees(model: HistGradientBoostingClassifier, names: Sequence[str]) -> BoostedTrees:
    """What scikit-learn has fitted, as what is shipped."""
    roots: list[int] = []
    nodes: list[Node] = []
    for (predictor,) in model._predictors:
        start = len(nodes)
        roots.append(start)
        for node in predictor.nodes:
            name = "" if node["is_leaf"] else names[node["feature_idx"]]
            branches = start + int(node["left"]), start + int(node["right"])
            nodes.append(Node(name, float(node["num_threshold"]), *branches, float(node["value"])))
    return BoostedTrees(float(model._baseline_prediction.ravel()[0]), roots, nodes)


def fit_signed(
    pairs: Pairs, signs: Mapping[str, int], yes: NDArray[np.bool_], weights: NDArray[np.float64]
) -> Logistic:
    """A fit in which each piece of evidence speaks for it, or against it, or either way."""
    columns = [(name, sign) for name, chosen in signs.items() for sign in ((chosen,) if chosen else (FOR, AGAINST))]
    table = pairs.table([name for name, _ in columns]) * [sign for _, sign in columns]
    model = fit(table, yes, l2=RIDGE, weights=weights, nonnegative=True)
    found = dict.fromkeys(signs, 0.0)
    for (name, sign), weight in zip(columns, model.coefficients, strict=True):
        found[name] += sign * weight
    return Logistic(tuple(found.values()), model.intercept)


def fit_rule(pairs: Pairs, names: Sequence[str], yes: NDArray[np.bool_], balanced: bool) -> Logistic:
    """One kind against all others. ``balanced``: both sides weigh the same; or else every pair does."""
    weights = np.where(yes, 1 / yes.sum(), 1 / (~yes).sum()) * len(yes) / 2 if balanced else None
    return fit(pairs.table(names), yes, l2=RIDGE, weights=weights)


def fitted(pairs: Pairs) -> dict[str, tuple[tuple[str, ...], Logistic]]:
    copies, others = pairs.of(COPIES).photographs(), pairs.of(OTHERS).without_unseen_scenes()
    found = {COPY: (tuple(COPY_EVIDENCE), fit_copy(pairs))}
    drawn = pairs.drawn_negatives()
    scenes = Pairs(others.labelled + drawn.labelled, others.values + drawn.values)
    for name, evidence, chosen in (
        ("same scene", SCENE_EVIDENCE, scenes),
        ("similar", OTHER_EVIDENCE, others),
        ("unrelated", OTHER_EVIDENCE, others),
    ):
        found[name] = (evidence, fit_rule(chosen, evidence, chosen.has_relation([name]), True))
    for name, edit_type in EDIT_TYPES.items():
        yes = copies.edited_by(edit_type.edits)
        found[edit_rule(name)] = (EDIT_EVIDENCE, fit_rule(copies, EDIT_EVIDENCE, yes, False))
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


def report(
    found: dict[str, tuple[tuple[str, ...], Logistic]], trees: BoostedTrees, variant: BoostedTrees, pairs: Pairs
) -> None:
    """How good the fit is on other images, on stderr."""
    odds = {
        name: pairs.table(names) @ np.array(model.coefficients) + model.intercept
        for name, (names, model) in found.items()
    }
    _report_copies("copy", *found[COPY], trees, pairs.of([*COPIES, *OTHERS[1:], "negative"]))
    hard = pairs.of([*COPIES, LAID_ON, "variant"]).aligned_and_distinct()
    _report_copies("half hard", *found[COPY], trees, hard)
    pairs = pairs.photographs()
    for names in (COPIES, OTHERS):
        chosen = pairs.of(names)
        odds = {
            name: chosen.table(parts) @ np.array(model.coefficients) + model.intercept
            for name, (parts, model) in found.items()
        }
        if names == COPIES:
            proved = np.array([is_proved(evidence) for evidence in chosen.values])
            predicted = np.where(proved, "re-encoded", "edited").astype(object)
            for name, edit_type in reversed([*EDIT_TYPES.items()]):
                predicted[odds[edit_rule(name)] > 0] = edit_type.relation
        else:
            predicted = np.array(UNALIGNED, object)[np.argmax([odds[name] for name in UNALIGNED], axis=0)]
            is_variant = [e["aligned"] > 0 and variant.odds(e) > 0 for e in chosen.values]
            predicted[np.array(is_variant)] = "variant"
        relation = np.array([pair.relation for pair in chosen.labelled], object)
        edits = np.array([pair.edit for pair in chosen.labelled], object)
        print({name: round(float((predicted == name)[relation == name].mean()), 3) for name in names}, file=sys.stderr)
        wrong = Counter(zip(edits[predicted != relation], predicted[predicted != relation], strict=True))
        print([(edit, name, count) for (edit, name), count in wrong.most_common(12)], file=sys.stderr)
        for name, edit_type in EDIT_TYPES.items() if names == COPIES else ():
            yes, seen = chosen.edited_by(edit_type.edits), odds[edit_rule(name)] > 0
            print(f"{name}: seen in {seen[yes].mean():.3f}, wrongly in {seen[~yes].mean():.3f}", file=sys.stderr)


def _report_copies(title: str, names: Sequence[str], model: Logistic, trees: BoostedTrees, pairs: Pairs) -> None:
    """What is called a copy, and how far its probability can be believed."""
    first = pairs.table(names) @ np.array(model.coefficients) + model.intercept
    odds = np.array(
        [
            both(odds, trees.odds(evidence)) if evidence["aligned"] else odds
            for odds, evidence in zip(first, pairs.values, strict=True)
        ]
    )
    same, weights = pairs.has_relation([*COPIES, LAID_ON]), pairs.weights()
    even = np.where(same, weights / weights[same].sum(), weights / weights[~same].sum()) / 2
    probability = sigmoid(odds)
    bins = np.minimum((probability * 10).astype(int), 9)
    error = sum(abs((even * (probability - same))[bins == number].sum()) for number in range(10))
    print(f"{title}: calibration error {error:.4f}; {np.mean(odds[same] > 0):.4f} of copies, "
          f"{np.mean(odds[~same] <= 0):.4f} of others classified correctly; surest others "
          f"{np.sort(odds[~same])[-8:].round(1)}; copies beyond 6.9: {np.mean(odds[same] > 6.9):.4f}",
          file=sys.stderr)  # fmt: skip
    wrong = Counter(
        (pair.a.parent.name, pair.relation, pair.edit)
        for pair, one in zip(pairs.labelled, odds, strict=True)
        if (one > 0) != (pair.relation in (*COPIES, LAID_ON))
    )
    print(wrong.most_common(25), file=sys.stderr)


def main(data: Path) -> None:
    fitting, testing = (
        Pairs(labelled, all_evidence(labelled))
        for labelled in (labelled_pairs(data, parts, 20, 8) for parts in ((0, 1), (2,)))
    )
    found, same_content, variant = fitted(fitting), fit_same_content(fitting), fit_variant(fitting)
    (COMPARISON / "relation.toml").write_text(to_toml(found, f"{len(fitting.labelled)} pairs, seed {SEED}"))
    for name, trees in (("same_content", same_content), ("variant", variant)):
        with (COMPARISON / f"{name}.npz").open("wb") as stream:
            trees.save(stream)
    report(found, same_content, variant, testing)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
