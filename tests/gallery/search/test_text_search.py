"""Searches by words in a gallery of photographs: what is found, why, what is not, and in step with what changes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lookalike.descriptors import describe_all
from lookalike.errors import UserError
from lookalike.gallery import Gallery
from lookalike.imaging import load
from lookalike.types import Box
from lookalike.words.tag_head import STEP, tag_head
from samples import photograph, photograph_path, save

PHOTOS = ("chelsea.png", "coffee.png", "rocket.jpg", "motorcycle_left.png", "brick.png", "page.png")


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cat, a cup of coffee, a rocket, a motorcycle, bricks, a page, and two drawn grounds of one colour."""
    folder = tmp_path_factory.mktemp("words")
    (folder / "photos").mkdir()
    for name in PHOTOS:
        shutil.copy(photograph_path(name), folder / "photos" / name)
    for name, colour in (("red", (200, 30, 35)), ("blue", (35, 80, 180))):
        pixels = np.full((120, 90, 3), colour, np.uint8)
        pixels[90:] = (250, 250, 250)
        save(folder / "photos" / f"{name}.png", pixels)
    with Gallery.create(folder / "g", ["content", "colour"]) as gallery:
        gallery.add(folder / "photos")
    return folder


@pytest.fixture
def gallery(held: Path, tmp_path: Path) -> Iterator[Gallery]:
    shutil.copytree(held / "g", tmp_path / "g")
    with Gallery.open(tmp_path / "g") as opened:
        yield opened


def found(gallery: Gallery, text: str, **options: Any) -> list[str]:
    return [Path(hit.path).name for hit in gallery.search_text(text, **options).hits]


@pytest.mark.parametrize(
    ("text", "first"),
    [("cat", "chelsea.png"), ("animals", "chelsea.png"), ("cup", "coffee.png"), ("motorcycles", "motorcycle_left.png")],
)
def test_words_find_what_an_image_shows(gallery: Gallery, text: str, first: str) -> None:
    """By classes, hypernyms and tags, in the singular and the plural."""
    assert found(gallery, text)[:1] == [first]


def test_what_nothing_shows_is_not_found(gallery: Gallery) -> None:
    """No image is a violin, and the best is far from it; with no least probability it is told all the same."""
    answer = gallery.search_text("violin")
    assert answer.hits == ()
    assert answer.best < 0.5
    assert len(found(gallery, "violin", least=0)) == 8


def test_why_an_image_is_found(gallery: Gallery) -> None:
    """The class or the tag behind each word, and the colour and its place."""
    cat = gallery.search_text("felines").hits[0]
    assert [(one.word, one.kind, one.name) for one in cat.evidence] == [("feline", "tag", "cat")]
    coffee = gallery.search_text("espresso", least=0).hits[0]
    assert [(one.word, one.kind, one.name) for one in coffee.evidence] == [("espresso", "class", "espresso")]
    top = gallery.search_text("blue at the top").hits[0]
    assert [(one.kind, one.name) for one in top.evidence] == [("colour", "blue at the top")]
    assert Path(top.path).name == "blue.png"


def test_words_that_nobody_can_judge_are_named_and_say_nothing(gallery: Gallery) -> None:
    """A beautiful cat is a cat; what is beautiful alone finds nothing."""
    answer = gallery.search_text("beautiful cat")
    assert answer.unknown == ("beautiful",)
    assert answer.hits == gallery.search_text("cat").hits
    assert gallery.search_text("beautiful").hits == ()


def test_what_is_unwanted_is_left_out(gallery: Gallery) -> None:
    """In the text and beside it."""
    assert "chelsea.png" in found(gallery, "animal")
    assert "chelsea.png" not in found(gallery, "animal, no cat")
    assert "chelsea.png" not in found(gallery, "animal", without="cat")
    assert "chelsea.png" not in found(gallery, "animal -cat")


def test_all_that_does_not_show_something(gallery: Gallery) -> None:
    """With nothing that is wanted, whatever was described and does not show it."""
    names = set(found(gallery, "-cat -motorcycle"))
    assert {"coffee.png", "rocket.jpg"} <= names
    assert not {"chelsea.png", "motorcycle_left.png"} & names


