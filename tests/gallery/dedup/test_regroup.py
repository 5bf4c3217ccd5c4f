"""Animations and stills in one library: groups by first frames fall apart into groups of copies."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from lookalike.gallery import Gallery
from lookalike.types import Group
from samples import photograph

NAMES = ("colour", "texture", "structure")


def members(groups: list[Group]) -> set[frozenset[str]]:
    return {frozenset(Path(path).name for path in (group.keep, *group.others)) for group in groups}


@pytest.fixture
def beginnings(tmp_path: Path) -> Path:
    """Two animations that begin alike, each as GIF and as WebP, the first one twice; and a still of their beginning."""
    folder = tmp_path / "beginnings"
    folder.mkdir()
    first = PIL.Image.fromarray(photograph("coffee.png")).resize((180, 120))
    for name, last in (("stir", "rocket.jpg"), ("launch", "retina.jpg")):
        other = PIL.Image.fromarray(photograph(last)).resize(first.size)
        frames = [PIL.Image.blend(first, other, n / 5) for n in range(6)]
        for suffix in ("gif", "webp"):
            frames[0].save(folder / f"{name}.{suffix}", save_all=True, append_images=frames[1:], duration=80)
    shutil.copy(folder / "stir.gif", folder / "same.gif")
    first.save(folder / "poster.jpg")
    first.save(folder / "poster.png")
    return folder


def test_what_only_begins_alike_is_apart(beginnings: Path, tmp_path: Path) -> None:
    """Verified, each animation stands with its copy, and the stills by themselves; by vectors alone, with its bytes."""
    with Gallery.create(tmp_path / "g", NAMES) as gallery:
        gallery.add(beginnings)
        assert {Path(row.path).name: row.frames for row in gallery}["launch.gif"] == 6
        assert len(gallery.ids("frames = 6")) == 5
        verified = members(gallery.duplicates(precision=0.5))
        alone = members(gallery.duplicates(precision=0.5, verify=False))
    posters = frozenset(("poster.jpg", "poster.png"))
    launch = frozenset(("launch.gif", "launch.webp"))
    assert verified == {frozenset(("stir.gif", "same.gif", "stir.webp")), launch, posters}
    assert alone == {frozenset(("stir.gif", "same.gif")), posters}


def test_an_animation_that_cannot_be_looked_at_is_not_shown(beginnings: Path, tmp_path: Path) -> None:
    """One whose file changed since is no copy of another by its first frame; a still's copy stays."""
    with Gallery.create(tmp_path / "g", NAMES) as gallery:
        gallery.add(beginnings)
        for name in ("launch.webp", "poster.jpg"):
            noise = np.random.default_rng(1).integers(0, 255, (40, 40, 3)).astype(np.uint8)
            PIL.Image.fromarray(noise).save(beginnings / name)
        found = members(gallery.duplicates(precision=0.5))
    assert frozenset(("poster.jpg", "poster.png")) in found
    assert not any("launch.webp" in group for group in found)
