"""Whether the service's memory stays flat: ten minutes of everything that a person at the page does."""

from __future__ import annotations

import http.client
import sys
import tempfile
import threading
import time
from pathlib import Path

from benchmarks.harness import Options, process, run, table
from benchmarks.serving import Ask, Server, form, load, serving
from lookalike.gallery import Gallery

TITLE = "The service over ten minutes"
HEADER = ("after, s", "memory of all its processes, MiB")
CLIENTS = 4
PARTS = 10  # of the time, after each of which memory is looked at


def measure(options: Options) -> str:
    lasting = options.size(600, 6)
    paths = options.photographs("bsds", options.size(300, 20))
    with tempfile.TemporaryDirectory(prefix="lookalike-bench-") as name:
        folder = Path(name) / "g"
        with Gallery.create(folder) as gallery:
            gallery.add([str(path) for path in paths])
        process([sys.executable, "-m", "benchmarks.sides.growth", "fill", folder, "0", str(options.size(20_000, 300))])
        with serving(folder) as server:
            memory, asked, failed = _soaked(server, _everything(paths), lasting)
    rows = [(f"{part * lasting // PARTS}", f"{mib:,.0f}") for part, mib in enumerate(memory)]
    grown = memory[-1] / memory[1] - 1
    return (
        f"{table(HEADER, rows)}\n\n{len(paths)} photographs and synthetic images beside them; {CLIENTS} clients, "
        f"{asked:,} requests in {lasting} s ({failed} failed): searches by file (verified, not verified) and by "
        f"id (with and without feedback), comparisons with and without reasons, thumbnails, lists. Memory: PSS of the "
        f"server, its workers and their helpers. From the first tenth to the end: {100 * grown:+.1f} % (target: within "
        "10 %)."
    )


def _soaked(server: Server, ask: Ask, lasting: int) -> tuple[list[float], int, int]:
    memory: list[float] = [server.memory()]

    def watch() -> None:
        for part in range(1, PARTS + 1):
            time.sleep(max(0.0, began + part * lasting / PARTS - time.perf_counter()))
            memory.append(server.memory())

    began = time.perf_counter()
    watcher = threading.Thread(target=watch)
    watcher.start()
    seen = load(server, ask, CLIENTS, lasting * (1 + 0.5 / PARTS))
    asked = round(seen.rate * (time.perf_counter() - began))
    watcher.join()
    return memory, asked, seen.failed


def _everything(paths: list[Path]) -> Ask:
    images = [path.read_bytes() for path in paths[:50]]

    def posted(connection: http.client.HTTPConnection, path: str, fields: dict[str, str], image: bytes | None) -> int:
        body, headers = form(fields, image)
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status

    def got(connection: http.client.HTTPConnection, path: str) -> int:
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        return answer.status

    def ask(connection: http.client.HTTPConnection, number: int) -> int:
        one, other, image = str(number % len(paths) + 1), str(number % 17 + 1), images[number % len(images)]
        kinds = (
            lambda: posted(connection, "/v1/search", {"rerank": "0"}, image),
            lambda: posted(connection, "/v1/search", {"rerank": "3"}, image),
            lambda: posted(connection, "/v1/search", {"id": one, "rerank": "0", "by": "content"}, None),
            lambda: posted(connection, "/v1/search", {"id": one, "good": other, "by": "content"}, None),
            lambda: posted(connection, "/v1/compare", {"a_id": one, "b_id": other}, None),
            lambda: posted(connection, "/v1/compare", {"a_id": one, "b_id": other, "explain": "true"}, None),
            lambda: got(connection, f"/v1/images/{one}/thumbnail?side=640"),
            lambda: got(connection, f"/v1/images/{one}/thumbnail?side=160"),
            lambda: got(connection, "/v1/images?limit=50"),
            lambda: got(connection, "/v1/gallery"),
        )
        return kinds[number % len(kinds)]()

    return ask


if __name__ == "__main__":
    run(TITLE, measure)
