"""A shop on the page, in a real Chromium over a real server: facets, more like this, judged items, a photograph."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from browsers import Visit, browsing, visiting
from served import Served, serving
from shops import draw_shop

pytestmark = pytest.mark.browser

WIDE, NARROW = {"width": 1280, "height": 800}, {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_shop(tmp_path_factory.mktemp("shop"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with browsing() as running:
        yield running


@pytest.fixture(scope="module")
def server(shop: Path) -> Iterator[Served]:
    with serving(shop / "g.gallery") as served:
        yield served


@pytest.fixture
def visit(browser: Browser, server: Served) -> Iterator[Visit]:
    """In the end nothing was complained of, nor left the server."""
    context = browser.new_context(viewport=WIDE, locale="en-GB")
    seen = visiting(context, f"{server.url}/#/search")
    yield seen
    assert seen.complaints == []
    assert all(one.startswith((server.url, "data:", "blob:")) for one in seen.requests)
    context.close()


def test_a_visitor_narrows_the_shelf_and_judges_what_is_like_an_item(visit: Visit) -> None:
    """The shelf, a facet, a price, more like this with its reasons, and a judgement, all of it in the address."""
    page = visit.page
    page.locator("[data-tab=shop]").click()
    expect(page.locator("#shelf > li")).to_have_count(7)
    expect(page.locator("#shop-count")).to_have_text("7 items")
    page.locator("[data-facet=size] label", has_text="M").locator("input").check()
    expect(page.locator("#shelf > li")).to_have_count(4)
    page.locator("[data-facet=size] label", has_text="S").locator("input").check()  # several of a facet
    expect(page.locator("#shelf > li")).to_have_count(6)
    page.locator("[data-facet=size] label", has_text="S").locator("input").uncheck()
    expect(page.locator("#shelf > li")).to_have_count(4)
    page.locator("[data-facet=price] input").nth(1).fill("50")
    page.locator("[data-facet=price] input").nth(1).press("Enter")
    expect(page.locator("#shelf > li")).to_have_count(2)
    page.locator("[data-act=clear-facets]").click()
    expect(page.locator("#shelf > li")).to_have_count(7)
    page.locator("[data-item=red-m] [data-act=like]").click()
    expect(page.locator("h1")).to_have_text("Like Red cotton shirt")
    first = page.locator("#shelf > li").first
    shares = [float(text) for text in first.locator(".shop-parts div:not(.shop-sum) small").all_inner_texts()]
    assert sum(shares) == pytest.approx(float(first.locator(".shop-parts .shop-sum small").inner_text()), abs=0.03)
    expect(page.locator("[data-item='red-s']")).to_have_count(0)
    page.locator("[data-item=crimson] [data-act=bad]").click()
    expect(page.locator("[data-item=crimson]")).to_have_count(0)
    page.locator("[data-item=blue] [data-act=good]").click()
    expect(page.locator("#judged")).to_contain_text("1 good, 1 bad")
    expect(page.locator("[data-item=blue] [data-act=good]")).to_have_attribute("aria-pressed", "true")
    assert "good=blue" in page.url
    assert "bad=crimson" in page.url
    page.go_back()
    expect(page.locator("#judged")).to_contain_text("0 good, 1 bad")
    page.locator("[data-act=all-items]").click()
    page.locator("[data-role=words]").fill("shirt")
    page.locator("[data-act=search-items]").click()
    expect(page.locator("#shelf > li")).to_have_count(3)


def test_a_photograph_that_is_dropped_finds_items_and_the_page_is_accessible(visit: Visit, shop: Path) -> None:
    """On a narrow screen as well, and in both languages' words there is none that is missing."""
    page = visit.page
    page.goto(page.url.split("#")[0] + "#/shop")
    expect(page.locator("#shelf > li")).to_have_count(7)
    data = (shop / "query.png").read_bytes().hex()
    page.evaluate(
        """(hex) => {
          const bytes = Uint8Array.from(hex.match(/../g), (two) => parseInt(two, 16));
          const files = new DataTransfer();
          files.items.add(new File([bytes], "query.png", { type: "image/png" }));
          for (const kind of ["dragenter", "dragover", "drop"]) document.querySelector("#shop").dispatchEvent(
            new DragEvent(kind, { dataTransfer: files, bubbles: true, cancelable: true }));
        }""",
        data,
    )
    expect(page.locator("h1")).to_have_text("Like this photograph")
    expect(page.locator("#shelf > li").first).to_contain_text("Red cotton shirt")
    for size in (WIDE, NARROW):
        page.set_viewport_size(size)
        assert [one["id"] for one in Axe().run(page).response["violations"]] == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
