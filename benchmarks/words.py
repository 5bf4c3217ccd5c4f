"""Searches by words: precision of the first ten for 100 everyday nouns, what is called absent, and the time it takes.

``words.csv`` holds the nouns, COCO's 80 and 20 more, and where each is labelled; ``absent_words.csv`` 50 of which no
image of three sets shows anything. Both were written before anything was measured. Beside the sets of the harness, DATA
may hold coco128/panoptic (panoptic_*.json of lightly-ai/coco128_yolo), hcaptcha (60 images of each folder of
MaxAndolini/hCaptcha-Images) and grocery (dataset/test of marcusklasson/GroceryStoreDataset). Nothing was
fitted on any of these; after a first look one alias ("toilet") was added, and that a word of few classes is rare.
"""

from __future__ import annotations

import csv
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.harness import IMAGES, SEED, Options, process, run, spread, table
from benchmarks.synthetic import BLOCK, block, path_of
from lookalike.descriptors import get
from lookalike.gallery import Gallery
from lookalike.gallery.search.text_search import LEAST
from lookalike.gallery.storage.base import NewImage
from lookalike.gallery.storage.class_codec import packed
from lookalike.gallery.storage.embeddings import dtype_of
from lookalike.gallery.storage.row import Row

TITLE = "Words: what a text finds, without a download"
HERE = Path(__file__).parent
DESCRIPTORS = ("content", "colour")
SECOND = "words"  # the network that a gallery may hold as well
FIRST = 10
ROWS = 100_000  # images of the gallery that is only timed
SETS = ("coco128", "hcaptcha", "grocery", "flowers", "clothing")
ABSENT_SETS = ("coco128", "grocery", "clothing")  # their labels name none of them; not every image was looked at
COCO = 80  # of the nouns, in COCO's order
STUFF = "unlabelled stuff"
TIMED = ("dog", "vehicle", "red car on a street", "blue at the top, no people", "penguin")
ASK = """
import sys, time
from lookalike.gallery import Gallery
began = time.perf_counter()
with Gallery.open(sys.argv[1]) as gallery:
    gallery.search_text(sys.argv[2])
    print(1000 * (time.perf_counter() - began))
    began = time.perf_counter()
    gallery.search_text(sys.argv[2])
    print(1000 * (time.perf_counter() - began))
"""


@dataclass(frozen=True)
class Word:
    """A noun, and where it is labelled: set -> the labels that it stands for. ``perhaps``: folders of hcaptcha whose
    images may show it as well: they are left out."""

    text: str
    labels: Mapping[str, frozenset[str]]
    perhaps: frozenset[str]


@dataclass(frozen=True)
class Known:
    """What is known of an image of a set: its labels."""

    source: str
    labels: frozenset[str]


@dataclass(frozen=True)
class Score:
    """Of one noun: how many images show it, whether it was understood, the share of the first ten, or of as many as
    show it, that do; and of those of them that have the probability a search asks for how many do, and are."""

    word: str
    true: int
    understood: bool
    precision: float
    shown: tuple[int, int]


def measure(options: Options) -> str:
    known = dict(labelled(options))
    nouns = [noun for noun in words() if truth(noun, known)[0]]
    parts = []
    with tempfile.TemporaryDirectory() as folder:
        with Gallery.create(Path(folder) / "g", DESCRIPTORS) as gallery:
            gallery.add(sorted(known) or [folder])
            parts += ["Of galleries with `content`, as a new one is:", *answers(gallery, nouns, known)]
            gallery.add_descriptor(SECOND)
            parts += [f"And with `{SECOND}` as well (`--with {SECOND}`):", *answers(gallery, nouns, known)]
        timed = timing(Path(folder) / "timed", options)
    return "\n\n".join([*parts, timed, note(known)])


def answers(gallery: Gallery, nouns: Sequence[Word], known: Mapping[str, Known]) -> list[str]:
    """What one gallery finds, and does not find."""
    scores = [score(gallery, noun, known) for noun in nouns]
    return [summary(scores), each(scores), abstention(list(absent_answers(gallery, known)))]


def words() -> list[Word]:
    """The nouns of words.csv."""
    with (HERE / "words.csv").open(newline="") as file:
        return [_word(row) for row in csv.DictReader(file)]


def _word(row: Mapping[str, str]) -> Word:
    columns = {name: frozenset(filter(None, row[name].split(";"))) for name in row if name != "word"}
    found = {"coco128": columns["coco"] | columns["panoptic"]} | {name: columns[name] for name in SETS[1:]}
    return Word(row["word"], {name: labels for name, labels in found.items() if labels}, columns["perhaps"])


