"""A shop's table becomes a gallery's catalogue, through the gallery itself."""

from __future__ import annotations

import numpy as np
import pytest

from images import encode
from lookalike.errors import UserError
from lookalike.gallery import Gallery

COLOURS = {"red": (200, 30, 30), "blue": (30, 30, 200), "green": (30, 160, 60)}


def photo(colour, seed):
    """A textured image of one colour."""
    noise = np.random.default_rng(seed).integers(-25, 26, (12, 12, 3)).repeat(8, 0).repeat(8, 1)
    return encode(np.clip(np.array(COLOURS[colour]) + noise, 0, 255).astype(np.uint8))


@pytest.fixture
def shop(tmp_path):
    """A gallery, and a folder of images, none of them indexed yet."""
    for seed, name in enumerate(("red", "blue", "green", "red-back")):
        (tmp_path / f"{name}.png").write_bytes(photo(name.partition("-")[0], seed))
    with Gallery.create(tmp_path / "g.gallery", ["colour", "texture"]) as gallery:
        yield gallery, tmp_path


def table(folder, text, encoding="utf-8"):
    (folder / "items.csv").write_bytes(text.encode(encoding))
    return folder / "items.csv"


def reasons(report):
    return [failure.reason for failure in report.failed]


def test_items_with_several_images_are_taken_in_and_filtered(shop):
    gallery, folder = shop
    report = gallery.add_catalogue(
        table(
            folder, "ID;Title;File;Price;Size\nA;Red shirt;red.png|red-back.png;12,50 €;M\nB;Blue;blue.png;1.200,00;L\n"
        )
    )
    assert (report.added, report.images.added, report.failed) == (2, 3, ())
    assert report.columns == {"price": "number", "size": "text"}
    cheap = [row.path for row in gallery.rows("item.price < 20 and item.size = 'M'")]
    assert [str(folder / "red.png"), str(folder / "red-back.png")] == sorted(cheap, key=len)
    assert [str(folder / "blue.png")] == [row.path for row in gallery.rows("item.price >= 1200")]


def test_all_conditions_hold_for_one_and_the_same_item_that_an_image_shows(shop):
    gallery, folder = shop
    gallery.add_catalogue(table(folder, "id,file,price,size\nA,red.png,10,S\nB,red.png,90,L\n"))
    assert len(list(gallery.rows("item.price < 20 and item.size = 'S'"))) == 1
    assert list(gallery.rows("item.price < 20 and item.size = 'L'")) == []


def test_new_prices_read_no_image_and_leave_everything_else(shop):
    gallery, folder = shop
    gallery.add_catalogue(table(folder, "id,title,file,price,stock\nA,Red,red.png,10,4\nB,Blue,blue.png,20,2\n"))
    (folder / "red.png").unlink()
    (folder / "blue.png").write_bytes(b"no image any more")
    report = gallery.add_catalogue(table(folder, "id,price\nA,15\nB,20\n"))
    assert (report.added, report.updated, report.unchanged) == (0, 1, 1)
    assert (report.images.added + report.images.updated, report.failed) == (0, ())
    assert [str(folder / "red.png")] == [row.path for row in gallery.rows("item.price = 15 and item.stock = 4")]


def test_lines_of_one_id_join_their_files_and_contradictions_are_told(shop):
    gallery, folder = shop
    report = gallery.add_catalogue(
        table(folder, "id,file,price\nA,red.png,10\nA,red-back.png,10\nB,blue.png,5\nC,green.png,1\nB,blue.png,6\n")
    )
    assert reasons(report) == ["item 'B' is there 2 times with other price"]
    assert f"{folder / 'items.csv'}:4, 6" == report.failed[0].path
    assert len(list(gallery.rows("item.id = 'A'"))) == 2
    assert list(gallery.rows("item.id = 'B'")) == []


def test_what_cannot_be_used_is_told_by_line_and_the_rest_is_used(shop):
    gallery, folder = shop
    (folder / "broken.png").write_bytes(b"no image")
    report = gallery.add_catalogue(
        table(
            folder,
            "id,file,price\nA,red.png,on request\n,blue.png,3\nC,gone.png,4\nD,https://shop.example/d.png,5\n"
            "E,broken.png,6\nF,,7\n",
        )
    )
    said = " ".join(reasons(report))
    for words in ("price 'on request' is no number", "no id", "gone.png: not among", "nothing is loaded from the net"):
        assert words in said
    assert any(failure.path == str(folder / "broken.png") for failure in report.failed)
    assert report.without_image == ("C", "D", "E", "F")
    assert report.added == 5


@pytest.mark.parametrize(
    ("encoding", "read_as"), [("utf-8-sig", "utf-8"), ("utf-16", "utf-16"), ("cp1252", "windows-1252")]
)
def test_a_table_in_another_encoding_is_read_and_it_is_told(shop, encoding, read_as):
    gallery, folder = shop
    report = gallery.add_catalogue(table(folder, "id,title,file,Größe\nA,Été – été,red.png,übergroß\n", encoding))
    assert read_as == report.encoding
    assert len(list(gallery.rows("item.title = 'Été – été' and item.größe = 'übergroß'"))) == 1


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"PK\x03\x04rest", "save the table as CSV"),
        (b"name,price\nA,1\n", "must name a column 'id'"),
        (b"", "must name a column 'id'"),
        (b"id,price,price\nA,1,2\n", "two columns are called 'price'"),
        (b"id,a\x00b\n1,2\n", "NUL"),
    ],
)
def test_what_is_no_catalogue_is_refused_and_nothing_is_written(shop, data, words):
    gallery, folder = shop
    (folder / "items.csv").write_bytes(data)
    with pytest.raises(UserError, match=words):
        gallery.add_catalogue(folder / "items.csv")
    with pytest.raises(UserError, match="no catalogue"):
        gallery.recommend(item="A")


def test_an_image_that_is_indexed_anew_or_moved_stays_the_items(shop):
    gallery, folder = shop
    gallery.add_catalogue(table(folder, "id,file\nA,red.png\n"))
    (folder / "red.png").write_bytes(photo("red", 9))
    gallery.add(folder / "red.png")
    assert len(list(gallery.rows("item.id = 'A'"))) == 1
    (folder / "red.png").rename(folder / "renamed.png")
    assert gallery.add(folder / "renamed.png").moved == 1
    assert [str(folder / "renamed.png")] == [row.path for row in gallery.rows("item.id = 'A'")]
