"""Makes page-search.png and page-compare.png, the page in the docs: python docs/images/make_page.py (needs Chromium and
the extras demo and serve).

Only sample photographs in the public domain or CC0 are shown.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from make_report import free_photographs
from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

from lookalike.demo import run_demo
from lookalike.gallery import Gallery

PORT = 8765
ADDRESS = f"http://127.0.0.1:{PORT}"
SIZE = {"width": 1200, "height": 860}


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        photos = free_photographs(folder)
        run_demo(photos, folder / "demo")
        with Image.open(photos / "chelsea.png") as cat:
            cat.convert("RGB").crop((110, 30, 330, 230)).save(folder / "a cat's face.jpg", quality=80)
        with Gallery.open(folder / "demo" / "demo.gallery") as gallery:
            gallery.add(photos)
            numbers = {Path(row.path).name: row.id for row in gallery}
        with serving(folder / "demo" / "demo.gallery"), sync_playwright() as play:
            browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            page = browser.new_page(viewport=SIZE, locale="en-GB")
            keep("page-search.png", searched(page, folder / "a cat's face.jpg"))
            keep("page-compare.png", compared(page, numbers["rocket.jpg"], numbers["rocket--pasted.jpg"]))


@contextmanager
def serving(gallery: Path) -> Iterator[None]:
    command = [sys.executable, "-m", "lookalike", "serve", "--gallery", str(gallery), "--port", str(PORT)]
    process = subprocess.Popen(command)
    try:
        until = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(f"{ADDRESS}/readyz")
                break
            except OSError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.2)
        yield
    finally:
        process.terminate()
        process.wait()


def searched(page: Page, query: Path) -> bytes:
    page.goto(ADDRESS)
    page.locator("[data-input=file]").first.set_input_files(query)
    hit = page.locator("#hits > li").first
    expect(hit).to_have_attribute("data-verified", "true", timeout=60_000)
    expect(page.locator("#hits")).to_have_attribute("aria-busy", "false", timeout=60_000)
    page.locator("#hits > li").nth(1).hover()
    page.wait_for_timeout(500)
    return page.screenshot()


def compared(page: Page, a: int, b: int) -> bytes:
    page.goto(f"{ADDRESS}/#/compare?a={a}&b={b}")
    page.locator("[data-mode=matches]").click(timeout=60_000)
    page.wait_for_timeout(500)
    return page.screenshot()


def keep(name: str, image: bytes) -> None:
    shown = Image.open(io.BytesIO(image)).convert("RGB").quantize(256)
    shown.save(Path(__file__).with_name(name), optimize=True)


if __name__ == "__main__":
    main()
