"""Prices and stock as a shop's backend sends them: written at once, the same twice, and never guessed."""

from __future__ import annotations

import pytest

from lookalike.errors import UserError
from lookalike.gallery import Gallery
from shops import draw_shop


@pytest.fixture
def shop(tmp_path):
    with Gallery.open(draw_shop(tmp_path) / "g.gallery") as gallery:
        yield gallery


def values(shop, code):
    (item,) = shop.items_by_id([code])
    return item.title, dict(item.values)


def test_what_is_said_changes_what_is_not_said_stays_and_the_same_again_writes_nothing(shop):
    changes = {"blue": {"price": 9, "stock": 4.0}, "red/s": {"title": "Odd", "size": "M"}, "green": {"size": None}}
    report = shop.update_items(changes)
    assert (report.updated, report.unchanged, dict(report.failed)) == (3, 0, {})
    assert values(shop, "blue") == ("Cotton shirt in blue", {"price": 9.0, "size": "M", "stock": 4.0})
    assert values(shop, "red/s") == ("Odd", {"price": 3.0, "size": "M"})
    assert values(shop, "green") == ("Wool hat", {"price": 15.0})
    assert len(shop.items_by_id(["blue"])[0].paths) == 1
    version = shop.version()
    report = shop.update_items(changes)
    assert (report.updated, report.unchanged) == (0, 3)
    assert shop.version() == version
    assert [one.id for one in shop.recommend(item="crimson", by="colour", where="item.stock > 3")] == ["blue"]


def test_what_cannot_be_done_is_told_of_its_item_alone(shop):
    report = shop.update_items(
        {
            "nothing": {"price": 1},
            "blue": {"price": "12,90"},
            "green": {"size": 42},
            "crimson": {"price": float("nan")},
            "red-s": {"price": True},
            "red-m": {"file": "other.png"},
            "red/s": {"x') --": 1},
            "no1": {"price": 65},
        }
    )
    assert (report.updated, report.unchanged) == (1, 0)
    assert {code: reason.split(":")[0] for code, reason in report.failed.items()} == {
        "nothing": "no item 'nothing' in this gallery's catalogue",
        "blue": "price",
        "green": "size",
        "crimson": "price",
        "red-s": "price",
        "red-m": "'file' cannot be a column",
        "red/s": '"x\') --" cannot be a column',
    }
    assert values(shop, "blue")[1]["price"] == 12
    assert values(shop, "no1")[1]["price"] == 65
    assert "file" not in {one.column for one in shop.items().facets}


def test_a_whole_item_is_put_with_images_of_the_gallery(shop):
    image = shop.items_by_id(["blue"])[0].paths[0]
    new = {"title": "Azure shirt", "images": [image], "values": {"price": 21, "brand": "Own"}}
    assert shop.put_item("azure", **new)
    version = shop.version()
    assert not shop.put_item("azure", **new)
    assert shop.version() == version
    (item,) = shop.items_by_id(["azure"])
    assert (item.paths, dict(item.values)) == ((image,), {"price": 21.0, "brand": "Own"})
    assert shop.recommend(item="azure", by="colour", diversity=0)[0].id == "blue"
    assert not shop.put_item("azure", title="Azure shirt")
    assert shop.items_by_id(["azure"])[0].paths == ()
    for wrong in ({"images": ["nowhere.png"]}, {"values": {"price": "much"}}):
        with pytest.raises(UserError):
            shop.put_item("other", **wrong)
    with pytest.raises(UserError, match="needs an id"):
        shop.put_item(" ")
    assert shop.items_by_id(["other"]) == []
