"""A person's labels, from folders and from CSV files."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest

from lookalike.errors import UserError
from lookalike.gallery import Gallery
from lookalike.types import Label, LabelledImage
from networks import CLASSES
from samples import drawn, save
from tinted import install_classifier, tinted

ODD = ('it\'s "quoted"', "été 🌷", "a; b, c", "100 %_\\")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder for each of four odd labels with an image in it and one a level deeper, and an image in none."""
    for number, label in enumerate(ODD):
        save(tmp_path / "root" / label / f"{number}.png", drawn(number, 40, 30))
        save(tmp_path / "root" / label / "deeper" / "same.png", drawn(10 + number, 40, 30))
    save(tmp_path / "root" / "loose.png", drawn(20, 40, 30))
    save(tmp_path / "other" / "outside.png", drawn(21, 40, 30))
    return tmp_path / "root"


@pytest.fixture
def gallery(root: Path) -> Iterator[Gallery]:
    with Gallery.create(root.parent / "g", ["colour"]) as opened:
        opened.add([root, root.parent / "other"])
        yield opened


def table(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines), "utf-8")
    return path


def test_folders(gallery: Gallery, root: Path) -> None:
    """The first folder below the root names every image under it, whatever it is called; others are left alone."""
    report = gallery.label_from_folders(root)
    assert (report.source, report.labelled, report.unlabelled, report.failed) == ("folders", 8, 1, ())
    assert report.counts == dict.fromkeys(ODD, 2)
    expected = [
        LabelledImage(str(path), (Label(path.relative_to(root).parts[0], 1.0, "folders"),))
        for path in root.rglob("?*/*.png")
    ]
    assert sorted(expected, key=lambda one: one.path) == gallery.labels()
    for label in ODD:
        quoted = label.replace("'", "''")
        found = {Path(row.path).relative_to(root).parts[0] for row in gallery.rows(f"label = '{quoted}'")}
        assert found == {label}


def test_folders_again(gallery: Gallery, root: Path) -> None:
    """A second import takes the place of the first: an image that was moved to another folder is called anew."""
    gallery.label_from_folders(root)
    (root / ODD[0] / "0.png").rename(root / ODD[1] / "0.png")
    (root / ODD[0] / "deeper" / "same.png").rename(root / "loose2.png")
    gallery.add(root)
    report = gallery.label_from_folders(root)
    assert report.counts == {ODD[1]: 3, ODD[2]: 2, ODD[3]: 2}
    assert {label for one in gallery.labels() for label in [one.labels[0].label]} == set(ODD[1:])


def test_one_way_to_write_a_label(tmp_path: Path) -> None:
    """Decomposed letters, as macOS writes them into names, become the composed ones that people type."""
    save(tmp_path / "r" / unicodedata.normalize("NFD", "été") / "a.png", drawn(1, 40, 30))
    with Gallery.create(tmp_path / "g", ["colour"]) as gallery:
        gallery.add(tmp_path / "r")
        gallery.label_from_folders(tmp_path / "r")
        assert [one.labels[0].label for one in gallery.labels()] == [unicodedata.normalize("NFC", "été")]


@pytest.mark.skipif(os.name != "posix", reason="names are bytes there alone")
def test_a_folder_that_is_no_text(tmp_path: Path) -> None:
    """A folder whose name is no UTF-8 names nothing, and says so; the others do."""
    odd = os.fsdecode(os.fsencode(tmp_path / "r") + b"/\xff")
    os.makedirs(odd)
    save(tmp_path / "r" / "rose" / "a.png", drawn(1, 40, 30))
    os.link(tmp_path / "r" / "rose" / "a.png", f"{odd}/b.png")
    with Gallery.create(tmp_path / "g", ["colour"]) as gallery:
        gallery.add(tmp_path / "r")
        report = gallery.label_from_folders(tmp_path / "r")
    assert (report.labelled, [one.path for one in report.failed]) == (1, [f"{odd}/b.png"])
    assert "not UTF-8" in report.failed[0].reason


def test_a_folder_that_is_not_held(gallery: Gallery, tmp_path: Path) -> None:
    """No image below it is a mistake; a folder whose name only begins alike is another one."""
    save(tmp_path / "root2" / "x" / "a.png", drawn(30, 40, 30))
    for folder in ("nowhere", "root2"):
        with pytest.raises(UserError, match="holds no image below it; index it first"):
            gallery.label_from_folders(tmp_path / folder)


def test_csv(gallery: Gallery, root: Path, tmp_path: Path) -> None:
    """Lines that can be used are used; every other is listed with its number and why."""
    file = table(
        tmp_path / "t.csv",
        "label,path,notes",
        f'"{ODD[2]}",root/loose.png,by path',
        "rose,outside.png,by name",
        f"tulip,{root / ODD[0] / '0.png'},twice",
        f"tulip,{root / ODD[0] / '0.png'},twice",
        "lily,gone.png,",
        "lily,same.png,four have this name",
        "fern,1.png,",
        "moss,1.png,",
        ",2.png,nothing said",
    )
    report = gallery.label_from_csv(file)
    assert (report.source, report.labelled, report.unlabelled) == ("csv", 3, 1)
    assert report.counts == {ODD[2]: 1, "rose": 1, "tulip": 1}
    result = {one.path.removeprefix(f"{file}:"): one.reason for one in report.failed}
    assert list(result) == ["6", "7", "8, 9"]
    assert [w in r for w, r in zip(["not among", "4 images", "called 'fern' and 'moss'"], result.values(), strict=True)]
    assert {Path(one.path).name: one.labels[0].label for one in gallery.labels()} == {
        "loose.png": ODD[2],
        "outside.png": "rose",
        "0.png": "tulip",
    }


def test_csv_again(gallery: Gallery, tmp_path: Path) -> None:
    """Another file adds to the first, replaces what it names again, and takes back with an empty label."""
    gallery.label_from_csv(table(tmp_path / "a.csv", "path,label", "0.png,rose", "1.png,rose", "2.png,rose"))
    gallery.label_from_csv(table(tmp_path / "b.csv", "path,label", "0.png,tulip", "1.png,"))
    assert {Path(one.path).name: one.labels[0].label for one in gallery.labels()} == {"0.png": "tulip", "2.png": "rose"}


def test_a_person_goes_before_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However sure a model is, what a person says is the label that a search sees; a file goes before folders."""
    monkeypatch.setenv("LOOKALIKE_MODELS", str(tmp_path / "models"))
    install_classifier(tmp_path / "models", temperature=0.0001)
    save(tmp_path / "r" / "mine" / "a.png", tinted(1))
    with Gallery.create(tmp_path / "g", ["colour"]) as gallery:
        gallery.add(tmp_path / "r")
        gallery.classify("means")
        assert [row.path for row in gallery.rows("label_probability = 1")] == [str(tmp_path / "r" / "mine" / "a.png")]
        assert len(list(gallery.rows(f"label = '{CLASSES[1]}'"))) == 1
        gallery.label_from_folders(tmp_path / "r")
        assert len(list(gallery.rows("label = 'mine'"))) == 1
        gallery.label_from_csv(table(tmp_path / "t.csv", "path,label", "a.png,yours"))
        assert len(list(gallery.rows("label = 'yours'"))) == 1
        assert [one.label for one in gallery.labels()[0].labels] == ["yours", "mine", CLASSES[1]]
        assert gallery.forget_labels("csv") == 1
        assert len(list(gallery.rows("label = 'mine'"))) == 1
