"""How long a search by regions takes, how often it agrees with the slow one, and what it costs in room.

Each number of images is filled, built and asked in processes of their own: see sides/regions.py.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

from benchmarks.harness import Options, process, run, table

TITLE = "Search by regions: speed, room, and agreement with the slow one"
HEADER = (
    "images",
    "regions",
    "store, bytes each",
    "index, bytes each",
    "building the index, s",
    "peak MiB",
    "a search, ms (median)",
    "90th percentile",
    "peak MiB of opening and searching",
    "recall@10",
    "the one that was asked for is first",
)

Result = dict[str, float]


def measure(options: Options) -> str:
    sizes = (100, 300) if options.quick else (10_000, 100_000)
    rows = [_measured(size) for size in sizes]
    threads = os.environ.get("OMP_NUM_THREADS", "as many as cores")
    return (
        f"{table(HEADER, rows)}\n\nThreads: {threads}. Synthetic: 32 unit vectors of 256 numbers an image, each at a "
        "cosine of 0.7 or so from a centre that 320 regions share. A query: a stored region with half as much noise, "
        "at two looks, and 32 regions of its own, against all images; k = 10; the network's own passes and verifying "
        "are not in it. Recall: of the 10 that comparing with every image gives, over 20 queries. Filling, building, "
        "searching and comparing are a process each."
    )


def _measured(size: int) -> tuple[str, ...]:
    with tempfile.TemporaryDirectory(prefix="lookalike-bench-") as name:
        folder = Path(name)
        filled, built, asked, slow = (_step(what, folder, size) for what in ("fill", "build", "search", "recall"))
    return (
        f"{size:,}",
        f"{32 * size:,}",
        f"{filled['store'] / size:,.0f}",
        f"{built['index'] / size:,.0f}",
        f"{built['seconds']:,.1f}",
        f"{built['peak']:,.0f}",
        f"{asked['median']:,.0f}",
        f"{asked['late']:,.0f}",
        f"{asked['peak']:,.0f}",
        f"{slow['recall']:.3f}",
        f"{slow['first']:.2f}",
    )


def _step(what: str, folder: Path, size: int) -> Result:
    result: Result = json.loads(
        process([sys.executable, "-m", "benchmarks.sides.regions", what, folder, str(size)]).output
    )
    return result


if __name__ == "__main__":
    run(TITLE, measure)
