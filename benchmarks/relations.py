"""What compare() says of pairs whose relation is known, how far its odds can be believed, and what others say."""

from __future__ import annotations

import os
import statistics
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import combinations
from pathlib import Path

import cv2
import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from skimage.metrics import structural_similarity

from benchmarks.copies import drawn_from, encoded, one_thread
from benchmarks.edits_recall import FOREIGN_SHARE
from benchmarks.harness import SEED, Options, run, seconds, table
from benchmarks.unseen import flowers, mixed, neighbours, photographs, similar_pairs
from lookalike import compare
from lookalike.comparison.alignment.align import LOAD_MIN_SIDE
from lookalike.comparison.edit_classifier import COPIES, OTHERS, classify_relation
from lookalike.comparison.pair import ComparisonInput, compare_features, extract_features
from lookalike.imaging import from_array, load
from lookalike.imaging.manipulations import EDITS, apply
from lookalike.types import Floats, Image, Pixels
from recipes.gps import APART

TITLE = "Relations, probabilities and time of compare(), beside SSIM, phash and SIFT with RANSAC"
RELATIONS = ("identical", *COPIES, *OTHERS)
RELATED = RELATIONS[: RELATIONS.index("same scene") + 1]
EDITED_AT = 512  # pixels of the shorter side: larger photographs are taken at a smaller scale before they are edited
# Mild ones: before a crop, a mirror or a turn, and of one of two images of a place.
MILD = ("jpeg-30", "resize-50", "brightness-", "contrast+", "grey", "saturation", "blur")
ALSO_MILD = ("crop", "mirrored", "rotated")
OURS, SSIM, PHASH, PLAIN = "compare()", "SSIM", "phash", "SIFT + RANSAC"
MEGAPIXEL = 1_000_000


@dataclass(frozen=True)
class Side:
    """One image of a pair: a file after ``edits``; the file itself if there are none."""

    file: Path
    edits: tuple[str, ...] = ()
    seed: int = 0

    def data(self) -> bytes:
        """The same every time. Edited ones with an even seed are JPEG, the others PNG."""
        if not self.edits:
            return self.file.read_bytes()
        pixels = _photograph(self.file)
        for edit in self.edits:
            pixels = apply(edit, pixels, SEED + self.seed)
        return encoded(pixels, as_jpeg=self.seed % 2 == 0)


@lru_cache(maxsize=2)
def _photograph(file: Path) -> Pixels:
    return load(file, min_side=EDITED_AT).pixels


@dataclass(frozen=True)
class Question:
    """Two images, and how they are related in truth."""

    a: Side
    b: Side
    truth: str


@dataclass(frozen=True)
class Answer:
    """What compare() calls a pair, and its score by each measure: the larger, the more it is a copy."""

    relation: str
    scores: Mapping[str, float]


def measure(options: Options) -> str:
    asked = questions(options)
    with ProcessPoolExecutor(initializer=one_thread) as pool:
        answers = list(pool.map(answer, asked, chunksize=15))
    with ProcessPoolExecutor(1, initializer=_one_core) as pool:
        times = pool.submit(_times, mixed(photographs(options), options.size(50, 2))).result()
    return "\n\n".join([_confusion(asked, answers), _result_apart(asked, answers), _beside(asked, answers, times)])


# --- the pairs


def questions(options: Options) -> list[Question]:
    """All pairs, the same every time; those of one photograph beside one another."""
    sets = photographs(options)
    rng = np.random.default_rng(SEED)
    return [
        *_copies(mixed(sets, options.size(62, 1)), rng),
        *(Question(Side(file), Side(file), "identical") for file in mixed(sets, options.size(300, 2))),
        *_scenes(neighbours(options)[: options.size(1_000, 4)], rng),
        *(Question(Side(a), Side(b), "similar") for a, b in similar_pairs(options, options.size(350, 2))),
        *_negatives(options, options.size(650, 3), rng),
    ]


def _copies(files: Sequence[Path], rng: np.random.Generator) -> Iterator[Question]:
    """Each in all the ways of EDITS; every third crop, mirror and turn after a mild edit; in either order."""
    for number, file in enumerate(files):
        for place, (name, edit) in enumerate(EDITS.items()):
            is_double = edit.kind in ALSO_MILD and (number + place) % 3 == 0
            edits = (str(rng.choice(MILD)), name) if is_double else (name,)
            pair = Side(file), Side(file, edits, number)
            yield Question(*(pair if rng.random() < 0.5 else pair[::-1]), edit.kind)


