"""The page in a real Chromium over a real server: every flow as a person goes through it, wide and narrow."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from numpy.typing import NDArray
from PIL import Image as Pillow
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Response, Route, expect

from browsers import Visit, browsing, visiting
from corpora import Corpora, Corpus
from lookalike.descriptors import get
from lookalike.gallery import Gallery
from lookalike.imaging.manipulations import apply
from samples import PHOTOGRAPHS, drawn, folder_of, photograph, reduced, save
from served import Served, serving
from terminal import here

pytestmark = pytest.mark.browser

WIDE, NARROW = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
CAMERA = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
VIEWS = {  # and what is to be seen there in the end
    "search": ".samples img",
    "search?id=1": "#hits[aria-busy=false]",
    "compare": "#answer p",
    "compare?a=1&b=2": "#answer .stage",
    "duplicates": "#focus figure",
    "library": "#library-grid img",
    "map": "#map",
}
FIRST_BYTES, VIEW_BYTES = 100_000, 40_000  # of the page's own files: a first visit's, and each further view's
OPENED = {  # from the start: what is clicked, and what is to be seen then; the last click opens what is measured
    "search": [(".samples a", "#hits[aria-busy=false]")],
    "text": [("[data-act=example]", "#hits li")],
    "compare": [("[data-tab=compare]", "#answer p")],
    "duplicates": [("[data-tab=duplicates]", "#focus figure")],
    "library": [("[data-tab=library]", "#library-grid img")],
    "people": [("[data-tab=people]", "#people-how")],
    "map": [("[data-tab=map]", "#map-about:has-text('images')")],
    "detail": [("[data-tab=library]", "#library-grid img"), ("#library-grid button", "dialog[open]")],
}


def library(folder: Path) -> None:
    """Seven photographs, copies of three, a name that would break a careless page, and a file that is no image."""
    for name in PHOTOGRAPHS:
        save(folder / f"{Path(name).stem}.jpg", photograph(name), quality=90)
    save(folder / "astronaut-small.jpg", apply("resize-50", photograph("astronaut.png")), quality=80)
    save(folder / "chelsea-small.jpg", apply("resize-50", photograph("chelsea.png")), quality=80)
    save(folder / "coffee-grey.jpg", apply("grey", photograph("coffee.png")), quality=80)
    save(folder / "<img src=x onerror=alert(1)>.png", drawn(4))
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 and no more")


@pytest.fixture(scope="module")
def corpus(corpora: Corpora, tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """With regions, and labels for three images."""
    descriptors = ("copy", "content", "colour", "texture", "structure", "regions")
    corpus = corpora.copied(tmp_path_factory.mktemp("page"), library, descriptors=descriptors)
    labels = corpus.photos.parent / "labels.csv"
    labels.write_text("path,label\ncoffee.jpg,drink\nchelsea.jpg,cat\nchelsea-small.jpg,cat\n")
    with Gallery.open(corpus.gallery) as opened:
        opened.label_from_csv(labels)
    return corpus


@pytest.fixture(scope="module")
def photos(corpus: Corpus) -> Path:
    return corpus.photos


@pytest.fixture(scope="module")
def gallery(corpus: Corpus) -> Path:
    return corpus.gallery


@pytest.fixture(scope="module")
def server(gallery: Path) -> Iterator[Served]:
    with serving(gallery) as served:
        yield served


@pytest.fixture(scope="module")
def locked(gallery: Path) -> Iterator[Served]:
    """Who has no token gets no answer."""
    with serving(gallery, "--token", "secret") as served:
        yield served


@pytest.fixture(scope="module")
def read_only(gallery: Path) -> Iterator[Served]:
    with serving(gallery, "--read-only") as served:
        yield served


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Over 3,000 images."""
    folder = tmp_path_factory.mktemp("large")
    with Gallery.create(folder / "g.gallery", descriptors=("structure",)) as opened:
        opened.add(save(folder / "photos" / "a.png", drawn(1, 40, 30)))
        row = next(iter(opened))
        with opened._library.store.transaction():
            for number in range(2999):
                opened._library.store.put_copy(replace(row, path=f"/nowhere/{number:04}.png"), row.id)
    with serving(folder / "g.gallery") as served:
        yield served


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Over 200 images that are all different."""
    folder = tmp_path_factory.mktemp("many")
    with Gallery.create(folder / "g.gallery", descriptors=("colour",)) as opened:
        for number in range(200):
            save(folder / "photos" / f"{number}.png", drawn(number, 60, 40))
        opened.add(folder / "photos")
    with serving(folder / "g.gallery") as served:
        yield served


@pytest.fixture
def own(corpora: Corpora, tmp_path: Path) -> Iterator[tuple[Served, Path]]:
    """A server over images that a test may change, and their folder."""
    corpus = corpora.copied(tmp_path, library, descriptors=("copy", "colour", "texture", "structure"))
    env = {"XDG_DATA_HOME": str(tmp_path / "data")}
    with serving(corpus.gallery, "--uploads", tmp_path / "up", env=env) as served:
        yield served, corpus.photos


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with browsing(*CAMERA) as running:
        yield running


@pytest.fixture(params=[WIDE, NARROW], ids=["wide", "narrow"])
def context(browser: Browser, request: pytest.FixtureRequest) -> Iterator[BrowserContext]:
    """At a desk, and on a telephone."""
    made = browser.new_context(
        viewport=request.param, has_touch=request.param is NARROW, color_scheme="light", locale="en-GB"
    )
    yield made
    made.close()


@dataclass
class Opener:
    """Opens a view of the page. ``refused``: how often the server is to refuse something, which browsers write down."""

    context: BrowserContext
    server: Served
    visits: list[Visit] = field(default_factory=list)
    refused: int = 0

    def __call__(self, view: str) -> Page:
        self.visits.append(visiting(self.context, f"{self.server.url}/#/{view}"))
        return self.visits[-1].page


@pytest.fixture
def at(context: BrowserContext, server: Served) -> Iterator[Opener]:
    """In the end, nothing may have gone wrong in any view that was opened, nor left the server."""
    opener = Opener(context, server)
    yield opener
    complaints = [one for visit in opener.visits for one in visit.complaints]
    refusals = [one for one in complaints if "status of 4" in one]
    assert ([one for one in complaints if one not in refusals], len(refusals)) == ([], opener.refused)
    requests = [one for visit in opener.visits for one in visit.requests if not one.startswith(("blob:", "data:"))]
    assert {urlsplit(one).netloc for one in requests} == {urlsplit(server.url).netloc}


def ids(server: Served) -> dict[str, int]:
    return {one["name"]: one["id"] for one in server.get("/v1/images").json()["images"]}


def hits(page: Page) -> Locator:
    """The names of the hits, in their order."""
    return page.locator("#hits > li .name")


def names(page: Page) -> list[str]:
    """Of the hits that are shown now."""
    return hits(page).all_inner_texts()


def drawn_on(page: Page, selector: str) -> NDArray[np.uint8]:
    """What a person sees of an element, (height, width, 3)."""
    return np.asarray(Pillow.open(io.BytesIO(page.locator(selector).screenshot())).convert("RGB"))


def loaded(page: Page) -> None:
    """Wait until the hits were looked at closely."""
    expect(page.locator("#hits")).to_have_attribute("aria-busy", "false")


def holds(page: Page, images: int) -> None:
    """Wait until the library's view tells this many."""
    expect(page.locator("#library-count")).to_contain_text(f"{images} images")


