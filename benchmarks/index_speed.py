"""How fast `lookalike index` is (three hashes, a new gallery, committed to disk), beside imagehash.phash (one hash)."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.harness import Options, Usage, in_turn, process, ratios, run, spread, table

TITLE = "Indexing beside imagehash.phash, as whole processes"
PEER = Path(__file__).parent / "sides" / "phash.py"
LOOKALIKE = Path(sys.executable).with_name("lookalike")
HEADER = ("images", "side", "images/s", "times as fast as one phash process", "the same in CPU time", "peak MiB")


def measure(options: Options) -> str:
    rounds = options.size(5, 1)
    sets = {
        "9.7 MP JPEG": options.photographs("large", options.size(167, 4)),
        "0.15 MP JPEG": options.photographs("bsds", options.size(500, 4)),
        "0.2 MP JPEG": options.photographs("clothing", options.size(5_000, 8)),
    }
    rows = [row for name, files in sets.items() for row in _compared(name, files, rounds)]
    note = f"{rounds} rounds; files in the page cache; a pool's peak is that of its largest process."
    return f"{table(HEADER, rows)}\n\n{note}"


def _compared(name: str, files: Sequence[Path], rounds: int) -> list[tuple[object, ...]]:
    with tempfile.TemporaryDirectory(prefix="lookalike-bench-") as folder:
        images = _linked(files, Path(folder) / "images")
        sides = {
            "imagehash.phash, 1 process": _peer(images, 1, len(files)),
            "imagehash.phash, 2 processes": _peer(images, 2, len(files)),
            "lookalike index": _ours(images, Path(folder) / "new.gallery", len(files)),
        }
        used = in_turn(sides, rounds)
    plain = used["imagehash.phash, 1 process"]
    return [_row(f"{len(files):,} of {name}", side, answers, plain, len(files)) for side, answers in used.items()]


def _row(name: str, side: str, used: list[Usage], plain: list[Usage], files: int) -> tuple[object, ...]:
    faster = spread(ratios([one.wall for one in plain], [one.wall for one in used]))
    leaner = spread(ratios([one.cpu for one in plain], [one.cpu for one in used]))
    peak = max(one.peak for one in used)
    return name, side, spread([files / one.wall for one in used], 0), faster, leaner, f"{peak:,.0f}"


def _linked(files: Sequence[Path], folder: Path) -> Path:
    """One flat folder of links, each file read once so that no side finds a cold disk."""
    folder.mkdir()
    for number, file in enumerate(files):
        (folder / f"{number:06}{file.suffix.lower()}").hardlink_to(_readable(file, folder))
    return folder


def _readable(file: Path, folder: Path) -> Path:
    """The file, or its copy if it lies on another disk."""
    file.read_bytes()
    if file.stat().st_dev == folder.stat().st_dev:
        return file
    return Path(shutil.copy(file, folder.parent / file.name))


def _peer(images: Path, processes: int, files: int) -> Callable[[], Usage]:
    def side() -> Usage:
        used = process([sys.executable, PEER, images, str(processes)])
        assert files == int(used.output)
        return used

    return side


def _ours(images: Path, gallery: Path, files: int) -> Callable[[], Usage]:
    def side() -> Usage:
        shutil.rmtree(gallery, ignore_errors=True)
        used = process([LOOKALIKE, "index", images, "--gallery", gallery, "--json"])
        report = json.loads(used.output)
        assert files == report["images"] == report["added"], report
        return used

    return side


if __name__ == "__main__":
    run(TITLE, measure)
