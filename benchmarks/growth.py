"""What an image costs on disk and in memory while a gallery grows, and how long its first search takes."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.harness import Options, process, run, table
from lookalike.gallery import WHOLE_IMAGE_DESCRIPTORS, Gallery

TITLE = "A gallery that grows"
LIMIT_SECONDS = 1200  # no further size is begun that would pass it, if it takes ten times as long as the last
HEADER = (
    "images",
    "filling, s",
    "peak MiB",
    "database, bytes each",
    "index copies, bytes each",
    "search that builds them, s",
    "peak MiB",
    "cold search, s",
    "peak MiB",
    "bytes of memory each",
    "warm search, ms",
)

Step = dict[str, float]


def measure(options: Options) -> str:
    sizes = (200, 400) if options.quick else (1_000, 10_000, 100_000, 1_000_000)
    rows: list[tuple[str, ...]] = []
    started = time.perf_counter()
    last = took = 0.0
    with tempfile.TemporaryDirectory(prefix="lookalike-bench-") as name:
        folder = Path(name) / "g"
        Gallery.create(folder, WHOLE_IMAGE_DESCRIPTORS).close()
        empty = _step("search", folder, 0, 0)["peak"]
        for size in sizes:
            if time.perf_counter() - started + 10 * took > LIMIT_SECONDS:
                break
            begun = time.perf_counter()
            rows.append(_grown(folder, int(last), size, empty))
            last, took = size, time.perf_counter() - begun
    left = f" Not measured, for it would take too long here: {size:,}." if last != sizes[-1] else ""
    return (
        f"{table(HEADER, rows)}\n\nSynthetic vectors of {', '.join(WHOLE_IMAGE_DESCRIPTORS)}; every step a process of "
        "its own. The cold search opens the gallery, reads its index copies from the page cache and answers once. "
        f"Memory each: its peak beyond the {empty:,.0f} MiB with an empty gallery. The search that builds has every "
        f"vector to index that the step before it added.{left}"
    )


def _grown(folder: Path, first: int, last: int, empty: float) -> tuple[str, ...]:
    filled = _step("fill", folder, first, last)
    building, cold = _step("search", folder, first, last), _step("search", folder, first, last)
    with Gallery.open(folder) as gallery:
        assert last == len(gallery)
        database = gallery._library.store.disk_bytes()
        copies = gallery.info().disk_bytes - database
    return (
        f"{last:,}",
        f"{filled['seconds']:,.1f}",
        f"{filled['peak']:,.0f}",
        f"{database / last:,.0f}",
        f"{copies / last:,.0f}",
        f"{building['seconds']:,.2f}",
        f"{building['peak']:,.0f}",
        f"{cold['seconds']:,.2f}",
        f"{cold['peak']:,.0f}",
        f"{(cold['peak'] - empty) * 2**20 / last:,.0f}" if last >= 100_000 else "-",
        f"{1000 * cold['warm']:,.1f}",
    )


def _step(name: str, folder: Path, first: int, last: int) -> Step:
    command = [sys.executable, "-m", "benchmarks.sides.growth", name, folder, str(first), str(last)]
    answer: Step = json.loads(process(command).output)
    return answer


if __name__ == "__main__":
    run(TITLE, measure)
