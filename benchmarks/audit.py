"""The report of a data set: faults of every kind are planted in labelled sets, and what `lookalike audit` calls is
counted."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.content_retrieval import Labelled, labelled_sets
from benchmarks.harness import IMAGES, SEED, Options, run, table
from benchmarks.sides.confident_learning import confident_errors, majority_against, neighbour_probabilities
from lookalike import describe
from lookalike.cli.audit import DESCRIPTORS
from lookalike.errors import LoadError
from lookalike.gallery import Gallery
from lookalike.gallery.audit.findings import Audit
from lookalike.imaging import load

TITLE = "Audit: faults planted in labelled sets"
MOST = 600  # images of a set
TEST_SHARE = 5  # so manieth image is of the split test
EACH = 12  # faults of each kind
WRONG_LABELS = 0.05
ONE_KIND, MANY_KINDS = "outlier, of one kind", "outlier, of many kinds"
DISTRACTORS = ("memes", "furniture", "bsds", "views", "coco128/images", "clic2025")
SHORT_SIDE = 512  # pixels of the shorter side at which a blur is so many pixels
HEADER = ("set", "fault", "planted", "called, %", "called of the untouched images", "of the untouched, %")
LABEL_HEADER = ("set", "label errors by", "wrong labels", "called", "of these wrong, %", "of the wrong called, %")
Pixels = NDArray[np.uint8]


@dataclass
class Planted:
    """A set on the disk, a folder per split and class. ``faults``: fault -> its files; ``wrong``: files of another
    class's folder; ``untouched``: all others."""

    root: Path
    faults: dict[str, set[str]] = field(default_factory=dict)
    wrong: set[str] = field(default_factory=set)
    untouched: set[str] = field(default_factory=set)


def measure(options: Options) -> str:
    rows, label_rows = [], []
    for one in labelled_sets(options):
        with tempfile.TemporaryDirectory() as folder:
            planted = _plant(one, options, Path(folder) / "set")
            with Gallery.create(Path(folder) / "g", DESCRIPTORS) as gallery:
                gallery.add(planted.root)
                audit = gallery.audit(planted.root)
                rows += list(_rows(one.name, audit, planted))
                label_rows += list(_label_rows(one.name, audit, planted))
    note = (
        f"At most {options.size(MOST, 40):,} images of each set, every {TEST_SHARE}th in the split test. A blur is "
        f"that of a Gaussian of so many pixels where the shorter side has {SHORT_SIDE}. Leaks: a copy of a training "
        "image in the split test. Outliers, in one class's folder: receipts, alike among themselves; images of "
        f"{', '.join(DISTRACTORS)}. Untouched images may be dark, blurred or odd too, and flowers holds copies of its "
        "own and soft images of 128 pixels: nobody has looked at all of them, so what is called of these is no rate of "
        "errors, but bounds it. Limits and measures were chosen on imagenette, scenes, grocery and hcaptcha, with "
        "other distractors. Labels: k nearest by "
        "`content`; confident learning takes its probabilities from the same neighbours; labels that were wrong "
        "before count as right."
    )
    return f"{table(HEADER, rows)}\n\n{table(LABEL_HEADER, label_rows)}\n\n{note}"


# --- what is planted


def _plant(one: Labelled, options: Options, root: Path) -> Planted:
    """Every image is written anew: one in TEST_SHARE into test, with the faults on different images."""
    files, labels = one.files[: options.size(MOST, 40)], one.labels
    random, planted, each = np.random.default_rng(SEED), Planted(root), options.size(EACH, 1)
    order = iter(random.permutation(len(files)).tolist())
    edits = {next(order): (name, edit) for name, edit in EDITS.items() for _ in range(each)}
    wrong = {next(order) for _ in range(round(WRONG_LABELS * len(files)))}
    leaks = {row for row in (next(order) for _ in range(2 * each)) if row % TEST_SHARE}
    classes = int(labels.max()) + 1
    for row, file in enumerate(files):
        try:
            pixels = load(file).pixels
        except LoadError:
            continue
        label = (labels[row] + int(random.integers(1, classes))) % classes if row in wrong else labels[row]
        split = "train" if row % TEST_SHARE else "test"
        name, edit = edits.get(row, ("", None))
        target = _write(root / split / str(label) / f"{row:05}.jpg", edit(pixels, random) if edit else pixels)
        if name:
            planted.faults.setdefault(name, set()).add(target)
        elif row in wrong:
            planted.wrong.add(target)
        elif row in leaks:
            copy = _write(root / "test" / str(label) / f"{row:05}-copy.jpg", _copied(pixels, row), 75)
            planted.faults.setdefault("leak", set()).add(copy)
        else:
            planted.untouched.add(target)
    kind = options.data / ("receipts" if options.data.joinpath("receipts").is_dir() else "hard/receipts")
    for name, folders in ((ONE_KIND, [kind]), (MANY_KINDS, [options.data / folder for folder in DISTRACTORS])):
        for number, pixels in enumerate(_distractors(folders, each)):
            target = _write(root / "train" / "0" / f"{name.split()[-2]}{number}.jpg", pixels)
            planted.faults.setdefault(name, set()).add(target)
    return planted


