"""A gallery's place chooses the engine that keeps it (gallery/storage/engines.py)."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from images import encode
from lookalike import Gallery
from lookalike.errors import MissingDependency, UserError
from lookalike.gallery.index.exact import ExactIndex
from lookalike.gallery.storage import sqlite_engine
from lookalike.gallery.storage.embeddings import dtype_of
from lookalike.gallery.storage.engines import ENGINES
from lookalike.gallery.storage.place import name_of


class Searching(ExactIndex):
    """The oracle, told as an engine's own index; counts its searches."""

    asked = 0

    def search(self, queries, k, allowed=None, where=None):
        assert where is None
        type(self).asked += 1
        return super().search(queries, k, allowed)


@pytest.fixture
def scheme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The scheme of an engine that keeps galleries elsewhere, and searches them itself."""
    engine = ModuleType("engine_elsewhere")

    def folder(place: str) -> str:
        return str(tmp_path / place.rpartition("/")[2])

    def index(store, card):
        found = Searching(card.metric)
        found.add(*store.vectors(card.name, contrast=card.min_contrast, dtype=dtype_of(card)))
        return found

    def open_storage(place: str):
        store = sqlite_engine.open_storage(folder(place))
        store.index = lambda card: index(store, card)
        return store

    engine.exists = lambda place: sqlite_engine.exists(folder(place))
    engine.open_storage = open_storage
    engine.create_storage = lambda place, new: sqlite_engine.create_storage(folder(place), new)
    monkeypatch.setitem(sys.modules, engine.__name__, engine)
    monkeypatch.setitem(ENGINES, "elsewhere", (engine.__name__, "nothing"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return "elsewhere"


def test_a_url_is_kept_by_its_engine(scheme: str, tmp_path: Path) -> None:
    """It is made, opened and searched by the engine; what can be made again lies in the user's cache; no password is
    shown."""
    files = [str(tmp_path / f"{number}.png") for number in range(3)]
    for number, file in enumerate(files):
        noise = np.random.default_rng(number).integers(0, 256, (8, 8, 3), np.uint8)
        Path(file).write_bytes(encode(np.kron(noise, np.ones((8, 8, 1), np.uint8))))
    url = f"{scheme}://me:secret@host/photos"
    assert not Gallery.exists(url)
    with Gallery.create(url, ["pdq"]) as gallery:
        gallery.add(files)
        before = Searching.asked
        assert gallery.search(files[1], rerank=0)[0].path == files[1]
        assert Searching.asked > before
        assert gallery.place == f"{scheme}://me@host/photos"
        assert gallery.path.parent == tmp_path / "cache" / "lookalike" / "galleries"
        assert not list(gallery.path.iterdir())
    assert Gallery.exists(url)


def test_what_no_engine_can_keep(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown scheme names those that there are; an engine that is not installed names its extra."""
    with pytest.raises(UserError, match=r"redis://me@host/db: no engine for redis://.*elsewhere://"):
        Gallery.open("redis://me:secret@host/db")
    with pytest.raises(UserError, match="thumbnails are kept in a gallery's own folder"):
        Gallery.create(f"{scheme}://host/db", ["pdq"], retention="thumbnails")
    monkeypatch.setitem(ENGINES, "gone", ("no_such_module", "postgres"))
    with pytest.raises(MissingDependency, match=r"pip install 'lookalike\[postgres\]'"):
        Gallery.open("gone://host/db")


def test_how_places_are_shown(tmp_path: Path) -> None:
    """Folders by their absolute paths, whatever is in their names; URLs as they are, but for a password."""
    assert name_of(tmp_path / "a:b@c") == str(tmp_path / "a:b@c")
    assert [name_of(f"pg://{one}") for one in ("host/p@th", "a@b/c", ":x@b/c")] == [
        "pg://host/p@th", "pg://a@b/c", "pg://@b/c"
    ]  # fmt: skip