# --- search


def test_a_chosen_file_finds_its_image(at: Opener, tmp_path: Path):
    """A crop is chosen: its photograph comes first, said to contain it, with a box at its place; hovering tells why."""
    page = at("search")
    part = save(tmp_path / "part.png", photograph("chelsea.png")[60:240, 90:360])
    page.locator("[data-input=file]").first.set_input_files(part)
    first = page.locator("#hits > li").first
    expect(first).to_have_attribute("data-verified", "true")
    loaded(page)
    assert names(page)[0] in ("chelsea.jpg", "chelsea-small.jpg")
    expect(first.locator("[data-relation=crop]")).to_have_text("contains your image")
    box, image = first.locator(".box").bounding_box(), first.locator("img").bounding_box()
    assert box is not None
    assert image is not None
    assert (box["x"] - image["x"]) / image["width"] == pytest.approx(90 / 451, abs=0.03)
    assert box["width"] / image["width"] == pytest.approx(270 / 451, abs=0.03)
    first.hover()
    expect(first.locator(".why")).to_be_visible()
    expect(first.locator(".why")).to_contain_text(re.compile("keypoints", re.IGNORECASE))


def test_words_find_the_cat(at: Opener):
    """Typed into the box of the start: the cat and its copy, why, and the word that nobody can judge."""
    page = at("search")
    page.locator(".textbox input").fill("beautiful cat")
    page.locator("[data-act=search-text]").click()
    expect(page.locator("#hits > li")).to_have_count(2)
    assert {one.removesuffix("-small.jpg").removesuffix(".jpg") for one in names(page)} == {"chelsea"}
    expect(page.locator("#text-note")).to_have_text("No idea of: beautiful.")
    expect(page.locator("#hits .text-why").first).to_have_text("cat")
    page.go_back()
    expect(page.locator(".samples img").first).to_be_visible()


