"""Who may ask, how much and how often: a real server, asked by those whom it must refuse."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from lookalike.errors import UserError
from lookalike.gallery import Gallery
from lookalike.service.guard import Rates
from lookalike.service.settings import Settings
from samples import folder_of
from served import Served, serving
from terminal import process

TOKEN = "a token; with = odd characters"


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = folder_of(tmp_path_factory.mktemp("guard") / "photos", 3)
    with Gallery.create(folder.parent / "g.gallery", descriptors=("structure", "colour")) as opened:
        opened.add(folder)
    return folder.parent / "g.gallery"


@pytest.fixture(scope="module")
def server(gallery: Path) -> Iterator[Served]:
    with serving(gallery, "--upload-bytes", 20_000, "--upload-pixels", 100_000) as served:
        yield served


@pytest.fixture(scope="module")
def locked(gallery: Path) -> Iterator[Served]:
    with serving(gallery, "--host", "0.0.0.0", "--token", TOKEN) as served:
        served.url = served.url.replace("0.0.0.0", "127.0.0.1")
        yield served


def test_others_are_not_let_in_without_a_token(gallery: Path):
    """An address that others can reach, without a token: it does not start, and says what to do."""
    ran = process("serve", "--gallery", gallery, "--host", "0.0.0.0", "--port", 0)
    assert ran.code == 2
    assert "--token" in ran.err
    with pytest.raises(UserError):
        Settings("g", host="192.168.1.5")
    assert Settings("g", host="::1").token == ""


def test_a_gallery_that_is_not_there_is_an_error(tmp_path: Path):
    """Before anything listens."""
    ran = process("serve", "--gallery", tmp_path / "none", "--port", 0)
    assert (ran.code, "no gallery there" in ran.err) == (2, True)


def test_a_port_that_is_taken_is_an_error(gallery: Path):
    """It says so, and names the switch."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ran = process("serve", "--gallery", gallery, "--port", taken.getsockname()[1])
    assert (ran.code, "--port" in ran.err) == (2, True)


@pytest.mark.parametrize(
    "path", ["/", "/v1/gallery", "/v1/images/1/file", "/metrics", "/openapi.json", "/docs", "/page/main.js"]
)
def test_without_the_token_nothing_is_answered(locked: Served, path: str):
    """401 for none and for a wrong one; what watches over the server is let in."""
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Cookie": "lookalike-token=wrong"}):
        answer = locked.get(path, headers=headers)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert locked.get("/healthz").status_code == 200


def test_the_token_lets_programs_in(locked: Served):
    """As a bearer."""
    assert locked.get("/v1/gallery", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200


def test_the_token_lets_a_person_in_once_and_for_all(locked: Served):
    """Opened with it, the page keeps it in a cookie that scripts and other sites do not see, and not in its address."""
    session = requests.Session()
    entered = session.get(locked.url + "/", params={"token": TOKEN}, allow_redirects=False)
    assert (entered.status_code, entered.headers["location"]) == (303, "/")
    cookie = entered.headers["set-cookie"]
    assert all(word in cookie for word in ("HttpOnly", "SameSite=Strict"))
    assert session.get(locked.url + "/v1/gallery").status_code == 200
    assert requests.get(locked.url + "/", params={"token": "wrong"}, timeout=9).status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example:8000"},
        {"Host": "127.0.0.1.evil.example"},
        {"Host": "evil@127.0.0.1/"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
    ],
)
def test_pages_of_other_sites_are_refused(server: Served, headers: dict[str, str]):
    """By a name that is not ours (DNS rebinding), or from a page that is not ours: 403, whatever is asked."""
    for answer in (server.get("/v1/images", headers=headers), server.delete("/v1/images/1", headers=headers)):
        assert answer.status_code == 403
    assert server.get("/v1/images").json()["total"] == 3


def test_our_own_page_may_ask(server: Served):
    """An Origin that is the Host's, by either name of this machine; a link from elsewhere may be followed."""
    port = urlsplit(server.url).port
    for host in (f"127.0.0.1:{port}", f"localhost:{port}"):
        assert server.get("/v1/images", headers={"Host": host, "Origin": f"http://{host}"}).status_code == 200
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert server.get("/", headers=link).status_code != 403


def test_a_further_name_has_to_be_allowed(gallery: Path):
    """--allow-host lets a proxy's name in."""
    with serving(gallery, "--allow-host", "photos.example", ready=False) as served:
        assert served.get("/healthz", headers={"Host": "photos.example"}).status_code == 200
        assert served.get("/healthz", headers={"Host": "other.example"}).status_code == 403


PAGE = "http://localhost:3000"


@pytest.fixture(scope="module")
def shared(gallery: Path) -> Iterator[Served]:
    with serving(
        gallery, "--allow-origin", PAGE, "--allow-origin", "https://photos.example", "--token", TOKEN
    ) as served:
        yield served


