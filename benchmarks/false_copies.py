"""What `duplicates` calls copies in libraries of images that share most of their pixels and are none.

DATA/hard holds a folder per kind of library; nothing was fitted or trained on any of these images. What is reported was
looked at by eye, pair by pair; the verdicts are in false_copies.csv: "copy" where nobody could tell what one would lose
with either, "other" where it is other content. A pair without a verdict counts as false.
"""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import imagehash
from PIL import Image as Pillow

from benchmarks.harness import Options, run, table
from lookalike import Gallery
from lookalike.descriptors.fusion import DEFAULT_WEIGHTS
from lookalike.types import Pair

TITLE = "False copies: receipts, memes, packs, rooms, fixed cameras, icons"
VERDICTS = Path(__file__).with_suffix(".csv")
PRECISIONS = (0.99, 0.9)
PHASH_DISTANCE = 8  # bits of 64, as imagehash's and imagededup's users set it
MOST = 1500  # files of a library, evenly spread over it
Verdicts = Mapping[tuple[str, str, str], str]


def measure(options: Options) -> str:
    kinds = sorted(folder for folder in (options.data / "hard").glob("*") if folder.is_dir()) or [options.data]
    known = verdicts()
    rows, cleared = [], []
    for folder in kinds:
        files = _files(folder, options)
        pairs = _duplicates(files, min(PRECISIONS))
        rows.append((folder.name, f"{len(files):,}", *_counts(folder, pairs, len(files), known), _by_phash(files)))
        cleared.append(_cleared(folder, pairs, known))
    header = ("library", "files", "pairs at .99", "false", "per 1,000", "pairs at .9", "false", "per 1,000", "by phash")
    kept = table(("library", "would be cleared by default", "of these no copies"), cleared)
    note = (
        f"One search for duplicates at {min(PRECISIONS)}, whose pairs are counted at both. By phash: pairs at most "
        f"{PHASH_DISTANCE} of 64 bits apart, of which nothing was looked at."
    )
    return f"{table(header, rows)}\n\n{kept}\n\n{note}"


def _files(folder: Path, options: Options) -> list[Path]:
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".jpg", ".png", ".jpeg"))
    most = min(len(files), options.size(MOST, 12))
    return [files[int(place * len(files) / most)] for place in range(most)]


def _duplicates(files: Sequence[Path], precision: float) -> list[Pair]:
    with (
        tempfile.TemporaryDirectory() as place,
        Gallery.create(Path(place) / "g", descriptors=(*DEFAULT_WEIGHTS, "copy")) as gallery,
    ):
        gallery.add(files)
        return [pair for group in gallery.duplicates(precision=precision) for pair in group.pairs]


def _counts(folder: Path, pairs: Sequence[Pair], files: int, known: Verdicts) -> Iterator[str]:
    for precision in PRECISIONS:
        sure = [pair for pair in pairs if pair.probability >= precision]
        false = sum(not _is_copy(folder, pair, known) for pair in sure)
        yield from (str(len(sure)), str(false), f"{1000 * false / files:.2f}")


def _cleared(folder: Path, pairs: Sequence[Pair], known: Verdicts) -> tuple[str, str, str]:
    proved = [
        pair for pair in pairs if pair.relation in ("identical", "re-encoded") and pair.probability >= PRECISIONS[0]
    ]
    return folder.name, str(len(proved)), str(sum(not _is_copy(folder, pair, known) for pair in proved))


def _is_copy(folder: Path, pair: Pair, known: Verdicts) -> bool:
    a, b = sorted(str(Path(path).relative_to(folder)) for path in (pair.a, pair.b))
    return pair.relation == "identical" or is_copy(folder.name, a, b, known)


def is_copy(library: str, a: str, b: str, known: Verdicts) -> bool:
    """What was said of two files, sorted, of one library."""
    return known.get((library, a, b)) == "copy"


def verdicts() -> Verdicts:
    """(library, a, b) -> "copy" or "other"."""
    if not VERDICTS.exists():
        return {}
    with VERDICTS.open(newline="") as lines:
        return {(row["library"], row["a"], row["b"]): row["verdict"] for row in csv.DictReader(lines)}


def _by_phash(files: Sequence[Path]) -> str:
    """How many pairs imagehash's phash puts as near as its users ask for."""
    import numpy as np

    bits = np.array([imagehash.phash(Pillow.open(file).convert("RGB")).hash.ravel() for file in files], np.float32)
    apart = bits @ (1 - bits).T
    return f"{int((np.triu(apart + apart.T <= PHASH_DISTANCE, 1)).sum()):,}"


if __name__ == "__main__":
    run(TITLE, measure)
