"""How soon the service's page can be used over 100,000 images, and how much it loads."""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, Response, sync_playwright

from benchmarks.harness import Options, process, run, table
from benchmarks.serving import serving
from lookalike.gallery import Gallery

TITLE = "The page over a large library"
FURTHER = ("search", "compare", "duplicates", "library", "map")
HEADER = ("what a person waits for", "median, ms", "slowest, ms")
SIZE = {"width": 1280, "height": 800}
ZOOMING = """async () => {
  const map = document.querySelector("#map");
  const began = performance.now();
  let frames = 0;
  while (performance.now() - began < 2000) {
    map.dispatchEvent(new WheelEvent("wheel", { deltaY: frames % 40 < 20 ? -40 : 40, cancelable: true }));
    await new Promise((drawn) => requestAnimationFrame(drawn));
    frames += 1;
  }
  return frames / 2;
}"""


def measure(options: Options) -> str:
    rounds = options.size(9, 1)
    photographs = [str(path) for path in options.photographs("bsds", options.size(300, 20))]
    count = options.size(100_000, 300)
    with tempfile.TemporaryDirectory(prefix="lookalike-bench-") as name:
        folder = Path(name) / "g"
        with Gallery.create(folder) as gallery:
            gallery.add(photographs)
        process([sys.executable, "-m", "benchmarks.sides.growth", "fill", folder, "0", str(count)])
        with serving(folder) as server, sync_playwright() as play:
            browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            here = f"http://127.0.0.1:{server.port}/"
            files, code, views, negatives = _loaded(browser, here)
            rows, frames = _seen(browser, here, rounds)
    return (
        f"{table(HEADER, rows)}\n\n{count + len(photographs):,} images, {len(photographs)} of them photographs of "
        f"BSDS500 with files, the others synthetic vectors; Chromium, {SIZE['width']} x {SIZE['height']}, {rounds} "
        f"rounds, each a visit of its own with nothing cached, on the server's cores. The first visit "
        f"asks {negatives} other hosts and loads "
        f"{code:,} bytes of own code in {files} files (target: at most 100,000), each further view, when it is opened, "
        f"{min(views):,} to {max(views):,} more (target: at most 40,000). The map "
        f"of all images is drawn {frames:.0f} times a second while zooming."
    )


def _loaded(browser: Browser, here: str) -> tuple[int, int, list[int], int]:
    """Of a first visit: files of the page's own, their bytes, those of each further view, and other hosts asked."""
    answers: list[Response] = []
    with browser.new_context() as context, context.new_page() as page:
        page.on("response", lambda answer: answers.append(answer))
        _opened(page, here, ".samples img")
        first = _own(page, answers, here)
        hosts = {urlsplit(answer.url).netloc for answer in answers} - {urlsplit(here).netloc}
    return len(first), sum(first.values()), [_further(browser, here, view) for view in FURTHER], len(hosts)


def _further(browser: Browser, here: str, view: str) -> int:
    """Bytes of the page's own files that a view needs beyond those of a first visit."""
    answers: list[Response] = []
    with browser.new_context() as context, context.new_page() as page:
        page.on("response", lambda answer: answers.append(answer))
        _opened(page, here, ".samples img")
        first = _own(page, answers, here)
        page.evaluate(f"location.hash = '#/{view}?id=1'")
        page.locator(f"#content[data-view={view}] h1").wait_for()
        every = _own(page, answers, here)
    return sum(size for name, size in every.items() if name not in first)


def _own(page: Page, answers: list[Response], here: str) -> dict[str, int]:
    """Once all is there: the page's own files among these answers, and their bytes before any compression."""
    page.wait_for_load_state("networkidle")
    own = [answer for answer in answers if urlsplit(answer.url).path.startswith("/page/") or answer.url == here]
    return {answer.url: len(answer.body()) for answer in own}


def _seen(browser: Browser, here: str, rounds: int) -> tuple[list[tuple[str, str, str]], float]:
    """Each view's times as rows of a table, and frames a second while zooming into the map."""
    views: dict[str, Callable[[Page], float]] = {
        "the page can be used, first visit": lambda page: _opened(page, here, "[data-act=choose]"),
        "the page can be used, second visit": lambda page: _opened(page, here, "[data-act=choose]"),
        "the library's first images": lambda page: _opened(page, f"{here}#/library", "#library-grid img"),
        "the library's last images, from its first": lambda page: _last(page, here),
        "the map": lambda page: _opened(page, f"{here}#/map", "#map-about:has-text('images')"),
    }
    took: dict[str, list[float]] = {name: [] for name in views}
    frames = 0.0
    for _ in range(rounds):
        with browser.new_context(viewport=SIZE, locale="en-GB") as context:
            for name, view in views.items():
                with context.new_page() as page:
                    took[name].append(1000 * view(page))
                    frames = page.evaluate(ZOOMING) if name == "the map" else frames
    rows = [(name, f"{statistics.median(times):,.0f}", f"{max(times):,.0f}") for name, times in took.items()]
    return rows, frames


def _opened(page: Page, address: str, selector: str) -> float:
    """Seconds until this is to be seen there."""
    began = time.perf_counter()
    page.goto(address, wait_until="commit")
    page.locator(selector).first.wait_for(timeout=120_000)
    return time.perf_counter() - began


def _last(page: Page, here: str) -> float:
    _opened(page, f"{here}#/library", "#library-grid img")
    began = time.perf_counter()
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    page.locator("#library-grid li .name bdi").last.wait_for(timeout=120_000)
    page.wait_for_function("() => document.querySelector('#library-grid li:last-child .name bdi')?.textContent")
    return time.perf_counter() - began


if __name__ == "__main__":
    run(TITLE, measure)