def _blurred(sigma: float) -> Callable[[Pixels, Any], Pixels]:
    def edit(pixels: Pixels, _random: Any) -> Pixels:
        scaled = sigma * min(pixels.shape[:2]) / SHORT_SIDE
        return np.asarray(cv2.GaussianBlur(pixels, (0, 0), scaled), np.uint8)

    return edit


def _darkened(share: float) -> Callable[[Pixels, Any], Pixels]:
    return lambda pixels, _random: (pixels * share).astype(np.uint8)


def _blank(pixels: Pixels, random: Any) -> Pixels:
    grey = random.integers(3, 252) + random.integers(-2, 3, pixels.shape)
    return np.asarray(grey.clip(0, 255), np.uint8)


EDITS: dict[str, Callable[[Pixels, Any], Pixels]] = {
    "blurred, 1.5 px": _blurred(1.5),
    "blurred, 3 px": _blurred(3),
    "blurred, 5 px": _blurred(5),
    "dark, a quarter": _darkened(0.25),
    "dark, a tenth": _darkened(0.1),
    "blank": _blank,
}


def _copied(pixels: Pixels, row: int) -> Pixels:
    """Smaller, or mirrored and with a tenth of each side cut off, by turns."""
    if row % 2:
        return np.asarray(cv2.resize(pixels, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA), np.uint8)
    down, right = (length // 10 for length in pixels.shape[:2])
    return np.ascontiguousarray(pixels[down : -down or None, right : -right or None][:, ::-1])


def _distractors(folders: Sequence[Path], count: int) -> Iterator[Pixels]:
    """``count`` images of these folders, by turns, of each every seventh."""
    lists = [[file for file in sorted(one.rglob("*")) if file.suffix.lower() in IMAGES][::7] for one in folders]
    lists = [files for files in lists if files]
    for number in range(count if lists else 0):
        files = lists[number % len(lists)]
        yield load(files[number // len(lists) % len(files)]).pixels


def _write(file: Path, pixels: Pixels, quality: int = 92) -> str:
    file.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(file), pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return str(file)


# --- what is counted


def _rows(name: str, audit: Audit, planted: Planted) -> Iterator[tuple[str, ...]]:
    for fault in [*EDITS, "leak", ONE_KIND, MANY_KINDS]:
        files = planted.faults.get(fault, set())
        called = _called(audit, fault.split(",")[0])
        untouched = len(called & planted.untouched)
        share = 100 * untouched / len(planted.untouched)
        yield name, fault, str(len(files)), _percent(len(called & files), len(files)), str(untouched), f"{share:.1f}"


def _called(audit: Audit, kind: str) -> set[str]:
    if kind == "leak":
        return {image.path for leak in audit.leaks for image in leak.images}
    found = {"blurred": audit.blurred, "dark": audit.dark, "blank": audit.blank, "outlier": audit.outliers}[kind]
    return {one.path for one in found}


def _label_rows(name: str, audit: Audit, planted: Planted) -> Iterator[tuple[str, ...]]:
    """Of the images without any other fault, lookalike's and two peers' on the same vectors."""
    files = sorted(planted.untouched | planted.wrong)
    kinds = np.unique([Path(file).parent.name for file in files], return_inverse=True)[1]
    probabilities = neighbour_probabilities(describe(files, "content").astype(np.float32), kinds)
    chosen = {
        "lookalike audit": {one.path for one in audit.label_errors or () if one.likely} & set(files),
        "majority of 10 neighbours": _files(files, majority_against(probabilities, kinds)),
        "confident learning": _files(files, confident_errors(probabilities, kinds)),
    }
    for by, called in chosen.items():
        right = len(called & planted.wrong)
        yield (
            *(name, by, str(len(planted.wrong)), str(len(called))),
            *(_percent(right, len(called)), _percent(right, len(planted.wrong))),
        )


def _files(files: Sequence[str], chosen: NDArray[np.bool_]) -> set[str]:
    return {file for file, one in zip(files, chosen, strict=True) if one}


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f}" if whole else ""


if __name__ == "__main__":
    run(TITLE, measure)