def _scenes(pairs: Sequence[tuple[Path, Path]], rng: np.random.Generator) -> Iterator[Question]:
    for number, (a, b) in enumerate(pairs):
        for edits in ((), (str(rng.choice(MILD)),)):
            yield Question(Side(a), Side(b, edits, number), "same scene")


def _negatives(options: Options, each: int, rng: np.random.Generator) -> Iterator[Question]:
    """Of two sets, and two photographs of one kind; in every second pair the one is edited in any way."""
    sets = photographs(options) | {"flowers": flowers(options)}
    names = [name for name, files in sets.items() if files]
    pairs = [tuple(_one_of(sets[name], rng) for name in rng.choice(names, 2, replace=False)) for _ in range(each)]
    alike = [file for name in ("bsds", "codec/CID22", "even") for file in sets.get(name, ())]
    pairs += drawn_from(list(combinations(alike, 2)), each)
    for number, (a, b) in enumerate(pairs):
        edits = (str(rng.choice(list(EDITS))),) if number % 2 else ()
        yield Question(Side(a), Side(b, edits, number), "unrelated")


def _one_of(files: Sequence[Path], rng: np.random.Generator) -> Path:
    return files[int(rng.integers(len(files)))]


# --- in the processes of a pool


@dataclass(frozen=True)
class Seen:
    """An image, and what each measure makes of it on its own."""

    loaded: ComparisonInput
    small: Pixels
    phash: imagehash.ImageHash
    points: tuple[Floats, Floats]


def answer(question: Question) -> Answer:
    """As compare() and the others see this pair."""
    a, b = _seen(question.a), _seen(question.b)
    found = compare_features(a.loaded, b.loaded)
    scores = {
        OURS: classify_relation(found.evidence, 0.5).odds,
        SSIM: _ssim(a.small, b.small),
        PHASH: float(-(a.phash - b.phash)),
        PLAIN: float(_inliers(a.points, b.points)),
    }
    return Answer(found.relation, scores)


@lru_cache(maxsize=4)
def _seen(side: Side) -> Seen:
    image = load(side.data(), min_side=LOAD_MIN_SIDE)
    pixels = image.pixels
    return Seen(extract_features(image), _small(pixels), imagehash.phash(Pillow.fromarray(pixels)), _points(pixels))


def _ssim(a: Pixels, b: Pixels) -> float:
    return float(structural_similarity(a, b))  # type: ignore[no-untyped-call]  # scikit-image has no types


def _small(pixels: Pixels) -> Pixels:
    return np.asarray(cv2.resize(_grey(pixels), (256, 256), interpolation=cv2.INTER_AREA), np.uint8)


def _grey(pixels: Pixels) -> Pixels:
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8)


def _points(pixels: Pixels) -> tuple[Floats, Floats]:
    """(N, 2) and (N, 128), as OpenCV gives them."""
    found, vectors = cv2.SIFT.create(nfeatures=1_000).detectAndCompute(_grey(pixels), None)
    if vectors is None:
        return np.zeros((0, 2), np.float32), np.zeros((0, 128), np.float32)
    return np.array([point.pt for point in found], np.float32), np.asarray(vectors, np.float32)


def _inliers(a: tuple[Floats, Floats], b: tuple[Floats, Floats]) -> int:
    """Of a homography by RANSAC (5 pixels), from Lowe's ratio test (0.75)."""
    if min(len(a[0]), len(b[0])) < 4:
        return 0
    matches = [match for match in cv2.BFMatcher().knnMatch(a[1], b[1], k=2) if len(match) == 2]
    close = [first for first, second in matches if first.distance < 0.75 * second.distance]
    if len(close) < 4:
        return 0
    cv2.setRNGSeed(0)
    from_, to = a[0][[match.queryIdx for match in close]], b[0][[match.trainIdx for match in close]]
    found, kept = cv2.findHomography(from_, to, cv2.RANSAC, 5.0)
    return 0 if found is None else int(kept.sum())


# --- the clock


