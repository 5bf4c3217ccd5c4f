"""The API over a real server: the answers of the library, with its field names, and nothing lost between."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import requests
from PIL import Image as Pillow

import lookalike as la
from corpora import Corpora, Corpus
from lookalike.descriptors import get
from lookalike.gallery import Gallery
from lookalike.imaging.manipulations import apply
from lookalike.types import Box, to_json
from samples import PHOTOGRAPHS, photograph, save
from served import Served, serving

SAME = ("astronaut", "chelsea")  # that lie in the library twice


def library(folder: Path) -> None:
    """Seven photographs, edited copies of two, and a file that is no image."""
    for name in PHOTOGRAPHS:
        save(folder / f"{Path(name).stem}.jpg", photograph(name), quality=90)
    for name in SAME:
        save(folder / f"{name}-small.jpg", apply("resize-50", photograph(f"{name}.png")), quality=80)
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 and no more")


@pytest.fixture(scope="module")
def corpus(corpora: Corpora, tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return corpora.copied(tmp_path_factory.mktemp("service"), library)


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
def query(photos: Path) -> Path:
    """A part of a photograph that is not in the library itself."""
    return save(photos.parent / "q.png", photograph("chelsea.png")[40:240, 60:360])


@pytest.fixture
def own(corpora: Corpora, tmp_path: Path) -> Iterator[tuple[Served, Path]]:
    """A server over images that a test may change, and their folder; uploads go to "up", the trash is in "data"."""
    corpus = corpora.copied(tmp_path, library, descriptors=("copy", "colour", "texture", "structure"))
    env = {"XDG_DATA_HOME": str(tmp_path / "data")}
    with serving(corpus.gallery, "--uploads", tmp_path / "up", env=env) as served:
        yield served, corpus.photos


def by_name(server: Served) -> dict[str, int]:
    """File name -> id."""
    return {one["name"]: one["id"] for one in server.get("/v1/images").json()["images"]}


def problem(answer: requests.Response, status: int) -> str:
    """What an error says, which must be problem+json with this status."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    found = answer.json()
    assert set(found) >= {"type", "title", "status", "detail"}
    assert found["status"] == status
    return str(found["detail"])


# --- search


def test_a_search_says_what_the_library_says(server: Served, gallery: Path, query: Path):
    """The hits of POST /v1/search are those of Gallery.search: images, relations, boxes, order."""
    with Gallery.open(gallery) as opened:
        expected = opened.search(query, 4)
    found = server.search(query, k=4)
    assert [hit.path for hit in expected] == [hit["path"] for hit in found["hits"]]
    assert [hit.relation for hit in expected] == [hit["relation"] for hit in found["hits"]]
    for hit, one in zip(expected, found["hits"], strict=True):
        assert to_json(hit.box) == pytest.approx(one["box"], abs=0.5)
        assert hit.probability == pytest.approx(one["probability"], abs=1e-6)
    assert found["query"] == {"id": None, "width": 300, "height": 200, "blank": False}
    assert (found["hits"][0]["relation"], found["hits"][0]["box_in"], found["verified"]) == ("crop", "image", True)


def test_an_image_of_the_gallery_is_asked_by_its_id(server: Served, gallery: Path):
    """A search by id gives what a search by that very file gives."""
    number = by_name(server)["coffee.jpg"]
    with Gallery.open(gallery) as opened:
        expected = opened.search(opened.row(number).path, 5, rerank=0)
    found = server.search(id=number, k=5, rerank=0)
    assert [hit.path for hit in expected] == [hit["path"] for hit in found["hits"]]
    assert ("identical", number) == (found["hits"][0]["relation"], found["query"]["id"])


