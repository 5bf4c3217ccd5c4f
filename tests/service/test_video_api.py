"""Videos over the API of a real server: what is known of them, their files in ranges, searches, copies, removals."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from lookalike.gallery import Gallery
from samples import folder_of, save
from served import Served, serving
from videos import FPS, pan, write_video


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two photographs, a film, the same coded again and smaller, a part of it behind something else, and another film
    with a still of it."""
    folder = tmp_path_factory.mktemp("films") / "films"
    folder_of(folder, 2)
    film = [*pan("coffee.png", 6), *pan("astronaut.png", 6, start=1)]
    cat = pan("chelsea.png", 6, start=2)
    write_video(folder / "film.webm", film, codec="libvpx")
    write_video(folder / "again.mp4", [frame[::2, ::2] for frame in film], quality=8)
    write_video(folder / "part.mkv", [*pan("rocket.jpg", 4), *film[30:80]])
    write_video(folder / "other.avi", cat)
    save(folder / "still.png", cat[20])
    with Gallery.create(folder.parent / "g.gallery", ["copy", "structure"]) as opened:
        assert opened.add(folder).added == 7
    return folder


@pytest.fixture(scope="module")
def server(films: Path) -> Iterator[Served]:
    with serving(films.parent / "g.gallery") as served:
        yield served


@pytest.fixture(scope="module")
def ids(server: Served) -> dict[str, int]:
    return {one["name"]: one["id"] for one in server.get("/v1/images").json()["images"]}


def found(server: Served, **form: object) -> dict[str, dict]:
    """Name -> hit, of a search for videos."""
    files = {"image": form.pop("image")} if "image" in form else None
    answer = server.post("/v1/videos/search", data=form, files=files)
    assert answer.status_code == 200, answer.text
    return {hit["name"]: hit for hit in answer.json()["hits"]}


def test_they_are_told_apart_from_images(server: Served, ids: dict[str, int]):
    """Codec, length, speed and bitrate of videos; null for images; both are counted."""
    film = server.get(f"/v1/images/{ids['film.webm']}").json()
    assert (film["codec"], film["format"], film["fps"], film["width"], film["height"]) == ("vp8", "WEBM", FPS, 240, 176)
    assert film["duration"] == pytest.approx(12, abs=0.1)
    assert film["bitrate"] > 0
    image = server.get(f"/v1/images/{ids['still.png']}").json()
    assert [image[name] for name in ("codec", "duration", "fps", "bitrate")] == [None] * 4
    assert {name: server.get("/v1/gallery").json()[name] for name in ("images", "videos")} == {"images": 3, "videos": 4}
    long = server.get("/v1/images", params={"where": "duration > 7"}).json()["images"]
    assert {one["name"] for one in long} == {"film.webm", "again.mp4", "part.mkv"}


def test_its_thumbnail_is_a_strip_of_four_frames(server: Served, ids: dict[str, int]):
    """The first quarter shows the first scene and the last one the second, with black between frames."""
    answer = server.get(f"/v1/images/{ids['film.webm']}/thumbnail", params={"side": 640})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/webp")
    strip = np.asarray(Pillow.open(io.BytesIO(answer.content)).convert("RGB"), np.float32)
    assert strip.shape == (115, 640, 3)
    assert strip[:, 158:160].mean() < 10
    first, last = (np.asarray(Pillow.fromarray(pan(name, 6, start=start)[at]).resize((157, 115)), np.float32)
                   for name, start, at in (("coffee.png", 0, 15), ("astronaut.png", 1, 45)))  # fmt: skip
    assert np.abs(strip[:, :157] - first).mean() < 12
    assert np.abs(strip[:, 483:] - last).mean() < 12


def test_its_file_comes_in_ranges(server: Served, ids: dict[str, int], films: Path):
    """Of its media type, whole or as few bytes as a player asks for, and only this server's page may play it."""
    whole, path = (films / "film.webm").read_bytes(), f"/v1/images/{ids['film.webm']}/file"
    answer = server.get(path)
    assert (answer.status_code, answer.content) == (200, whole)
    assert (answer.headers["content-type"], answer.headers["accept-ranges"]) == ("video/webm", "bytes")
    assert "media-src 'self';" in answer.headers["content-security-policy"]
    part = server.get(path, headers={"Range": "bytes=1000-1999"})
    assert (part.status_code, part.content) == (206, whole[1000:2000])
    assert part.headers["content-range"] == f"bytes 1000-1999/{len(whole)}"
    assert server.get(path, headers={"Range": f"bytes={len(whole)}-"}).status_code == 416
    kinds = {name: server.get(f"/v1/images/{ids[name]}/file").headers["content-type"] for name in ids}
    assert {name: kinds[name] for name in ("again.mp4", "part.mkv", "other.avi")} == {
        "again.mp4": "video/mp4",
        "part.mkv": "video/x-matroska",
        "other.avi": "video/x-msvideo",
    }