def _one_core() -> None:
    """For a process whose time is taken."""
    one_thread()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def _times(files: Sequence[Path]) -> dict[str, list[float]]:
    """Milliseconds per pair of decoded images: by turns a copy and a stranger."""
    images = [_of_a_megapixel(file) for file in files]
    edits = list(EDITS)
    pairs = [
        (image, images[n - 1] if n % 2 else from_array(apply(edits[n % len(edits)], image.pixels, n)))
        for n, image in enumerate(images)
    ]
    ways: dict[str, Callable[[Image, Image], object]] = {
        OURS: compare,
        SSIM: lambda a, b: _ssim(_small(a.pixels), _small(b.pixels)),
        PHASH: lambda a, b: imagehash.phash(Pillow.fromarray(a.pixels)) - imagehash.phash(Pillow.fromarray(b.pixels)),
        PLAIN: lambda a, b: _inliers(_points(a.pixels), _points(b.pixels)),
    }
    found: dict[str, list[float]] = {name: [] for name in ways}
    for pair in [pairs[0], *pairs]:  # the first one twice: some things are only done once
        for name, way in ways.items():
            found[name].append(1000 * seconds(partial(way, *pair)))
    return {name: taken[1:] for name, taken in found.items()}


def _of_a_megapixel(file: Path) -> Image:
    pixels = load(file).pixels
    height, width = pixels.shape[:2]
    scale = (MEGAPIXEL / (height * width)) ** 0.5
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    size = round(width * scale), round(height * scale)
    return from_array(np.asarray(cv2.resize(pixels, size, interpolation=way), np.uint8))


# --- the tables


def _confusion(asked: Sequence[Question], answers: Sequence[Answer]) -> str:
    counts = Counter((question.truth, given.relation) for question, given in zip(asked, answers, strict=True))
    right = {}
    rows = []
    for truth in RELATIONS:
        total = sum(counts[truth, result] for result in RELATIONS)
        if total:
            right[truth] = counts[truth, truth] / total
            rows.append((truth, f"{total:,}", *(_percent(counts[truth, result] / total) for result in RELATIONS)))
    hits = sum(counts[name, name] for name in RELATIONS)
    per_class = ", ".join(f"{name} {_percent(share)}" for name, share in right.items())
    note = (
        f"**What compare() calls them.** {len(asked):,} pairs of images that recipes/fit_relation.py does not read; "
        f"per row, what compare() says, in percent. Right: {per_class}; mean of the relations "
        f"{_percent(statistics.mean(right.values()))}, all pairs {_percent(hits / len(asked))}. The copies are "
        f"{len(EDITS)} edits of each of {_sources(asked)} photographs, as JPEG (quality 90) or PNG; a third of the "
        "crops, mirrors and turns come after a second, mild edit. Same scene: photographs of one place taken one after "
        "the other or, but for seneca, one between, as they are and with a mild edit of the one; all count that were "
        f"taken up to {APART:.0f} m apart by their GPS (seneca's, from the air; the others have none). Similar: two "
        "flowers of one class, two pieces of clothing with one label from two people. Unrelated: of two sets, and two "
        "photographs of BSDS500 and CID22; in half of the pairs the one is edited in any of the ways."
    )
    return f"{note}\n\n{table(('in truth', 'pairs', *RELATIONS), rows)}\n\n{_gates(asked, answers)}"


def _sources(asked: Sequence[Question]) -> int:
    """How many photographs the copies are of."""
    return len({question.a.file for question in asked if question.truth in COPIES})


def _gates(asked: Sequence[Question], answers: Sequence[Answer]) -> str:
    """Coarser questions, each with the share that is right on either side and the mean of the two."""
    result = list(zip((question.truth for question in asked), (given.relation for given in answers), strict=True))
    copies = RELATIONS[: RELATIONS.index("same scene")]
    negatives = ("similar", "unrelated")
    sides = {
        "related (copies and same scene) / not (similar and unrelated)": ((RELATED, RELATED), (negatives, negatives)),
        "edited copy, told as any copy / same scene, told as it": ((("edited",), copies), (("same scene",),) * 2),
        "copy / same scene, told as no copy": ((copies, copies), (("same scene",), OTHERS)),
        "copy / similar or unrelated, told as no copy": ((copies, copies), (negatives, OTHERS)),
    }
    rows = []
    for name, (one, other) in sides.items():
        shares = [_share([answer in right for truth, answer in result if truth in of]) for of, right in (one, other)]
        rows.append((name, *map(_percent, shares), _percent(statistics.mean(shares))))
    return table(("told apart", "right of the one, %", "right of the other, %", "mean, %"), rows)


