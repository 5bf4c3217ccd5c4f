"""A gallery with something in every table goes to each engine and comes back as it was."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from engines import ENGINES, NewPlace
from everything import everything, fill_gallery
from lookalike.descriptors.neural import model_store
from lookalike.errors import UserError
from lookalike.gallery import Gallery
from terminal import here


@pytest.fixture
def full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The gallery."""
    monkeypatch.setenv(model_store.VARIABLE, str(tmp_path / "models"))
    return fill_gallery(tmp_path)


@pytest.mark.full
@pytest.mark.parametrize("new_place", ENGINES)
def test_there_and_back(new_place: NewPlace, request: pytest.FixtureRequest, full: Path, tmp_path: Path) -> None:
    """Both ways everything is the same, each is verified, and there it can be searched and interrupted."""
    there, back = new_place(request), tmp_path / "back"

    def halt(done: int, _: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Gallery.migrate(full, there, progress=halt)
    assert Gallery.migrate(full, there).images == 8
    assert Gallery.migrate(there, back).moved == 9
    assert everything(back) == everything(full)
    with Gallery.open(full) as first, Gallery.open(there) as second:
        path = next(iter(first)).path
        hits, expected = second.search(path, rerank=0), first.search(path, rerank=0)
        assert [hit.path for hit in hits] == [hit.path for hit in expected]
        second.remove(path)
    with pytest.raises(UserError, match="same gallery"):
        Gallery.migrate(there, there)
    assert Gallery.migrate(full, there).moved == 1


@pytest.mark.full
def test_from_each_to_the_next(request: pytest.FixtureRequest, full: Path, tmp_path: Path) -> None:
    """Through all engines, and home."""
    places = [str(full), *(one.values[0](request) for one in ENGINES[1:]), str(tmp_path / "home")]
    for source, target in pairwise(places):
        ran = here("migrate", source, target, "--json")
        assert (ran.code, ran.json["moved"], ran.json["recall"]) == (0, 9, 1.0)
    assert everything(Path(places[-1])) == everything(full)
