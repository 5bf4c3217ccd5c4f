"""People over the API of a real server: looked for, compared, searched, named, split, joined, and forgotten."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from lookalike.descriptors.neural import model_store
from lookalike.gallery import Gallery
from portraits import FACE, NAME, drawn_face, drawn_portrait, install_portraits
from samples import save
from served import Served, serving


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three portraits each of persons 1 to 4, one of 1 and 2, of a bad face and of a wall, in a gallery without faces;
    what is said of persons is said of 3 and 4 alone."""
    folder = tmp_path_factory.mktemp("people") / "photos"
    for who in (1, 2, 3, 4):
        for number in range(3):
            save(folder / f"{who}-{number}.png", drawn_portrait({(number, 1): drawn_face(who, number)}))
    save(folder / "both.png", drawn_portrait({(0, 0): drawn_face(1, 8), (2, 2): drawn_face(2, 8)}))
    save(folder / "bad.png", drawn_portrait({(1, 1): drawn_face(1, 3, "turned")}))
    save(folder / "wall.png", drawn_portrait({}))
    install_portraits(folder.parent / "models")
    with Gallery.create(folder.parent / "g.gallery", ["colour"]) as gallery:
        assert gallery.add(folder).added == 15
    return folder


@pytest.fixture(scope="module")
def answers() -> dict[str, dict]:
    """What the server said before and while it looked for faces."""
    return {}


@pytest.fixture(scope="module")
def server(photos: Path, answers: dict[str, dict]) -> Iterator[Served]:
    """It opened the gallery before that held any faces, and has found them since."""
    with serving(photos.parent / "g.gallery", env={model_store.VARIABLE: str(photos.parent / "models")}) as served:
        for path in ("faces", "persons", "images/1/faces"):
            answers[path] = served.get(f"/v1/{path}").json()
        answers["found"] = find_people(served)
        answers["state"] = served.get("/v1/faces").json()
        answers["grouped"] = persons(served)
        yield served


@pytest.fixture(scope="module")
def ids(server: Served) -> dict[str, int]:
    return {one["name"].removesuffix(".png"): one["id"] for one in server.get("/v1/images").json()["images"]}


def find_people(server: Served) -> dict:
    job = server.ended(server.post("/v1/faces", json={}).json())
    assert job["state"] == "done", job
    return job["result"]


def persons(server: Served) -> dict[str, set[str]]:
    """Name or number -> the images' names."""
    found = {}
    for one in server.get("/v1/persons").json()["persons"]:
        faces = server.get(f"/v1/persons/{one['number']}").json()["faces"]
        assert (len(faces), one["faces"]) == (one["faces"], len(faces))
        found[one["name"] or str(one["number"])] = {face["name"].removesuffix(".png") for face in faces}
    return found


def test_faces_are_looked_for_where_the_gallery_had_none(server: Served, answers: dict[str, dict]) -> None:
    """A job finds and groups them, though the server opened the gallery before it held any."""
    assert answers["faces"] == {"installed": [NAME], "held": [], "counts": None}
    assert answers["persons"] == {"persons": [], "next": None, "total": 0}
    assert answers["images/1/faces"] == {"faces": []}
    expected = {"described": 15, "persons": 4, "grouped": 14, "alone": 0, "flawed": 1, "failed": []}
    assert answers["found"] == expected
    counts = {"by": NAME, "described": 15, "lacking": 0, "faces": 15, "grouped": 14, "alone": 0, "flawed": 1}
    assert answers["state"] == {"installed": [NAME], "held": [NAME], "counts": counts}
    assert sorted(map(sorted, answers["grouped"].values())) == [
        ["1-0", "1-1", "1-2", "both"],
        ["2-0", "2-1", "2-2", "both"],
        ["3-0", "3-1", "3-2"],
        ["4-0", "4-1", "4-2"],
    ]
    first = server.get("/v1/persons", params={"limit": 1}).json()
    second = server.get("/v1/persons", params={"limit": 1, "cursor": first["next"]}).json()
    assert first["total"] == second["total"] >= 2
    assert first["persons"] != second["persons"]


def test_the_faces_of_an_image_and_their_crops(server: Served, ids: dict[str, int]) -> None:
    """Boxes in pixels, whose they are, and each cut out of the image with a little around it."""
    faces = server.get(f"/v1/images/{ids['both']}/faces").json()["faces"]
    assert sorted(round(one["face"]["box"]["x"]) for one in faces) == [0, 2 * FACE]
    assert len({one["person"] for one in faces}) == 2
    last = next(one["face"]["number"] for one in faces if one["face"]["box"]["x"] > FACE)
    answer = server.get(f"/v1/images/{ids['both']}/faces/{last}/thumbnail")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/webp")
    crop = np.asarray(Pillow.open(io.BytesIO(answer.content)).convert("RGB"), np.float32)
    own = drawn_portrait({(0, 0): drawn_face(1, 8), (2, 2): drawn_face(2, 8)})[-160:, -160:]
    assert crop.shape == (160, 160, 3)
    assert np.abs(crop - own.astype(np.float32)).mean() < 15
    for path in (f"{ids['both']}/faces/9", f"{ids['wall']}/faces/1"):
        assert server.get(f"/v1/images/{path}/thumbnail").status_code == 404
    assert server.get(f"/v1/images/{ids['both']}/faces/1/thumbnail", params={"side": 7}).status_code == 404


