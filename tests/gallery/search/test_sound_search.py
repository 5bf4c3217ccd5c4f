"""Soundtracks in a gallery: which videos have the sound of another one, with its images or with others."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from lookalike.cli import cli
from lookalike.descriptors.sound import WORD_SECONDS, SoundDescription
from lookalike.descriptors.video import DESCRIPTOR
from lookalike.gallery import Gallery
from lookalike.gallery.library import FILE
from lookalike.gallery.search.shared_sound import sound_at, sound_beside
from lookalike.types import Segment
from videos import SOUND_RATE, pan, tune, write_video

SECONDS = 8
SMALL = (160, 120)


def scene(name: str, seconds: float = SECONDS, start: float = 0.0) -> list[np.ndarray]:
    return pan(name, seconds, start=start, size=SMALL)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film; it with another sound; its sound, from 2 s on and quieter, under other images; and a silent film."""
    folder = tmp_path_factory.mktemp("library")
    song = tune(1, SECONDS)
    write_video(folder / "film.mp4", scene("coffee.png"), sound=song)
    write_video(folder / "dubbed.mp4", scene("coffee.png"), sound=tune(2, SECONDS), quality=5)
    cut = 0.4 * song[:, 2 * SOUND_RATE :]
    write_video(folder / "clip.mkv", scene("astronaut.png", 6, 3), sound=cut)
    write_video(folder / "silent.mp4", scene("chelsea.png", 4))
    return folder


@pytest.fixture(scope="module")
def path(library: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("gallery") / "g"
    with Gallery.create(place, [DESCRIPTOR]) as gallery:
        assert gallery.add(library).added == 4
    return place


def test_a_video_finds_its_sound_under_other_images(path: Path, library: Path) -> None:
    """Behind what shares images; each says what is the same and what is not."""
    with Gallery.open(path) as gallery:
        hits = {Path(one.path).name: one for one in gallery.search_videos(library / "film.mp4")}
    assert list(hits) == ["film.mp4", "dubbed.mp4", "clip.mkv"]
    assert hits["dubbed.mp4"].statement == "same images, other sound"
    assert (hits["dubbed.mp4"].sound, len(hits["dubbed.mp4"].segments)) == ((), 1)
    clip = hits["clip.mkv"]
    assert (clip.segments, clip.statement) == ((), "other images, same sound")
    (shared,) = clip.sound
    assert (shared.a_start, shared.b_start) == (pytest.approx(2, abs=0.2), pytest.approx(0, abs=0.2))
    assert clip.probability == shared.probability > 0.9


def test_a_new_query_is_listened_to(path: Path, tmp_path: Path) -> None:
    """It is not held: its sound is described, and a filter holds for what is heard as well."""
    song = tune(1, SECONDS)[:, 3 * SOUND_RATE :]
    query = write_video(tmp_path / "q.mp4", scene("rocket.jpg", 5), sound=song)
    with Gallery.open(path) as gallery:
        assert {Path(one.path).name for one in gallery.search_videos(query)} == {"film.mp4", "clip.mkv"}
        (only,) = gallery.search_videos(query, where="path like '%.mkv'")
    assert only.path.endswith("clip.mkv")
    printed = CliRunner().invoke(cli, ["search", str(query), "-g", str(path)]).stdout
    assert printed.count("same sound") == 2


def test_copies_by_sound_and_films_with_another_sound(path: Path) -> None:
    """A film with another soundtrack is no whole copy; whose sound alone is shared is told with its segments."""
    with Gallery.open(path) as gallery:
        found = gallery.video_duplicates(precision=0.5)
    assert found.groups == ()
    pairs = {tuple(sorted((Path(one.a).name, Path(one.b).name))): one for one in found.pairs}
    assert set(pairs) == {("dubbed.mp4", "film.mp4"), ("clip.mkv", "film.mp4")}
    assert pairs["dubbed.mp4", "film.mp4"].statement == "same images, other sound"
    alone = pairs["clip.mkv", "film.mp4"]
    assert (alone.segments, alone.statement, len(alone.sound)) == ((), "other images, same sound", 1)
    printed = CliRunner().invoke(cli, ["duplicates", "-g", str(path), "--precision", "0.5"]).stdout
    assert "same images, other sound" in printed
    assert "other images, same sound" in printed


def test_sound_is_aligned_only_where_it_is_likely() -> None:
    """Of an hour of sound half a minute is held against half a minute; the times are those of the hour."""
    draw = np.random.default_rng(1)
    words = int(3600 / WORD_SECONDS)
    bits, known = (draw.integers(1 << 32, size=words, dtype=np.uint32) for _ in range(2))
    film = SoundDescription(
        bits, known | draw.integers(1 << 32, size=words, dtype=np.uint32), np.zeros(words, np.uint8)
    )
    at = words // 2
    clip = SoundDescription(*(one[at : at + 646] for one in (film.bits, film.known, film.loudness)))
    later = at * WORD_SECONDS
    (found,) = sound_at(clip, film, later + 0.4)
    (back,) = sound_at(film, clip, -later)
    images = [Segment(2.0, 20.0, later + 2, later + 20, 1.0, "edited", 0.9)]
    (beside,) = sound_beside(clip, film, images)
    assert (found.a_start, found.b_start, found.b_end) == pytest.approx((0, later, later + 30), abs=0.5)
    assert (back.a_start, back.b_start, back.a_end) == pytest.approx((later, 0, later + 30), abs=0.5)
    assert (beside.a_start, beside.b_start) == pytest.approx((0, later), abs=0.5)
    assert beside.evidence["in_step"] == 1
    assert sound_beside(clip, film, []) == ()


def test_a_gallery_of_before_is_listened_to_by_index(library: Path, tmp_path: Path) -> None:
    """Its videos were taken in without their sound: `index` says so, and reads them once more."""
    with Gallery.create(tmp_path / "g", [DESCRIPTOR]) as gallery:
        gallery.add([library / "film.mp4", library / "clip.mkv"])
    with closing(sqlite3.connect(tmp_path / "g" / FILE)) as database, database:
        database.execute("DROP TABLE sounds")
        database.execute("PRAGMA user_version = 12")
    with Gallery.open(tmp_path / "g") as gallery:
        assert gallery.lacking() == {DESCRIPTOR: 2}
        assert {one.kind for one in gallery.check().problems} == {"sound"}
        assert gallery.describe_lacking().updated == 2
        assert gallery.lacking() == {}
        assert len(gallery.search_videos(library / "film.mp4")) == 2


def test_sound_is_made_again(library: Path, tmp_path: Path) -> None:
    """`check --repair` listens again where it is damaged; a removed video is heard no more."""
    with Gallery.create(tmp_path / "g", [DESCRIPTOR]) as gallery:
        gallery.add([library / "film.mp4", library / "clip.mkv"])
        store = gallery._library.store
        clip = gallery.row(2) if gallery.row(2).path.endswith("mkv") else gallery.row(1)
        with store.transaction():
            store.sounds.put(clip.id, b"broken")
        assert [(one.kind, one.image) for one in gallery.check().problems] == [("sound", clip.id)]
        assert gallery.check(repair=True).problems == ()
        assert len(gallery.search_videos(library / "film.mp4")) == 2
        gallery.remove([clip.path])
        assert len(gallery.search_videos(library / "film.mp4")) == 1