def test_which_part_shows_a_word(gallery: Gallery, tmp_path: Path) -> None:
    """A cat beside bricks: in its half; a colour where it is; what a file says is nowhere. Only if it is asked for."""
    pixels = np.concatenate([photograph("brick.png")[:300, :400], photograph("chelsea.png")[:300, 25:425]], axis=1)
    gallery.add([save(tmp_path / "both.png", pixels)])
    where = f"path = '{tmp_path / 'both.png'}'"
    cat = gallery.search_text("cat png", where=where, least=0, boxes=True).hits[0].evidence
    (row,) = gallery.rows(where)
    assert cat[0].box is not None
    assert 400 < cat[0].box.x + cat[0].box.width / 2 < 800
    assert cat[1].box is None
    assert gallery.evidence_in(row, "cat png") == cat
    blue = gallery.search_text("blue at the top", boxes=True).hits[0].evidence[0]
    assert blue.box == Box(0, 0, 90, 45)
    assert gallery.search_text("cat").hits[0].evidence[0].box is None


def test_words_in_chinese(gallery: Gallery) -> None:
    """They find what the English ones find, and are called as they were written."""
    answer = gallery.search_text("猫，没有人")
    assert [hit.path for hit in answer.hits] == [hit.path for hit in gallery.search_text("cat, no people").hits]
    assert answer.understood == ("猫", "人")


def test_words_and_an_example_go_together(gallery: Gallery, held: Path) -> None:
    """Without words the example alone counts, and it is nearest to itself."""
    rocket = held / "photos" / "rocket.jpg"
    assert found(gallery, "", like=rocket)[:1] == ["rocket.jpg"]
    assert "rocket.jpg" not in found(gallery, "cat", like=rocket)


def test_files_answer_and_filters_hold(gallery: Gallery) -> None:
    """Portrait by its sides, PNG by its format; ``where`` goes before all."""
    assert {"red.png", "blue.png"} == set(found(gallery, "portrait")) - {"page.png"}
    assert found(gallery, "red", where="format = 'JPEG'") == []


def test_a_filter_may_ask_what_an_image_shows(gallery: Gallery) -> None:
    """With and without a probability, beside other conditions; an unknown word is an error."""
    shown = [Path(row.path).name for row in gallery.rows(where="shows('cat') > 0.6 and width > 100")]
    assert shown == ["chelsea.png"]
    others = [Path(row.path).name for row in gallery.rows(where="not shows('cat')")]
    assert len(others) == 7
    with pytest.raises(UserError, match="no idea of: beautiful"):
        gallery.ids(where="shows('beautiful')")


def test_the_columns_follow_the_gallery(gallery: Gallery, held: Path) -> None:
    """What is removed is not found any more, what comes again is."""
    cat = held / "photos" / "chelsea.png"
    assert found(gallery, "cat") == ["chelsea.png"]
    gallery.remove(cat)
    assert found(gallery, "cat") == []
    gallery.add(cat)
    assert found(gallery, "cat") == ["chelsea.png"]


def test_saved_columns_say_the_same_and_damage_is_no_harm(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    """Saved, loaded by the next, cut short, thrown away: the same answer each time."""
    from lookalike.gallery.index import columns_cache

    monkeypatch.setattr(columns_cache, "MIN_UNSAVED", 0)
    answer = gallery.search_text("animal")
    files = sorted((Path(gallery.path) / "index").glob("words.*.npy"))
    assert len(files) == 6
    with Gallery.open(gallery.path) as again:
        assert again.search_text("animal") == answer
    files[0].write_bytes(b"")
    with Gallery.open(gallery.path) as again:
        assert again.search_text("animal") == answer


def test_without_content_nobody_can_say_what_an_image_shows(tmp_path: Path) -> None:
    """The error says how to add it."""
    with Gallery.create(tmp_path / "g", ["colour"]) as gallery, pytest.raises(UserError, match="--with content"):
        gallery.search_text("dog")


def test_the_network_of_words_is_weighed_against_content(gallery: Gallery) -> None:
    """Where a gallery comes to hold it, the log-odds of a tag are those of `content` and its own, by a fitted curve."""
    before = gallery._library.word_index.get()
    assert not gallery.add_descriptor("words").failed
    after = gallery._library.word_index.get()
    rows = {Path(row.path).name: before.ids.tolist().index(row.id) for row in gallery.rows()}
    head, cup = tag_head(), tag_head().names.index("cup")
    coffee = load(photograph_path("coffee.png"), min_side=336)
    odds = describe_all([coffee], ["words"])["words"].vectors[0]
    intercept, slope, network_slope = head.network_curve
    expected = intercept + slope * before.tags[rows["coffee.png"], cup] / STEP
    expected += network_slope * odds[head.network_places[cup]]
    assert after.tags[rows["coffee.png"], cup] / STEP == pytest.approx(expected, abs=1 / STEP)
    assert found(gallery, "cup")[:1] == ["coffee.png"]
