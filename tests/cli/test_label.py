"""lookalike label --suggest and --next."""

from __future__ import annotations

from pathlib import Path

import pytest

from lookalike.gallery import Gallery
from lookalike.types import ClassifyReport, NextLabel
from samples import reduced, save
from terminal import fields, here


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cat and a cup, and a gallery of them."""
    folder = tmp_path_factory.mktemp("label")
    for name in ("chelsea", "coffee"):
        save(folder / "photos" / f"{name}.png", reduced(name))
    with Gallery.create(folder / "g", ["content"]) as gallery:
        gallery.add(folder / "photos")
    return folder


def test_next(folder: Path) -> None:
    """Why, in words and as JSON; a filter leaves out the others."""
    ran = here("label", "-g", folder / "g", "--next", 2)
    assert (ran.code, ran.out.count("nothing is labelled yet")) == (0, 2)
    found = here("label", "-g", folder / "g", "--next", 5, "--where", "path like '%coffee%'", "--json").json["next"]
    assert [Path(one["path"]).name for one in found] == ["coffee.png"]
    assert list(found[0]) == fields(NextLabel)


def test_suggest(folder: Path) -> None:
    """Written as labels of the source "words", which a filter sees and which can be forgotten."""
    report = here("label", "-g", folder / "g", "--suggest", "--json").json
    assert list(report) == fields(ClassifyReport)
    listed = here("labels", "list", "-g", folder / "g", "--source", "words").out
    assert "cup" in listed
    assert "2 labelled, 0 unsure, by words" in here("label", "-g", folder / "g", "--suggest", "--top", 1).out
    assert "forgot 2 labels" in here("labels", "forget", "words", "-g", folder / "g").out


@pytest.mark.parametrize(
    "arguments", [(), ("--suggest", "--next", 3), ("--next", 3, "--top", 2), ("--next", 0), ("--suggest", "--least", 2)]
)
def test_mistakes_in_the_call(folder: Path, arguments: tuple[object, ...]) -> None:
    """Neither, both, or what belongs to the other."""
    assert here("label", "-g", folder / "g", *arguments).code == 2
