"""The file of a catalogue that was laid out: it saves reading, follows what is written, is not used if damaged."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from images import encode
from lookalike.gallery import Gallery
from lookalike.gallery.index import catalogue_cache
from lookalike.gallery.index.catalogue_file import load_catalogue
from lookalike.gallery.storage.base import Item

TABLE = "id,title,file,price,size\na,Red shirt,1.png,10,M\nb,Été \N{T-SHIRT},1.png,20,\nc,Hat,,,S\n"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("catalogue")
    (folder / "1.png").write_bytes(encode(np.random.default_rng(1).integers(0, 256, (48, 48, 3)).astype(np.uint8)))
    (folder / "items.csv").write_text(TABLE, "utf-8")
    with Gallery.create(folder / "g", ["colour"]) as gallery:
        gallery.add_catalogue(folder / "items.csv")
    return folder / "g"


@pytest.fixture
def place(made, tmp_path, monkeypatch):
    """A gallery whose catalogue is written into its file at every change."""
    monkeypatch.setattr(catalogue_cache, "MIN_UNSAVED", 0)
    monkeypatch.setattr(catalogue_cache, "UNSAVED_SHARE", 0)
    return shutil.copytree(made, tmp_path / "g")


def known(gallery):
    """Everything that a shop is told of its items, and by which words they are found."""
    found = gallery.items(limit=100)
    columns = gallery._library.catalogue.get()
    words = {text: gallery._library.catalogue.words().similarity(text).tolist() for text in ("red hat", "ete", "M")}
    return found.items, found.facets, columns.pairs.items.tolist(), columns.pairs.images.tolist(), words


def asked_from(gallery, monkeypatch):
    """The revisions from which items are read."""
    asked, items = [], gallery._library.store.items
    since = items.since
    monkeypatch.setattr(items, "since", lambda revision: asked.append(revision) or since(revision))
    return asked


def test_a_second_opening_reads_no_item_and_knows_the_same(place, monkeypatch):
    with Gallery.open(place) as gallery:
        before = known(gallery)
    with Gallery.open(place) as gallery:
        asked = asked_from(gallery, monkeypatch)
        assert known(gallery) == before
        assert asked == [3]
        rows = [gallery._library.catalogue.get().columns["title"].value(row) for row in range(3)]
        assert rows == ["Red shirt", "Été \N{T-SHIRT}", "Hat"]


def test_what_was_written_since_is_taken_in(place, monkeypatch):
    with Gallery.open(place) as gallery:
        known(gallery)
    monkeypatch.setattr(catalogue_cache, "MIN_UNSAVED", 1_000)
    for change in (
        lambda items: items.put(Item("a", "Blue shirt", (), {"price": 5.0, "size": "M"})),
        lambda items: items.forget(["b"]),
        lambda items: items.put(Item("d", "Red hat", (), {"price": 1.0})),
        lambda items: items.put_columns({"brand": "text"}),
    ):
        with Gallery.open(place) as gallery, gallery._library.store.transaction():
            change(gallery._library.store.items)
        with Gallery.open(place) as gallery:
            found = known(gallery)
        (place / "index" / "catalogue.npz").rename(place / "kept")
        with Gallery.open(place) as gallery:
            assert known(gallery) == found
        (place / "kept").rename(place / "index" / "catalogue.npz")


def test_a_forgotten_item_is_gone_though_another_took_its_revision(place):
    with Gallery.open(place) as gallery:
        assert {one.id for one in gallery.items().items} == {"a", "b", "c"}
        gallery.forget_items(["c"])
        with gallery._library.store.transaction():
            gallery._library.store.items.put(Item("d", "Red hat", (), {}))
        assert {one.id for one in gallery.items().items} == {"a", "b", "d"}
        gallery.forget_items(["d"])
        with gallery._library.store.transaction():
            gallery._library.store.items.put(Item("a", "Blue shirt", (), {}))
        assert [one.title for one in gallery.items().items] == ["Blue shirt", "Été \N{T-SHIRT}"]


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "another"])
def test_a_damaged_file_or_another_gallerys_is_laid_out_anew(place, tmp_path, damage):
    with Gallery.open(place) as gallery:
        before, uuid = known(gallery), gallery._library.store.uuid()
    file = place / "index" / "catalogue.npz"
    data = file.read_bytes()
    middle = data.index(b"Red shirt")
    if damage == "another":
        with Gallery.create(tmp_path / "other", ["colour"]) as other:
            assert load_catalogue(file.parent, other._library.store.uuid()) is None
        return
    broken = {"cut": data[: len(data) // 2], "flipped": data[:middle] + b"D" + data[middle + 1 :], "empty": b""}
    file.write_bytes(broken[damage])
    assert load_catalogue(file.parent, uuid) is None
    with Gallery.open(place) as gallery:
        assert known(gallery) == before
    assert load_catalogue(file.parent, uuid) is not None


def test_nothing_is_lost_where_the_file_cannot_be_written(place):
    (place / "index").mkdir(exist_ok=True)
    (place / "index" / "catalogue.npz").mkdir()
    with Gallery.open(place) as gallery:
        assert gallery.items().total == 3
    assert [one.name for one in (place / "index").glob("catalogue*")] == ["catalogue.npz"]
