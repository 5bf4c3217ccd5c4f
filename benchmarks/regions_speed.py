"""How long a search by regions takes, how often it agrees with the slow one, and what regions cost in room."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.harness import Options, process, run, table
from benchmarks.sides import regions
from lookalike.gallery.store import Store

TITLE = "Search by regions in large libraries"
SIZES = (10_000, 100_000)
EXACT = 10  # queries that are also answered by comparing with everything
HEADER = ("pictures", "regions", "a search, median ms", "90 % within, ms", "first search, made anew, s", "opened, s",
          "recall@10", "store, B a picture", "index, B a picture", "peak MiB of a process that searches")  # fmt: skip


def measure(options: Options) -> str:
    rows = [_row(options.size(pictures, pictures // 100), options) for pictures in SIZES]
    note = (
        f"Synthetic: {regions.COUNT} unit vectors of {regions.DIM} numbers a picture, in families. A query is a stored "
        f"region with noise, looked at twice, and {regions.COUNT} regions of its own. {regions.QUERIES} queries, one "
        "after the other; the network's own time (about 50 ms) comes on top. The first search reads all regions and "
        "makes the index; opened: the first search of the next process, which finds it on the disk. Recall: of the ten "
        f"nearest by comparing with everything, for {EXACT} queries."
    )
    return f"{table(HEADER, rows)}\n\n{note}"


def _row(pictures: int, options: Options) -> list[str]:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        regions.fill(folder, pictures)
        made, opened = (_searched(folder, exact) for exact in (0, options.size(EXACT, 2)))
        index = (
            sum(file.stat().st_size for file in (folder / "index").glob("*.faiss"))
            if (folder / "index").is_dir()
            else 0
        )
        store = Store.open(folder / regions.FILE)
        size = store.disk_bytes()
        store.close()
    times = 1000 * np.array(opened["others"])
    return [
        f"{pictures:,}", f"{pictures * regions.COUNT:,}", f"{np.median(times):.0f}", f"{np.quantile(times, 0.9):.0f}",
        f"{made['first']:.1f}", f"{opened['first']:.1f}", f"{np.mean(opened['agreed']):.3f}", f"{size / pictures:,.0f}",
        f"{index / pictures:,.0f}", f"{opened['peak']:,.0f}",
    ]  # fmt: skip


def _searched(folder: Path, exact: int) -> dict:
    command = [sys.executable, "-m", "benchmarks.sides.regions", folder, str(exact)]
    return json.loads(process(command).output)


if __name__ == "__main__":
    run(TITLE, measure)
