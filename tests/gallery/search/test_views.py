"""Query views: an image that was mirrored or turned, found by a hash that knows no turns."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lookalike.comparison.alignment.orientations import ORIENTATIONS
from lookalike.gallery import Gallery
from samples import drawn, folder_of, save


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("views")
    with Gallery.create(folder / "g", descriptors=("colour", "texture", "structure")) as opened:
        opened.add(folder_of(folder / "photos", 30))
        yield opened


@pytest.mark.parametrize("turn", [name for name in ORIENTATIONS if name != "upright"])
def test_every_way_to_lie_is_found(gallery: Gallery, tmp_path: Path, turn: str) -> None:
    """Turned in any of the seven ways, an image finds its original with views, as the same thing; without, it does
    not."""
    query = save(tmp_path / "q.png", np.ascontiguousarray(ORIENTATIONS[turn].apply(drawn(7))))
    found = gallery.search(query, 3, by="structure", views=True)
    assert Path(found[0].path).name == Path(gallery.search(save(tmp_path / "u.png", drawn(7)), 1)[0].path).name
    assert found[0].probability > 0.9
    assert gallery.search(query, 1, by="structure")[0].distance > 2 * found[0].distance + 20


def test_each_image_once_and_in_order(gallery: Gallery, tmp_path: Path) -> None:
    """The hits of eight views are k different images, nearest first, none farther than without views."""
    query = save(tmp_path / "q.png", drawn(3))
    plain, views = (gallery.search(query, 10, by="structure", views=views) for views in (False, True))
    assert len(views) == len({hit.path for hit in views}) == 10
    assert sorted(hit.distance for hit in views) == [hit.distance for hit in views]
    assert all(b.distance <= a.distance for a, b in zip(plain, views, strict=True))


def test_eight_looks_are_eight_chances_to_be_wrong(gallery: Gallery, tmp_path: Path) -> None:
    """The same distance is less probable a copy when eight views were tried: the odds of eight times the library."""
    query = save(tmp_path / "q.png", drawn(3) // 2 + 40)
    plain, views = (gallery.search(query, 1, views=views)[0] for views in (False, True))
    assert plain.path == views.path
    odds = [hit.probability / (1 - hit.probability) for hit in (plain, views)]
    if plain.probability < 1 - 1e-9:
        assert odds[1] == pytest.approx(odds[0] / 8, rel=1e-3)
    assert views.probability <= plain.probability