COCO_NAMES = frozenset(word.text for word in words()[:COCO])


def labelled(options: Options) -> Iterator[tuple[str, Known]]:
    """Path -> what is known of it, for every image of the sets that are there."""
    data = options.data
    yield from _coco(data / "coco128")
    for file in _images(data / "hcaptcha"):
        yield str(file), Known("hcaptcha", frozenset({file.parent.name}))
    for file in _images(data / "grocery"):
        yield str(file), Known("grocery", frozenset({"/".join(file.parts[-4:-2]), "/".join(file.parts[-3:-1])}))
    for file in _images(data / "flowers")[:: options.size(8, 1)]:
        yield str(file), Known("flowers", frozenset({file.parent.name}))
    listed = data / "clothing" / "images.csv"
    kinds = dict(_clothing(listed)) if listed.exists() else {}
    files = [file for file in _images(data / "clothing") if kinds.get(file.stem) not in (None, "Not sure", "Skip")]
    for file in files[:: options.size(4, 1)]:
        yield str(file), Known("clothing", frozenset({kinds[file.stem]}))


def _images(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.suffix.lower() in IMAGES)


def _clothing(file: Path) -> Iterator[tuple[str, str]]:
    with file.open(newline="") as stream:
        for row in csv.DictReader(stream):
            yield row["image"], row["label"]


def _coco(folder: Path) -> Iterator[tuple[str, Known]]:
    """Names of boxes; of the images that have panoptic labels, those of stuff as well, and else STUFF."""
    names = [word.text for word in words()[:COCO]]
    stuff = dict(_stuff(folder / "panoptic"))
    for file in _images(folder / "images"):
        boxes = folder / "object_detection" / "labels" / file.parent.name / f"{file.stem}.txt"
        lines = boxes.read_text().splitlines() if boxes.exists() else []
        seen = {names[int(line.split()[0])] for line in lines}
        yield str(file), Known("coco128", frozenset(seen | stuff.get(file.stem, {STUFF})))


def _stuff(folder: Path) -> Iterator[tuple[str, set[str]]]:
    for file in sorted(folder.glob("*.json")):
        stored = json.loads(file.read_text("utf-8"))
        names = {one["id"]: one["name"] for one in stored["categories"]}
        for one in stored["annotations"]:
            yield Path(one["file_name"]).stem, {names[part["category_id"]] for part in one["segments_info"]}


def truth(word: Word, known: Mapping[str, Known]) -> tuple[set[str], set[str]]:
    """The images that show a word, and those of which it is known whether they do."""
    decided = {path for path, one in known.items() if _is_decided(word, one)}
    return {path for path in decided if known[path].labels & word.labels[known[path].source]}, decided


def _is_decided(word: Word, one: Known) -> bool:
    if one.source not in word.labels or (one.source == "hcaptcha" and one.labels & word.perhaps):
        return False
    return not (one.source == "coco128" and STUFF in one.labels and word.text not in COCO_NAMES)


def score(gallery: Gallery, word: Word, known: Mapping[str, Known]) -> Score:
    """The search for one noun among all images, of which those count of which it is known whether they show it."""
    true, decided = truth(word, known)
    answer = gallery.search_text(word.text, len(known), least=0.0)
    depth = min(FIRST, len(true))
    found = [hit for hit in answer.hits if hit.path in decided][:depth]
    shown = [hit.path in true for hit in found if hit.probability >= LEAST]
    precision = 0.0 if answer.unknown else sum(hit.path in true for hit in found) / depth
    return Score(word.text, len(true), not answer.unknown, precision, (sum(shown), len(shown)))