def test_a_word_is_left_out_and_an_example_added(at: Opener):
    """As chips that can be taken back; the address keeps them, and the words as well."""
    page = at("search?text=cat")
    page.locator("[data-act=exemplify]").first.click()
    expect(page.locator(".chip[data-like] img")).to_be_visible()
    expect(page.locator("#hits .text-why").first).to_contain_text("like the image")
    page.locator(".text-chips [name=not]").fill("cat")
    page.locator("[data-act=leave-out]").click()
    expect(page.locator("#text-note")).to_contain_text("Nothing like that here")
    page.locator(".chip[data-not] [data-act=remove]").click()
    expect(page.locator("#hits > li").first).to_be_visible()
    expect(page.locator(".chip[data-like]")).to_be_visible()


def test_a_private_search_sends_no_example(at: Opener, tmp_path: Path):
    """A file beside words would be sent: with the switch on, it is not, and that is said; words alone are."""
    page = at("search?text=cat")
    expect(page.locator("#hits > li").first).to_be_visible()
    page.evaluate("localStorage.setItem('lookalike-private', '1')")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    page.locator(".text-chips [data-input=file]").set_input_files(save(tmp_path / "cat.png", reduced("chelsea")))
    expect(page.locator(".chip[data-like]")).to_be_visible()
    expect(page.locator("#text-note")).to_contain_text("A private search sends no image")
    expect(page.locator("#hits > li")).to_have_count(0)
    page.evaluate("localStorage.removeItem('lookalike-private')")
    assert sent == []


def test_the_part_that_shows_a_word_is_drawn(at: Opener):
    """In the image that a search by words opens; a word of the file is told without a part."""
    page = at("search?text=cat+jpg")
    page.locator("#hits [data-act=open]").first.click()
    expect(page.locator(".places [data-word=cat]")).to_contain_text("%")
    expect(page.locator(".places [data-word=jpg]")).to_be_visible()
    assert page.locator(".detail .box.part").count() <= 1


def test_nothing_like_that_is_said(at: Opener):
    """A word that is understood, and that no image shows."""
    page = at("search?text=violin")
    expect(page.locator("#text-note")).to_contain_text("Nothing like that here")
    expect(page.locator("#hits > li")).to_have_count(0)


def test_the_first_answer_does_not_wait_for_the_second(at: Opener, server: Served):
    """Two requests: one with rerank=0, whose hits are shown, and one without."""
    page = at("search")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.post_data or "") if "/v1/search" in request.url else None)
    page.goto(f"{server.url}/#/search?id={ids(server)['coffee.jpg']}")
    expect(page.locator("#hits > li:not(.skeleton)").first).to_be_visible()
    loaded(page)
    assert [bool(re.search(r'name="rerank"\s+0\s', body)) for body in asked] == [True, False]


def test_it_answers_like_the_command_line(at: Opener, gallery: Path, photos: Path):
    """The same images in the same order: copies only, with one click what `--all` shows, and with another back."""
    page = at("search")
    page.locator("[data-input=file]").first.set_input_files(photos / "coffee.jpg")
    copies, everything = (answered(gallery, photos / "coffee.jpg", *options) for options in ((), ("--all",)))
    assert 1 < len(copies) < len(everything)
    expect(hits(page)).to_have_text(copies)
    page.locator("[data-act=show-all]").click()
    expect(hits(page)).to_have_text(everything)
    page.locator("[data-act=show-copies]").click()
    expect(hits(page)).to_have_text(copies)


def answered(gallery: Path, image: Path, *options: str) -> list[str]:
    """The names of what `lookalike search` prints, in its order."""
    ran = here("search", image, "--gallery", gallery, *options)
    names = [path.name for path in image.parent.iterdir()]
    return [name for line in ran.out.splitlines() for name in names if line.rstrip().endswith(f"/{name}")]


