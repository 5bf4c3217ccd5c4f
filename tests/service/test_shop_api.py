"""A shop's catalogue over the API of a real server: shelf, items, batches, judged items, and what may be kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lookalike.gallery import Gallery
from served import Served, serving
from shops import draw_shop


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_shop(tmp_path_factory.mktemp("shop"))


@pytest.fixture(scope="module")
def server(shop: Path) -> Iterator[Served]:
    with serving(shop / "g.gallery") as served:
        yield served


def ids(answer: dict) -> list[str]:
    return [one["id"] for one in answer["items"]]


def test_the_shelf_comes_in_parts_with_facets_of_the_whole(server: Served) -> None:
    """A cursor goes on where the part ended; a filter and words narrow both."""
    first = server.get("/v1/items", params={"limit": 4}).json()
    second = server.get("/v1/items", params={"limit": 4, "cursor": first["next"]}).json()
    assert (first["total"], second["next"]) == (7, None)
    assert len({*ids(first), *ids(second)}) == 7
    assert {one["column"]: one["counts"] for one in second["facets"]}["size"] == {"M": 4, "S": 2}
    cheap = server.get("/v1/items", params={"where": "item.price < 50 and item.size = 'M'", "text": "shirt"}).json()
    assert set(ids(cheap)) == {"red-m", "blue"}
    assert {one["column"]: (one["least"], one["greatest"]) for one in cheap["facets"]}["price"] == (10, 12)
    chosen = server.get("/v1/items", params={"ids": ["blue", "nothing", "red-s"]}).json()
    assert ids(chosen) == ["blue", "red-s"]
    assert server.get("/v1/gallery").json()["items"] == 7


def test_one_item_has_its_images_and_columns_and_one_that_is_not_there_is_404(server: Served) -> None:
    """By what the catalogue calls it, slashes and all."""
    one = server.get("/v1/items/red/s").json()
    assert (one["title"], one["values"]["price"]) == ("Odd one", 3)
    assert server.get(f"/v1/images/{one['images'][0]}").json()["name"] == "green.png"
    for path in ("nothing", "nothing/recommendations"):
        assert server.get(f"/v1/items/{path}").status_code == 404


def test_recommendations_add_up_and_judged_items_move_them(server: Served) -> None:
    """Filters, variants and feedback are those of the library."""
    found = server.get("/v1/items/red-m/recommendations", params={"k": 3, "by": "colour", "diversity": 0}).json()[
        "items"
    ]
    assert (found[0]["id"], len(found)) == ("crimson", 3)
    assert found[0]["score"] == pytest.approx(sum(found[0]["parts"].values()))
    query = {"by": "colour", "diversity": 0, "bad": "crimson", "where": "item.price > 0"}
    without = server.get("/v1/items/red-m/recommendations", params=query).json()
    assert "crimson" not in ids(without)
    assert server.get("/v1/items/red-m/recommendations", params={"where": "item.nothing = 1"}).status_code == 422


def test_many_are_asked_at_once_and_one_that_cannot_be_answered_says_why(server: Served) -> None:
    """By id of an item or of an image; a body that is none is refused."""
    image = server.get("/v1/items/blue").json()["images"][0]
    asked = [
        {"item": "red-m", "k": 1, "by": "colour"},
        {"item": "nothing"},
        {"image": image, "by": "colour", "k": 1},
        {},
    ]
    answers = server.post("/v1/recommend", json={"requests": asked}).json()["answers"]
    assert [[one["id"] for one in answer["items"]] for answer in answers] == [["crimson"], [], ["blue"], []]
    assert [bool(answer["error"]) for answer in answers] == [False, True, False, True]
    assert "no item 'nothing'" in answers[1]["error"]
    assert server.post("/v1/recommend", json={"requests": []}).status_code == 422


def test_a_photograph_is_sent_and_answered(server: Served, shop: Path) -> None:
    """It is kept nowhere."""
    files = {"image": (shop / "query.png").read_bytes()}
    answer = server.post("/v1/recommend/image", data={"by": "colour", "k": 2, "diversity": 0}, files=files).json()
    assert {one[:3] for one in ids(answer)} == {"red", "cri"}
    assert server.post("/v1/recommend/image", data={"k": 2}).status_code == 422


def test_an_answer_is_kept_until_something_is_written(server: Served, shop: Path) -> None:
    """304 to who has it, and another tag after a new price."""
    for path in ("/v1/items", "/v1/items/blue", "/v1/items/blue/recommendations"):
        first = server.get(path)
        assert first.headers["cache-control"] == "private, no-cache"
        again = server.get(path, headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert server.get(f"{path}?limit=3", headers={"If-None-Match": first.headers["etag"]}).status_code == 200
    (shop / "prices.csv").write_text("id,price\nblue,13\n")
    with Gallery.open(shop / "g.gallery") as gallery:
        gallery.add_catalogue(shop / "prices.csv")
    later = server.get("/v1/items/blue", headers={"If-None-Match": first.headers["etag"]})
    assert (later.status_code, later.json()["values"]["price"]) == (200, 13)


def test_a_backend_sends_prices_in_one_request_and_may_send_them_again(server: Served) -> None:
    """What cannot be done is told of its item; the same once more writes nothing, so that a kept answer stays true."""
    body = {"items": [{"id": "blue", "values": {"price": 14.5, "stock": 2}}, {"id": "nothing", "values": {"price": 1}}]}
    first = server.ask("PATCH", "/v1/items", json=body)
    assert (first.status_code, first.json()["updated"], list(first.json()["failed"])) == (200, 1, ["nothing"])
    kept = server.get("/v1/items/blue")
    assert kept.json()["values"] == {"price": 14.5, "size": "M", "stock": 2}
    assert server.ask("PATCH", "/v1/items", json=body).json()["unchanged"] == 1
    assert server.get("/v1/items/blue", headers={"If-None-Match": kept.headers["etag"]}).status_code == 304
    shelf = server.get("/v1/items", params={"where": "item.stock > 1"}).json()
    assert ids(shelf) == ["blue"]


@pytest.mark.parametrize(
    "body",
    [
        {"items": []},
        {"items": [{"id": "blue", "price": 3}]},
        {"items": [{"id": "blue", "values": {"title": "x"}}]},
        {"items": [{"id": "blue"}, {"id": "blue"}]},
        {"items": [{"id": "blue", "values": {"price": [1]}}]},
        {"items": [{"id": "blue"}] * 1001},
    ],
)
def test_a_body_that_says_no_prices_is_refused_and_nothing_is_written(server: Served, body: dict) -> None:
    """422 with the reason."""
    before = server.get("/v1/items/blue").json()
    assert server.ask("PATCH", "/v1/items", json=body).status_code == 422
    assert server.get("/v1/items/blue").json() == before


def test_an_item_is_put_and_deleted(server: Served) -> None:
    """201 where there was none; 404 for one that is gone."""
    image = server.get("/v1/items/green").json()["images"][0]
    new = {"title": "Felt hat", "images": [image], "values": {"price": 5, "size": "S"}}
    answers = [server.ask("PUT", "/v1/items/felt", json=new) for _ in range(2)]
    assert [(one.status_code, one.json()["images"]) for one in answers] == [(201, [image]), (200, [image])]
    assert server.ask("PUT", "/v1/items/felt", json={"images": [10**6]}).status_code == 404
    assert server.ask("PUT", "/v1/items/felt", json={"values": {"price": "5 EUR"}}).status_code == 422
    assert [server.delete("/v1/items/felt").status_code for _ in range(2)] == [204, 404]


def test_a_read_only_server_changes_no_item(shop: Path) -> None:
    """403, whatever is sent."""
    with serving(shop / "g.gallery", "--read-only") as served:
        change = {"items": [{"id": "blue", "values": {"price": 1}}]}
        assert served.ask("PATCH", "/v1/items", json=change).status_code == 403
        assert served.ask("PUT", "/v1/items/blue", json={}).status_code == 403
        assert served.delete("/v1/items/blue").status_code == 403
