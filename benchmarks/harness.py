"""What every benchmark shares: two sides in turn, whole processes measured, Markdown, and results.md.

Other programs disturb the clock, so a claim is a ratio of two sides that run alternately (A B A B ...): the median
over the rounds, with the smallest and the largest. Nothing heavy is imported here: Linux counts the memory of the
process that starts another one as that one's peak.

``--data FOLDER`` holds sets of photographs by name: seneca (9.7 MP), bsds, clothing (with images.csv, its labels),
codec (CID22, kodak), clic2025, coco128, flowers (a folder per class), views (a folder per place); see ``SETS``. In a
folder without any of these, each set is a share of the images that there are. ``teacher`` there holds the known
network of recipes/teacher.py.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, TypeVar

SEED = 2026
ROOT = Path(__file__).parent.parent
RESULTS = Path(__file__).parent / "results.md"
SETS = {  # set -> folders below --data
    "large": ("seneca",),
    "bsds": ("bsds",),
    "clothing": ("clothing",),
    "library": ("bsds", "codec/CID22"),
    "unseen": ("clothing", "clic2025", "codec/kodak"),
    "development": ("bsds", "codec/CID22", "clic2025", "codec/kodak", "coco128/images"),
    "flowers": ("flowers",),
}
# In a folder of one's own: the even or the odd ones.
SHARES = {"library": 0, "bsds": 0, "development": 0, "unseen": 1, "clothing": 1}
LIBRARIES = (
    *("numpy", "opencv-python-headless", "pillow", "faiss-cpu", "onnxruntime", "torch"),
    *("ImageHash", "pdqhash", "imagededup"),
)
IMAGES = {".jpg", ".jpeg", ".png"}

T = TypeVar("T")


@dataclass(frozen=True)
class Options:
    """How a benchmark is to run. ``data``: the folder with photographs. ``by``: models of the user's own, of a
    benchmark that can measure any."""

    data: Path
    quick: bool
    by: tuple[str, ...] = ()

    def size(self, full: int, quick: int) -> int:
        """How many of something to take."""
        return quick if self.quick else full

    def photographs(self, name: str, most: int | None = None) -> list[Path]:
        """The images of a set; ``most`` of them, evenly spread."""
        known = any((self.data / folder).is_dir() for folders in SETS.values() for folder in folders)
        folders = SETS[name] if known else (".",)
        files = [file for folder in folders for file in sorted((self.data / folder).rglob("*"))]
        files = [file for file in files if file.suffix.lower() in IMAGES]
        if not known and name in SHARES:
            files = files[SHARES[name] :: 2]
        if not files:
            raise SystemExit(f"{self.data}: no images for the set {name!r} ({', '.join(SETS[name])})")
        step = max(1.0, len(files) / (most or len(files)))
        return [files[int(place * step)] for place in range(min(len(files), most or len(files)))]


@dataclass(frozen=True)
class Usage:
    """What a process used: seconds on the clock, seconds of all cores, MiB at its peak; and what it printed."""

    wall: float
    cpu: float
    peak: float
    output: str


def process(command: Sequence[str | Path]) -> Usage:
    """Run a command to its end. Its children count in ``cpu``; of ``peak`` they count the largest."""
    started = time.perf_counter()
    child = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, cwd=ROOT)
    output = child.stdout.read().decode() if child.stdout else ""
    _, status, used = os.wait4(child.pid, 0)
    wall = time.perf_counter() - started
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{' '.join(map(str, command))}: exit code {child.returncode}")
    return Usage(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, output)


def in_turn(sides: Mapping[str, Callable[[], T]], rounds: int) -> dict[str, list[T]]:
    """Each side once, then again, ...: name -> one answer per round."""
    answers: dict[str, list[T]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            answers[name].append(side())
    return answers


def seconds(work: Callable[[], Any]) -> float:
    """How long it takes, once."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def spread(values: Sequence[float], digits: int = 2) -> str:
    """The median, and the smallest and the largest: "5.20 (5.01..5.33)"."""
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:,.{digits}f} ({low:,.{digits}f}..{high:,.{digits}f})"


def ratios(over: Sequence[float], under: Sequence[float]) -> list[float]:
    """Round by round, one side over the other."""
    return [a / b for a, b in zip(over, under, strict=True)]


def peak_mib() -> float:
    """The most memory that this process ever had, MiB; unlike ru_maxrss it begins anew with the program."""
    return int(re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[0]) / 1024


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Markdown; the first column is text, the others are numbers."""
    rule = ["---", *["---:"] * (len(header) - 1)]
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in [header, rule, *rows])


def run(title: str, measure: Callable[[Options], str], by: bool = False) -> None:
    """The main program of a benchmark: measure, print, and with --results write its section of results.md. ``by``:
    models of the user's own can be named, and are measured as well."""
    name = Path(sys.argv[0]).stem
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}", description=title)
    parser.add_argument("--data", type=Path, required=True, help="folder with photographs")
    either = parser.add_mutually_exclusive_group()
    either.add_argument("--quick", action="store_true", help="few and small: whether it works, not how fast")
    either.add_argument("--results", action="store_true", help="rewrite its section of benchmarks/results.md")
    if by:
        parser.add_argument("--by", action="append", metavar="NAME", help="a model of yours, measured as well")
    given = parser.parse_args()
    models = tuple(vars(given).get("by") or ())
    started = time.perf_counter()
    body = measure(Options(given.data.resolve(), given.quick, models))
    took = time.perf_counter() - started
    section = f"## {title}\n\n{_circumstances(name, given, took)}\n\n{body}\n"
    print(section)
    if given.results:
        write_section(RESULTS, name, section)


def write_section(file: Path, name: str, section: str) -> None:
    """Put a section in its place between its markers, or at the end."""
    first, last = f"<!-- {name} -->", f"<!-- /{name} -->"
    text = file.read_text() if file.exists() else "# Results\n\nWritten by the scripts beside this file.\n"
    before, found, rest = text.partition(first)
    after = rest.partition(last)[2] if found else ""
    file.write_text(f"{before.rstrip()}\n\n{first}\n\n{section.rstrip()}\n\n{last}\n{after}")


def _circumstances(name: str, given: argparse.Namespace, took: float) -> str:
    flags = [f"--{flag}" for flag in ("quick", "results") if getattr(given, flag)]
    flags += [f"--by {one}" for one in vars(given).get("by") or ()]
    command = " ".join(["python -m benchmarks." + name, "--data DATA", *flags])
    lines = {
        "machine": _machine(),
        "versions": f"Python {platform.python_version()}, {_versions()}",
        "date, commit": f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M} UTC, {_commit()}",
        "command": f"`{command}`, seed {SEED}, took {took:,.0f} s",
    }
    return "\n".join(f"- {key}: {value}" for key, value in lines.items())


def _machine() -> str:
    models = re.findall(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text()) or [platform.machine()]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = os.getloadavg()[1]
    return f"{models[0]}, {os.cpu_count()} cores, {memory:.0f} GiB, load at the end {load:.1f}"


def _versions() -> str:
    held = {dist.metadata["Name"].lower(): dist.version for dist in metadata.distributions()}
    return ", ".join(f"{name} {held[name.lower()]}" for name in LIBRARIES if name.lower() in held)


def _commit() -> str:
    def git(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()

    changed = git("status", "--porcelain", "src")
    return (git("rev-parse", "--short=12", "HEAD") or "unknown") + (" with changes in src" if changed else "")
