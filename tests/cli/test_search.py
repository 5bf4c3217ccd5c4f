"""lookalike search: the library's hits as a table, as JSON, as a page."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from corpora import Corpora
from lookalike.gallery import Gallery
from lookalike.types import Hit, to_json
from quickly import from_few_pairs
from samples import drawn, folder_of, save
from terminal import Ran, fields, here, process


@pytest.fixture(scope="module")
def photos(corpora: Corpora) -> Path:
    return corpora.photos(folder_of, 8)


@pytest.fixture(scope="module")
def gallery(corpora: Corpora) -> Path:
    return corpora.indexed(folder_of, 8).gallery


def test_json(gallery: Path, photos: Path) -> None:
    """One object: the query and the hits that the library gives, with their field names; nothing else anywhere."""
    ran = process("search", photos / "0003.jpg", "-g", gallery, "-k", 4, "--all", "--json")
    assert (ran.code, ran.err) == (0, "")
    assert list(ran.json) == ["queries", "by", "failed"]
    assert (ran.json["by"], ran.json["failed"]) == ("copy", [])
    (query,) = ran.json["queries"]
    assert list(query) == ["query", "hits", "blank", "videos"]
    assert query["videos"] == []
    assert (query["query"], query["blank"]) == (str(photos / "0003.jpg"), False)
    assert [sorted(hit) for hit in query["hits"]] == [sorted(fields(Hit))] * 4
    with Gallery.open(gallery) as opened:
        assert query["hits"] == to_json(opened.search(photos / "0003.jpg", 4))


def test_many_queries(gallery: Path, photos: Path, tmp_path: Path) -> None:
    """Each gets the hits that it gets alone, in the order given; one that cannot be read costs only itself."""
    queries = [photos / "0003.jpg", photos / "0005.jpg"]
    ran = process("search", *queries, tmp_path / "none.jpg", "-g", gallery, "--all", "--json")
    assert (ran.code, [one["path"] for one in ran.json["failed"]]) == (1, [str(tmp_path / "none.jpg")])
    assert "none.jpg: no such file" in ran.err
    assert [one["query"] for one in ran.json["queries"]] == [str(query) for query in queries]
    for query, one in zip(queries, ran.json["queries"], strict=True):
        assert hits_of(here("search", query, "-g", gallery, "--all", "--json")) == one["hits"]
    words = here("search", *queries, "-g", gallery, "--report", tmp_path / "r.html").out
    assert [line for line in words.splitlines() if line.endswith(":")] == [f"{query}:" for query in queries]
    assert words.count("identical") == 2
    page = (tmp_path / "r.html").read_text("utf-8")
    assert "Search for 2 images" in page
    assert here("search", tmp_path / "none.jpg", "-g", gallery).code == 2


def hits_of(ran: Ran) -> list[dict]:
    """The hits of a single query."""
    (query,) = ran.json["queries"]
    return query["hits"]


@pytest.mark.parametrize(
    ("options", "meaning"),
    [
        (["--by", "colour"], {"by": "colour"}),
        (["--by", "colour=2,texture=1"], {"by": "colour=2,texture=1"}),
        (["--where", "path like '%3.jpg'"], {"where": "path like '%3.jpg'"}),
        (["--region", "0,0,80,60"], {"region": (0, 0, 80, 60)}),
        (["--region", "-5, -5.5,80,60"], {"region": (-5, -5.5, 80, 60)}),
        (["--exact"], {"exact": True}),
        (["--rerank", "0"], {"rerank": 0}),
        (["--rerank", "2"], {"rerank": 2}),
    ],
)
def test_options_are_the_librarys(gallery: Path, photos: Path, options: list[str], meaning: dict) -> None:
    """Every option means what the argument of the same name means."""
    ran = here("search", photos / "0003.jpg", "-g", gallery, "--all", "--json", *options)
    with Gallery.open(gallery) as opened:
        assert hits_of(ran) == to_json(opened.search(photos / "0003.jpg", **meaning))


def test_a_table(photos: Path, tmp_path: Path) -> None:
    """For people and for other programs: one line per hit, however long its path, best first."""
    deep = save(tmp_path / ("d" * 100) / ("e" * 100) / "deep.jpg", drawn(3), quality=92)
    with Gallery.create(tmp_path / "g") as opened:
        opened.add([photos, deep])
    ran = process("search", photos / "0003.jpg", "-g", tmp_path / "g", "--all")
    lines = [line.strip() for line in ran.out.splitlines() if ".jpg" in line]
    assert len(lines) == 9
    assert any(line.endswith(str(deep)) for line in lines[:2])
    assert "identical" in lines[0]
    assert ran.err == ""


@pytest.mark.parametrize("region", ["1,2,3", "a,b,c,d", "", "nan,0,10,10", "1000,1000,5,5", "0,0,0,0"])
def test_a_region_that_means_nothing(gallery: Path, photos: Path, region: str) -> None:
    """A region that is not four numbers, or holds no pixel, is the user's mistake."""
    ran = here("search", photos / "0003.jpg", "-g", gallery, "--region", region)
    assert (ran.code, ran.out) == (2, "")
    assert "region" in ran.err