def test_without_a_copy_the_rest_is_offered(at: Opener, tmp_path: Path):
    """A drawing of which the library has no copy: it says so, and shows what is near when it is asked to."""
    page = at("search")
    page.locator("[data-input=file]").first.set_input_files(save(tmp_path / "new.png", drawn(77)))
    expect(page.locator("#nothing")).to_contain_text("No copy")
    expect(hits(page)).to_have_count(0)
    page.locator("[data-act=show-all]").click()
    expect(hits(page)).to_have_count(10)


def test_an_image_can_be_dropped_and_pasted(at: Opener):
    """Both by the events that a browser sends, with a file in them."""
    memory = io.BytesIO()
    Pillow.fromarray(photograph("rocket.jpg")).save(memory, "JPEG")
    give = """([bytes, kind]) => {
      const carried = new DataTransfer();
      carried.items.add(new File([new Uint8Array(bytes)], "rocket.jpg", { type: "image/jpeg" }));
      const event = kind === "drop" ? new DragEvent("drop", { dataTransfer: carried, bubbles: true, cancelable: true })
        : new ClipboardEvent("paste", { clipboardData: carried, bubbles: true, cancelable: true });
      (kind === "drop" ? document.querySelector("[data-role=drop]") : document).dispatchEvent(event);
    }"""
    for kind in ("drop", "paste"):
        page = at("search")
        expect(page.locator("[data-role=drop]")).to_be_visible()
        page.evaluate(give, [list(memory.getvalue()), kind])
        expect(page.locator("#hits > li:not(.skeleton)").first).to_be_visible()
        assert names(page)[0] == "rocket.jpg"


def test_the_camera_takes_an_image(at: Opener):
    """With the browser's make-believe camera: a still is taken, and searched for."""
    page = at("search")
    page.locator("[data-act=camera]").first.click()
    expect(page.locator("video.camera")).to_have_js_property("readyState", 4)  # there is a frame to take
    page.locator("[data-act=shoot]").click()
    expect(page.locator("section.query img").first).to_be_visible()
    loaded(page)


def test_a_region_is_drawn_and_asked_for(at: Opener, tmp_path: Path):
    """With a cat beside a rocket, drawing around the rocket finds it; the address keeps it until it is cleared."""
    cat, rocket = photograph("chelsea.png")[:300, :400], photograph("rocket.jpg")[:300, :400]
    page = at("search")
    page.locator("[data-input=file]").first.set_input_files(save(tmp_path / "both.png", np.hstack([cat, rocket])))
    loaded(page)
    place = page.locator("[data-role=region-pane] img").bounding_box()
    assert place is not None
    page.mouse.move(place["x"] + 0.55 * place["width"], place["y"] + 0.05 * place["height"])
    page.mouse.down()
    page.mouse.move(place["x"] + 0.98 * place["width"], place["y"] + 0.95 * place["height"], steps=5)
    page.mouse.up()
    page.wait_for_url(re.compile("region="))
    expect(hits(page).first).to_have_text("rocket.jpg")
    x, y, width, height = map(int, re.search(r"region=([\d,%C]+)", page.url)[1].replace("%2C", ",").split(","))
    assert (x, y, width, height) == pytest.approx((440, 15, 344, 270), abs=6)
    page.locator("[data-act=clear-region]").click()
    expect(page).not_to_have_url(re.compile("region="))


def test_a_region_can_be_written_as_numbers(at: Opener, server: Served):
    """Without a pointer: four numbers and a button."""
    page = at(f"search?id={ids(server)['chelsea.jpg']}")
    loaded(page)
    page.locator("details.numbers summary").click()
    for name, value in (("x", 20), ("y", 30), ("width", 200), ("height", 150)):
        page.locator(f"[data-region={name}]").fill(str(value))
    page.locator("[data-act=apply-region]").click()
    page.wait_for_url(re.compile("region=20"))
    loaded(page)