def test_a_page_that_is_allowed_may_call_the_api(shared: Served):
    """Its preflight is answered without a token, with what it may send; its requests need the token, and are answered
    to it alone, errors as well; no cookie goes with them."""
    ask = {"Origin": PAGE, "Access-Control-Request-Method": "DELETE", "Access-Control-Request-Headers": "authorization"}
    preflight = shared.ask("OPTIONS", "/v1/verdicts", headers=ask)
    assert (preflight.status_code, preflight.content) == (204, b"")
    assert preflight.headers["access-control-allow-origin"] == PAGE
    assert "DELETE" in preflight.headers["access-control-allow-methods"]
    assert "authorization" in preflight.headers["access-control-allow-headers"].lower()
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    cross = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}
    for origin in (PAGE, "https://photos.example"):
        answer = shared.get("/v1/images", headers={"Origin": origin, **cross, **bearer})
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, origin)
        assert "Origin" in answer.headers["vary"]
        assert "access-control-allow-credentials" not in answer.headers
    refused = shared.get("/v1/images", headers={"Origin": PAGE, **cross})
    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, PAGE)
    missing = shared.get("/v1/images/99", headers={"Origin": PAGE, **cross, **bearer})
    assert (missing.status_code, missing.headers["access-control-allow-origin"]) == (404, PAGE)
    assert "Origin" in shared.get("/v1/images", headers=bearer).headers["vary"]


@pytest.mark.parametrize(
    "origin", ["http://localhost:3001", "https://localhost:3000", "null", "", f"{PAGE}/", "http://evil.example"]
)
def test_no_other_page_may(shared: Served, origin: str):
    """Another port, scheme or host is refused as before, preflight included, and is told of no permission."""
    ask = {"Origin": origin, "Access-Control-Request-Method": "GET"}
    bearer = {"Origin": origin, "Authorization": f"Bearer {TOKEN}", "Sec-Fetch-Site": "cross-site"}
    for answer in (shared.ask("OPTIONS", "/v1/images", headers=ask), shared.get("/v1/images", headers=bearer)):
        assert answer.status_code in (401, 403)
        assert "access-control-allow-origin" not in answer.headers
    rebound = {"Host": "evil.example", "Origin": PAGE, "Authorization": f"Bearer {TOKEN}"}
    assert shared.get("/v1/images", headers=rebound).status_code == 403


@pytest.mark.parametrize(
    "origin", ["*", "null", "localhost:3000", "ftp://a.example", "http://a.example/page", "http://"]
)
def test_an_origin_is_scheme_host_and_port(origin: str):
    """Anything else is no origin that a browser would send: an error, and not a hole."""
    with pytest.raises(UserError, match="--allow-origin"):
        Settings("g", origins=(origin,))


def test_the_address_that_is_printed_can_be_opened(locked: Served):
    """Listening everywhere, it names this machine, and never 0.0.0.0."""
    said = locked.log.read_text()
    assert "0.0.0.0" not in said
    assert "http://127.0.0.1:" in said
    assert f"http://{socket.gethostname()}:" in said


def test_every_answer_wears_its_headers(server: Served):
    """A strict policy, no sniffing, nothing of the address for others; on errors as well."""
    for path in ("/healthz", "/v1/images/77", "/nowhere"):
        headers = server.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert (headers["x-content-type-options"], headers["referrer-policy"]) == ("nosniff", "no-referrer")
        assert "access-control-allow-origin" not in headers


def test_too_many_bytes_are_refused(server: Served):
    """By the length that is announced, by what really comes, and by the one image: 413 each time."""
    begin = b'--b\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n'
    endless = {
        "data": iter([begin, *[b"x" * 50_000] * 4]),
        "headers": {"Content-Type": "multipart/form-data; boundary=b"},
    }
    answers = [
        server.post("/v1/search", data=b"x" * 200_000),
        server.post("/v1/search", **endless),
        server.post("/v1/search", files={"image": b"x" * 20_001}),
    ]
    assert [answer.status_code for answer in answers] == [413, 413, 413]


def test_too_many_pixels_are_refused(server: Served, tmp_path: Path):
    """A small file of many pixels: 413, before they are decoded."""
    from PIL import Image as Pillow

    Pillow.new("L", (2000, 2000)).save(tmp_path / "bomb.png")
    answer = server.post("/v1/search", files={"image": (tmp_path / "bomb.png").read_bytes()})
    assert answer.status_code == 413
    assert "million" in answer.json()["detail"]


def test_a_client_that_asks_too_often_has_to_wait(gallery: Path):
    """429 with Retry-After once the burst is used up."""
    with serving(gallery, "--burst", 20, "--rate", 0.5) as served:
        answers = [served.get("/v1/images") for _ in range(30)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in refused)
    assert refused[0].json()["type"] == "urn:lookalike:busy"


def test_a_bucket_fills_up_again():
    """Five at once, then two a second; each client has its own."""
    rates = Rates(rate=2, burst=5)
    assert [rates.wait("a", 0.0) for _ in range(6)] == [0, 0, 0, 0, 0, 1]
    assert [rates.wait("b", 0.0), rates.wait("a", 0.6), rates.wait("a", 0.6)] == [0, 0, 1]
    assert [rates.wait("a", 100.0) for _ in range(6)] == [0, 0, 0, 0, 0, 1]


def test_a_path_leads_nowhere_but_to_the_page(server: Served):
    """No file of the machine is served by a path."""
    for path in (
        "/page/../errors.py",
        "/page/%2e%2e/errors.py",
        "/page//etc/passwd",
        "/etc/passwd",
        "/page/..%2ferrors.py",
    ):
        with requests.Session() as session:
            request = session.prepare_request(requests.Request("GET", server.url))
            request.url = server.url + path
            answer = session.send(request, timeout=9)
        assert answer.status_code in (403, 404), path
        assert b"class" not in answer.content
