"""The catalogue in memory says what the store says: the same filters, the same words, whatever was written when."""

from __future__ import annotations

import math

import numpy as np
import pytest

from images import encode
from lookalike.errors import UserError
from lookalike.gallery import Gallery
from lookalike.gallery.index.item_filter import rows_where
from lookalike.gallery.index.item_words import words_of

FILTERS = [
    "item.price < 20",
    "item.price != 10",
    "not item.price < 20",
    "item.price is null or item.size = 'M'",
    "item.price is not null and not item.size = 'M'",
    "item.size != 'M'",
    "item.size in ('S', 'nothing')",
    "item.price in (10, 30)",
    "item.title like '%SHIRT%'",
    "item.title like '%é_e%' or item.id = 'c'",
    "item.id >= 'c' and (item.price > 5 or item.size > 'L')",
    "item.size = 'nothing'",
]
TABLE = """id,title,file,price,size
a,Red shirt,1.png,10,M
b,"Shirt, an été",2.png,20,
c,Hat,1.png;3.png,,S
d,,3.png,30,M
e,No image,,1,M
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("columns")


@pytest.fixture(scope="module")
def gallery(folder):
    for seed in (1, 2, 3):
        pixels = np.random.default_rng(seed).integers(0, 256, (48, 48, 3)).astype(np.uint8)
        (folder / f"{seed}.png").write_bytes(encode(pixels))
    (folder / "items.csv").write_text(TABLE, "utf-8")
    with Gallery.create(folder / "g.gallery", ["colour"]) as opened:
        opened.add_catalogue(folder / "items.csv")
        yield opened


def codes(gallery, rows):
    columns = gallery._library.catalogue.get()
    return {columns.columns["id"].value(row) for row in rows}


@pytest.mark.parametrize("where", FILTERS)
def test_a_filter_means_in_memory_what_it_means_in_the_store(gallery, where):
    columns, items = gallery._library.catalogue.get(), gallery._library.store.items
    mask = rows_where(columns, where)
    kept = columns.pairs.items[mask[columns.pairs.items]]
    names = {number: code for code, number in items.codes().items()}
    assert {names[number] for number in items.images(where).items.tolist()} == codes(gallery, kept.tolist())


def test_the_rest_is_left_to_the_store_or_refused(gallery):
    columns = gallery._library.catalogue.get()
    assert rows_where(columns, "width > 1 and item.price < 5") is None
    assert rows_where(columns, None).all()
    for where, words in (
        ("item.nothing = 1", "no field"),
        ("item.price like '1'", "is a number"),
        ("item.", "not understood"),
    ):
        with pytest.raises(UserError, match=words):
            rows_where(columns, where)


def test_words_count_as_the_formula_of_bm25_says(gallery):
    """Spelt out: a word of a title counts twice, columns once; lengths in the same unit."""
    texts = [
        (["red", "shirt"], ["m"]),
        (["shirt", "an", "ete"], []),
        (["hat"], ["s"]),
        ([], ["m"]),
        (["no", "image"], ["m"]),
    ]
    length = [2 * len(title) + len(others) for title, others in texts]
    mean, scores = sum(length) / 5, []
    for (title, others), size in zip(texts, length, strict=True):
        score = 0.0
        for word in ("shirt", "m"):
            has = sum(word in a + b for a, b in texts)
            count = 2 * title.count(word) + others.count(word)
            rarity = math.log(1 + (5 - has + 0.5) / (has + 0.5))
            score += rarity * count * 2.2 / (count + 1.2 * (0.25 + 0.75 * size / mean))
        scores.append(score)
    gallery._library.catalogue.get()
    found = gallery._library.catalogue.words().similarity("SHÍRT, or 'quoted\" M NOT")
    assert found.tolist() == pytest.approx([score / max(scores) for score in scores], rel=1e-5)
    assert not gallery._library.catalogue.words().similarity("nothing").any()


def test_a_word_that_only_the_item_itself_has_does_not_make_others_less_alike(gallery):
    gallery._library.catalogue.get()
    words = gallery._library.catalogue.words()
    assert words.similarity("red shirt")[1] < words.similarity("red shirt", 0)[1]
    assert words.similarity("red shirt", 0).tolist() == words.similarity("shirt").tolist()


def test_words_are_read_without_accents_and_case():
    assert words_of("Été, ÜBER-groß 12") == ["ete", "uber", "gross", "12"]


def test_what_is_written_later_is_the_same_as_if_all_were_read_anew(gallery, folder):
    (folder / "later.csv").write_text("id,title,price\nb,Coat,5\nz,Belt,2\n")
    gallery.add_catalogue(folder / "later.csv")
    columns = gallery._library.catalogue.get()
    with Gallery.open(folder / "g.gallery") as other:
        anew = other._library.catalogue.get()
        for name, column in columns.columns.items():
            rows = range(len(columns))
            assert [column.value(row) for row in rows] == [anew.columns[name].value(row) for row in rows]
        assert [part.tolist() for part in columns.pairs] == [part.tolist() for part in anew.pairs]
        for text in ("coat", "shirt", "belt hat"):
            here, there = (one._library.catalogue.words().similarity(text) for one in (gallery, other))
            assert here.tolist() == pytest.approx(there.tolist())