def test_marks_change_the_order_at_once(at: Opener, server: Served):
    """The last hit is liked: it rises, its card says by how much and why; the bar takes the mark back."""
    page = at(f"search?id={ids(server)['coffee.jpg']}&by=content")
    loaded(page)
    before = names(page)
    last = page.locator("#hits > li").last
    number = last.get_attribute("data-id")
    last.locator("[data-act=good]").click()
    page.wait_for_url(re.compile(f"good={number}"))
    card = page.locator(f"#hits > li[data-id='{number}']")
    expect(card.locator("[data-moved]")).to_be_visible()
    assert names(page).index(before[-1]) < len(before) - 1
    card.hover()
    expect(card.locator(".pulls")).to_be_visible()
    page.keyboard.press("Escape")
    page.locator(f"[data-marked='{number}']").click()
    expect(page).not_to_have_url(re.compile("good="))
    expect(hits(page)).to_have_text(before)


def test_marks_by_keyboard(at: Opener, server: Served):
    """g and b on the card that has the focus."""
    page = at(f"search?id={ids(server)['coffee.jpg']}&by=content")
    loaded(page)
    page.locator("#hits > li").nth(2).locator("[data-act=open]").focus()
    page.keyboard.press("b")
    page.wait_for_url(re.compile("bad="))


def test_measures_filters_and_back(at: Opener, server: Served):
    """Another measure, a filter chosen and one written: all in the address; back goes back; a wrong one says why."""
    page = at(f"search?id={ids(server)['coffee.jpg']}")
    loaded(page)
    page.locator("[data-control=by]").select_option("colour")
    page.wait_for_url(re.compile("by=colour"))
    if not page.locator("[data-filter=where]").is_visible():  # folded where there is little room
        page.locator("details.refine summary").click()
    page.locator("[data-filter=format]").select_option(label="PNG")
    page.wait_for_url(re.compile("where="))
    expect(hits(page)).to_have_text(["<img src=x onerror=alert(1)>.png"])
    page.go_back()
    expect(page.locator("#hits > li:not(.skeleton)")).not_to_have_count(1)
    at.refused = 1
    page.locator("[data-filter=where]").fill("width >")
    page.locator("[data-act=apply-filter]").click()
    expect(page.get_by_role("alert")).to_contain_text("where")


# --- comparison


def test_two_images_are_compared(at: Opener, server: Served):
    """Relation, evidence, and a stage whose slider, blinking, difference and matches draw what they should."""
    known = ids(server)
    page = at(f"compare?a={known['coffee.jpg']}&b={known['coffee-grey.jpg']}")
    expect(page.locator("#answer [data-relation=edited]")).to_be_visible()
    for mode in ("slider", "blink", "difference", "matches"):
        page.locator(f"[data-mode={mode}]").click()
        expect(page.locator(f"[data-mode={mode}]")).to_have_attribute("aria-pressed", "true")
    page.locator("[data-mode=slider]").click()
    handle = page.get_by_role("slider")
    handle.focus()
    before = handle.get_attribute("aria-valuenow")
    page.keyboard.press("ArrowLeft")
    assert int(handle.get_attribute("aria-valuenow") or 0) < int(before or 0)


def test_the_difference_of_a_copy_is_dark(at: Opener, server: Served):
    """A smaller copy laid over its original leaves hardly anything: most pixels of the canvas are nearly black."""
    known = ids(server)
    page = at(f"compare?a={known['astronaut.jpg']}&b={known['astronaut-small.jpg']}")
    page.locator("[data-mode=difference]").click()
    page.wait_for_timeout(300)
    assert np.mean(drawn_on(page, "#answer canvas").sum(axis=2) < 90) > 0.9


# --- duplicates


def test_duplicates_are_reviewed_by_keyboard(context: BrowserContext, own: tuple[Served, Path], tmp_path: Path):
    """Groups come; one is called different and taken back, one marked, the keeper swapped and swapped back; nothing is
    touched before the review is confirmed; then the copy is in the trash, and only it."""
    server, folder = own
    visit = visiting(context, f"{server.url}/#/duplicates")
    page = visit.page
    focus = page.locator("#focus")
    expect(focus).to_be_visible()
    groups = page.locator("#groups > li")
    count = groups.count()
    assert count >= 2
    page.keyboard.press("n")
    expect(groups).to_have_count(count - 1)
    assert server.get("/v1/gallery").json()["verdicts"] == 1
    page.keyboard.press("u")
    expect(groups).to_have_count(count)
    assert server.get("/v1/gallery").json()["verdicts"] == 0

    keep, copy = (focus.locator(f"figure >> nth={n}").get_attribute("data-id") for n in (0, 1))
    page.keyboard.press("k")
    expect(focus.locator("figure").first).to_have_attribute("data-id", copy or "")
    page.keyboard.press("u")
    expect(focus.locator("figure").first).to_have_attribute("data-id", keep or "")
    page.keyboard.press("r")
    expect(page.locator("#review")).to_be_enabled()
    page.reload()  # the plan survives
    expect(page.locator("#review")).to_be_enabled()
    assert len(list(folder.glob("*.jpg"))) == 11
    page.locator("#review").click()
    expect(page.locator("#review-dialog li")).to_have_count(1)
    for kind, number in (("remove", copy), ("keep", keep)):
        path = server.get(f"/v1/images/{number}").json()["path"]
        expect(page.locator(f"#review-dialog [data-path={kind}]")).to_have_text(path)
    page.locator("[data-act=clear]").click()
    expect(groups).to_have_count(count - 1)
    gone = [one.name for one in (tmp_path / "data" / "Trash" / "files").iterdir()]
    assert len(gone) == 1
    assert len(list(folder.glob("*.jpg"))) == 10
    assert visit.complaints == []


