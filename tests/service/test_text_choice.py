"""Which network reads the words, over HTTP and on the page, in a gallery of one that knows colours, and `content`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import expect

pytest.importorskip("tokenizers", reason="the extra `text` is not installed")

from browsers import browsing, visiting
from colour_words import NAME, install_colour_words
from lookalike.gallery import Gallery
from samples import drawn, reduced, save
from served import Served, serving

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("choice")
    save(folder / "photos" / "cat.png", reduced("chelsea"))
    blue = 0.3 * (drawn(1, 64, 64).astype(float) - 128) + (60, 60, 190)
    save(folder / "photos" / "blue.png", np.clip(blue, 0, 255).astype(np.uint8))
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("LOOKALIKE_MODELS", str(folder / "models"))
        install_colour_words(folder / "models")
        with Gallery.create(folder / "g", [NAME, "content"]) as gallery:
            gallery.add(folder / "photos")
        with serving(folder / "g") as served:
            yield served


def asked(server: Served, text: str, **form: Any) -> list[str]:
    """File names of the hits."""
    answer = server.post("/v1/search/text", data={"text": text, **form})
    assert answer.status_code == 200, answer.text
    return [Path(hit["path"]).name for hit in answer.json()["hits"]]


def test_http_says_what_may_be_chosen_and_goes_by_it(server: Served) -> None:
    """The imported network is the default; "words" know cats; what is neither is refused."""
    assert server.get("/v1/gallery").json()["text_by"] == [NAME, "words"]
    assert asked(server, "blue") == asked(server, "blue", by=NAME) == ["blue.png"]
    assert (asked(server, "cat"), asked(server, "cat", by="words")) == ([], ["cat.png"])
    assert server.post("/v1/search/text", data={"text": "cat", "by": "content"}).status_code == 422
    assert server.post("/v1/search/text", data={"text": "cat", "by": "clip"}).status_code == 422


def test_the_box_leaves_the_choice(server: Served) -> None:
    """Choosing asks again; the address keeps what was chosen, and so does a reload."""
    with browsing() as running:
        visit = visiting(running.new_context(locale="en-GB"), f"{server.url}/#/search")
        page = visit.page
        expect(page.locator("[data-control=text-by] option")).to_have_text([NAME, "built-in words"])
        page.locator(".textbox input").fill("cat")
        page.locator("[data-act=search-text]").click()
        expect(page.locator("#text-note")).to_contain_text("Nothing like that here")
        page.locator("[data-control=text-by]").select_option("words")
        expect(page.locator("#hits > li")).to_have_count(1)
        page.reload()
        expect(page.locator("#hits > li")).to_have_count(1)
        expect(page.locator("[data-control=text-by]")).to_have_value("words")
        assert "by=words" in page.url
        assert not visit.complaints
