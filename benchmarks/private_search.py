"""A private search: what describing a query in the browser costs beside sending it, and whether the vectors agree."""

from __future__ import annotations

import shutil
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser, BrowserContext, Page, Response, sync_playwright

from benchmarks.harness import Options, run, table
from benchmarks.serving import serving
from lookalike import describe
from lookalike.gallery import Gallery

TITLE = "A private search: the browser describes the query"
NETWORKS = ("copy", "content")
PRIVATE = "localStorage.setItem('lookalike-private', '1')"
DESCRIBE = """async (name) => {
  const { networks } = await (await fetch("/v1/networks")).json();
  const network = networks.find((one) => one.name === name);
  const { describe } = await import("/web/describe.js");
  const began = performance.now();
  const { vector } = await describe(window.query, { ...network, url: `/v1/networks/${network.sha256}` });
  return [vector, performance.now() - began];
}"""
FILE_INPUT = "document.body.append(Object.assign(document.createElement('input'), { type: 'file', id: 'query' }))"
CHOOSER = "[data-input=file]"
FIRST = "#hits .name"


def measure(options: Options) -> str:
    photographs = [Path(path) for path in options.photographs("bsds", options.size(120, 6))]
    queries = photographs[: options.size(40, 2)]
    with tempfile.TemporaryDirectory(prefix="lookalike-bench-") as name:
        folder = Path(name) / "g"
        with Gallery.create(folder, (*NETWORKS, "colour", "texture", "structure")) as gallery:
            gallery.add([str(path) for path in photographs])
        with serving(folder) as server, sync_playwright() as play:
            browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            here = f"http://127.0.0.1:{server.port}/"
            cosines, times = _described(browser, here, queries)
            waits = {private: _waits(browser, here, queries, private) for private in (True, False)}
            first, loaded = _first(browser, here, queries[0])
    header = ("network", "cosine with Python's vector, median", "least", "in the browser, ms, median", "slowest")
    rows = [
        (name, f"{statistics.median(cosines[name]):.5f}", f"{min(cosines[name]):.5f}",
         f"{statistics.median(times[name]):,.0f}", f"{max(times[name]):,.0f}")
        for name in NETWORKS
    ]  # fmt: skip
    private, sent = (statistics.median(waits[one]) for one in (True, False))
    waited = [
        ("private: described here, the vector sent", f"{private:,.0f}", f"{max(waits[True]):,.0f}"),
        ("the image sent, answered by vectors alone", f"{sent:,.0f}", f"{max(waits[False]):,.0f}"),
    ]
    waiting = table(("from choosing a file to the first hit", "median, ms", "slowest, ms"), waited)
    return (
        f"{table(header, rows)}\n\n{waiting}\n\nA private search waits {private / sent:.1f} times as long. The first "
        f"of a visit, with nothing cached, takes {first:,.0f} ms and loads {loaded:,} bytes of runtime and network "
        f"before compression. {len(queries)} of {len(photographs)} photographs of BSDS500 as queries, by `copy`; "
        "Chromium, one thread of WebAssembly, on the server's cores. JPEGs are decoded at half their size by the "
        "library and at full size by the browser, whose pixels are then averaged: 8-bit networks feel the rounding."
    )


def _described(
    browser: Browser, here: str, queries: list[Path]
) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Network -> cosines with the library's vectors, and ms that describing took, once all is loaded."""
    cosines: dict[str, list[float]] = {name: [] for name in NETWORKS}
    times: dict[str, list[float]] = {name: [] for name in NETWORKS}
    with browser.new_context() as context, context.new_page() as page:
        page.goto(here)
        page.evaluate(FILE_INPUT)
        for query in [queries[0], *queries]:
            page.locator("#query").set_input_files(query)
            page.evaluate("window.query = document.querySelector('#query').files[0]")
            for name in NETWORKS:
                vector, took = page.evaluate(DESCRIBE, name)
                there = describe([query], name)[0]
                cosines[name].append(float(np.array(vector) @ there / np.linalg.norm(vector)))
                times[name].append(took)
    return {name: found[1:] for name, found in cosines.items()}, {name: found[1:] for name, found in times.items()}


def _waits(browser: Browser, here: str, queries: list[Path], private: bool) -> list[float]:
    """ms from choosing a file until the first hit is shown, on a page that has searched once already."""
    with browser.new_context() as context:
        page = _started(context, here, private)
        return [_asked(page, here, query) for query in [queries[0], *queries]][1:]


def _first(browser: Browser, here: str, query: Path) -> tuple[float, int]:
    """ms of the first private search of a visit, and the bytes that it loads beyond the page's own."""
    answers: list[Response] = []
    with browser.new_context() as context:
        page = _started(context, here, private=True)
        page.on("response", lambda answer: answers.append(answer))
        took = _asked(page, here, query)
        page.wait_for_load_state("networkidle")
        size = sum(len(answer.body()) for answer in answers if "/web/" in answer.url or "/v1/networks/" in answer.url)
    return took, size


def _started(context: BrowserContext, here: str, private: bool) -> Page:
    page = context.new_page()
    page.goto(here)
    if private:
        page.evaluate(PRIVATE)
        page.reload()
    return page


def _asked(page: Page, here: str, query: Path) -> float:
    page.goto(f"{here}#/search")
    page.locator(".samples img").first.wait_for()
    began = time.perf_counter()
    page.locator(CHOOSER).first.set_input_files(query)
    page.locator(FIRST).first.wait_for(timeout=120_000)
    return 1000 * (time.perf_counter() - began)


if __name__ == "__main__":
    run(TITLE, measure)