def test_nothing_found(gallery: Path, photos: Path) -> None:
    """No hit is no failure: an empty list, or a sentence on stderr."""
    ran = here("search", photos / "0003.jpg", "-g", gallery, "--where", "width > 9999", "--all")
    assert (ran.code, ran.out) == (0, "")
    assert "nothing found" in ran.err
    assert hits_of(here("search", photos / "0003.jpg", "-g", gallery, "--where", "width > 9999", "--json")) == []


@pytest.mark.parametrize("k", [0, -1, "x"])
def test_k(gallery: Path, photos: Path, k: object) -> None:
    """k must be a number of 1 or more."""
    assert here("search", photos / "0003.jpg", "-g", gallery, "-k", k).code == 2


def test_a_report(gallery: Path, photos: Path, tmp_path: Path) -> None:
    """--report writes a page that names the hits, beside the answer on stdout."""
    ran = here("search", photos / "0003.jpg", "-g", gallery, "--all", "--json", "--report", tmp_path / "r.html")
    assert (ran.code, len(hits_of(ran))) == (0, 8)
    page = (tmp_path / "r.html").read_text("utf-8")
    assert page.lstrip().lower().startswith("<!doctype html>")
    assert "0003.jpg" in page
    assert here("search", photos / "0003.jpg", "-g", gallery, "--report", tmp_path / "no" / "r.html").code == 2


def test_no_match_is_an_answer(gallery: Path, tmp_path: Path) -> None:
    """An image that nothing in the gallery is a copy of has no match, which is said; --all shows what is near."""
    negative = save(tmp_path / "stranger.jpg", drawn(4711), quality=92)
    ran = here("search", negative, "-g", gallery)
    assert (ran.code, ran.out) == (0, "")
    assert "no match" in ran.err
    assert "--all" in ran.err
    assert hits_of(here("search", negative, "-g", gallery, "--json")) == []
    assert len(hits_of(here("search", negative, "-g", gallery, "--json", "--all"))) == 8
    assert len(hits_of(here("search", negative, "-g", gallery, "--json", "--by", "colour"))) == 8


def test_what_a_hit_is(gallery: Path, photos: Path, tmp_path: Path) -> None:
    """A crop is told as one, with the place where it lies in the image that was found."""
    part = save(tmp_path / "part.png", np.asarray(Pillow.open(photos / "0005.jpg"))[20:100, 30:130])
    ran = here("search", part, "-g", gallery)
    assert ran.out.count(".jpg") == 1
    for word in ("0005.jpg", "crop", "at 30, 20, 100, 80 of the image"):
        assert word in ran.out


@pytest.mark.parametrize("precision", ["0.4", "1", "x"])
def test_a_precision_that_means_nothing(gallery: Path, photos: Path, precision: str) -> None:
    """The precision lies between one half and one."""
    assert here("search", photos / "0003.jpg", "-g", gallery, "--precision", precision).code == 2


def test_precision_where_images_are_few(gallery: Path, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A gallery with too few images for curves of its own says so and goes by the shipped ones."""
    from_few_pairs(monkeypatch)
    ran = here("search", photos / "0003.jpg", "-g", gallery, "--precision", "0.99", "--json")
    assert (ran.code, [hit["relation"] for hit in hits_of(ran)]) == (0, ["identical"])
    assert "curves that come with the package" in ran.err


def test_a_mark_for_what_was_not_verified(photos: Path, tmp_path: Path) -> None:
    """A hit that was to be looked at and could not be is marked; where nothing is to be looked at, nothing is."""
    part = save(tmp_path / "part.png", np.asarray(Pillow.open(photos / "0005.jpg"))[10:110, 10:150])
    gone = save(tmp_path / "gone.jpg", drawn(5), quality=90)
    with Gallery.create(tmp_path / "g") as opened:
        opened.add([photos, gone])
    gone.unlink()
    marked = [line for line in here("search", part, "-g", tmp_path / "g", "--all").out.splitlines() if ".jpg" in line]
    assert [os.path.basename(line.split()[-1]) for line in marked if "(not verified)" in line] == ["gone.jpg"]
    for options in (["--rerank", 0], ["--by", "colour"], ["--views"]):
        assert "not verified" not in here("search", part, "-g", tmp_path / "g", "--all", *options).out
    two = here("search", part, "-g", tmp_path / "g", "--all", "--rerank", 2).out
    assert two.count("(not verified)") >= 7


def test_rerank_and_views(gallery: Path, photos: Path) -> None:
    """--rerank with --views, and a number below zero, are the user's mistakes."""
    ran = here("search", photos / "0003.jpg", "-g", gallery, "--views", "--rerank", 3)
    assert (ran.code, ran.out) == (2, "")
    assert "views" in ran.err
    assert here("search", photos / "0003.jpg", "-g", gallery, "--rerank", -1).code == 2


def test_good_and_bad_examples(gallery: Path, photos: Path) -> None:
    """They are passed on, whatever is near is shown, and JSON tells what each of them changed."""
    good, bad = (str(next(photos.glob(f"000{number}*"))) for number in (3, 4))
    hits = hits_of(here("search", photos / "0001.jpg", "-g", gallery, "--good", good, "--bad", bad, "-k", 30, "--json"))
    assert {"query", good, bad} == set(hits[1]["feedback_contributions"])
    assert [hit["path"] for hit in hits].index(good) < [hit["path"] for hit in hits].index(bad)