def test_the_sums_follow_what_is_called_different(context: BrowserContext, own: tuple[Served, Path]):
    """Groups and bytes to free change with a decision and with its undoing, to what the server itself tells then."""
    page = visiting(context, f"{own[0].url}/#/duplicates").page
    summary, place = page.locator("#duplicates-summary"), page.locator("#focus h2")
    expect(place).to_have_text(re.compile(r"1 of \d"))
    before, count = summary.inner_text(), int(place.inner_text().split()[-1])
    page.keyboard.press("n")
    expect(place).to_have_text(f"Group 1 of {count - 1}")
    after = summary.inner_text()
    assert after.startswith(f"{count - 1} group")
    assert after.split(",")[1] != before.split(",")[1]
    page.keyboard.press("u")
    expect(summary).to_have_text(before)
    page.keyboard.press("n")
    expect(summary).to_have_text(after)
    page.reload()
    expect(summary).to_have_text(after)


def test_no_group_is_left_out_after_a_decision(context: BrowserContext, own: tuple[Served, Path]):
    """Groups come one by one: when the first is called different, the second is next, and then the third."""
    page = visiting(context, f"{own[0].url}/#/duplicates").page
    expect(page.locator("#focus figure").first).to_be_visible()
    every = [one.get_attribute("data-group") for one in page.locator("#groups button").all()]
    assert len(every) >= 3
    page.route("**/v1/duplicates?*", lambda route: route.continue_(url=f"{route.request.url}&limit=1"))
    page.reload()
    expect(page.locator("#groups button")).to_have_count(1)
    page.keyboard.press("n")
    for at, group in enumerate(every[1:]):
        expect(page.locator("#groups button")).to_have_count(at + 1)
        expect(page.locator("#groups button").last).to_have_attribute("data-group", group or "")
        page.keyboard.press("j")


# --- the library


def test_the_library_is_seen_filtered_and_opened(at: Opener):
    """Every image has its place; a filter leaves the cats; one opens, is told, and leads to a search."""
    page = at("library")
    holds(page, 11)
    page.locator("[data-filter=where]").fill("label = 'cat'")
    page.locator("[data-act=apply-filter]").click()
    expect(page.locator("#library-grid li")).to_have_count(2)
    page.locator("#library-grid li button").first.click()
    expect(page.locator("dialog[open]")).to_contain_text("cat")
    page.locator("dialog[open] [data-act=similar]").click()
    page.wait_for_url(re.compile("search.*id="))


def test_files_that_failed_are_shown_with_their_reasons(at: Opener):
    """In the panel of the folders."""
    page = at("library")
    page.locator("#indexing summary").click()
    expect(page.locator("#failures")).to_contain_text("broken.jpg")
    expect(page.locator("#failures")).to_contain_text("truncated")


def test_indexing_uploading_and_forgetting(context: BrowserContext, own: tuple[Served, Path], tmp_path: Path):
    """A new file is found by "index again"; an image is uploaded and kept; one is forgotten after being asked."""
    server, folder = own
    page = visiting(context, f"{server.url}/#/library").page
    holds(page, 11)
    save(folder / "new.png", drawn(9))
    page.locator("#indexing summary").click()
    page.locator("[data-act=index]").click()
    holds(page, 12)
    page.locator("[data-input=file]").first.set_input_files(save(tmp_path / "u.png", drawn(10)))
    holds(page, 13)
    assert len(list((tmp_path / "up").iterdir())) == 1
    page.locator("#library-grid li button").last.click()
    page.locator("[data-act=forget]").click()
    page.locator("[data-act=sure]").click()
    holds(page, 12)


