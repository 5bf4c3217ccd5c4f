"""Fits the head of tags on what a gallery keeps -> src/lookalike/words/tags.npz, and prints what its card says.

    python recipes/word_tags.py DATA GALLERY... [--without msed/test --out FILE]

DATA holds sysu (images, `ground truth`, label_list.mat: SYSU-Scene), scenes (a folder per class), msed (dev, test and
train, each with images and a CSV file of captions) and everyday (images); the GALLERIES together all of these images,
described by `content`, those of everyday by `words` as well. Needs scipy. recipes/word_tags.csv says which labels,
folders and words stand for which tag.

What the images of everyday show was written down for this (word_everyday.txt), from thumbnails: small things may be
missing. The first 128 are left out, for coco128 has them, on which searches are measured. A pixel mask says as much, a
folder what is in an image, a caption what somebody found worth saying: images of scenes and captions that do not name a
tag are no examples against one that masks or our own words know. --without leaves out the images below a folder of
DATA, so that they can be measured on; --out says where that head goes.
"""

from __future__ import annotations

import argparse
import csv
import shlex
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.io import loadmat
from scipy.optimize import minimize

from lookalike.descriptors import get
from lookalike.gallery.library import Library
from lookalike.gallery.storage.class_codec import KEPT, unpacked
from lookalike.logistic import fit, sigmoid
from lookalike.types import Floats
from lookalike.words.class_names import class_names
from lookalike.words.tag_head import class_mass, mass_odds
from lookalike.words.vocabulary import vocabulary

OUT = Path(__file__).parents[1] / "src/lookalike/words/tags.npz"
TAGS = Path(__file__).with_name("word_tags.csv")
EVERYDAY = Path(__file__).with_name("word_everyday.txt")
NOUNS = Path(__file__).parents[1] / "benchmarks/words.csv"
NETWORK, SECOND = "content", "words"
CLASSES = 1000
LEAST_SHARE = 0.003  # of the pixels of an image: what is smaller is there, but is not seen at 192 px
SCALE = 16.0  # of unit vectors, so that their numbers are about as large as log-odds
L2 = 8.0
WORTH = 0.02  # of average precision
ALIKE = {  # scenes that an image of one may show as well
    "buildings": frozenset({"street"}),
    "street": frozenset({"buildings"}),
    "mountain": frozenset({"glacier", "forest", "sea"}),
    "glacier": frozenset({"mountain", "sea"}),
    "sea": frozenset({"mountain", "glacier"}),
    "forest": frozenset({"mountain"}),
}
INDOORS = frozenset({"bed", "bedroom", "kitchen", "living room", "office", "classroom", "desk", "book", "food", "baby"})
HELD_OUT = 5  # every fifth image says how well the head does
# Fishes, reptiles, spiders, ..., wild mammals: neither birds nor dogs, cats, horses, cows and sheep.
ABSENT_CLASSES = (*range(7), *range(25, 80), *range(101, 127), *range(286, 339), *range(354, 398))
SEED, PAIRS = 2026, 100_000
GROUND = frozenset({"building", "grass", "sea", "sky", "street", "tree", "person", "railroad track"})  # in most images
UNKNOWN, ABSENT, PRESENT = -1, 0, 1
Truth = NDArray[np.int8]


@dataclass(frozen=True)
class Examples:
    """N images: ``vectors`` (N, D), ``places`` and ``shares`` (N, KEPT) of the likeliest classes, ``network`` (N, W)
    what `words` says, zeros where it was not asked, ``paths``."""

    vectors: Floats
    places: NDArray[np.int64]
    shares: Floats
    network: Floats
    paths: Sequence[Path]

    def masses(self, words: Sequence[str]) -> Floats:
        """(N, W): the summed probability of each word's classes."""
        concepts = [vocabulary().find(word) for word in words]
        none = np.zeros(len(self.paths), np.float32)
        columns = [
            class_mass(self.places, self.shares, one.classes, CLASSES) if one and one.classes else none
            for one in concepts
        ]
        return np.stack(columns, axis=1)


