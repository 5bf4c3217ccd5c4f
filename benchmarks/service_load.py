"""How many searches a second the service answers, and how soon, over 100,000 images."""

from __future__ import annotations

import http.client
import statistics
import sys
import tempfile
from pathlib import Path

from benchmarks.harness import SEED, Options, process, run, seconds, table
from benchmarks.serving import Load, Server, form, load, searching, serving
from lookalike.gallery import WHOLE_IMAGE_DESCRIPTORS, Gallery

TITLE = "The service under load"
HEADER = (
    "searches by `copy`, not verified",
    "clients",
    "searches a second",
    "median, ms",
    "99th percentile, ms",
    "failed",
)
CLIENTS = (1, 8, 32)
PACE = 20.0  # searches a second, of 8 clients together


def measure(options: Options) -> str:
    count = options.size(100_000, 300)
    lasting = options.size(20, 1)
    images = [path.read_bytes() for path in options.photographs("bsds", 100)]
    with tempfile.TemporaryDirectory(prefix="lookalike-bench-") as name:
        folder = Path(name) / "g"
        Gallery.create(folder, WHOLE_IMAGE_DESCRIPTORS).close()
        process([sys.executable, "-m", "benchmarks.sides.growth", "fill", folder, "0", str(count)])
        with Gallery.open(folder) as gallery:
            library = _library(gallery, images)
        with serving(folder) as server:
            rows = _rows(server, images, lasting)
    return (
        f"{table(HEADER, rows)}\n\n{count:,} images (synthetic vectors of {', '.join(WHOLE_IMAGE_DESCRIPTORS)}); "
        f"queries: {len(images)} photographs of BSDS500 as files, decoded and described by the server's worker "
        f"processes, one per core; clients in one more process on the same cores, {lasting} s each, seed {SEED}. "
        f"Paced: a search begins every {1000 / PACE:.0f} ms whether or not the last has ended, and its time counts "
        f"from then. The library itself, in one process, needs {library:.0f} ms a search (median)."
    )


def _rows(server: Server, images: list[bytes], lasting: float) -> list[tuple[str, ...]]:
    sent = searching(images, {"k": "10", "rerank": "0"})
    load(server, sent, 2, 2)  # warm
    rows = [_row("a file, one after the other", n, load(server, sent, n, lasting)) for n in CLIENTS]
    rows.append(_row(f"a file, {PACE:.0f} a second", 8, load(server, sent, 8, lasting, 8 / PACE)))
    rows += [_row("an image of the gallery, one after the other", n, load(server, _by_id, n, lasting)) for n in (1, 8)]
    return rows


def _row(what: str, clients: int, seen: Load) -> tuple[str, ...]:
    return what, str(clients), f"{seen.rate:.1f}", f"{seen.median:.0f}", f"{seen.late:.0f}", str(seen.failed)


def _by_id(connection: http.client.HTTPConnection, number: int) -> int:
    body, headers = form({"id": str(number % 97 + 1), "k": "10", "rerank": "0"})
    connection.request("POST", "/v1/search", body, headers)
    answer = connection.getresponse()
    answer.read()
    return answer.status


def _library(gallery: Gallery, images: list[bytes]) -> float:
    """Milliseconds of a search without a server."""
    gallery.search(images[0], 10, rerank=0)
    return 1000 * statistics.median(seconds(lambda data=data: gallery.search(data, 10, rerank=0)) for data in images)


if __name__ == "__main__":
    run(TITLE, measure)
