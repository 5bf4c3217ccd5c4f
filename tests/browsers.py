"""A real Chromium for tests, and what a page does in it that it should not."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

PATIENCE = 60_000  # ms: no test is about how quick a busy machine is
expect.set_options(timeout=PATIENCE)

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium() -> str:
    """The browser of this machine; none is a skip for a person and a failure in CI."""
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    if path is None and os.environ.get("CI") == "true":
        pytest.fail("No Chromium on this machine, and CI must not skip: install one (apt-get install chromium).")
    if path is None:
        pytest.skip("no Chromium found: install one to see these tests run (apt-get install chromium)")
    return path


@contextmanager
def browsing(*flags: str) -> Iterator[Browser]:
    """The browser, with further flags."""
    path = chromium()
    with sync_playwright() as play:
        running = play.chromium.launch(executable_path=path, args=[*FLAGS, *flags])
        yield running
        running.close()


@dataclass
class Visit:
    """An open page and what went wrong or left it."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


def visiting(context: BrowserContext, address: str) -> Visit:
    """A page of its own, opened there."""
    seen = Visit(context.new_page())
    seen.page.set_default_timeout(PATIENCE)
    seen.page.on("console", lambda message: seen.complaints.append(message.text))
    seen.page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    seen.page.on("request", lambda request: seen.requests.append(request.url))
    seen.page.goto(address)
    return seen
