"""Roots: a library that moved keeps everything, a folder is forgotten only by name."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pytest

from lookalike.errors import UserError
from lookalike.gallery import Gallery
from lookalike.gallery.ingest.refresh import MissingFiles
from lookalike.gallery.ingest.roots import MovedRoot
from samples import drawn, folder_of, save


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Three images and one that fails."""
    folder = folder_of(tmp_path / "photos", 3)
    (folder / "bad.jpg").write_text("no image")
    return folder


@pytest.fixture
def gallery(tmp_path: Path, photos: Path):
    """With labels by folder, a verdict, and patterns."""
    save(photos / "cups" / "a.png", drawn(10))
    with Gallery.create(tmp_path / "g.gallery", ["structure"]) as opened:
        opened.add(photos, exclude=["*.webp"])
        opened.label_from_folders(photos)
        opened.add_verdicts([(photos / "0000.jpg", photos / "0001.jpg")], "different")
        yield opened


def labels(gallery: Gallery) -> dict[str, list[str]]:
    return {one.path: [label.label for label in one.labels] for one in gallery.labels()}


def test_a_moved_root_keeps_everything(gallery: Gallery, photos: Path, tmp_path: Path) -> None:
    """Ids, labels, verdicts and patterns stay, and the next run reads no file but the one that failed."""
    before = {row.id: os.path.relpath(row.path, photos) for row in gallery}
    new = photos.rename(tmp_path / "archive")
    assert gallery.move_root(photos, new) == MovedRoot(4, 0)
    assert {row.id: os.path.relpath(row.path, new) for row in gallery} == before
    assert labels(gallery) == {str(new / "cups" / "a.png"): ["cups"]}
    assert gallery.info().verdicts == 1
    (root,) = gallery.roots()
    assert (root.path, root.images, root.there, root.exclude) == (str(new), 4, True, ("*.webp",))
    report = gallery.add(new)
    assert (report.unchanged, report.added, report.moved, len(report.failed)) == (4, 0, 0, 1)
    assert [one.path for one in gallery.info().failures] == [str(new / "bad.jpg")]
    assert gallery.missing_files() == MissingFiles()


def test_a_folder_below_a_root_may_move(gallery: Gallery, photos: Path, tmp_path: Path) -> None:
    """Its images get their new paths, and the root stays."""
    new = (photos / "cups").rename(tmp_path / "mugs")
    assert gallery.move_root(photos / "cups", new) == MovedRoot(1, 0)
    assert labels(gallery) == {str(new / "a.png"): ["cups"]}
    assert [root.path for root in gallery.roots()] == [str(photos)]


def test_a_move_to_where_nothing_lies_is_refused(gallery: Gallery, photos: Path, tmp_path: Path) -> None:
    """Unless it is forced; half a move is none, and what is missing is counted."""
    with pytest.raises(UserError, match="force"):
        gallery.move_root(photos, tmp_path / "nowhere")
    assert [root.path for root in gallery.roots()] == [str(photos)]
    assert gallery.move_root(photos, tmp_path / "nowhere", force=True) == MovedRoot(4, 4)
    assert {os.path.dirname(row.path) for row in gallery} == {
        str(tmp_path / "nowhere"),
        str(tmp_path / "nowhere" / "cups"),
    }


def test_a_move_onto_other_images_is_refused(gallery: Gallery, photos: Path, tmp_path: Path) -> None:
    """What the gallery holds from the new place is never overwritten by another image; nothing is half moved."""
    other = folder_of(tmp_path / "other", 1, first=7)
    (other / "0007.jpg").rename(other / "0002.jpg")
    gallery.add(other)
    before = sorted(row.path for row in gallery)
    with pytest.raises(UserError, match="another image"):
        gallery.move_root(photos, other)
    assert sorted(row.path for row in gallery) == before


def test_a_copy_that_was_indexed_at_the_new_place_gives_its_labels(
    gallery: Gallery, photos: Path, tmp_path: Path
) -> None:
    """The same image is held once afterwards, with the labels of both."""
    new = tmp_path / "archive"
    save(new / "cups" / "a.png", drawn(10))
    gallery.add(new)
    (tmp_path / "l.csv").write_text(f"path,label\n{new / 'cups' / 'a.png'},mug\n")
    gallery.label_from_csv(tmp_path / "l.csv")
    gallery.move_root(photos, new)
    assert sorted(labels(gallery)[str(new / "cups" / "a.png")]) == ["cups", "mug"]
    assert len(gallery) == 4


@pytest.mark.parametrize("new", ["photos/below", "."])
def test_a_move_into_itself_is_refused(gallery: Gallery, photos: Path, tmp_path: Path, new: str) -> None:
    """One folder in the other would rename what it has just renamed."""
    with pytest.raises(UserError, match="lies in the other"):
        gallery.move_root(photos, tmp_path / new)


def test_forgetting_a_root_spares_the_root_below(gallery: Gallery, photos: Path) -> None:
    """A folder that was added by itself stays with its labels; an unknown folder is an error."""
    gallery.add(photos / "cups")
    assert [(root.path, root.images) for root in gallery.roots()] == [(str(photos), 3), (str(photos / "cups"), 1)]
    assert gallery.forget_root(photos) == 3
    assert labels(gallery) == {str(photos / "cups" / "a.png"): ["cups"]}
    assert [root.path for root in gallery.roots()] == [str(photos / "cups")]
    assert gallery.info().failures == ()
    with pytest.raises(UserError, match="roots list"):
        gallery.forget_root(photos)


def test_a_file_that_cannot_be_asked_about_is_not_gone(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    """A network drive that gives errors loses no image."""
    real = os.lstat

    def stale(path, **options):
        if str(path).endswith("a.png"):
            raise OSError(116, "Stale file handle")
        return real(path, **options)

    monkeypatch.setattr(os, "lstat", stale)
    assert gallery.refresh() == []


def test_a_move_to_where_names_are_composed_otherwise(tmp_path: Path) -> None:
    """A library that came from a Mac has its é in two signs; copied elsewhere, in one: it is the same file."""
    apart, whole = (unicodedata.normalize(form, "é.png") for form in ("NFD", "NFC"))
    save(tmp_path / "mac" / apart, drawn(3))
    with Gallery.create(tmp_path / "g.gallery", ["structure"]) as opened:
        opened.add(tmp_path / "mac")
        (tmp_path / "linux").mkdir()
        (tmp_path / "mac" / apart).rename(tmp_path / "linux" / whole)
        assert opened.move_root(tmp_path / "mac", tmp_path / "linux") == MovedRoot(1, 0)
        assert opened.add(tmp_path / "linux").unchanged == 1
        assert opened.remove([tmp_path / "linux" / apart]) == 1
