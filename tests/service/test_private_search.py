"""A private search: the browser describes the image, and nothing but the vector leaves it. In a real Chromium."""

from __future__ import annotations

import base64
import io
import json
import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from numpy.typing import NDArray
from PIL import Image as Pillow
from playwright.sync_api import Request, expect

from browsers import Visit, browsing, visiting
from corpora import Corpora, Corpus
from lookalike import describe
from lookalike.gallery import Gallery, QueryVectors
from samples import drawn, photograph, reduced, save
from served import Served, serving

pytestmark = pytest.mark.browser

NETWORKS = ("copy", "content")
DESCRIBE = """async ([name, type, data]) => {
  const { networks } = await (await fetch("/v1/networks")).json();
  const network = networks.find((one) => one.name === name);
  const { describe } = await import("/web/describe.js");
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  return describe(new Blob([bytes], { type }), { ...network, url: `/v1/networks/${network.sha256}` });
}"""


@pytest.fixture(scope="module", autouse=True)
def runtime() -> None:
    """The runtime in the browser; none is a skip for a person and a failure in CI."""
    if find_spec("lookalike_web") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("lookalike-web is not installed, and CI must not skip: pip install ./web")
        pytest.skip("lookalike-web is not installed: pip install ./web to see these tests run")


def photographs(folder: Path) -> None:
    for name in ("astronaut", "coffee", "chelsea"):
        save(folder / f"{name}.jpg", reduced(name), quality=90)
    for number in range(5):
        save(folder / f"drawn-{number}.jpg", drawn(number))