def test_what_an_upgrade_has_left_is_said(context: BrowserContext, tmp_path: Path):
    """How many images are not described anew yet; "index again" does it, and says so no more."""
    photos = folder_of(tmp_path / "photos", 2)
    with Gallery.create(tmp_path / "g.gallery", descriptors=("structure",)) as opened:
        opened.add(photos)
        with opened._library.store.transaction():
            opened._library.store.replace_descriptor(replace(get("structure").card, version=0))
    Gallery.upgrade(tmp_path / "g.gallery")
    with serving(tmp_path / "g.gallery") as server:
        page = visiting(context, f"{server.url}/#/library").page
        page.locator("#indexing summary").click()
        expect(page.locator("#index-lacking")).to_contain_text("2 images are not described anew yet")
        page.locator("[data-act=index]").click()
        expect(page.locator("#index-report")).to_contain_text("2 unchanged")
        expect(page.locator("#index-lacking")).to_be_hidden()


def test_a_large_library_has_few_elements(context: BrowserContext, large: Served):
    """3,000 images: only what is in sight is in the document, and the end can be reached at once."""
    page = visiting(context, f"{large.url}/#/library").page
    expect(page.locator("#library-count")).to_contain_text("3,000")
    expect(page.locator("#library-grid li").first).to_be_visible()
    assert page.locator("#library-grid li").count() < 150
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    expect(page.locator("#library-grid li[data-index='2999'] .name")).to_contain_text("2998.png")
    assert page.locator("#library-grid li").count() < 150


# --- people


def test_without_a_network_of_faces_the_page_says_how_one_is_added(at: Opener):
    """The commands, and that people are to be asked; nothing can be begun."""
    page = at("people")
    expect(page.locator("#people-how code")).to_contain_text("lookalike models add faces --from")
    expect(page.locator("#people-how")).to_contain_text("Ask the people")
    expect(page.locator("[data-act=seek]")).to_have_count(0)


# --- the map


def test_the_map_opens_what_is_clicked(at: Opener):
    """Something is drawn, keys zoom, the list beside it is an alternative, and an image opens from it."""
    page = at("map")
    expect(page.locator("#map-about")).to_contain_text("11 images")
    page.wait_for_load_state("networkidle")
    assert len(np.unique(drawn_on(page, "#map").reshape(-1, 3), axis=0)) > 1000  # photographs, not an empty plane
    page.locator("#map").focus()
    page.keyboard.press("+")
    page.locator("#map-list summary").click()
    page.locator("#map-list button").first.click()
    expect(page.locator("dialog[open]")).to_be_visible()


def test_the_map_of_many_begins_with_thumbnails(context: BrowserContext, many: Served):
    """200 images, more than can all be shown: some stand for their neighbours before anybody zooms in, and open."""
    visit = visiting(context, f"{many.url}/#/map")
    page = visit.page
    expect(page.locator("#map-about")).to_contain_text("200 images")
    with page.expect_response("**/thumbnail*"):
        pass
    page.wait_for_load_state("networkidle")
    assert 8 < len([one for one in visit.requests if "/thumbnail" in one]) < 200
    assert len(np.unique(drawn_on(page, "#map").reshape(-1, 3), axis=0)) > 1000
    page.locator("#map").focus()
    page.keyboard.press("Enter")
    expect(page.locator("dialog[open]")).to_be_visible()
    assert visit.complaints == []


# --- for everyone


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_stands_in_the_way(browser: Browser, server: Served, view: str, size: dict[str, int], scheme: str):
    """axe-core finds nothing, and no view is wider than the screen."""
    context = browser.new_context(viewport=size, color_scheme=scheme, locale="en-GB", reduced_motion="reduce")
    visit = visiting(context, f"{server.url}/#/{view}")
    expect(visit.page.locator(VIEWS[view]).first).to_be_visible()
    visit.page.wait_for_load_state("networkidle")
    found = Axe().run(visit.page).response["violations"]
    assert [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in found] == []
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    assert visit.complaints == []
    context.close()