def test_a_video_finds_those_that_share_a_segment(server: Served, ids: dict[str, int]):
    """By its id: which seconds are shown when. A filter, a number of hits and a probability are passed on."""
    hits = found(server, id=ids["part.mkv"])
    assert set(hits) >= {"part.mkv", "film.webm", "again.mp4"}
    assert hits["part.mkv"]["segments"][0]["relation"] == "identical"
    segment = hits["film.webm"]["segments"][0]
    assert segment["b_start"] - segment["a_start"] == pytest.approx(3 - 4, abs=0.5)
    assert segment["speed"] == pytest.approx(1, abs=0.02)
    assert set(found(server, id=ids["part.mkv"], where="codec = 'vp8'")) == {"film.webm"}
    assert len(found(server, id=ids["part.mkv"], k=1)) == 1
    assert found(server, id=ids["film.webm"], where="codec = 'vp9'") == {}


def test_an_image_finds_the_moment(server: Served, ids: dict[str, int], films: Path):
    """Held or sent, it is found in the film that it was taken from, and when."""
    for query in ({"id": ids["still.png"]}, {"image": (films / "still.png").read_bytes()}):
        hits = found(server, **query)
        assert list(hits) == ["other.avi"]
        assert hits["other.avi"]["segments"][0]["evidence"]["moment"] == pytest.approx(2, abs=0.5)
        assert hits["other.avi"]["verified"]


def test_where_an_image_is_needed_a_video_is_refused(server: Served, ids: dict[str, int], films: Path):
    """It says which number is a video, and what takes videos."""
    film, still = ids["film.webm"], ids["still.png"]
    refused = [
        server.post("/v1/search", data={"id": film}),
        server.post("/v1/search", data={"id": still, "good": film}),
        server.post("/v1/compare", data={"a_id": still, "b_id": film}),
        server.post("/v1/compare/image", data={"a_id": film, "b_id": still}),
    ]
    for answer in refused:
        assert answer.status_code == 422, answer.text
        assert answer.json()["detail"].startswith(f"{film} is a video")
    assert server.post("/v1/videos/search", data={"id": 999}).status_code == 404
    assert server.post("/v1/videos/search", data={}).status_code == 422
    assert server.post("/v1/videos/search", files={"image": (films / "again.mp4").read_bytes()}).status_code == 422


def test_copies_and_what_shares_segments(server: Served, ids: dict[str, int]):
    """Whole copies stand among the groups, parts among the shared segments, until a person calls them different."""
    groups = server.groups(precision=0.5)["groups"]
    (videos,) = [one for one in groups if one["keep"]["codec"]]
    assert (videos["keep"]["name"], [one["name"] for one in videos["others"]]) == ("film.webm", ["again.mp4"])
    assert videos["reason"] == "more pixels"
    shared = server.get("/v1/videos/shared", params={"precision": 0.5}).json()
    both = [{pair["a"]["name"], pair["b"]["name"]} for pair in shared["pairs"]]
    assert sorted(map(sorted, both)) == [["again.mp4", "part.mkv"], ["film.webm", "part.mkv"]]
    assert (shared["total"], shared["next"]) == (2, None)
    first = server.get("/v1/videos/shared", params={"precision": 0.5, "limit": 1}).json()
    second = server.get("/v1/videos/shared", params={"precision": 0.5, "limit": 1, "cursor": first["next"]}).json()
    assert [first["pairs"], second["pairs"]] == [shared["pairs"][:1], shared["pairs"][1:]]
    pairs = [[ids["film.webm"], ids["part.mkv"]]]
    server.post("/v1/verdicts", json={"pairs": pairs, "verdict": "different"})
    assert server.get("/v1/videos/shared", params={"precision": 0.5}).json()["total"] == 1
    server.delete("/v1/verdicts", json={"pairs": pairs})
    assert [one for one in server.groups(precision=0.5, by="structure")["groups"] if one["keep"]["codec"]] == []


def test_chosen_copies_go_and_parts_stay(films: Path, tmp_path: Path):
    """A copy of other bytes goes to the trash, for a person chose it; what plays only a part, or changed, does not."""
    folder = tmp_path / "films"
    shutil.copytree(films, folder)
    with Gallery.create(tmp_path / "g.gallery", ["copy"]) as opened:
        opened.add(folder)
    with serving(tmp_path / "g.gallery", env={"XDG_DATA_HOME": str(tmp_path / "data")}) as served:
        ids = {one["name"]: one["id"] for one in served.get("/v1/images").json()["images"]}
        (folder / "other.avi").write_bytes(b"another one")
        changed = served.get(f"/v1/images/{ids['other.avi']}/thumbnail", params={"side": 160})
        assert (changed.status_code, served.get(f"/v1/images/{ids['other.avi']}/file").status_code) == (409, 409)
        copies = ("again.mp4", "part.mkv", "other.avi", "still.png")
        body = {
            "removals": [{"copy": ids[one], "keep": ids["film.webm"]} for one in copies],
            "also": ["edited", "crop"],
        }
        job = served.ended(served.post("/v1/removals", json=body).json())
        assert [Path(one).name for one in job["result"]["done"]] == ["again.mp4"], job
        assert {Path(one["path"]).name: one["reason"] for one in job["result"]["failed"]} == {
            "part.mkv": "left: similar",
            "other.avi": "left: one of the two files is gone, or changed since it was indexed",
            "still.png": "left: unrelated",
        }
        assert not (folder / "again.mp4").exists()
        assert [one.name for one in (tmp_path / "data" / "Trash" / "files").iterdir()] == ["again.mp4"]