@dataclass(frozen=True)
class Tag:
    """A line of word_tags.csv."""

    name: str
    sysu: frozenset[str]
    scenes: frozenset[str]
    captions: tuple[str, ...]
    everyday: frozenset[str]


def tags() -> list[Tag]:
    """All of them, in the order of the file."""
    with TAGS.open(newline="") as file:
        return [
            Tag(row["tag"], frozenset(shlex.split(row["sysu"])), frozenset(shlex.split(row["scenes"])),
                tuple(shlex.split(row["captions"])), frozenset(shlex.split(row["everyday"])))
            for row in csv.DictReader(file)
        ]  # fmt: skip


def examples(galleries: Sequence[Path], described: Mapping[str, Collection[str]]) -> Examples:
    """Everything that the galleries hold; of everyday what is ``described`` in words."""
    parts = [_held(gallery, described) for gallery in galleries]
    return Examples(
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("vectors", "places", "shares", "network")
        ),
        [path for part in parts for path in part.paths],
    )


def _held(gallery: Path, described: Mapping[str, Collection[str]]) -> Examples:
    library = Library.open(gallery)
    store, card = library.store, library.cards[NETWORK]
    ids, vectors = store.vectors(NETWORK, contrast=card.min_contrast, dtype=np.float16)
    rows, classes = store.rows(ids.tolist()), store.classes_of(NETWORK, ids.tolist())
    places = np.zeros((len(ids), KEPT), np.int64)
    shares = np.zeros((len(ids), KEPT), np.float32)
    for row, number in enumerate(ids.tolist()):
        places[row], shares[row] = unpacked(classes[number])
    network = np.zeros((len(ids), get(SECOND).card.dim), np.float32)
    if SECOND in library.cards:
        found, odds = store.vectors(SECOND, contrast=0.0, dtype=np.float16)
        network[np.searchsorted(ids, found)] = odds.reshape(len(found), -1)
    paths = [Path(rows[number].path) for number in ids.tolist()]
    keep = [n for n, path in enumerate(paths) if "everyday" not in path.parts or path.stem in described]
    vectors = vectors.reshape(len(ids), card.dim).astype(np.float32)
    return Examples(vectors[keep], places[keep], shares[keep], network[keep], [paths[n] for n in keep])


def outside(one: Examples, folder: Path) -> Examples:
    """Those that do not lie below a folder."""
    keep = [n for n, path in enumerate(one.paths) if folder not in path.parents]
    return Examples(one.vectors[keep], one.places[keep], one.shares[keep], [one.paths[n] for n in keep])


def everyday() -> dict[str, set[str]]:
    """Stem of an image of everyday -> what is to be seen in it."""
    lines = (line.partition(":") for line in EVERYDAY.read_text("utf-8").splitlines())
    return {stem: {word.strip() for word in words.split(",")} - {""} for stem, _, words in lines}


def captions(data: Path) -> dict[tuple[str, str], str]:
    """(part, stem of the image) -> its title and caption in lower case."""
    found = {}
    for part in ("train", "dev", "test"):
        with (data / "msed" / part / f"{part}.csv").open(newline="", encoding="utf-8", errors="replace") as file:
            for number, row in enumerate(csv.DictReader(file), 1):
                found[part, str(number)] = f"{row['Title']} {row.get('Caption') or ''}".lower()
    return found


def masked(data: Path, stem: str, labels: Sequence[str]) -> set[str]:
    """The labels of an image of SYSU-Scene that cover LEAST_SHARE of it."""
    numbers = loadmat(data / "sysu" / "ground truth" / f"{stem}.mat")["imageGroundTruth"].ravel().astype(np.int64)
    shares = np.bincount(numbers, minlength=len(labels) + 1) / len(numbers)
    return {label for label, share in zip(labels, shares[1:], strict=False) if share >= LEAST_SHARE}


