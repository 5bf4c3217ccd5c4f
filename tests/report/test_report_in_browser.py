"""The report in a real Chromium: what a person sees, clicks and copies."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from browsers import Visit, browsing, visiting
from lookalike.imaging.manipulations import apply
from lookalike.report import (
    GroupView,
    Image,
    PairView,
    SearchView,
    Summary,
    thumbnail,
    write_report,
)
from lookalike.types import Box, Failure, Hit, Pixels, Relation

pytestmark = pytest.mark.browser

EVIL = "<img src=x onerror=document.title='broken'>.jpg"

# WCAG 2: the contrast of every visible text with what lies behind it; a canvas turns any colour into RGB.
CONTRAST = """() => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d");
  const rgb = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const linear = (v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => 0.2126 * linear(r / 255) + 0.7152 * linear(g / 255) + 0.0722 * linear(b / 255);
  const behind = (node) => {
    const colour = rgb(getComputedStyle(node).backgroundColor);
    return colour[3] === 255 ? colour : behind(node.parentElement);
  };
  const poor = [];
  for (const node of document.querySelectorAll("body *")) {
    const words = [...node.childNodes].filter((n) => n.nodeType === 3).map((n) => n.data.trim()).join("");
    if (!words || !node.checkVisibility() || node.disabled) continue;
    const [a, b] = [light(rgb(getComputedStyle(node).color)), light(behind(node))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) poor.push(`${words}: ${ratio.toFixed(2)}`);
  }
  return poor;
}"""
DECODED = """async () => {
  for (const image of document.images) { image.loading = "eager"; await image.decode(); }
  return [...document.images].map((image) => image.naturalWidth);
}"""
INJECT = """() => {
  const script = document.createElement("script");
  script.textContent = "document.title = 'broken'";
  document.body.append(script);
}"""
NAMELESS = """() => [...document.querySelectorAll("button")]
  .filter((button) => !button.innerText.trim() && !button.querySelector("img[alt]:not([alt=''])")).length"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with browsing() as running:
        yield running


def drawn(seed: int) -> Pixels:
    generator = np.random.default_rng(seed)
    return np.kron(generator.integers(0, 256, (6, 8, 3)), np.ones((20, 20, 1))).astype(np.uint8)


def image(path: str, pixels: Pixels, size: int) -> Image:
    return Image(
        path, thumbnail(pixels), 10 * pixels.shape[1], 10 * pixels.shape[0], size, "JPEG", "2024-05-01 10:00:00"
    )


def group(number: int, copies: tuple[tuple[str, str, Relation, float], ...]) -> GroupView:
    pixels = drawn(number)
    others = tuple(
        (image(f"/photos/{name}", apply(edit, pixels), 1000 * number), relation, sure)
        for name, edit, relation, sure in copies
    )
    return GroupView(image(f"/photos/original {number}.jpg", pixels, 90_000), others)


ALL_RELATIONS: tuple[Relation, ...] = (
    "identical", "re-encoded", "edited", "crop", "mirrored", "rotated", "variant", "same scene", "similar", "unrelated",
)  # fmt: skip


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    groups = [
        group(1, (("red.jpg", "jpeg-30", "re-encoded", 0.99), ("red part.jpg", "crop-50", "crop", 0.9))),
        group(2, (("blue mirror.jpg", "mirror", "mirrored", 0.97),)),
        group(3, ((EVIL, "blur", "edited", 0.95), ("two\nlines.jpg", "sepia", "edited", 0.8))),
        group(4, (("a-" * 100 + "z.jpg", "jpeg-10", "re-encoded", 0.999),)),
    ]
    a, b = image("/photos/a.jpg", drawn(8), 5000), image("/photos/b.jpg", apply("crop-50", drawn(8)), 4000)
    comparisons = [PairView(a, b, r, 0.98, {"copy": 0.2}, {"copy": 0.3}, Box(10, 10, 900, 600)) for r in ALL_RELATIONS]
    hits = ((a, Hit(a.path, 0.25, 0.91, "crop", Box(0, 0, 800, 600))), (b, Hit(b.path, 0.5, 0.6, "similar")))
    failures = tuple(Failure(f"/photos/{i}.jpg", "truncated") for i in range(12))
    write_report(
        path,
        summary=Summary("Test report", (("images", "12"),), failures),
        groups=groups,
        searches=[SearchView(b, hits, "copy"), SearchView(a, (), "copy")],
        comparisons=comparisons,
    )
    return path


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    made = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light")
    yield made
    made.close()