def test_only_a_region_of_the_query_is_looked_for(server: Served, tmp_path: Path):
    """With a cat beside a rocket, the region decides which of the two is found first."""
    cat, rocket = photograph("chelsea.png")[:300, :400], photograph("rocket.jpg")[:300, :400]
    both = save(tmp_path / "both.png", np.hstack([cat, rocket]))
    first = [server.search(both, region=region, k=1, rerank=0) for region in ("0,0,400,300", "400,0,400,300")]
    assert [[hit["name"][:-4].split("-")[0] for hit in one["hits"]] for one in first] == [["chelsea"], ["rocket"]]


def test_filters_and_measures_are_passed_on(server: Served):
    """``where``, ``by`` and ``k`` mean what they mean in the library."""
    found = server.search(id=1, by="colour=2,structure=1", where="width > 600", k=2, rerank=0)
    assert (found["by"], len(found["hits"])) == ("colour=2,structure=1", 2)
    assert all(hit["width"] > 600 for hit in found["hits"])


def test_words_find_what_an_image_shows(server: Served, gallery: Path):
    """The answer of ``Gallery.search_text`` with the images' fields; a text is needed."""
    answer = server.post("/v1/search/text", data={"text": "beautiful cat", "k": 3, "least": 0.5}).json()
    with Gallery.open(gallery) as opened:
        expected = opened.search_text("beautiful cat", 3)
    assert (answer["unknown"], answer["understood"]) == (["beautiful"], ["cat"])
    assert [(hit["path"], hit["probability"]) for hit in answer["hits"]] == [
        (hit.path, hit.probability) for hit in expected.hits
    ]
    assert {hit["name"][:7] for hit in answer["hits"]} == {"chelsea"}
    assert "text" in problem(server.post("/v1/search/text", data={"k": 3}), 422)


def test_words_leave_out_and_go_with_an_example(server: Served, gallery: Path):
    """What ``without`` and ``like`` mean in the library: an image by its id, or a file."""
    cat = by_name(server)["chelsea.jpg"]
    left = server.post("/v1/search/text", data={"without": "cat", "k": 50}).json()["hits"]
    assert left
    assert not any(hit["name"].startswith("chelsea") for hit in left)
    with Gallery.open(gallery) as opened:
        row = next(row for row in opened.rows() if row.id == cat)
        expected = opened.search_text("cat", 3, like=row)
        data = Path(row.path).read_bytes()
    held = server.post("/v1/search/text", data={"text": "cat", "id": cat, "k": 3}).json()
    sent = server.post("/v1/search/text", data={"text": "cat", "k": 3}, files={"image": data}).json()
    assert [(hit["path"], hit["probability"]) for hit in held["hits"]] == [
        (hit.path, hit.probability) for hit in expected.hits
    ]
    assert [hit["path"] for hit in sent["hits"]] == [hit["path"] for hit in held["hits"]]


def test_which_part_shows_a_word(server: Served, gallery: Path):
    """As ``Gallery.evidence_in``; a text is needed, and an image."""
    cat = by_name(server)["chelsea.jpg"]
    answer = server.get(f"/v1/images/{cat}/words", params={"text": "orange cat"}).json()["evidence"]
    with Gallery.open(gallery) as opened:
        expected = opened.evidence_in(opened.row(cat), "orange cat")
    assert [one["word"] for one in answer] == ["orange", "cat"]
    assert answer == to_json(expected)
    problem(server.get(f"/v1/images/{cat}/words"), 422)
    problem(server.get("/v1/images/999/words", params={"text": "cat"}), 404)


