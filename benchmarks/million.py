"""What one machine does with a large gallery: 100,000 rows, or as many as --rows says; a million takes an hour.

``--keep FOLDER``: the gallery stays there, and what was measured as well: interrupted, the same call goes on. Nothing
is removed from it then, so that it can be measured again.
"""

from __future__ import annotations

import argparse
import http.client
import json
import sys
import tempfile
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness import Options, process, run, table
from benchmarks.serving import Load, load, serving
from benchmarks.sides.million import BATCH, FLOATS, HASHES, NAMES, QUERIES, Step, queries
from lookalike.gallery import Gallery
from lookalike.gallery.storage.thumbnails import Thumbnails, webp
from lookalike.imaging import as_image

TITLE = "One machine, further"
PHOTOGRAPHS = 5_005
SIDE, QUALITY = 64, 50  # of the thumbnails, so that a million fit on a small disk
CLIENTS = (1, 8, 32)
BUILT = (
    "index of",
    "kind",
    "building, s",
    "peak MiB",
    "bytes a vector",
    "opening and first search, s",
    "recall@10",
    "first right",
)
ASKED = (
    "by",
    "bare FAISS, ms",
    "search, ms",
    "above, ms",
    "times",
    f"bare, {BATCH} at once, ms each",
    "search_many, ms each",
    "times",
    "resident MiB, opened",
    "peak MiB",
)
SERVED = ("clients", "searches a second", "median, ms", "99th percentile, ms", "failed")


def measure(rows: int | None, keep: Path | None, options: Options) -> str:
    count = rows or options.size(100_000, 600)
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        return _measured(keep.resolve(), count, options, kept=True)
    with tempfile.TemporaryDirectory(prefix="lookalike-bench-") as name:
        return _measured(Path(name), count, options, kept=False)


def _measured(folder: Path, rows: int, options: Options, kept: bool) -> str:
    _photographs(folder, options)
    filled = _step(folder, rows, "fill")
    built = {name: _step(folder, rows, "build", name) for name in NAMES}
    asked = {name: _step(folder, rows, "ask", name) for name in NAMES}
    found = {name: _step(folder, rows, "recall", name) for name in NAMES}
    served = _served(folder, rows, options)
    added = _step(folder, rows, "add", FLOATS)
    compacted = None if kept else _step(folder, rows, "compact", FLOATS)
    thumbnails = (folder / "g" / "thumbnails.sqlite").stat().st_size
    return "\n\n".join(
        [
            f"{rows:,} rows with the vectors of `{FLOATS}` (256 floats) and `{HASHES}` (256 bits) and thumbnails of "
            f"{SIDE} pixels of {filled['real']:,} photographs; each vector is a real one that was moved by half of the "
            f"difference between two others, each hash a real one with 20 bits turned. Database "
            f"{filled['store'] / rows:,.0f} bytes a row, thumbnails {thumbnails / rows:,.0f}; filling took "
            f"{filled['peak']:,.0f} MiB at its peak. Every step is a process of its own.",
            table(BUILT, [_built_row(name, rows, built[name], asked[name], found[name]) for name in NAMES]),
            f"{QUERIES} queries, 5 rounds, k = 10, vectors that come from elsewhere (`QueryVectors`); both sides with "
            "the same index and settings, in turn, each second time the other one first; one thread for a single "
            "query, all for a batch. Milliseconds of processor time, of all threads together (median). By `copy` a "
            "search also compares each query with 896 background images:",
            table(ASKED, [_asked_row(name, asked[name]) for name in NAMES]),
            f"The service, searches by vectors of `{FLOATS}`, one after the other, clients on the same cores"
            f" ({served['memory']:,.0f} MiB, all its processes together, PSS):",
            table(SERVED, [(clients, *row) for clients, row in zip(CLIENTS, served["rows"], strict=True)]),
            _changes(added, compacted),
        ]
    )


