"""Labels by words: which, with which probability, from which source, and what they leave alone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from lookalike.errors import UserError
from lookalike.gallery import Gallery
from lookalike.types import Label
from samples import photograph_path, save

PHOTOS = ("chelsea.png", "coffee.png", "rocket.jpg", "motorcycle_left.png")


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cat, a cup of coffee, a rocket, a motorcycle, and a blank page."""
    folder = tmp_path_factory.mktemp("suggest")
    (folder / "photos").mkdir()
    for name in PHOTOS:
        shutil.copy(photograph_path(name), folder / "photos" / name)
    save(folder / "photos" / "blank.png", np.full((90, 90, 3), 250, np.uint8))
    with Gallery.create(folder / "g", ["content"]) as gallery:
        gallery.add(folder / "photos")
    return folder


@pytest.fixture
def gallery(held: Path, tmp_path: Path) -> Iterator[Gallery]:
    shutil.copytree(held / "g", tmp_path / "g")
    with Gallery.open(tmp_path / "g") as opened:
        yield opened


def labels(gallery: Gallery) -> dict[str, tuple[Label, ...]]:
    return {Path(one.path).name: one.labels for one in gallery.labels()}


def test_what_images_show(gallery: Gallery) -> None:
    """Tags and classes, the likeliest first, each at least as probable as was asked for; a blank page gets none."""
    report = gallery.suggest_labels()
    found = labels(gallery)
    assert (report.labelled, report.abstained) == (len(PHOTOS), 0)
    assert {"cat", "Egyptian cat"} & {one.label for one in found["chelsea.png"]}
    assert "cup" in {one.label for one in found["coffee.png"]}
    assert found["motorcycle_left.png"][0].label == "motorcycle"
    assert set(found) == set(PHOTOS)
    every = [one for each in found.values() for one in each]
    assert min(one.probability for one in every) >= 0.5
    assert {one.source for one in every} == {report.source}
    assert all(len(each) <= 5 for each in found.values())


def test_a_tag_is_as_probable_as_in_a_search(gallery: Gallery) -> None:
    """A search by the tag's name gives the same probability."""
    gallery.suggest_labels()
    found = next(one for one in labels(gallery)["motorcycle_left.png"] if one.label == "motorcycle")
    hit = gallery.search_text("motorcycle", k=1).hits[0]
    assert found.probability == pytest.approx(hit.probability, abs=1e-5)


def test_suggestions_replace_suggestions_only(gallery: Gallery, held: Path) -> None:
    """Another run takes the place of the first, a person's labels stay and go first, and all can be forgotten."""
    cat = held / "photos" / "chelsea.png"
    gallery.put_labels({str(cat): [Label("Chelsea", 1.0, "csv")]})
    gallery.suggest_labels(top=3)
    gallery.suggest_labels(top=1)
    found = labels(gallery)
    assert found["chelsea.png"][0] == Label("Chelsea", 1.0, "csv")
    assert len(found["chelsea.png"]) == 2
    assert len(found["rocket.jpg"]) == 1
    assert gallery.forget_labels("words") == len(PHOTOS)
    assert labels(gallery) == {"chelsea.png": (Label("Chelsea", 1.0, "csv"),)}


def test_unsure_and_chosen(gallery: Gallery) -> None:
    """Above every probability no label is written, and earlier ones go; a filter leaves the others as they are."""
    gallery.suggest_labels(top=1)
    report = gallery.suggest_labels(least=1.0, where="format = 'JPEG'")
    assert (report.labelled, report.abstained) == (0, 1)
    assert "rocket.jpg" not in labels(gallery)
    assert len(labels(gallery)) == len(PHOTOS) - 1


def test_without_the_network(tmp_path: Path) -> None:
    """A gallery without `content` says what to do."""
    with Gallery.create(tmp_path / "g", ["colour"]) as gallery:
        with pytest.raises(UserError, match="--with content"):
            gallery.suggest_labels()
        with pytest.raises(UserError, match="--with content"):
            gallery.next_labels(3)
