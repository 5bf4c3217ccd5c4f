"""Recommendations from a small shop, whose colours say what is like what."""

from __future__ import annotations

import pytest

from lookalike.errors import UserError
from lookalike.gallery import Gallery
from shops import draw_items

ITEMS = """id,title,file,price,size,variant_of
red-s,Red cotton shirt,red1.png,10,S,
red-m,Red cotton shirt,red2.png,10,M,red-s
crimson,Silk dress,crimson.png,80,M,
blue,Cotton shirt in blue,blue.png,12,M,
green,Wool hat,green.png,15,S,
no1,Leather boots,,70,M,
no2,Linen trousers,,40,S,
no3,Woollen scarf,,20,,
no4,Belt,,20,,
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("shop")


@pytest.fixture(scope="module")
def shop(folder):
    draw_items(folder, ITEMS)
    with Gallery.create(folder / "g.gallery", ["colour", "texture"]) as gallery:
        gallery.add_catalogue(folder / "items.csv")
        yield gallery


def ids(found):
    return [one.id for one in found]


def test_an_image_that_is_not_held_finds_what_looks_like_it(shop, folder):
    found = shop.recommend(folder / "query.png", by="colour", diversity=0)
    assert [one for one in ids(found)[:2] if not one.startswith("red")] == ["crimson"]
    assert found[0].id in ("red-s", "red-m")


def test_the_parts_add_up_to_the_score_and_the_best_comes_first(shop, folder):
    found = shop.recommend(folder / "query.png", by={"colour": 2, "texture": 1}, diversity=0)
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    for one in found:
        assert {"colour", "texture"} == set(one.parts)
        assert one.score == pytest.approx(sum(one.parts.values()))


def test_the_same_image_has_the_whole_weight_of_each_measure(shop, folder):
    best = shop.recommend(folder / "blue.png", by={"colour": 3, "texture": 1})[0]
    assert best.id == "blue"
    assert best.parts == pytest.approx({"colour": 0.75, "texture": 0.25}, abs=2e-3)


def test_variants_are_folded_into_the_best_and_the_queries_own_are_left_out(shop, folder):
    found = shop.recommend(folder / "red2.png", by="colour")
    assert (found[0].id, found[0].variants) == ("red-m", ("red-s",))
    assert {"crimson", "blue", "green"} == set(ids(shop.recommend(item="red-m")))


def test_any_column_may_say_what_variants_have_in_common(shop, folder):
    found = shop.recommend(folder / "query.png", by="colour", fold="size")
    assert {"S", "M"} == {one.values["size"] for one in found}
    assert sum(1 + len(one.variants) for one in found) == 5


def test_a_filter_on_the_catalogue_holds_for_each_item(shop, folder):
    found = shop.recommend(folder / "query.png", where="item.price < 50 and item.size = 'M'")
    assert {"red-m", "blue"} == set(ids(found))
    assert shop.recommend(folder / "query.png", where="item.price < 1") == []


def test_words_bring_what_looks_otherwise(shop):
    found = shop.recommend(item="red-s", by="text")
    assert found[0].id == "blue"
    assert found[0].parts["text"] ** 2 > 2 * found[1].parts["text"] ** 2 > 0  # roots of shares of the best score
    assert ids(shop.recommend(item="red-s", by="text", text="hat")) == ["green"]
    assert shop.recommend(item="red-s", by="text", text="umbrella") == []


def test_a_new_price_is_known_at_once_and_so_is_a_new_or_forgotten_item(tmp_path):
    draw_items(tmp_path, ITEMS)
    with Gallery.create(tmp_path / "g.gallery", ["colour"]) as gallery:
        gallery.add_catalogue(tmp_path / "items.csv")
        cheap = {"image": tmp_path / "query.png", "where": "item.price < 11", "fold": "size"}
        assert ids(gallery.recommend(**cheap, diversity=0)) in (["red-m", "red-s"], ["red-s", "red-m"])
        (tmp_path / "new.csv").write_text("id,price\nblue,9\nred-s,99\n")
        gallery.add_catalogue(tmp_path / "new.csv")
        assert {"red-m", *gallery.recommend(**cheap)[0].variants} == {"red-m", "blue"}
        (tmp_path / "more.csv").write_text("id,file,price,size\nlate,green.png,1,XL\n")
        gallery.add_catalogue(tmp_path / "more.csv")
        assert "late" in ids(gallery.recommend(**cheap))
        gallery.forget_items(["late"])
        gallery.remove(tmp_path / "blue.png")
        assert ids(gallery.recommend(**cheap)) == ["red-m"]


def test_a_filter_on_images_and_items_at_once(shop, folder):
    both = "item.size = 'M' and path like '%/blue.png'"
    assert ids(shop.recommend(folder / "query.png", where=both)) == ["blue"]


def test_diversity_puts_another_kind_before_a_near_twin(shop, folder):
    near = shop.recommend(folder / "query.png", 3, by="colour", diversity=0)
    wide = shop.recommend(folder / "query.png", 3, by="colour", diversity=0.9)
    assert near[1].id == "crimson"
    assert wide[1].id != "crimson"
    assert wide[1].similar_chosen < near[1].similar_chosen


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({}, "give one of them"),
        ({"item": "nothing"}, "no item 'nothing'"),
        ({"item": "blue", "by": "content"}, "holds no content"),
        ({"item": "blue", "by": "colour=x"}, "not name=weight"),
        ({"item": "blue", "fold": "model"}, "no column 'model'"),
        ({"item": "blue", "where": "item.colour = 1"}, "no field 'item.colour'"),
        ({"item": "blue", "diversity": 2}, "between 0"),
        ({"item": "blue", "k": 0}, "1 or more"),
    ],
)
def test_what_cannot_be_asked_is_said(shop, asked, words):
    with pytest.raises(UserError, match=words):
        shop.recommend(**asked)


def test_an_image_alone_has_no_words_to_go_by(shop, folder):
    with pytest.raises(UserError, match="give a text"):
        shop.recommend(folder / "query.png", by="text")