def test_feedback_moves_what_is_liked_and_tells_why(server: Served, gallery: Path):
    """With a good and a bad example, distance is the sum of its feedback_contributions, and follows Rocchio's
    formula."""
    asked = by_name(server)["coffee.jpg"]
    order = [hit["id"] for hit in server.search(id=asked, by="content", k=9, rerank=0)["hits"]]
    bad, good = order[1], order[-1]
    found = server.search(id=asked, good=str(good), bad=str(bad), by="content", k=9)
    median_negative_distance = get("content").card.median_negative_distance
    with Gallery.open(gallery) as opened:
        paths = [opened.row(number).path for number in (asked, good, bad)]
    assert (found["hits"][0]["relation"], found["hits"][0]["feedback_contributions"]) == ("identical", {})
    for hit in found["hits"][1:]:
        assert sum(hit["feedback_contributions"].values()) == pytest.approx(hit["distance"], abs=1e-5)
        vectors = la.describe([*paths, hit["path"]], "content")
        q, g, b = (1 - float(vectors[n] @ vectors[3]) for n in range(3))
        expected = {
            "query": q,
            str(good): 0.75 * (g - median_negative_distance),
            str(bad): -0.25 * (b - median_negative_distance),
        }
        assert expected == pytest.approx(hit["feedback_contributions"], abs=4e-3)
    moved = [hit["id"] for hit in found["hits"]]
    assert moved.index(good) < order.index(good)
    assert moved.index(bad) > order.index(bad)


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"id": 1, "where": "width >"}, "where"),
        ({"id": 1, "by": "nothing"}, "nothing"),
        ({"id": 1, "region": "1,2,3"}, "region"),
        ({"id": 1, "region": "90000,0,5,5"}, "holds no pixel"),
        ({"id": 1, "k": 0}, "k"),
        ({"id": 1, "good": "x"}, "good"),
        ({"id": 1, "precision": 2}, "precision"),
        ({}, "image"),
    ],
)
def test_a_wrong_request_says_which_field(server: Served, form: dict[str, object], words: str):
    """422, and what is wrong with which field."""
    assert words in problem(server.post("/v1/search", data=form), 422)


def test_an_unknown_image_is_not_there(server: Served):
    """404 as problem+json, for each way to ask for an image that is not held."""
    for answer in (
        server.post("/v1/search", data={"id": 999}),
        server.get("/v1/images/999"),
        server.get("/v1/images/999/thumbnail"),
        server.get("/v1/images/999/file"),
    ):
        assert "999" in problem(answer, 404)


def test_a_blank_query_says_that_it_is_blank(server: Served, tmp_path: Path):
    """Nothing is found for a blank image, and the answer says why."""
    found = server.search(save(tmp_path / "b.png", np.full((200, 200, 3), 255, np.uint8)))
    assert (found["query"]["blank"], found["hits"]) == (True, [])


# --- comparison


def test_a_comparison_says_what_the_library_says(server: Served, photos: Path, query: Path):
    """POST /v1/compare of a file and an image of the gallery is lookalike.comparison."""
    whole = photos / "chelsea.jpg"
    expected = la.compare(query, whole)
    answer = server.post("/v1/compare", data={"b_id": by_name(server)["chelsea.jpg"]}, files={"a": query.read_bytes()})
    found = answer.json()
    assert (expected.relation, expected.box_in) == (found["relation"], found["box_in"])
    assert to_json(expected.box) == pytest.approx(found["box"], abs=1)
    assert np.allclose(expected.transform, found["transform"], atol=1e-2)
    assert {"changed", "contributions", "points"} & set(found) == set()


def test_reasons_come_with_explain(server: Served, query: Path):
    """``explain`` brings the reasons, whose shares add up to the odds, and matched points within both images."""
    names = by_name(server)
    answer = server.post(
        "/v1/compare", data={"a_id": names["coffee.jpg"], "b_id": names["rocket.jpg"], "explain": True}
    )
    found = answer.json()
    assert found["odds"] == pytest.approx(
        sum(found["contributions"].values()) + found["baseline"] + found["prior"], abs=1e-3
    )
    answer = server.post(
        "/v1/compare", data={"b_id": names["chelsea.jpg"], "explain": True}, files={"a": query.read_bytes()}
    )
    found = answer.json()
    assert len(found["points"]) > 20
    assert all(0 <= x <= found["a"]["width"] and 0 <= y <= found["a"]["height"] for (x, y), _ in found["points"])