def absent_answers(gallery: Gallery, known: Mapping[str, Known]) -> Iterator[tuple[str, bool, list[str]]]:
    """Each noun of which nothing is there, whether it was understood, and the names of what is shown all the same."""
    here = {path for path, one in known.items() if one.source in ABSENT_SETS}
    with (HERE / "absent_words.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            answer = gallery.search_text(row["word"], len(known) or 1)
            yield row["word"], not answer.unknown, [Path(hit.path).name for hit in answer.hits if hit.path in here]


def summary(scores: Sequence[Score]) -> str:
    """Means over nouns."""
    kinds = {"COCO's nouns": [one for one in scores if one.word in COCO_NAMES]}
    kinds |= {"20 more": [one for one in scores if one.word not in COCO_NAMES], "**all**": list(scores)}
    kinds |= {"with 10 images and more": [one for one in scores if one.true >= FIRST]}
    header = (
        *("nouns", "labelled here", "understood", "precision of the first ten, %", "of those understood, %"),
        "of these ten, those shown by default are right, %",
    )
    return table(header, [(name, *_summed(part)) for name, part in kinds.items()])


def _summed(scores: Sequence[Score]) -> tuple[str, ...]:
    understood = [one for one in scores if one.understood]
    if not understood:
        return (str(len(scores)), "0", "", "", "")
    right, shown = np.sum([one.shown for one in understood], axis=0).tolist()
    return (
        *(str(len(scores)), str(len(understood)), f"{100 * statistics.mean(one.precision for one in scores):.1f}"),
        f"{100 * statistics.mean(one.precision for one in understood):.1f}",
        f"{100 * right / shown:.1f} of {shown}" if shown else "",
    )


def each(scores: Sequence[Score]) -> str:
    """One line for all nouns."""
    parts = [
        f"{one.word} {f'{100 * one.precision:.0f}' if one.understood else '–'} of {one.true}"
        for one in sorted(scores, key=lambda one: (-one.precision, one.word))
    ]
    return "Precision, %, and how many images show it (–: not understood): " + ", ".join(parts) + "."


def abstention(absent: Sequence[tuple[str, bool, list[str]]]) -> str:
    """How many of the absent nouns find nothing."""
    right = sum(not shown for _, _, shown in absent)
    understood = sum(known for _, known, _ in absent)
    wrong = "; ".join(f"{word} {len(shown)}" for word, _, shown in absent if shown)
    header = ("absent nouns", "understood", "nothing shown, rightly", "%")
    body = table(header, [(len(absent), understood, right, f"{100 * right / len(absent):.0f}")])
    return body + (f"\n\nShown all the same, images: {wrong}." if wrong else "")


def timing(folder: Path, options: Options) -> str:
    """How long the first answer takes in a new process, and the next one."""
    count = options.size(ROWS, 300)
    folder.mkdir()
    with Gallery.create(folder / "g", DESCRIPTORS) as gallery:
        _fill(gallery, count)
        began = time.perf_counter()
        gallery.search_text("dog")
        built = time.perf_counter() - began
    rows = []
    for text in TIMED:
        runs = [_asked(folder / "g", text) for _ in range(options.size(5, 1))]
        rows.append((text, spread([one[0] for one in runs], 1), spread([one[1] for one in runs], 1)))
    answer = table(("text", "first answer, ms", "second, ms"), rows)
    return f"{answer}\n\nOf {count:,} synthesised rows, each time a new process. Before the first, once: {built:.1f} s."


def _asked(gallery: Path, text: str) -> tuple[float, float]:
    first, second = process([sys.executable, "-c", ASK, gallery, text]).output.split()
    return float(first), float(second)


def _fill(gallery: Gallery, count: int) -> None:
    """Rows with vectors and classes, without files."""
    logits = np.random.default_rng(SEED).standard_normal((500, 1000)) * 3
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    classes = [packed(one.astype(np.float32)) for one in shares]
    dtypes = {name: dtype_of(get(name).card) for name in DESCRIPTORS}
    for start in range(0, count, BLOCK):
        size = min(BLOCK, count - start)
        parts = {name: block(name, start, size).astype(dtypes[name]) for name in DESCRIPTORS}
        with gallery._library.store.transaction():
            for place in range(size):
                number = start + place
                row = Row(0, path_of(number), f"{number:064x}", 200_000, 0, 640, 480, "JPEG", None, None)
                vectors = {name: (part[place].tobytes(), 1.0) for name, part in parts.items()}
                named = {"content": classes[number % len(classes)]}
                gallery._library.store.put(NewImage(row, vectors, classes=named))


def note(known: Mapping[str, Known]) -> str:
    """What the figures are of."""
    counts = {name: sum(one.source == name for one in known.values()) for name in SETS}
    listed = ", ".join(f"{count:,} of {name}" for name, count in counts.items() if count)
    return (
        f"One gallery of {len(known):,} images ({listed or 'no labelled set is here'}). Each noun is searched for "
        "among all of them; of the ranking those count of which it is known whether they show it: the sets that label "
        f"it. With fewer than {FIRST} images that show it, as many are looked at. A noun with a word that is not "
        f"understood counts as 0. By default a search shows what has a probability of {LEAST}. "
        'After a first look (53.2 % and 84 %) came an alias, "toilet", and the term for how many classes a word has.'
    )


if __name__ == "__main__":
    run(TITLE, measure)
