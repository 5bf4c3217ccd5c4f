"""Labelled images: folders, nested folders and CSVs; what is held out stays out; what cannot be used is listed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from classes import classes_in, image
from lookalike.errors import UserError
from lookalike.training.data.image_folder import evenly_spaced, hold_out, read_images, read_labelled_images
from samples import save


def test_folders_are_classes(tmp_path: Path) -> None:
    """A folder each; empty ones and those without an image to read are named and no classes, single images noted."""
    root = classes_in(tmp_path / "p", (3, 1, 2))
    (root / "empty").mkdir()
    (root / "z").mkdir()
    (root / "z" / "bad.png").write_text("no image")
    save(root / "alone.png", image(0, 9))
    result = read_labelled_images(root, 32, tmp_path / "image-cache")
    assert result.cache.classes == ("a", "b", "c")
    assert (result.counts.tolist(), result.empty, result.unlabelled) == ([3, 1, 2], ("empty", "z"), 1)
    assert [(Path(one.path).name, bool(one.reason)) for one in result.cache.failed] == [("bad.png", True)]
    notes = " ".join(result.notes)
    assert all(word in notes for word in ("empty, z", "one image of b", "1 images in no class"))


def test_images_of_any_size_become_one(tmp_path: Path) -> None:
    """Small, large, wide and grey ones are all squeezed to the side that is asked for."""
    for number, shape in enumerate(((20, 20, 3), (300, 40, 3), (50, 400, 3), (64, 64, 3))):
        save(tmp_path / "p" / "ab"[number % 2] / f"{number}.png", np.full(shape, 40 * number, np.uint8))
    assert read_labelled_images(tmp_path / "p", 48, tmp_path / "image-cache").cache.pixels.shape == (4, 48, 48, 3)


def test_nested_folders_are_classes(tmp_path: Path) -> None:
    """With ``nested`` a class is the whole folder; without it the first one."""
    for kind, place in enumerate(("x/one", "x/two", "y/one")):
        save(tmp_path / "p" / place / "1.png", image(kind, 0))
    assert read_labelled_images(tmp_path / "p", 32, tmp_path / "image-cache", nested=True).cache.classes == (
        "x/one",
        "x/two",
        "y/one",
    )
    assert read_labelled_images(tmp_path / "p", 32, tmp_path / "image-cache").cache.classes == ("x", "y")


def test_a_csv(tmp_path: Path) -> None:
    """Paths are relative to the CSV's folder; missing files are listed; a label without an image is no class."""
    classes_in(tmp_path / "p", (2, 2))
    rows = [
        "p/a/000.png,red",
        "p/a/001.png,red",
        "p/b/000.png,green",
        "p/a/000.png,red",
        "gone.png,blue",
        "notes.txt,red",
    ]
    (tmp_path / "l.csv").write_text("label,path\n" + "\n".join(",".join(reversed(row.split(","))) for row in rows))
    result = read_labelled_images(tmp_path / "l.csv", 32, tmp_path / "image-cache")
    assert (result.cache.paths, result.cache.classes) == (
        ("p/a/000.png", "p/a/001.png", "p/b/000.png"),
        ("green", "red"),
    )
    assert (result.counts.tolist(), result.empty) == ([1, 2], ("blue",))
    assert [one.reason for one in result.cache.failed] == ["no such file", "not named like an image"]


@pytest.mark.parametrize(
    ("text", "named"),
    [("file,label\na.png,x\n", "'path'"), ("path,label\ngone.png,x\n", "none of its 1"), ("", "'path'")],
)
def test_a_csv_that_will_not_do(text: str, named: str, tmp_path: Path) -> None:
    """No such columns, no file that is there, nothing at all: an error that names the CSV."""
    (tmp_path / "l.csv").write_text(text)
    with pytest.raises(UserError, match=named) as result:
        read_labelled_images(tmp_path / "l.csv", 32, tmp_path / "image-cache")
    assert "l.csv" in str(result.value)


def test_one_class(tmp_path: Path) -> None:
    """It teaches nothing, but images without labels will do for who needs none."""
    root = classes_in(tmp_path / "p", (3,))
    with pytest.raises(UserError, match="two classes are needed"):
        read_labelled_images(root, 32, tmp_path / "image-cache")
    assert len(read_images(root, 32, tmp_path / "image-cache").cache.labels) == 3


def test_a_share_of_each_class_is_held_out(tmp_path: Path) -> None:
    """A fifth of each, at least one, and none of a class with one image; the same seed holds out the same."""
    every = read_labelled_images(classes_in(tmp_path / "p", (10, 3, 1, 20)), 32, tmp_path / "image-cache").cache
    split = hold_out(every, 0.2, 3, tmp_path / "a.json")
    assert np.bincount(every.labels[split.held_out], minlength=4).tolist() == [2, 1, 0, 4]
    assert sorted([*split.held_out, *split.training]) == list(range(34))
    assert hold_out(every, 0.2, 3, tmp_path / "b.json").held_out.tolist() == split.held_out.tolist()
    assert hold_out(every, 0.2, 4, tmp_path / "c.json").held_out.tolist() != split.held_out.tolist()


def test_held_out_stays_out(tmp_path: Path) -> None:
    """When images come, the file's own are held out and no others; a file over other images is refused."""
    root = classes_in(tmp_path / "p", (6, 6))
    before = read_labelled_images(root, 32, tmp_path / "image-cache").cache
    held = {before.paths[row] for row in hold_out(before, 0.3, 0, tmp_path / "h.json").held_out}
    after = read_labelled_images(classes_in(root, (9, 9)), 32, tmp_path / "image-cache").cache
    assert {after.paths[row] for row in hold_out(after, 0.3, 0, tmp_path / "h.json").held_out} == held
    (tmp_path / "h.json").write_text('["other.png"]')
    with pytest.raises(UserError, match="other images"):
        hold_out(after, 0.3, 0, tmp_path / "h.json")


def test_whole_classes_are_held_out(tmp_path: Path) -> None:
    """By class: no class is on both sides, and at least two are held out."""
    every = read_labelled_images(classes_in(tmp_path / "p", (2, 2, 2, 2, 2, 2)), 32, tmp_path / "image-cache").cache
    split = hold_out(every, 0.2, 0, tmp_path / "h.json", by_class=True)
    held, trained = set(every.labels[split.held_out]), set(every.labels[split.training])
    assert (len(held), len(trained), held & trained) == (2, 4, set())


def test_duplicates_of_what_is_held_out_are_not_trained_on(tmp_path: Path) -> None:
    """Every image twice: whichever is held out, its double is left out of both sides."""
    for number in range(6):
        for double in "xy":
            save(tmp_path / "p" / "ab"[number % 2] / f"{number}{double}.png", image(0, number))
    every = read_labelled_images(tmp_path / "p", 32, tmp_path / "image-cache").cache
    split = hold_out(every, 0.2, 1, tmp_path / "h.json")
    seen = {every.pixels[row].tobytes() for row in split.held_out}
    assert not seen & {every.pixels[row].tobytes() for row in split.training}
    assert (split.duplicates, len(split.held_out) + len(split.training) + split.duplicates) == (2, 12)


def test_evenly_spaced() -> None:
    """At most so many, the first and the last among them; all when there are fewer."""
    assert evenly_spaced(np.arange(10), 4).tolist() == [0, 3, 6, 9]
    assert evenly_spaced(np.arange(3), 4).tolist() == [0, 1, 2]
