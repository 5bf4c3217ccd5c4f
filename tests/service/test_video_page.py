"""Videos on the page, in a real Chromium over a real server: played, found, and two of them in step."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from browsers import Visit, browsing, visiting
from lookalike.gallery import Gallery
from samples import folder_of, save
from served import Served, serving
from videos import pan, write_video

pytestmark = pytest.mark.browser

WIDE, NARROW = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
OFFSET, SPEED = 3.0, 2.0  # of the film in part.webm: it begins there, twice as fast


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A film, it again and smaller, it twice as fast behind something else, a still of it, and a film in a codec that
    browsers do not know."""
    folder = tmp_path_factory.mktemp("page") / "films"
    folder_of(folder, 2)
    film = [*pan("coffee.png", 4), *pan("astronaut.png", 4, start=1)]
    write_video(folder / "film.webm", film, codec="libvpx")
    write_video(folder / "again.webm", [frame[::2, ::2] for frame in film], quality=12, codec="libvpx")
    write_video(folder / "part.webm", [*pan("rocket.jpg", OFFSET), *film[::2]], codec="libvpx")
    write_video(folder / "other.mp4", pan("chelsea.png", 3))
    save(folder / "still.png", film[65])
    with Gallery.create(folder.parent / "g.gallery", ["copy"]) as gallery:
        assert gallery.add(folder).added == 7
    with serving(folder.parent / "g.gallery") as served:
        yield served


@pytest.fixture(scope="module")
def ids(server: Served) -> dict[str, int]:
    return {one["name"]: one["id"] for one in server.get("/v1/images").json()["images"]}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with browsing("--autoplay-policy=no-user-gesture-required") as running:
        yield running


@pytest.fixture
def visit(browser: Browser, server: Served) -> Iterator[Visit]:
    """In the end nothing was complained of, nor left the server."""
    context = browser.new_context(viewport=WIDE, locale="en-GB")
    seen = visiting(context, f"{server.url}/#/library")
    yield seen
    assert seen.complaints == []
    assert all(one.startswith((server.url, "data:")) for one in seen.requests)
    context.close()


def state(page: Page, place: int) -> dict[str, float]:
    """Of one of the two videos that are played in step."""
    return (
        page.locator(".screens video")
        .nth(place)
        .evaluate(
            """one => ({time: one.currentTime, rate: one.playbackRate, paused: one.paused, width: one.videoWidth,
                    ready: one.readyState})"""
        )
    )


def until(done: Callable[[], bool]) -> None:
    """Asks again and again: what the page forbids to be evaluated cannot be waited for in it."""
    end = time.monotonic() + 60
    while not done():
        assert time.monotonic() < end
        time.sleep(0.05)


def seconds(text: str) -> list[float]:
    """The times in a line, "0:07.5" as 7.5."""
    return [60 * int(minutes) + float(rest) for minutes, rest in re.findall(r"(\d+):(\d\d\.\d)", text)]


def test_a_video_is_told_by_its_length_and_played(visit: Visit, ids: dict[str, int]):
    """A badge in the library; opened, it plays; "Find in videos" is offered, and no search for similar images."""
    page = visit.page
    cell = page.locator(f"[data-id='{ids['film.webm']}']")
    expect(cell.locator(".length")).to_have_text(re.compile(r"0:08$"))
    expect(page.locator(f"[data-id='{ids['still.png']}'] .name")).to_have_text("still.png")
    expect(page.locator(f"[data-id='{ids['still.png']}'] .length")).to_have_count(0)
    cell.locator("button").click()
    video = page.locator("dialog video[controls]")
    video.evaluate("one => one.play()")
    until(lambda: video.evaluate("one => one.currentTime") > 0.3)
    assert video.evaluate("one => [one.videoWidth, one.videoHeight]") == [240, 176]
    expect(page.locator("dialog .filmstrip img")).to_be_visible()
    expect(page.locator("dialog [data-act=similar]")).to_have_count(0)
    page.locator("dialog [data-act=videos]").click()
    expect(page.locator("#videos li")).to_have_count(2)


def test_what_the_browser_cannot_play_is_shown_as_frames(visit: Visit, ids: dict[str, int]):
    """And it says why."""
    page = visit.page
    page.locator(f"[data-id='{ids['other.mp4']}'] button").click()
    expect(page.locator("dialog .player")).to_contain_text("cannot play it (mpeg4)")
    expect(page.locator("dialog .player img")).to_be_visible()
    expect(page.locator("dialog video")).to_have_count(0)