def _share(right: Sequence[bool]) -> float:
    return statistics.mean(right) if right else float("nan")


def _result_apart(asked: Sequence[Question], answers: Sequence[Answer]) -> str:
    """How far the probability can be believed."""
    same, odds = _scores(asked, answers, OURS)
    said = 1 / (1 + np.exp(-np.clip(odds, -500, 500)))
    weights = np.where(same, 0.5 / max(same.sum(), 1), 0.5 / max((~same).sum(), 1))
    places = np.minimum((said * 10).astype(int), 9)
    rows = []
    error = 0.0
    for number in range(10):
        chosen = places == number
        cells = ["-", "-"]
        if chosen.any():
            means = [float(np.average(x[chosen], weights=weights[chosen])) for x in (said, same)]
            error += float(weights[chosen].sum()) * abs(means[0] - means[1])
            cells = [f"{mean:.3f}" for mean in means]
        rows.append((f"{number / 10:g} to {(number + 1) / 10:g}", *cells, f"{chosen.sum():,}"))
    note = (
        f"**The probability of a copy, at even odds.** {same.sum():,} copies (identical files left out) and "
        f"{(~same).sum():,} others, which weigh as much as the copies do together. Expected calibration error over ten "
        f"bins: {error:.4f}."
    )
    return f"{note}\n\n{table(('probability', 'mean said', 'copies seen', 'pairs'), rows)}"


def _beside(asked: Sequence[Question], answers: Sequence[Answer], times: Mapping[str, Sequence[float]]) -> str:
    near = np.array([question.truth == "same scene" for question in asked if question.truth != "identical"])
    rows = []
    for name, taken in times.items():
        same, scores = _scores(asked, answers, name)
        copies, others, far = scores[same], scores[~same], scores[~same & ~near]
        found = [_percent(area(copies, others)), *(_percent(recall(copies, rest)) for rest in (others, far))]
        rows.append((name, *found, f"{statistics.median(taken):.1f}", f"{np.percentile(taken, 95):.1f}"))
    header = (
        "measure",
        "area under the ROC curve, %",
        "recall, %",
        "recall without same scene, %",
        "median ms",
        "95 % ms",
    )
    note = (
        "**Copies against all others, beside other measures.** The same pairs, identical files left out. Recall: the "
        f"share of copies above the score that 1 in {1 / FOREIGN_SHARE:.0f} of the others pass (of {(~same).sum():,}). "
        "SSIM: scikit-image's, of both images in grey at 256 x 256; phash: ImageHash's 64 bits; SIFT + RANSAC: 1,000 "
        "points each, ratio 0.75, inliers of a homography within 5 pixels; all see the same decoded images. Time: "
        f"{len(times[OURS])} pairs of decoded images of 1 megapixel (half are copies), one core, all that is to do."
    )
    return f"{note}\n\n{table(header, rows)}"


def _scores(asked: Sequence[Question], answers: Sequence[Answer], name: str) -> tuple[NDArray[np.bool_], Floats]:
    """Whether each pair is a copy, and its score; without identical files."""
    kept = [(question, given) for question, given in zip(asked, answers, strict=True) if question.truth != "identical"]
    same = np.array([question.truth in COPIES for question, _ in kept])
    return same, np.array([given.scores[name] for _, given in kept], np.float32)


def area(copies: Floats, others: Floats) -> float:
    """Under the ROC curve: how often a copy has the higher score; a tie is half of it."""
    ordered = np.sort(others)
    below, upto = (np.searchsorted(ordered, copies, side) for side in ("left", "right"))
    return float((below + upto).mean() / 2 / len(others))


def recall(copies: Floats, others: Floats) -> float:
    """The share of copies above the score that FOREIGN_SHARE of the others pass at most."""
    ordered = np.sort(others)[::-1]
    return float((copies > ordered[int(len(others) * FOREIGN_SHARE)]).mean())


def _percent(share: float) -> str:
    """ "71.3", "0", "100"; "-" for the share of nothing."""
    if np.isnan(share):
        return "-"
    return f"{100 * share:.0f}" if share in (0, 1) else f"{100 * share:.1f}"


if __name__ == "__main__":
    run(TITLE, measure)
