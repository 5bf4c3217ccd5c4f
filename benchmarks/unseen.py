"""The images that recipes/fit_relation.py leaves alone: what the benchmarks of relations may ask about.

It deals every list of images into quarters and fits on the first three, as it does with rows of images of one
place. Here is what lies in the last quarter of every list that an image is in, and whole sets that it does not read.
A quick run takes all that there are, and a folder of one's own, on which nothing was fitted, is taken whole.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, combinations, zip_longest
from pathlib import Path

import numpy as np

from benchmarks.copies import drawn_from
from benchmarks.harness import SEED, Options
from lookalike.imaging import is_image_name
from recipes.gps import APART, metres

DEALT = ("bsds", "codec/CID22")  # sets of photographs of which the last quarter is unseen
WHOLE = ("clic2025", "codec/kodak", "coco128/images")
UNTOLD = ("Not sure", "Skip", "Other")  # labels that say nothing
ROWS: Mapping[str, tuple[int, bool]] = {  # images of one place: how far apart neighbours may be, whether all are unseen
    "views/castle": (2, True),
    "views/banana": (2, True),
    "views/monstree": (2, False),
    "seneca": (1, False),
}


@dataclass(frozen=True)
class Labelled:
    """An image of clothing: what is on it, and who took it."""

    file: Path
    label: str
    sender: str


def photographs(options: Options) -> dict[str, list[Path]]:
    """Set -> its unseen photographs, in an order by chance that is the same every time."""
    found = {folder: _last_quarter(options, _images(options, folder)) for folder in DEALT}
    found["clothing"] = [one.file for one in clothing(options)]
    found |= {folder: drawn_from(_images(options, folder), 10_000) for folder in WHOLE}
    found = {name: files for name, files in found.items() if files}
    return found or {"even": options.photographs("library"), "odd": options.photographs("unseen")}


def mixed(sets: Mapping[str, Sequence[Path]], count: int) -> list[Path]:
    """One of each set, then the next of each, ... until there are so many; fewer if there are no more."""
    turns = chain.from_iterable(zip_longest(*sets.values()))
    return [file for file in turns if file is not None][:count]


def flowers(options: Options) -> list[Path]:
    """Their folder is their class."""
    files = _images(options, "flowers")
    classes = [[file for file in files if file.parent.name == name] for name in sorted({f.parent.name for f in files})]
    return _in_last_quarters(options, [files], classes)


def clothing(options: Options) -> list[Labelled]:
    """Those whose label says what they are."""
    listed = list(_labelled(options))
    labels = [[one.file for one in listed if one.label == label] for label in sorted({one.label for one in listed})]
    whole = [_images(options, "clothing"), sorted(one.file for one in listed)]
    held = set(_in_last_quarters(options, whole, labels))
    return drawn_from([one for one in listed if one.file in held], 10_000)


def _labelled(options: Options) -> Iterator[Labelled]:
    files = {file.stem: file for file in _images(options, "clothing")}
    for table in (options.data / "clothing").rglob("images.csv"):
        with table.open(newline="") as lines:
            for row in csv.DictReader(lines):
                if row["image"] in files and row["label"] not in UNTOLD:
                    yield Labelled(files[row["image"]], row["label"], row["sender_id"])


def similar_pairs(options: Options, each: int) -> list[tuple[Path, Path]]:
    """Two flowers of one class, two pieces of clothing with one label that two people took; so many of each."""
    plants = [(a, b) for a, b in combinations(flowers(options), 2) if a.parent == b.parent]
    clothes = [(a.file, b.file) for a, b in combinations(clothing(options), 2) if _one_kind(a, b)]
    return [*drawn_from(plants, each), *drawn_from(clothes, each)]


def _one_kind(a: Labelled, b: Labelled) -> bool:
    return a.label == b.label and a.sender != b.sender


def neighbours(options: Options) -> list[tuple[Path, Path]]:
    """Images of one place taken one after the other. What the camera says of where it was decides, if it does: two
    aerial photographs from more than APART metres apart, where the aircraft turned, may have nothing in common."""
    found = []
    for folder, (reach, is_whole) in ROWS.items():
        files = _images(options, folder)
        row = files if is_whole else files[3 * len(files) // 4 :]
        found += [(row[n], other) for n in range(len(row)) for other in row[n + 1 : n + 1 + reach]]
    return [pair for pair in found if metres(*pair) <= APART]


def _images(options: Options, folder: str) -> list[Path]:
    return sorted(path for path in (options.data / folder).rglob("*") if is_image_name(path))


def _in_last_quarters(options: Options, lists: Sequence[list[Path]], parts: Sequence[list[Path]]) -> list[Path]:
    """What is in the last quarter of each of ``lists`` and of one of ``parts``; in order."""
    held = set(chain.from_iterable(_last_quarter(options, part) for part in parts))
    return sorted(held.intersection(*(_last_quarter(options, files) for files in lists)))


def _last_quarter(options: Options, files: list[Path]) -> list[Path]:
    """As `dealt` in the recipe does it."""
    order = np.random.default_rng(SEED).permutation(len(files))
    return [files[n] for n in order[0 if options.quick else 3 * len(files) // 4 :]]