@pytest.fixture(scope="module")
def corpus(corpora: Corpora, tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return corpora.copied(tmp_path_factory.mktemp("private"), photographs, descriptors=(*NETWORKS, "colour"))


@pytest.fixture(scope="module")
def server(corpus: Corpus) -> Iterator[Served]:
    with serving(corpus.gallery) as served:
        yield served


@pytest.fixture(scope="module")
def visit(server: Served) -> Iterator[Visit]:
    """One page of a browser, wide, in English."""
    with browsing() as running:
        context = running.new_context(locale="en-GB", viewport={"width": 1280, "height": 800})
        yield visiting(context, f"{server.url}/#/search")


def encoded(pixels: NDArray[np.uint8], kind: str, **options: Any) -> bytes:
    memory = io.BytesIO()
    Pillow.fromarray(pixels).save(memory, kind, **options)
    return memory.getvalue()


def turned(orientation: int) -> bytes:
    """A JPEG that its EXIF turns by a quarter."""
    exif = Pillow.Exif()
    exif[274] = orientation
    return encoded(photograph("coffee.png")[:397, :551], "JPEG", quality=92, exif=exif)


def transparent() -> bytes:
    """A PNG of which a disc is to be seen, with a soft edge."""
    pixels = photograph("astronaut.png")[:333, :401]
    y, x = np.mgrid[: pixels.shape[0], : pixels.shape[1]]
    alpha = np.clip(3 * (150 - np.hypot(x - 200, y - 160)), 0, 255).astype(np.uint8)
    return encoded(np.dstack([pixels, alpha]), "PNG")


IMAGES = {
    "odd sides": ("image/png", lambda: encoded(photograph("chelsea.png")[:299, :451], "PNG")),
    "a jpeg at a quarter of its scale": (
        "image/jpeg",
        lambda: encoded(photograph("coffee.png")[:390, :550].repeat(2, 0).repeat(2, 1), "JPEG", quality=92),
    ),
    "turned by EXIF": ("image/jpeg", lambda: turned(6)),
    "mirrored by EXIF": ("image/jpeg", lambda: turned(7)),
    "transparent": ("image/png", transparent),
    "smaller than the network's input": ("image/png", lambda: encoded(reduced("coffee")[::3, ::3], "PNG")),
    "one side is smaller": ("image/png", lambda: encoded(photograph("astronaut.png")[:90], "PNG")),
    "grey": ("image/png", lambda: encoded(photograph("chelsea.png")[:, :, 1].copy(), "PNG")),
}


@pytest.mark.parametrize("case", IMAGES)
def test_the_browser_computes_the_vector_that_python_computes(visit: Visit, case: str):
    """Within a cosine of 1e-3, by either network: the pixels are prepared alike."""
    kind, make = IMAGES[case]
    data = make()
    for name in NETWORKS:
        found = visit.page.evaluate(DESCRIBE, [name, kind, base64.b64encode(data).decode()])
        here, there = np.array(found["vector"]), describe([data], name)[0]
        assert here @ there / np.linalg.norm(here) > 0.999, (name, float(here @ there / np.linalg.norm(here)))


def test_a_blank_image_has_a_vector_of_zeros(visit: Visit):
    data = base64.b64encode(encoded(np.full((200, 300, 3), 99, np.uint8), "PNG")).decode()
    assert not any(visit.page.evaluate(DESCRIBE, ["copy", "image/png", data])["vector"])


def test_what_is_no_image_is_refused_in_words(visit: Visit):
    data = base64.b64encode(b"no image at all").decode()
    said = visit.page.evaluate(f"(of) => ({DESCRIBE})(of).catch((error) => error.message)", ["copy", "image/png", data])
    assert said == "this browser cannot decode the image"


def test_a_private_search_sends_nothing_but_the_vector(visit: Visit, server: Served, corpus: Corpus, tmp_path: Path):
    """Every byte that leaves the browser is looked at; the answer is the one that the library gives to that vector."""
    page = visit.page
    page.goto(f"{server.url}/#/search")
    sent: list[Request] = []
    page.on("request", lambda request: sent.append(request))
    page.locator("[data-control=private]").check()
    query = save(tmp_path / "query.png", photograph("coffee.png")[20:380, 30:570])
    page.locator("[data-input=file]").first.set_input_files(query)
    expect(page.locator("#hits .name").first).to_have_text("coffee.jpg")
    expect(page.locator("[data-role=private-note]")).to_be_visible()
    bodies = [(one.url.removeprefix(server.url), one.post_data_buffer) for one in sent if one.method != "GET"]
    assert {path for path, _ in bodies} == {"/v1/search/vectors"}
    asked = json.loads(bodies[-1][1] or b"")
    assert set(asked) <= {"vectors", "k", "by", "where", "precision"}
    assert {name: len(vector) for name, vector in asked["vectors"].items()} == {"copy": 256}
    with Gallery.open(corpus.gallery) as opened:
        vector = describe([query], "copy")[0]
        hits = opened.search(QueryVectors({"copy": vector}), precision=0.5)
    assert [Path(hit.path).name for hit in hits] == page.locator("#hits .name").all_inner_texts()
    assert not visit.complaints


def test_what_would_send_the_image_is_not_offered(visit: Visit):
    """After the search before: no comparison with the query; other measures cannot be chosen; without the switch all is
    as it was, and the image is verified by geometry."""
    page = visit.page
    expect(page.locator("#hits [data-act=similar]").first).to_be_visible()
    expect(page.locator("#hits [data-act=compare]")).to_have_count(0)
    expect(page.locator("[data-control=by] option:not([disabled])")).to_have_count(len(NETWORKS))
    page.locator("[data-control=private]").uncheck()
    expect(page.locator("#hits [data-verified=true]").first).to_be_visible()
    expect(page.locator("#hits [data-act=compare]").first).to_be_visible()
    expect(page.locator("[data-role=private-note]")).to_be_hidden()


def test_a_server_without_the_runtime_gets_no_image(visit: Visit, server: Served, tmp_path: Path):
    """Who wanted a private search at an earlier visit is told that it cannot be had, and nothing is sent."""
    with visit.page.context.new_page() as page:
        page.route("**/v1/networks", lambda route: route.fulfill(json={"networks": [], "runtime": False}))
        sent: list[Request] = []
        page.on("request", lambda request: sent.append(request))
        page.goto(f"{server.url}/#/search")
        page.evaluate("localStorage.setItem('lookalike-private', '1')")
        page.reload()
        expect(page.locator("[data-control=private]")).to_be_checked()
        query = save(tmp_path / "query.png", reduced("coffee"))
        page.locator("[data-input=file]").first.set_input_files(query)
        expect(page.locator("#nothing")).to_contain_text("nothing was sent")
        page.evaluate("localStorage.removeItem('lookalike-private')")
    assert not [one.url for one in sent if one.method != "GET"]


def test_a_format_that_the_browser_cannot_decode_is_named(visit: Visit, server: Served, tmp_path: Path):
    """With what to do about it; the file is not sent instead, and the next one is searched by as ever."""
    with visit.page.context.new_page() as page:
        sent: list[Request] = []
        page.on("request", lambda request: sent.append(request))
        page.goto(f"{server.url}/#/search")
        page.locator("[data-control=private]").check()
        scan = tmp_path / "scan.tif"
        Pillow.fromarray(reduced("coffee")).save(scan)
        page.locator("[data-input=file]").first.set_input_files(scan)
        expect(page.locator("#nothing")).to_contain_text("cannot decode this TIF file")
        expect(page.locator("#nothing")).to_contain_text("nothing was sent")
        assert not [one.url for one in sent if one.method != "GET"]
        query = save(tmp_path / "query.png", photograph("coffee.png")[20:380, 30:570])
        page.locator("[data-input=file]").first.set_input_files(query)
        expect(page.locator("#hits .name").first).to_have_text("coffee.jpg")
        page.evaluate("localStorage.removeItem('lookalike-private')")


def test_only_the_worker_may_compile(server: Served):
    """The page's own policy has no exception; the policy of the worker's script has one."""
    answers = [server.get(path) for path in ("/", "/page/main.js", "/web/worker.js")]
    policies = [answer.headers["content-security-policy"] for answer in answers]
    assert ["wasm-unsafe-eval" in one for one in policies] == [False, False, True]
    assert all("unsafe-inline" not in one and "default-src 'none'" in one for one in policies)


def test_the_network_is_the_one_of_the_gallery(server: Served):
    """Its file, by its digest, to be kept for ever; no other file is to be had."""
    listed = server.get("/v1/networks").json()
    assert [one["name"] for one in listed["networks"]] == list(NETWORKS)
    assert listed["runtime"] is True
    answer = server.get(f"/v1/networks/{listed['networks'][0]['sha256']}")
    assert "immutable" in answer.headers["cache-control"]
    assert server.get(f"/v1/networks/{'0' * 64}").status_code == 404


def refused(server: Served, vectors: dict[str, object], **more: object) -> requests.Response:
    answer = server.post("/v1/search/vectors", json={"vectors": vectors, **more})
    assert answer.status_code == 422, answer.text
    return answer


def test_vectors_that_make_no_sense_are_refused(server: Served):
    """Of another length or descriptor, none for what is searched by; good ones are answered."""
    vector = [1.0, *[0.0] * 255]
    assert "256 finite numbers" in refused(server, {"copy": [1.0]}).json()["detail"]
    assert "this gallery holds" in refused(server, {"nothing": vector}).json()["detail"]
    assert "this gallery holds" in refused(server, {"": [1.0]}).json()["detail"]
    assert "needs its vector" in refused(server, {"copy": vector}, by="content").json()["detail"]
    refused(server, {})
    refused(server, {"copy": vector}, rerank=3)
    assert server.post("/v1/search/vectors", json={"vectors": {"copy": vector}, "k": 3}).status_code == 200
    blank = server.post("/v1/search/vectors", json={"vectors": {"copy": [0.0] * 256}}).json()
    assert (blank["hits"], blank["query"]["blank"]) == ([], True)