def test_one_face_is_searched(server: Served, ids: dict[str, int], photos: Path) -> None:
    """By an image that is sent, by one that is held, and by a face of one; a filter and a number of hits."""
    sent = server.post("/v1/faces/search", files={"image": (photos / "2-1.png").read_bytes()}, data={"k": 4}).json()
    held = server.post("/v1/faces/search", data={"id": ids["2-1"], "k": 4}).json()
    assert {hit["name"] for hit in sent["hits"]} == {"2-0.png", "2-1.png", "2-2.png", "both.png"}
    assert [hit["id"] for hit in sent["hits"]] == [hit["id"] for hit in held["hits"]]
    assert sent["query"]["face"]["box"]["width"] == pytest.approx(FACE, abs=1)
    assert (sent["query"]["id"], held["query"]["id"]) == (None, ids["2-1"])
    faces = server.get(f"/v1/images/{ids['both']}/faces").json()["faces"]
    second = next(one["face"]["number"] for one in faces if one["face"]["box"]["x"] > FACE)
    of_face = server.post("/v1/faces/search", data={"id": ids["both"], "face": second, "k": 4}).json()
    assert {hit["name"] for hit in of_face["hits"]} == {"2-0.png", "2-1.png", "2-2.png", "both.png"}
    assert all(hit["probability"] > 0.5 and hit["person"] for hit in of_face["hits"])
    some = server.post("/v1/faces/search", data={"id": ids["2-1"], "where": "faces = 2"}).json()["hits"]
    assert {hit["name"] for hit in some} == {"both.png"}
    for wrong in ({"id": ids["wall"]}, {"id": ids["both"], "face": 9}, {"id": ids["bad"], "face": 1}, {}):
        assert server.post("/v1/faces/search", data=wrong).status_code == 422, wrong


def test_two_portraits_are_compared(server: Served, ids: dict[str, int], photos: Path) -> None:
    """Held or sent; without a face it says so."""
    same = server.post("/v1/faces/compare", data={"a_id": ids["1-0"], "b_id": ids["1-2"]}).json()
    assert same["probability"] > 0.9
    assert (same["a_faces"], same["b_faces"], same["turned"]) == (1, 1, [])
    files = {"b": (photos / "2-2.png").read_bytes()}
    assert server.post("/v1/faces/compare", data={"a_id": ids["1-0"]}, files=files).json()["probability"] < 0.1
    none = server.post("/v1/faces/compare", data={"a_id": ids["1-0"], "b_id": ids["wall"]})
    assert (none.status_code, "no face is found" in none.json()["detail"]) == (422, True)


def test_people_are_named_split_joined_and_forgotten(server: Served, ids: dict[str, int]) -> None:
    """The whole way: each word stays through another grouping, and a person who is forgotten is gone."""
    number = next(key for key, images in persons(server).items() if "3-0" in images)
    assert server.post(f"/v1/persons/{number}/name", json={"name": " Ada "}).json() == {"person": int(number)}
    assert server.post(f"/v1/persons/{number}/name", json={"name": "Ada L."}).json() == {"person": int(number)}
    assert persons(server)["Ada L."] == {"3-0", "3-1", "3-2"}
    other = next(key for key, images in persons(server).items() if "4-0" in images)
    answer = server.post("/v1/persons", json={"faces": [[ids["4-0"], 1]]})
    assert answer.status_code == 200, answer.text
    split = answer.json()["person"]
    find_people(server)
    found = persons(server)
    assert "4-0" in found[str(split)]
    assert not found[str(split)] & found[other]
    assert found[str(split)] | found[other] == {"4-0", "4-1", "4-2"}
    assert server.post(f"/v1/persons/{split}/name", json={"name": "Eve"}).json() == {"person": split}
    server.post(f"/v1/persons/{other}/name", json={"name": "Eve"})
    assert persons(server)["Eve"] == {"4-0", "4-1", "4-2"}
    assert server.post("/v1/persons", json={"faces": [[ids["4-2"], 1]], "nobody": True}).json() == {"person": None}
    assert persons(server)["Eve"] == {"4-0", "4-1"}
    eve = next(one["number"] for one in server.get("/v1/persons").json()["persons"] if one["name"] == "Eve")
    job = server.ended(server.delete(f"/v1/persons/{eve}").json())
    assert (job["state"], job["result"]["person"], job["result"]["faces"]) == ("done", "Eve", 2)
    assert [Path(hit["path"]).name for hit in job["result"]["alike"]] == ["4-2.png"]
    assert "Eve" not in persons(server)
    hits = server.post("/v1/faces/search", data={"id": ids["4-2"], "face": 1}).json()["hits"]
    assert {hit["name"] for hit in hits if hit["probability"] > 0.5} == {"4-2.png"}


def test_mistakes_are_named(server: Served, ids: dict[str, int]) -> None:
    """No such person, image or network; a name that is none; a body of another shape."""
    assert server.get("/v1/persons/999").status_code == 404
    assert server.delete("/v1/persons/999").status_code == 404
    assert server.post("/v1/persons/999/name", json={"name": "Ada"}).status_code == 404
    assert server.post("/v1/persons", json={"faces": [[999, 1]]}).status_code == 404
    assert server.post("/v1/persons", json={"faces": [[ids["wall"], 1]]}).status_code == 422
    assert server.post("/v1/persons", json={"faces": [[ids["1-0"], 1]], "name": "7"}).status_code == 422
    assert server.post("/v1/persons", json={"faces": []}).status_code == 422
    assert server.post("/v1/persons", json={"faces": [[ids["1-0"], 1]], "who": "Ada"}).status_code == 422
    job = server.ended(server.post("/v1/faces", json={"by": "noses"}).json())
    assert (job["state"], "noses" in job["error"]) == ("failed", True)