def truth(data: Path, paths: Sequence[Path], every: Sequence[Tag]) -> Truth:
    """(N, T): what is known of each image and tag."""
    table = list(loadmat(data / "sysu" / "label_list.mat").values())[-1]
    labels = [str(one[0]) for one in table.ravel()]
    said, described = captions(data), everyday()
    found = np.full((len(paths), len(every)), UNKNOWN, np.int8)
    for row, path in enumerate(paths):
        if "sysu" in path.parts:
            found[row] = _by_mask(masked(data, path.stem, labels), every)
        elif "msed" in path.parts:
            found[row] = _by_caption(said[path.parts[-3], path.stem], every)
        elif "everyday" in path.parts:
            found[row] = [_by_words(described[path.stem], tag) for tag in every]
        else:
            found[row] = [_by_folder(path.parent.name, tag) for tag in every]
    return found


def _by_mask(seen: set[str], every: Sequence[Tag]) -> list[int]:
    return [(PRESENT if tag.sysu & seen else ABSENT) if tag.sysu else UNKNOWN for tag in every]


def _by_caption(text: str, every: Sequence[Tag]) -> list[int]:
    words = f" {' '.join(text.replace(',', ' ').replace('.', ' ').split())} "
    said = [any(f" {word} " in words or f" {word}s " in words for word in tag.captions) for tag in every]
    known = [bool(tag.sysu or tag.everyday) for tag in every]
    return [PRESENT if yes else UNKNOWN if better else ABSENT for yes, better in zip(said, known, strict=True)]


def _by_words(seen: set[str], tag: Tag) -> int:
    return (PRESENT if tag.everyday & seen else ABSENT) if tag.everyday else UNKNOWN


def _by_folder(scene: str, tag: Tag) -> int:
    if scene in tag.scenes:
        return PRESENT
    if tag.scenes & ALIKE.get(scene, frozenset()):
        return UNKNOWN
    return ABSENT if tag.scenes or tag.name in INDOORS else UNKNOWN


@dataclass(frozen=True)
class Fitted:
    """Of one tag: its numbers, how many images show it and how many do not, and of those held out the average
    precision, that of its classes alone, and the expected calibration error."""

    weights: Floats
    class_weight: float
    bias: float
    present: int
    absent: int
    average_precision: float
    by_classes: float
    calibration_error: float


def fitted(one: Examples, masses: Floats, known: NDArray[np.int8], everyday_only: bool) -> Fitted:
    """The regression of one tag: on all images whose truth is known; its figures without every fifth of them.
    ``everyday_only``: none but those of everyday are; then the vector must be WORTH something beside the classes."""
    rows = np.flatnonzero(known != UNKNOWN)
    x = np.column_stack([one.vectors[rows] * SCALE, mass_odds(masses[rows]), np.ones(len(rows))]).astype(np.float64)
    y = known[rows] == PRESENT
    kept = np.arange(len(rows)) % HELD_OUT != 0
    odds = x[~kept] @ regression(x[kept], y[kept])
    weights = regression(x, y)
    if everyday_only and average_precision(odds, y[~kept]) < average_precision(x[~kept, -2], y[~kept]) + WORTH:
        x[:, :-2] = 0  # its classes alone say as much, and on images of other kinds more
        odds, weights = x[~kept] @ regression(x[kept], y[kept]), regression(x, y)
    return Fitted(
        *((weights[:-2] * SCALE).astype(np.float32), float(weights[-2]), float(weights[-1])),
        *(int(y.sum()), int((~y).sum())),
        *(average_precision(odds, y[~kept]), average_precision(mass_odds(masses[rows][~kept]), y[~kept])),
        calibration_error(sigmoid(odds), y[~kept]),
    )


