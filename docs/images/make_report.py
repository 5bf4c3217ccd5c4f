"""Makes report.png, the report in the docs: python docs/images/make_report.py (needs Chromium and the extra demo).

Only sample photographs in the public domain or CC0 are shown.
"""

from __future__ import annotations

import io
import shutil
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from lookalike.demo import run_demo, sample_photographs

FREE = {"astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg", "hubble_deep_field.jpg"}
SIZE = {"width": 1100, "height": 1330}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        report = run_demo(free_photographs(Path(folder)), Path(folder) / "demo").report
        image = Image.open(io.BytesIO(screenshot(Path(report))))
    image.convert("RGB").quantize(128).save(Path(__file__).with_name("report.png"), optimize=True)


def free_photographs(folder: Path) -> Path:
    """A folder of its own within this one, with the photographs that may be shown."""
    photos = folder / "photos"
    photos.mkdir()
    for path in map(Path, sample_photographs()):
        if path.name in FREE:
            shutil.copy(path, photos)
    return photos


def screenshot(page: Path) -> bytes:
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        view = browser.new_page(viewport=SIZE)
        view.goto(page.as_uri())
        view.wait_for_timeout(1000)
        return view.screenshot()


if __name__ == "__main__":
    main()