def test_the_reasons_are_drawn(server: Served):
    """A PNG that can be opened, wider than high."""
    names = by_name(server)
    form = {"a_id": names["astronaut.jpg"], "b_id": names["astronaut-small.jpg"]}
    answer = server.post("/v1/compare/image", data=form)
    assert (answer.headers["content-type"], Pillow.open(io.BytesIO(answer.content)).format) == ("image/png", "PNG")


# --- the library


def test_cursors_go_over_everything_once(server: Served):
    """Pages of four give every image once, in the order of GET /v1/ids."""
    seen, cursor = [], None
    while True:
        page = server.get("/v1/images", params={"limit": 4, "cursor": cursor} if cursor else {"limit": 4}).json()
        seen += [one["id"] for one in page["images"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert server.get("/v1/ids").json()["ids"] == seen
    assert page["total"] == len(seen) == 9
    assert "cursor" in problem(server.get("/v1/images", params={"cursor": "zzz"}), 422)


def test_images_come_in_the_order_of_their_ids(server: Served):
    """``ids`` gives these, in this order; one that is not held is left out."""
    found = server.get("/v1/images", params={"ids": "3,1,77,2"}).json()
    assert [one["id"] for one in found["images"]] == [3, 1, 2]


def test_the_gallery_tells_what_it_holds(server: Served, photos: Path):
    """Counts, folders, what to search by, and the files that could not be read with their reasons."""
    found = server.get("/v1/gallery").json()
    assert (9, 1, "copy", [str(photos)]) == (found["images"], found["failures"], found["default_by"], found["folders"])
    assert {("copy", "whole"), ("blend", "blend")} <= {(one["name"], one["kind"]) for one in found["by"]}
    failed = server.get("/v1/failures").json()
    assert [str(photos / "broken.jpg")] == [one["path"] for one in failed["failures"]]


@pytest.mark.parametrize("side", [160, 320, 640, 1600])
def test_thumbnails_are_small_and_kept_for_ever(server: Served, side: int):
    """WebP, the longer side as asked for or that of the image, the same on the second call."""
    number = by_name(server)["motorcycle_left.jpg"]
    first, second = (server.get(f"/v1/images/{number}/thumbnail", params={"side": side}) for _ in range(2))
    image = Pillow.open(io.BytesIO(first.content))
    longest = max(photograph("motorcycle_left.png").shape)
    assert ("WEBP", min(side, longest)) == (image.format, max(image.size))
    assert first.content == second.content
    assert "immutable" in first.headers["cache-control"]


def test_a_side_that_is_not_offered_is_refused(server: Served):
    """Any size could be asked for otherwise, and kept."""
    assert "side" in problem(server.get("/v1/images/1/thumbnail", params={"side": 333}), 422)


def test_the_file_is_served_as_it_is(server: Served, photos: Path):
    """The very bytes, shown rather than saved, and never taken for anything but an image."""
    answer = server.get(f"/v1/images/{by_name(server)['coffee.jpg']}/file")
    assert (photos / "coffee.jpg").read_bytes() == answer.content
    assert (answer.headers["content-type"], answer.headers["x-content-type-options"]) == ("image/jpeg", "nosniff")


def test_the_map_places_every_image(server: Served):
    """A place within the square for each, copies nearer to each other than to anything else."""
    found = server.get("/v1/projection").json()
    places = dict(zip(found["ids"], np.stack([found["x"], found["y"]], axis=1), strict=True))
    assert server.get("/v1/ids").json()["ids"] == found["ids"]
    assert max(np.abs(place).max() for place in places.values()) == pytest.approx(1)
    names = by_name(server)
    copy = places[names["astronaut-small.jpg"]]
    nearest = min(
        (one for one in places if one != names["astronaut-small.jpg"]), key=lambda n: np.hypot(*(places[n] - copy))
    )
    assert names["astronaut.jpg"] == nearest


def test_a_file_that_changed_or_is_gone_is_not_passed_off(own: tuple[Served, Path]):
    """409 for another content, 410 for none; neither as file nor as thumbnail."""
    server, folder = own
    names = by_name(server)
    save(folder / "coffee.jpg", photograph("rocket.jpg"))
    (folder / "ihc.jpg").unlink()
    assert "changed" in problem(server.get(f"/v1/images/{names['coffee.jpg']}/file"), 409)
    assert "changed" in problem(server.get(f"/v1/images/{names['coffee.jpg']}/thumbnail"), 409)
    assert "gone" in problem(server.get(f"/v1/images/{names['ihc.jpg']}/file"), 410)
    assert "no such file" in problem(server.get(f"/v1/images/{names['ihc.jpg']}/thumbnail"), 404)


# --- what changes something


def test_an_upload_is_kept_once_and_can_be_forgotten(own: tuple[Served, Path], tmp_path: Path):
    """201 and found from then on; the same again is the same image; trash takes the file along."""
    server, _ = own
    data = save(tmp_path / "new.png", photograph("coffee.png")[50:300, 100:400]).read_bytes()
    kept = [server.post("/v1/images", files={"image": data}) for _ in range(2)]
    assert [one.status_code for one in kept] == [201, 201]
    number = kept[0].json()["id"]
    assert number == kept[1].json()["id"]
    assert [number] == [hit["id"] for hit in server.search(tmp_path / "new.png", k=1)["hits"]]
    (file,) = (tmp_path / "up").iterdir()
    assert data == file.read_bytes()
    assert server.delete(f"/v1/images/{number}", params={"trash": "true"}).status_code == 204
    assert list((tmp_path / "up").iterdir()) == []
    assert [data] == [one.read_bytes() for one in (tmp_path / "data" / "Trash" / "files").iterdir()]
    problem(server.get(f"/v1/images/{number}"), 404)


def test_what_is_no_image_is_not_kept(own: tuple[Served, Path], tmp_path: Path):
    """422, and no file."""
    server, _ = own
    assert "image" in problem(server.post("/v1/images", files={"image": b"hello, I am text"}), 422)
    assert not (tmp_path / "up").exists()


def test_duplicates_are_found_judged_and_cleared(own: tuple[Served, Path], tmp_path: Path):
    """The library's groups; a pair called different is gone until the word is taken back; copies go to the trash."""
    server, folder = own
    found = server.groups()
    with Gallery.open(tmp_path / "g.gallery") as opened:
        expected = {(group.keep, group.others) for group in opened.duplicates()}
    assert expected == {(one["keep"]["path"], tuple(o["path"] for o in one["others"])) for one in found["groups"]}
    assert (found["total"], found["pairs"], found["next"]) == (2, 2, None)
    assert {"path", "relation", "probability", "verified", "edits"} <= set(found["groups"][0]["others"][0])

    pairs = [(one["keep"]["id"], one["others"][0]["id"]) for one in found["groups"]]
    assert server.post("/v1/verdicts", json={"pairs": pairs[:1], "verdict": "different"}).json() == {"added": 1}
    assert [pairs[1][0]] == [one["keep"]["id"] for one in server.groups()["groups"]]
    assert server.delete("/v1/verdicts", json={"pairs": pairs[:1]}).json() == {"removed": 1}
    assert server.groups()["total"] == 2

    (folder / "chelsea-small.jpg").touch()  # touched, but the same: it may go
    removals = [{"copy": copy, "keep": keep} for keep, copy in pairs]
    job = server.ended(server.post("/v1/removals", json={"removals": removals}).json())
    assert (job["state"], len(job["result"]["done"]), job["result"]["failed"]) == ("done", 2, [])
    names = {f"{name}-small.jpg" for name in SAME}
    assert names == {one.name for one in (tmp_path / "data" / "Trash" / "files").iterdir()}
    assert not names & {one.name for one in folder.iterdir()}
    assert server.groups()["total"] == 0


def test_a_copy_that_changed_is_not_cleared(own: tuple[Served, Path]):
    """What is not what it was when it was looked at stays where it is, and the answer says so."""
    server, folder = own
    names = by_name(server)
    save(folder / "chelsea-small.jpg", photograph("rocket.jpg"))
    pairs = [{"copy": names["chelsea-small.jpg"], "keep": names["chelsea.jpg"]}]
    job = server.ended(server.post("/v1/removals", json={"removals": pairs}).json())
    assert "changed" in job["result"]["failed"][0]["reason"]
    assert (folder / "chelsea-small.jpg").exists()


def test_what_is_no_copy_is_left(own: tuple[Served, Path]):
    """Each pair is compared anew: two images that are no copies of one another stay, whatever was asked for."""
    server, folder = own
    names = by_name(server)
    pairs = [{"copy": names["chelsea.jpg"], "keep": names["coffee.jpg"]}]
    also = ["edited", "crop", "mirrored", "rotated"]
    job = server.ended(server.post("/v1/removals", json={"removals": pairs, "also": also}).json())
    assert (job["result"]["done"], job["result"]["failed"][0]["reason"].split(":")[0]) == ([], "left")
    assert (folder / "chelsea.jpg").exists()
    assert server.post("/v1/removals", json={"removals": pairs, "also": ["similar"]}).status_code == 422


def test_indexing_is_a_job_that_can_be_watched(own: tuple[Served, Path]):
    """A new file is taken in; the events tell it to the end; a folder elsewhere is refused."""
    server, folder = own
    save(folder / "new.png", photograph("coffee.png")[:200, :200])
    begun = server.post("/v1/index", json={})
    assert begun.status_code == 202
    events = server.get(f"/v1/jobs/{begun.json()['id']}/events", stream=True)
    found = [json.loads(line[6:]) for line in events.iter_lines() if line.startswith(b"data: ")]
    assert (found[-1]["state"], found[-1]["result"]["added"], found[-1]["result"]["unchanged"]) == ("done", 1, 9)
    assert "new.png" in by_name(server)
    assert begun.json()["id"] == server.get("/v1/jobs").json()["jobs"][0]["id"]
    assert "folder" in problem(server.post("/v1/index", json={"folders": ["/etc"]}), 403)
    assert "folder" in problem(server.post("/v1/index", json={"folders": [f"{folder}/../../"]}), 403)
    os.symlink("/etc", folder / "link")
    assert "folder" in problem(server.post("/v1/index", json={"folders": [f"{folder}/link"]}), 403)
    assert "extra" in problem(server.post("/v1/index", json={"folder": ["/etc"]}), 422).lower()


def test_a_stream_that_is_closed_early_leaves_no_trace(own: tuple[Served, Path]):
    """A client that goes away in the middle of a job's events, and one at its start: nothing of it is in the log, and
    the job goes on to its end."""
    server, folder = own
    for number in range(60):
        save(folder / "more" / f"{number}.png", np.roll(photograph("coffee.png"), 5 * number, axis=1)[:300])
    job = server.post("/v1/index", json={}).json()
    for wanted in (b"data: ", b"event: "):
        with server.get(f"/v1/jobs/{job['id']}/events", stream=True) as events:
            assert next(line for line in events.iter_lines() if line.startswith(wanted))
    ended = server.ended(job)
    assert (ended["state"], ended["result"]["added"]) == ("done", 60)
    assert server.stop() in (0, -15)
    log = server.log.read_text()
    assert "Traceback" not in log
    assert len(log.splitlines()) == 1, log  # where it serves, and nothing else


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/v1/search", "application/json"),
        ("/v1/search", "image/jpeg"),
        ("/v1/compare", "text/plain"),
        ("/v1/classify", None),
        ("/v1/verdicts", "text/plain"),
        ("/v1/verdicts", "multipart/form-data; boundary=x"),
        ("/v1/index", "application/x-www-form-urlencoded"),
        ("/v1/removals", "nonsense"),
    ],
)
def test_a_body_of_another_kind(server: Served, path: str, kind: str | None):
    """415, and the kinds that are taken; whatever is in it."""
    headers = {"Content-Type": kind} if kind else {}
    said = problem(server.post(path, data=b'{"id": 1}', headers=headers), 415)
    assert (
        "multipart/form-data" if path in ("/v1/search", "/v1/compare", "/v1/classify") else "application/json"
    ) in said