def test_two_languages(browser: Browser, server: Served):
    """The browser's language, or the other by its button; every text is there in both."""
    context = browser.new_context(viewport=WIDE, locale="zh-CN")
    page = visiting(context, f"{server.url}/#/library").page
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    expect(page.locator("h1")).not_to_have_text("Library")
    assert re.search("[一-鿿]", page.locator("h1").inner_text())
    page.locator("#language").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator("h1")).to_have_text("Library")
    page.reload()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    context.close()


def test_the_theme_is_remembered(at: Opener):
    """Dark after the button, and still after a reload."""
    page = at("library")
    page.locator("#theme").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_a_locked_server_says_how_to_get_in(context: BrowserContext, locked: Served):
    """Without the token the page is not even served; opened with it, everything works."""
    page = context.new_page()
    assert page.goto(locked.url).status == 401
    page.goto(f"{locked.url}/?token=secret")
    expect(page.locator("h1")).to_be_visible()
    assert "secret" not in page.url
    page.goto(f"{locked.url}/#/library")
    holds(page, 11)


def test_a_read_only_page_offers_no_changes(context: BrowserContext, read_only: Served):
    """No removal, no indexing, no upload."""
    page = visiting(context, f"{read_only.url}/#/library").page
    holds(page, 11)
    page.locator("#library-grid li button").first.click()
    expect(page.locator("dialog[open] [data-act=similar]")).to_be_visible()
    for act in ("forget", "trash", "index"):
        expect(page.locator(f"[data-act={act}]")).to_have_count(0)


@pytest.mark.parametrize("view", OPENED)
def test_a_view_loads_little_and_only_when_it_is_opened(browser: Browser, server: Served, view: str):
    """The bytes of the page's own files that the browser takes: at a first visit, and for each further view."""
    context = browser.new_context(viewport=WIDE, locale="en-GB")
    page = context.new_page()
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))
    page.goto(server.url)
    expect(page.locator(".samples img").first).to_be_visible()
    page.wait_for_load_state("networkidle")
    first = own_files(answers)
    assert {name.partition("/")[0] for name in first if name.count("/") == 1} == {"", "start"}
    assert 10_000 < sum(first.values()) <= FIRST_BYTES
    for click, seen in OPENED[view]:
        answers.clear()
        page.locator(click).first.click()
        expect(page.locator(seen).first).to_be_visible()
        page.wait_for_load_state("networkidle")
    further = own_files(answers)
    assert f"{view}/{view}.js" in further
    assert set(further) & set(first) <= {"icon.svg"}  # which the browser may ask for once more
    assert sum(further.values()) <= VIEW_BYTES
    context.close()


def own_files(answers: list[Response]) -> dict[str, int]:
    """Of these answers the page's own files, and their bytes before any compression."""
    paths = {urlsplit(answer.url).path: answer for answer in answers}
    return {
        path.removeprefix("/page/"): len(answer.body())
        for path, answer in paths.items()
        if path == "/" or path.startswith("/page/")
    }


def test_nothing_is_shown_without_its_look(at: Opener):
    """A view whose stylesheet is long in coming is not there until it has come."""
    page = at("search")
    expect(page.locator(".samples img").first).to_be_visible()
    held: list[Route] = []
    page.route("**/compare.css", lambda route: held.append(route))
    with page.expect_response("**/compare/words.js"):
        page.locator("[data-tab=compare]").click()
    page.wait_for_timeout(300)
    assert len(held) == 1
    expect(page.locator("#content > *")).to_have_count(0)
    held[0].continue_()
    expect(page.locator("#content .slots")).to_have_css("display", "flex")


def test_a_view_that_did_not_come_can_be_tried_again(context: BrowserContext, server: Served):
    """What the network lost is asked for once more."""
    page = visiting(context, server.url).page
    expect(page.locator(".samples img").first).to_be_visible()
    page.route("**/compare.css", lambda route: route.abort())
    page.locator("[data-tab=compare]").click()
    expect(page.get_by_role("alert")).to_contain_text("does not answer")
    page.unroute("**/compare.css")
    page.locator("#content .empty button").click()
    expect(page.locator("#answer p")).to_be_visible()


def test_a_broken_answer_is_told(at: Opener):
    """What the server refuses stands on the page in its words: a file that is no image."""
    at.refused = 1
    page = at("search")
    page.locator("[data-input=file]").first.set_input_files(
        [{"name": "no.jpg", "mimeType": "image/jpeg", "buffer": json.dumps({"a": 1}).encode()}]
    )
    expect(page.get_by_role("alert")).to_be_visible()
