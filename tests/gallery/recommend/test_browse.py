"""The shelf: a filter and words choose, facets count, and judged items move what is recommended."""

from __future__ import annotations

import numpy as np
import pytest

from images import encode
from lookalike.gallery import Gallery

COLOURS = {"red": (200, 30, 30), "rust": (175, 70, 30), "rose": (200, 60, 110), "blue": (30, 30, 200)}
TABLE = """id,title,file,price,size,note
red,Red shirt,red.png,10,M,n1
rust,Rust shirt,rust.png,20,L,n2
rose,Rose dress,rose.png,,M,n3
blue,Blue shirt,blue.png,40,,n4
none,No image,,5,S,n5
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shelf")
    for seed, (name, colour) in enumerate(COLOURS.items()):
        noise = np.random.default_rng(seed).integers(-15, 16, (12, 12, 3)).repeat(8, 0).repeat(8, 1)
        (folder / f"{name}.png").write_bytes(encode(np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8)))
    (folder / "items.csv").write_text(TABLE)
    with Gallery.create(folder / "g.gallery", ["colour"]) as gallery:
        gallery.add_catalogue(folder / "items.csv")
        yield gallery


def ids(found):
    return [one.id for one in found]


def test_a_shelf_is_cut_into_parts_and_counted_as_a_whole(shop):
    shelf = shop.items(begin=1, limit=2)
    assert (ids(shelf.items), shelf.total) == (["rust", "rose"], 5)
    counts = {one.column: dict(one.counts) or (one.least, one.greatest) for one in shelf.facets}
    assert counts["size"] == {"M": 2, "L": 1, "S": 1}
    assert counts["price"] == (5, 40)
    assert shelf.items[0].paths[0].endswith("rust.png")
    assert shop.item_count == 5


def test_a_filter_narrows_the_facets_also_where_it_speaks_of_images(shop):
    shelf = shop.items("item.price >= 20")
    assert ids(shelf.items) == ["rust", "blue"]
    assert {one.column: dict(one.counts) for one in shelf.facets if one.kind == "text"}["size"] == {"L": 1}
    assert ids(shop.items("item.size = 'M' and width > 10").items) == ["red", "rose"]
    assert [(one.column, one.least, one.greatest) for one in shop.items("item.price > 999").facets] == [
        ("price", 5, 40)
    ]


def test_a_facet_shows_what_else_may_be_chosen_in_it(shop):
    def counts(where, text=""):
        return {
            one.column: dict(one.counts) or (one.least, one.greatest) for one in shop.items(where, text=text).facets
        }

    assert counts("item.size in ('M')")["size"] == {"M": 2, "L": 1, "S": 1}
    assert counts("item.size in ('M')")["price"] == counts("item.price > 0 and item.size = 'M'")["price"] == (10, 10)
    both = counts("item.price < 30 and item.size in ('M', 'S')")
    assert (both["size"], both["price"], set(both["note"])) == ({"M": 1, "L": 1, "S": 1}, (5, 10), {"n1", "n5"})
    assert counts("(item.size = 'M' or item.price > 20) and item.size != 'S'")["size"] == {"M": 2}
    assert counts("item.size = 'S'", text="shirt")["size"] == {"M": 1, "L": 1}


def test_words_choose_and_the_best_comes_first(shop):
    assert ids(shop.items(text="blue shirt").items) == ["blue", "red", "rust"]
    assert shop.items(text="umbrella").total == 0
    assert ids(shop.items_by_id(["blue", "nothing", "red"])) == ["blue", "red"]


def test_what_was_called_good_pulls_and_what_was_called_bad_goes(shop):
    plain = shop.recommend(item="red", by="colour", diversity=0)
    pulled = shop.recommend(item="red", by="colour", diversity=0, good=["blue"])
    before, after = ({one.id: one for one in found} for found in (plain, pulled))
    assert after["blue"].score - before["blue"].score == pytest.approx(0.75, abs=2e-3)
    assert max(after[name].score - before[name].score for name in ("rust", "rose")) < 0.5
    assert after["blue"].score == pytest.approx(sum(after["blue"].parts.values()))
    kept = shop.recommend(item="red", by="colour", diversity=0, bad=["rust"])
    assert "rust" not in ids(kept)
    assert kept[0].parts["bad"] < 0