def test_kinds_that_are_taken(server: Served):
    """In capitals or with a character set as well; without any body something else is missing, and that is said."""
    pairs = b'{"pairs": [[1, 2]]}'
    for kind in ("application/json", "Application/JSON; charset=utf-8"):
        assert server.delete("/v1/verdicts", data=pairs, headers={"Content-Type": kind}).json() == {"removed": 0}
    form = {"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"}
    assert server.post("/v1/search", data=b"id=1&k=1&rerank=0", headers=form).status_code == 200
    assert "image" in problem(server.post("/v1/search"), 422)


def test_a_cancelled_job_keeps_what_it_did(own: tuple[Served, Path]):
    """Cancelled while it indexes, it ends soon as cancelled; the next one goes on and finishes."""
    server, folder = own
    for number in range(150):
        save(folder / "many" / f"{number}.jpg", np.roll(photograph("coffee.png"), 4 * number, axis=1)[:300])
    job = server.post("/v1/index", json={}).json()
    with server.get(f"/v1/jobs/{job['id']}/events", stream=True) as events:
        for line in events.iter_lines():
            if line.startswith(b"data: ") and json.loads(line[6:])["done"] > 0:
                break
    assert server.delete(f"/v1/jobs/{job['id']}").status_code == 202
    assert server.ended(server.get(f"/v1/jobs/{job['id']}").json())["state"] == "cancelled"
    before = len(server.get("/v1/ids").json()["ids"])
    assert before < 159
    again = server.ended(server.post("/v1/index", json={}).json())
    assert ("done", 159 - before) == (again["state"], again["result"]["added"])


