"""People on the page, in a real Chromium over a real server: looked for, named, joined, split, found, forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from browsers import Visit, browsing, visiting
from lookalike.descriptors.neural import model_store
from lookalike.gallery import Gallery
from portraits import FACE, drawn_face, drawn_portrait, install_portraits
from samples import save
from served import Served, serving

pytestmark = pytest.mark.browser

WIDE, NARROW = {"width": 1280, "height": 800}, {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three portraits each of three persons, one of two of them, and one of a bad face; the gallery has no faces."""
    photos = tmp_path_factory.mktemp("people") / "photos"
    for who in (1, 2, 3):
        for number in range(3):
            save(photos / f"{who}-{number}.png", drawn_portrait({(number, 1): drawn_face(who, number)}))
    save(photos / "both.png", drawn_portrait({(0, 0): drawn_face(1, 8), (2, 2): drawn_face(2, 8)}))
    save(photos / "bad.png", drawn_portrait({(1, 1): drawn_face(1, 3, "turned")}))
    install_portraits(photos.parent / "models")
    with Gallery.create(photos.parent / "g.gallery", ["colour"]) as gallery:
        assert gallery.add(photos).added == 11
    return photos.parent


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with browsing() as running:
        yield running


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Served]:
    with serving(folder / "g.gallery", env={model_store.VARIABLE: str(folder / "models")}) as served:
        yield served


@pytest.fixture
def visit(browser: Browser, server: Served) -> Iterator[Visit]:
    """In the end nothing was complained of, nor left the server."""
    context = browser.new_context(viewport=WIDE, locale="en-GB")
    seen = visiting(context, f"{server.url}/#/people")
    yield seen
    assert seen.complaints == []
    assert all(one.startswith((server.url, "data:", "blob:")) for one in seen.requests)
    context.close()


def tile(image: str, server: Served) -> str:
    """The selector of the tile of the person in this image."""
    number = next(one["id"] for one in server.get("/v1/images").json()["images"] if one["name"] == image)
    person = server.get(f"/v1/images/{number}/faces").json()["faces"][0]["person"]
    return f".people-tiles li[data-person='{person}']"


def look_and_name(page: Page, server: Served) -> None:
    """A tile for each person; a name that is written down stays; a click shows the photographs with their boxes."""
    page.locator("[data-act=seek]").click()
    expect(page.locator(".people-tiles li")).to_have_count(3)
    expect(page.locator("#people-count")).to_have_text(
        "3 people in 11 faces. Faces alone: 0; too bad to be compared: 1."
    )
    ada = page.locator(tile("1-0.png", server))
    expect(ada.locator("img")).to_have_js_property("naturalWidth", round(FACE * 1.7))
    ada.locator("input[type=text]").fill("Ada")
    ada.locator("input[type=text]").press("Enter")
    expect(page.locator(".people-tiles li").first.locator(".name")).to_have_text("Ada")
    page.locator(".people-tiles li a").first.click()
    expect(page.locator("h1")).to_have_text("Ada")
    expect(page.locator(".person-photos li")).to_have_count(4)
    expect(page.locator(".person-photos .box")).to_have_count(4)
    expect(page.locator(".person-photos")).to_contain_text("by your word")
    page.locator("[data-act=rename] input").fill("Ada Lovelace")
    page.locator("[data-act=rename] [data-act=say-name]").click()
    expect(page.locator("h1")).to_have_text("Ada Lovelace")


def open_a_photograph(page: Page, server: Served) -> None:
    """Boxes drawn where they are, whose each is, and where it is to be seen as well."""
    number = next(one["id"] for one in server.get("/v1/images").json()["images"] if one["name"] == "both.png")
    page.goto(f"{server.url}/#/library")
    page.reload()
    page.locator(f"#library-grid [data-id='{number}'] button").click()
    page.locator("dialog [data-act=people]").click()
    expect(page.locator(".photo-box")).to_have_count(2)
    frame, box = (page.locator(one).bounding_box() for one in (".photo-view .frame", ".photo-box >> nth=0"))
    assert frame is not None
    assert box is not None
    assert box["width"] / frame["width"] == pytest.approx(FACE / 320, abs=0.02)
    expect(page.locator("#photo-faces")).to_contain_text("Ada Lovelace")
    second = page.locator("#photo-faces li", has_not_text="Ada").first
    second.locator("[data-act=search-face]").click()
    expect(page.locator("#face-hits li")).to_have_count(3)
    expect(page.locator("#face-hits")).to_contain_text("the same person")
    expect(page.locator(".found-face .box")).to_have_count(4)