def _photographs(folder: Path, options: Options) -> None:
    """The gallery of photographs, described as ever, each with a thumbnail."""
    place = folder / "real"
    with Gallery.open(place) if place.exists() else Gallery.create(place, NAMES) as gallery:
        gallery.add(options.photographs("large", PHOTOGRAPHS if not options.quick else 40))
        with closing(Thumbnails(place)) as thumbnails:
            lacking = [row for row in gallery if not thumbnails.get(row.sha256, 320)]
            thumbnails.put_all(
                (row.sha256, webp(as_image(row.path, min_side=SIDE).pixels, SIDE, QUALITY)) for row in lacking
            )


def _step(folder: Path, rows: int, name: str, *more: str) -> Step:
    """What a step measures, or measured."""
    file = folder / f"{'-'.join([name, *more])}-{rows}.json"
    if not file.exists():
        file.write_text(
            process([sys.executable, "-m", "benchmarks.sides.million", name, folder, str(rows), *more]).output
        )
    answer: Step = json.loads(file.read_text())
    return answer


def _served(folder: Path, rows: int, options: Options) -> Step:
    file = folder / f"served-{rows}.json"
    if not file.exists():
        vectors = queries(folder, rows, FLOATS)
        bodies = [
            json.dumps({"vectors": {FLOATS: np.round(one, 5).tolist()}, "by": FLOATS, "k": 10}) for one in vectors
        ]
        with serving(folder / "g", "--read-only") as server:
            load(server, partial(_ask, bodies), 2, 3)
            loads = [load(server, partial(_ask, bodies), clients, options.size(10, 1)) for clients in CLIENTS]
            file.write_text(json.dumps({"rows": [_load(one) for one in loads], "memory": server.memory()}))
    answer: Step = json.loads(file.read_text())
    return answer


def _ask(bodies: list[str], connection: http.client.HTTPConnection, number: int) -> int:
    body = bodies[number % len(bodies)]
    connection.request("POST", "/v1/search/vectors", body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    found = answer.read()
    assert answer.status != 200 or len(json.loads(found)["hits"]) == 10
    return answer.status


def _load(one: Load) -> tuple[str, ...]:
    return f"{one.rate:,.0f}", f"{one.median:,.1f}", f"{one.late:,.1f}", str(one.failed)


def _built_row(name: str, rows: int, built: Step, asked: Step, found: Step) -> tuple[object, ...]:
    pieces = f" in {built['pieces']} pieces" if "pieces" in built else ""
    return (
        f"`{name}`",
        built["kind"],
        f"{built['took']:,.1f}{pieces}",
        f"{built['peak']:,.0f}",
        f"{built['file'] / rows:,.0f}",
        f"{asked['opened']:,.2f}",
        f"{found['recall']:.3f}",
        f"{found['first']:.3f}",
    )


def _asked_row(name: str, asked: Step) -> tuple[object, ...]:
    (bare, ours), (bare_batch, batch) = asked["single"], asked["batch"]
    times = [1000 * one for one in (bare, ours, ours - bare)]
    return (
        f"`{name}`",
        *(f"{one:,.3f}" for one in times),
        f"{ours / bare:,.2f}",
        f"{1000 * bare_batch:,.3f}",
        f"{1000 * batch:,.3f}",
        f"{batch / bare_batch:,.2f}",
        f"{asked['cold']:,.0f}",
        f"{asked['peak']:,.0f}",
    )


def _changes(added: Step, compacted: Step | None) -> str:
    assert added["found"], "what was added is not found"
    said = (
        f"While another process added {added['added']:,} images in transactions of 256, {added['searches']:,} searches "
        f"by `{FLOATS}` took {1000 * added['median']:,.1f} ms (median), {1000 * added['late']:,.0f} ms (99th "
        f"percentile), {1000 * added['longest']:,.0f} ms at the longest, each with all that was committed: the "
        "graph is read into memory for the first, and linking what is new is part of the next search."
    )
    if compacted is None:
        return said
    return (
        f"{said} Removing {compacted['removed']:,} images took {compacted['removing']:,.1f} s, and the graph without "
        f"them, built by the next search, {compacted['took']:,.1f} s, {compacted['peak']:,.0f} MiB at the peak."
    )


def _own_options() -> Any:
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--rows", type=int)
    parser.add_argument("--keep", type=Path)
    given, sys.argv[1:] = parser.parse_known_args()
    return given


if __name__ == "__main__":
    own = _own_options()
    run(TITLE, partial(measure, own.rows, own.keep))