@pytest.fixture
def visit(context: BrowserContext, report: Path) -> Visit:
    return opened(context, report)


def opened(context: BrowserContext, report: Path) -> Visit:
    return visiting(context, report.as_uri())


def shown(page: Page) -> list[str]:
    return [text or "" for text in page.locator(".group:visible h3").all_text_contents()]


def test_nothing_is_asked_of_the_network_and_nothing_goes_wrong(visit: Visit, report: Path) -> None:
    """Scrolled through and with every image decoded, the page logs nothing and requests only itself."""
    decoded = visit.page.evaluate(DECODED)
    assert len(decoded) == 2 * len(ALL_RELATIONS) + 4 + 10
    assert min(decoded) > 0
    assert visit.complaints == []
    assert {url for url in visit.requests if not url.startswith("data:")} == {report.as_uri()}


def test_an_injected_script_does_not_run(visit: Visit) -> None:
    """Neither a file name nor a script written into the page afterwards is executed."""
    visit.page.evaluate(INJECT)
    assert visit.page.title() == "Test report"
    assert any("Content Security Policy" in complaint for complaint in visit.complaints)


@pytest.mark.parametrize("width", [360, 390, 760, 1100, 1280])
def test_there_is_no_sideways_scrolling(visit: Visit, width: int) -> None:
    """From a small phone to a desktop nothing is wider than the window, long names and the dialog included."""
    visit.page.set_viewport_size({"width": width, "height": 780})
    visit.page.add_style_tag(content=".group { content-visibility: visible !important; }")
    visit.page.locator("#failed summary").click()
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= width
    visit.page.locator(".group button.shot").last.click()
    assert visit.page.evaluate("document.querySelector('#viewer').scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_enough_contrast(visit: Visit, scheme: str) -> None:
    """Each visible text reaches 4.5 to 1 against what lies behind it, badges of all nine relations included."""
    visit.page.evaluate("(scheme) => { document.documentElement.dataset.theme = scheme; }", scheme)
    visit.page.locator("#failed summary").click()
    visit.page.locator("[data-filter=crop]").click()
    assert visit.page.evaluate(CONTRAST) == []


def test_the_relation_filter_shows_only_these_copies(visit: Visit) -> None:
    """A pressed relation hides other copies and groups without it; pressed again it shows all."""
    chip = visit.page.locator("[data-filter=crop]")
    chip.click()
    assert shown(visit.page) == ["Group 1"]
    assert visit.page.locator(".copy:visible").count() == 1
    assert "1 group, 1 file to remove, 1.0 kB" in visit.page.locator("#status").inner_text()
    chip.click()
    assert len(shown(visit.page)) == 4


def test_the_text_filter_looks_at_every_path_of_a_group(visit: Visit) -> None:
    """Words are found in any order and case in the kept or the other paths; no match says so."""
    visit.page.locator("#find").fill("MIRROR blue")
    expect(visit.page.locator(".group:visible")).to_have_count(1)
    assert shown(visit.page) == ["Group 2"]
    visit.page.locator("#find").fill("no such name")
    expect(visit.page.locator(".group:visible")).to_have_count(0)
    assert visit.page.locator("#status").inner_text() == "No group matches this filter."
    assert visit.page.locator("#copy").is_disabled()


@pytest.mark.parametrize(
    ("order", "numbers"), [("freed", "3412"), ("sure", "4213"), ("unsure", "3124"), ("found", "1234")]
)
def test_the_order_is_by_bytes_or_by_probability(visit: Visit, order: str, numbers: str) -> None:
    """Bytes to free are summed over a group; its probability is that of its least sure copy."""
    visit.page.locator("#order").select_option(order)
    assert shown(visit.page) == [f"Group {number}" for number in numbers]


def test_the_copied_list_holds_the_removable_files_that_are_shown(visit: Visit, context: BrowserContext) -> None:
    """One full path in each line, never the kept ones; a name with a newline is left out and counted."""
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    visit.page.locator("[data-filter=edited]").click()
    visit.page.locator("#copy").click()
    expect(visit.page.locator("#status")).to_have_text(
        "Copied 1 path, one in each line. 1 name with unusual characters left out."
    )
    assert visit.page.evaluate("navigator.clipboard.readText()") == f"/photos/{EVIL}\n"


def test_the_theme_is_toggled_and_remembered(visit: Visit) -> None:
    """The button changes the colours, and the page opens with them the next time."""
    paper = "getComputedStyle(document.body).backgroundColor"
    light = visit.page.evaluate(paper)
    visit.page.get_by_role("button", name="Dark theme").click()
    dark = visit.page.evaluate(paper)
    visit.page.reload()
    assert visit.page.evaluate(paper) == dark != light
    visit.page.get_by_role("button", name="Light theme").click()
    assert visit.page.evaluate(paper) == light


def test_the_viewer_opens_side_by_side_and_steps_with_the_keyboard(visit: Visit) -> None:
    """Enter on a thumbnail opens both images, arrows step through the copies, Escape returns the focus."""
    shot = visit.page.locator(".group").first.locator("button.shot").nth(1)
    shot.focus()
    visit.page.keyboard.press("Enter")
    names = visit.page.locator("#viewer .name")
    assert names.all_text_contents() == ["original 1.jpg", "red.jpg"]
    visit.page.keyboard.press("ArrowRight")
    assert names.all_text_contents() == ["original 1.jpg", "red part.jpg"]
    assert visit.page.locator("#viewer img").count() == 2
    visit.page.keyboard.press("Escape")
    assert not visit.page.locator("#viewer").is_visible()
    assert shot.evaluate("(node) => node === document.activeElement")


def test_a_box_lies_over_its_part_of_the_image(visit: Visit) -> None:
    """The box of a comparison is drawn at its share of the shown image, to a pixel or two."""
    frame = visit.page.locator(".pair .frame").first.bounding_box()
    box = visit.page.locator(".pair .box").first.bounding_box()
    assert frame is not None
    assert box is not None
    assert frame["width"] / frame["height"] == pytest.approx(1600 / 1200, abs=0.02)
    assert box["x"] - frame["x"] == pytest.approx(frame["width"] * 10 / 1600, abs=2)
    assert box["width"] == pytest.approx(frame["width"] * 900 / 1600, abs=2)


def test_the_page_can_be_read_without_its_script(browser: Browser, report: Path) -> None:
    """With scripts off every group and image is there, and no control that would do nothing."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(report.as_uri())
    assert len(shown(page)) == 4
    assert not page.locator("#tools").is_visible()
    assert not page.locator("#theme").is_visible()
    context.close()


def test_every_control_has_a_name_and_every_image_words(visit: Visit) -> None:
    """Buttons, fields and images have an accessible name; there is one main, one h1, and labelled sections."""
    assert visit.page.evaluate(NAMELESS) == 0
    assert visit.page.get_by_label("Part of a path").count() == 1
    assert visit.page.get_by_role("main").count() == 1
    assert visit.page.get_by_role("heading", level=1).count() == 1
    assert visit.page.get_by_role("region").count() == 4