def test_a_read_only_server_changes_nothing(gallery: Path, tmp_path: Path):
    """Everything that writes is 403, what reads is answered."""
    with serving(gallery, "--read-only", "--uploads", tmp_path / "up") as server:
        assert server.get("/v1/gallery").json()["read_only"]
        for answer in (
            server.post("/v1/images", files={"image": b"x"}),
            server.delete("/v1/images/1"),
            server.post("/v1/index", json={}),
            server.post("/v1/verdicts", json={"pairs": [[1, 2]], "verdict": "same"}),
            server.post("/v1/removals", json={"removals": [{"copy": 1, "keep": 2}]}),
            server.post("/v1/faces", json={}),
            server.post("/v1/persons", json={"faces": [[1, 1]]}),
            server.post("/v1/persons/1/name", json={"name": "Ada"}),
            server.delete("/v1/persons/1"),
        ):
            assert "read-only" in problem(answer, 403)
        assert server.post("/v1/search", data={"id": 1, "rerank": 0}).status_code == 200


def test_health_and_numbers(server: Served):
    """Alive, ready, and counted by route, never by address."""
    assert [server.get(path).text for path in ("/healthz", "/readyz")] == ["ok\n", "ok\n"]
    server.get("/v1/images/1")
    text = server.get("/metrics").text
    assert 'lookalike_requests_total{method="GET",route="/v1/images/{number}",status="200"}' in text
    assert "lookalike_images 9.0" in text
    assert '/v1/images/1"' not in text


def test_box_and_region_are_the_same_thing(server: Served, gallery: Path):
    """The box of a hit can be sent back as the region of a search."""
    found = server.search(id=1, k=1, rerank=0, region="10,10,200,150")
    with Gallery.open(gallery) as opened:
        expected = opened.search(opened.row(1).path, 1, rerank=0, region=Box(10, 10, 200, 150))
    assert [hit.path for hit in expected] == [hit["path"] for hit in found["hits"]]