def test_two_videos_are_played_in_step(visit: Visit, ids: dict[str, int], server: Served):
    """The segment in words and as a band; both play at the offset and the speed that were found, and seek together."""
    page = visit.page
    page.goto(f"{server.url}/#/videos?id={ids['film.webm']}&with={ids['part.webm']}")
    expect(page.locator(f"#videos [data-id='{ids['part.webm']}']")).to_have_attribute("aria-pressed", "true")
    words = page.locator("#pair [data-role=segment]")
    expect(words).to_contain_text(re.compile(r"at (1\.9|2\.[01])\d times the speed"))
    a_start, a_end, b_start, _ = seconds(words.inner_text())
    assert b_start - (OFFSET + a_start / SPEED) == pytest.approx(0, abs=0.6)
    expect(page.locator("#pair .filmstrip img")).to_have_count(2)
    band = page.locator("#pair .band").first
    band.focus()
    page.keyboard.press("Enter")
    expect(band).to_have_attribute("aria-pressed", "true")
    assert "of the query is" in band.get_attribute("aria-label")

    until(lambda: all(state(page, place)["ready"] >= 2 for place in (0, 1)))
    page.locator("[data-role=seek]").fill(str(round((a_start + a_end) / 2, 1)))
    middle = [state(page, 0)["time"], state(page, 1)["time"]]
    assert middle[0] == pytest.approx((a_start + a_end) / 2, abs=0.2)
    assert middle[1] == pytest.approx(b_start + (middle[0] - a_start) / SPEED, abs=0.4)
    page.locator("[data-act=play]").click()
    until(lambda: state(page, 0)["time"] > middle[0] + 1)
    page.locator("[data-act=play]").click()
    first, second = state(page, 0), state(page, 1)
    assert (first["paused"], second["paused"], first["width"], second["width"]) == (True, True, 240, 240)
    assert first["rate"] / second["rate"] == pytest.approx(SPEED, abs=0.2)
    assert second["time"] - middle[1] == pytest.approx((first["time"] - middle[0]) / SPEED, abs=0.4)


def test_a_still_is_found_and_the_video_jumps_to_it(visit: Visit, ids: dict[str, int], server: Served):
    """From the image's own view: the films that show it, and the player stands at the moment."""
    page = visit.page
    page.locator(f"[data-id='{ids['still.png']}'] button").click()
    page.locator("dialog [data-act=videos]").click()
    page.locator(f"#videos [data-id='{ids['film.webm']}']").click()
    expect(page).to_have_url(re.compile(f"with={ids['film.webm']}"))
    jumped = page.locator("#pair video")
    until(lambda: jumped.evaluate("one => one.currentTime") > 0)
    assert jumped.evaluate("one => one.currentTime") == pytest.approx(6.5, abs=0.6)
    expect(page.locator("#pair .band line")).to_have_count(1)
    page.goto(f"{server.url}/#/videos?id={ids['0000.jpg']}")
    expect(page.locator("#videos")).to_contain_text("No video of the library shows it.")
    page.goto(f"{server.url}/#/search?id={ids['film.webm']}")
    expect(page).to_have_url(re.compile("#/videos"))


def test_copies_are_reviewed_with_players(visit: Visit, ids: dict[str, int], server: Served):
    """Both of a pair are played, have their filmstrips and lengths, and can be looked at in step."""
    page = visit.page
    page.goto(f"{server.url}/#/duplicates?precision=0.9")
    expect(page.locator("#focus figure video")).to_have_count(2)
    expect(page.locator("#focus figure .filmstrip .length")).to_have_count(2)
    page.locator("#focus").get_by_text("Compare").click()
    expect(page.locator("#pair .together")).to_be_visible()
    expect(page.locator(f"#videos [data-id='{ids['again.webm']}']")).to_have_attribute("aria-pressed", "true")


def test_all_that_share_segments_are_listed(visit: Visit, ids: dict[str, int]):
    """From the duplicates: each pair with both filmstrips; a click shows it above, and both players stand where it
    begins."""
    page = visit.page
    page.goto(f"{page.url.partition('#')[0]}#/duplicates?precision=0.9")
    page.locator("[data-role=shared]").click()
    expect(page).to_have_url(re.compile("#/videos"))
    expect(page.locator("#videos li")).to_have_count(2)
    expect(page.locator("#videos li .filmstrip img")).to_have_count(4)
    both = sorted([ids["film.webm"], ids["part.webm"]])
    page.locator(f"#videos [data-id='{both[0]}-{both[1]}']").click()
    expect(page).to_have_url(re.compile(f"pair={both[0]}-{both[1]}"))
    words = page.locator("#pair [data-role=segment]")
    expect(words).to_contain_text("of the first is")
    until(lambda: all(state(page, place)["ready"] >= 1 for place in (0, 1)))
    a_start, _, b_start, _ = seconds(words.inner_text())
    starts = [state(page, place)["time"] for place in (0, 1)]
    assert starts == [pytest.approx(a_start, abs=0.2), pytest.approx(b_start, abs=0.2)]


@pytest.mark.parametrize(("size", "scheme"), [(WIDE, "light"), (NARROW, "dark")], ids=["wide", "narrow"])
def test_nothing_stands_in_the_way_of_videos(
    browser: Browser, server: Served, ids: dict[str, int], size: dict[str, int], scheme: str
):
    """axe-core finds nothing, and nothing is wider than the screen."""
    context = browser.new_context(viewport=size, color_scheme=scheme, locale="en-GB", reduced_motion="reduce")
    page = visiting(context, f"{server.url}/#/videos?id={ids['part.webm']}").page
    expect(page.locator("#pair .filmstrip img")).to_have_count(2)
    found = Axe().run(page).response["violations"]
    assert [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in found] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    context.close()