def send_a_face(page: Page, server: Served, folder: Path) -> None:
    """A portrait of the visitor's own: the faces like it, and the name."""
    page.goto(f"{server.url}/#/people")
    with page.expect_file_chooser() as chosen:
        page.locator("[data-act=choose]").click()
    chosen.value.set_files(folder / "photos" / "1-1.png")
    expect(page.locator("#face-hits li")).to_have_count(4)
    expect(page.locator("#face-hits")).to_contain_text("Ada Lovelace")


def compare_two(page: Page, server: Served) -> None:
    """Two images of one person, on the page that compares images; the most that is said is a probability."""
    images = {one["name"]: one["id"] for one in server.get("/v1/images").json()["images"]}
    page.goto(f"{server.url}/#/compare?a={images['1-0.png']}&b={images['both.png']}")
    page.locator("[data-act=person]").click()
    expect(page.locator("#one-person")).to_contain_text("One person with probability")
    expect(page.locator("#one-person")).to_contain_text("Faces in A: 1, in B: 2")
    page.goto(f"{server.url}/#/people?who={server.get('/v1/persons').json()['persons'][0]['number']}")


def join_and_split(page: Page, server: Served) -> None:
    """Two that are ticked become one of a name; faces that are taken out are somebody of their own again."""
    page.locator("[data-act=back]").click()
    for image in ("2-0.png", "3-0.png"):
        page.locator(tile(image, server)).locator("[data-act=tick]").check()
    page.locator("[data-act=join] input").fill("Eve")
    page.locator("[data-act=join] [data-act=say-name]").click()
    expect(page.locator(".people-tiles li")).to_have_count(2)
    page.locator(tile("2-0.png", server)).locator("a").click()
    expect(page.locator("h1")).to_have_text("Eve")
    expect(page.locator(".person-photos li")).to_have_count(7)
    for number in range(3):
        page.locator(".person-photos li", has_text=f"3-{number}.png").locator("[data-act=tick]").check()
    expect(page.locator("[data-role=split]")).to_contain_text("3 faces chosen")
    page.locator("[data-act=split] [data-act=say-name]").click()
    expect(page.locator(".person-photos li")).to_have_count(4)
    page.locator("[data-act=back]").click()
    expect(page.locator(".people-tiles li")).to_have_count(3)
    grace = page.locator(tile("3-0.png", server))
    grace.locator("input[type=text]").fill("Eve")
    grace.locator("[data-act=say-name]").click()
    expect(page.locator("dialog[open]")).to_contain_text("There is a person called Eve already")
    page.locator("[data-act=unsure]").click()
    expect(page.locator(".people-tiles li")).to_have_count(3)


def forget(page: Page, server: Served) -> None:
    """Not by one click; then the tile is gone, and so are the vectors."""
    page.locator(".people-tiles li a").first.click()
    expect(page.locator("h1")).to_have_text("Ada Lovelace")
    page.locator("[data-act=forget]").click()
    page.locator("[data-act=unsure]").click()
    expect(page.locator("h1")).to_have_text("Ada Lovelace")
    page.locator("[data-act=forget]").click()
    page.locator("[data-act=sure]").click()
    expect(page.locator(".people-tiles li")).to_have_count(2)
    assert "Ada Lovelace" not in [one["name"] for one in server.get("/v1/persons").json()["persons"]]


def test_people_are_found_named_joined_split_and_forgotten(visit: Visit, server: Served, folder: Path) -> None:
    """The whole way of a person through the view."""
    look_and_name(visit.page, server)
    open_a_photograph(visit.page, server)
    send_a_face(visit.page, server, folder)
    compare_two(visit.page, server)
    join_and_split(visit.page, server)
    forget(visit.page, server)


@pytest.mark.parametrize(
    ("size", "scheme", "views"),
    [
        (WIDE, "light", {"": ".people-tiles img", "?photo={both}": "#photo-faces img"}),
        (NARROW, "dark", {"?who={person}": ".person-photos img", "?id={three}": "#face-hits img"}),
    ],
    ids=["wide", "narrow"],
)
def test_nothing_stands_in_the_way_of_people(
    browser: Browser, server: Served, size: dict[str, int], scheme: str, views: dict[str, str]
) -> None:
    """axe-core finds nothing, and nothing is wider than the screen."""
    images = {one["name"]: one["id"] for one in server.get("/v1/images").json()["images"]}
    server.ended(server.post("/v1/faces", json={}).json())
    person = server.get("/v1/persons").json()["persons"][0]["number"]
    context = browser.new_context(viewport=size, color_scheme=scheme, locale="en-GB", reduced_motion="reduce")
    page = visiting(context, f"{server.url}/#/people").page
    for query, there in views.items():
        filled = query.format(both=images["both.png"], three=images["3-0.png"], person=person)
        page.goto(f"{server.url}/#/people{filled}")
        expect(page.locator(there).first).to_be_visible()
        found = Axe().run(page).response["violations"]
        assert [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in found] == [], query
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    context.close()