def regression(x: NDArray[np.float64], y: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(N, F) with a last column of ones -> (F,): as ``lookalike.logistic.fit``, for hundreds of features, by L-BFGS."""
    free = np.append(np.ones(x.shape[1] - 1), 0.0)

    def loss(beta: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        z = x @ beta
        value = (np.logaddexp(0, z) - y * z).sum() + 0.5 * L2 * (free * beta**2).sum()
        return float(value), x.T @ (sigmoid(z) - y) + L2 * free * beta

    return minimize(loss, np.zeros(x.shape[1]), jac=True, method="L-BFGS-B", options={"maxiter": 300}).x


def average_precision(odds: NDArray[np.float64], y: NDArray[np.bool_]) -> float:
    """The mean of the precisions at each image that shows it, best first."""
    ranked = y[np.argsort(-odds, kind="stable")]
    return float((np.cumsum(ranked) / np.arange(1, len(y) + 1))[ranked].mean()) if y.any() else float("nan")


def calibration_error(p: NDArray[np.float64], y: NDArray[np.bool_], bins: int = 10) -> float:
    """The mean difference of said and true share, over bins of probability (ECE, Guo et al., arXiv 1706.04599)."""
    place = np.minimum((p * bins).astype(int), bins - 1)
    return float(sum(abs(p[place == b].sum() - y[place == b].sum()) for b in range(bins)) / len(p))


def class_curve(one: Examples, known: Truth, every: Sequence[Tag]) -> tuple[float, ...]:
    """Intercept, and slopes of the log-odds of a word's classes and of the logarithm of their number, to the log-odds
    of the word: over the tags that masks tell and that have classes, and as many words of which no image shows
    anything, animals that no mask names. So before anything is seen, half of all words are not shown by any image."""
    masked = np.array(["sysu" in path.parts for path in one.paths])
    words = [tag.name for tag in every]
    columns = [n for n, seen in enumerate(one.masses(words).any(axis=0)) if seen and every[n].sysu]
    absent = [class_names()[n] for n in ABSENT_CLASSES]
    absent = [name for name in absent if vocabulary().find(name) is not None]
    x = np.concatenate([one.masses(words)[masked][:, columns], one.masses(absent)[masked]], axis=1)
    y = np.concatenate([known[masked][:, columns] == PRESENT, np.zeros((masked.sum(), len(absent)), bool)], axis=1)
    found = [vocabulary().find(word) for word in [*(words[n] for n in columns), *absent]]
    counts = np.broadcast_to(np.log([len(one.classes) if one else 1 for one in found]), x.shape)
    weights = np.broadcast_to([1.0] * len(columns) + [len(columns) / len(absent)] * len(absent), x.shape)
    features = np.column_stack([mass_odds(x.ravel()), counts.ravel()])
    model = fit(features, y.ravel(), l2=1.0, weights=weights.ravel())
    return model.intercept, *model.coefficients


def distance_curve(one: Examples, known: Truth, every: Sequence[Tag]) -> tuple[float, float]:
    """Intercept and slope from the distance between two images to whether they share a thing that masks tell; as many
    pairs that do as that do not."""
    things = [n for n, tag in enumerate(every) if tag.sysu and tag.name not in GROUND]
    rows = np.flatnonzero(np.array(["sysu" in path.parts for path in one.paths]))
    rows = rows[(known[np.ix_(rows, things)] == PRESENT).any(axis=1)]
    a, b = np.random.default_rng(SEED).choice(rows, (2, PAIRS))
    same = ((known[a][:, things] == PRESENT) & (known[b][:, things] == PRESENT)).any(axis=1)
    distances = 1 - (one.vectors[a] * one.vectors[b]).sum(axis=1)
    keep = a != b
    weights = np.where(same, 0.5 / same[keep].mean(), 0.5 / (~same[keep]).mean())
    model = fit(distances[keep, None], same[keep], l2=1.0, weights=weights[keep])
    return model.intercept, model.coefficients[0]


def network_curve(one: Examples, known: Truth, every: Sequence[Tag], places: NDArray[np.int64]) -> tuple[float, ...]:
    """Intercept, and slopes of the log-odds by `content` and of those by `words`, to the log-odds of both together: of
    the tags that are searched for most, over every fifth image of everyday, which neither was fitted on."""
    with NOUNS.open(newline="") as file:
        nouns = {vocabulary_name(row["word"]) for row in csv.DictReader(file)}
    rows = [n for n, path in enumerate(one.paths) if "everyday" in path.parts]
    rows.sort(key=lambda n: int(one.paths[n].stem))
    held, kept = np.array(rows[::HELD_OUT]), np.array([n for place, n in enumerate(rows) if place % HELD_OUT])
    features, shown = [], []
    for n, tag in enumerate(every):
        if vocabulary_name(tag.name) in nouns and tag.everyday:
            masses = mass_odds(one.masses([tag.name])[:, 0])
            x = np.column_stack([one.vectors * SCALE, masses, np.ones(len(masses))]).astype(np.float64)
            odds = x[held] @ regression(x[kept], known[kept, n] == PRESENT)
            features.append(np.column_stack([odds, one.network[held, places[n]]]))
            shown.append(known[held, n] == PRESENT)
    model = fit(np.concatenate(features), np.concatenate(shown), l2=1.0)
    return model.intercept, *model.coefficients


def vocabulary_name(word: str) -> str:
    """The word that the vocabulary knows it by."""
    found = vocabulary().find(word)
    return found.word if found else word


def network_tags(every: Sequence[Tag]) -> list[Tag]:
    """What the numbers of `words` stand for, in their order: these tags, and three that turned out to be weak."""
    weak = {name: Tag(name, frozenset(), frozenset(), (), frozenset({name})) for name in ("lemon", "basket", "tent")}
    place = [tag.name for tag in every].index("orange") + 1
    return [*every[:place], weak["lemon"], *every[place:], weak["basket"], weak["tent"]]


def network_places(every: Sequence[Tag]) -> NDArray[np.int64]:
    """(T,): which of the numbers of `words` is each tag's."""
    names = [tag.name for tag in network_tags(every)]
    return np.array([names.index(tag.name) for tag in every])


def main() -> None:
    given = arguments()
    data, galleries, out = given.data, given.galleries, given.out
    every, one = tags(), examples(galleries, everyday())
    if given.without:
        one = outside(one, data / given.without)
    known, masses = truth(data, one.paths, every), one.masses([tag.name for tag in every])
    models = [
        fitted(one, masses[:, n], known[:, n], not (tag.sysu or tag.captions or tag.scenes))
        for n, tag in enumerate(every)
    ]
    for tag, model in zip(every, models, strict=True):
        print(f"{tag.name:16} {model.present:6} {model.absent:6} AP {model.average_precision:.3f} "
              f"({model.by_classes:.3f}) ECE {model.calibration_error:.3f} "
              f"classes {model.class_weight:.2f}")  # fmt: skip
    curve = class_curve(one, known, every)
    near = distance_curve(one, known, every)
    places = network_places(every)
    both = network_curve(one, known, every, places)
    print(
        f"classes: {curve[0]:.2f} + {curve[1]:.2f} x + {curve[2]:.2f} log n; distances: {near[0]:.2f} + {near[1]:.2f} x"
        f"; with the network: {both[0]:.2f} + {both[1]:.2f} x + {both[2]:.2f} y"
    )
    np.savez_compressed(
        out,
        names=np.array([tag.name for tag in every]),
        weights=np.stack([model.weights for model in models]).astype(np.float16),
        class_weights=np.array([model.class_weight for model in models], np.float32),
        biases=np.array([model.bias for model in models], np.float32),
        class_curve=np.array(curve),
        distance_curve=np.array(near),
        network_curve=np.array(both),
        network_places=places,
        network_made_by=get(SECOND).card.fingerprint,
        made_by=Library.open(galleries[0]).cards[NETWORK].fingerprint,
    )
    print(f"{out}: {out.stat().st_size:,} bytes")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("galleries", type=Path, nargs="+")
    parser.add_argument("--without", help="a folder below DATA")
    parser.add_argument("--out", type=Path, default=OUT)
    given = parser.parse_args()
    if given.without and given.out == OUT:
        parser.error("--without is for measuring: say with --out where the head goes")
    return given


if __name__ == "__main__":
    main()
