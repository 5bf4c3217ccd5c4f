"""How fast images are described by the shipped network, decoding included, beside MobileNet through ONNX Runtime."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import cv2
from PIL import Image as Pillow

from benchmarks.copy_recall import known
from benchmarks.harness import Options, Usage, in_turn, process, ratios, run, spread, table
from benchmarks.sides import mobilenet
from lookalike.descriptors.neural import model_store
from lookalike.imaging import load

TITLE = "The shipped network's speed and size, beside MobileNet's"
LOOKALIKE = Path(sys.executable).with_name("lookalike")
SIZE = (500, 375)  # pixels
PROCESSES = os.cpu_count() or 1
ADD = ("side", "images/s", "times as fast as MobileNet", "the same in CPU time")
COLD = ("side", "seconds to the answer", "times as fast as MobileNet")
FILES = ("file", "bytes", "MobileNet's are so many times as many")

Sides = dict[str, Callable[[], Usage]]


def measure(options: Options) -> str:
    names = known(("copy", "content")) or ("structure",)
    count, rounds = options.size(500, 4), options.size(5, 1)
    with tempfile.TemporaryDirectory(prefix="lookalike-bench-") as place, mobilenet.network(options) as peer:
        folder = _written(options.photographs("bsds", count), Path(place) / "images")
        added = in_turn(_adding(folder, Path(place) / "new.gallery", names, peer), rounds)
        cold = in_turn(_comparing(folder, peer), options.size(15, 1))
        files = _files(names, peer)
    images = [_added(side, used, added, count) for side, used in added.items()]
    note = (
        f"{count} JPEGs of {SIZE[0]} x {SIZE[1]} pixels, quality 90, made of BSDS500; files in the page cache. "
        f"`lookalike index` describes with {' and '.join(names)} only and commits a new gallery to disk; MobileNet "
        f"runs in {PROCESSES} processes of one thread, which decode as Lookalike does and keep nothing. Whole "
        f"processes with their start, {rounds} rounds. To the answer: a fresh "
        f"process for each pair; `lookalike compare` uses all its default evidence, MobileNet its features alone."
        f"{'' if peer else ' ' + mobilenet.MISSING}"
    )
    tables = [table(ADD, images), table(COLD, [_cold(side, used, cold) for side, used in cold.items()]), files]
    return "\n\n".join([*tables, note])


def _written(files: Sequence[Path], folder: Path) -> Path:
    """The photographs, squeezed to one size."""
    folder.mkdir()
    for number, file in enumerate(files):
        pixels = cv2.resize(load(file).pixels, SIZE, interpolation=cv2.INTER_AREA)
        Pillow.fromarray(pixels).save(folder / f"{number:06}.jpg", quality=90)
    return folder


def _adding(folder: Path, gallery: Path, names: Sequence[str], peer: Path | None) -> Sides:
    sides: Sides = {"lookalike index": partial(_index, folder, gallery, names)}
    if peer is not None:
        sides[mobilenet.NAME] = partial(_peer, "add", peer, folder, PROCESSES)
    return sides


def _index(folder: Path, gallery: Path, names: Sequence[str]) -> Usage:
    shutil.rmtree(gallery, ignore_errors=True)
    used = process([LOOKALIKE, "index", folder, "--gallery", gallery, "--descriptors", ",".join(names), "--json"])
    assert json.loads(used.output)["added"] == len(list(folder.iterdir())), used.output
    return used


def _peer(verb: str, model: Path, first: Path, second: Path | int) -> Usage:
    used = process([sys.executable, "-m", "benchmarks.sides.mobilenet", verb, model, first, str(second)])
    if verb == "add":
        assert int(used.output) == len(list(first.iterdir())), used.output
    return used


def _comparing(folder: Path, peer: Path | None) -> Sides:
    first, second = sorted(folder.iterdir())[:2]
    sides: Sides = {"lookalike compare": partial(process, [LOOKALIKE, "compare", first, second, "--json"])}
    if peer is not None:
        sides[mobilenet.NAME] = partial(_peer, "compare", peer, first, second)
    return sides


def _added(side: str, used: Sequence[Usage], all_used: dict[str, list[Usage]], count: int) -> tuple[str, ...]:
    theirs = all_used.get(mobilenet.NAME, used)
    faster = spread(ratios([one.wall for one in theirs], [one.wall for one in used]))
    leaner = spread(ratios([one.cpu for one in theirs], [one.cpu for one in used]))
    return side, spread([count / one.wall for one in used], 0), faster, leaner


def _cold(side: str, used: Sequence[Usage], all_used: dict[str, list[Usage]]) -> tuple[str, ...]:
    theirs = all_used.get(mobilenet.NAME, used)
    faster = spread(ratios([one.wall for one in theirs], [one.wall for one in used]))
    return side, spread([one.wall for one in used]), faster


def _files(names: Sequence[str], peer: Path | None) -> str:
    """The files of the models that give these descriptors, beside the peer's."""
    cards = [card for card in model_store.all_models() if {output.name for output in card.outputs} & set(names)]
    sizes = {card.file: card.onnx.stat().st_size for card in cards}
    theirs = peer.stat().st_size if peer else None
    rows = [(name, f"{size:,}", f"{theirs / size:.2f}" if theirs else "-") for name, size in sizes.items()]
    if theirs:
        rows.append((f"{mobilenet.NAME}, its classifier included", f"{theirs:,}", "1"))
    return table(FILES, rows)


if __name__ == "__main__":
    run(TITLE, measure)
