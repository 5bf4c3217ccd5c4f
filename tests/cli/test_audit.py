"""lookalike audit: one data set with one of everything in it, in words, as JSON and as a page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from lookalike.gallery import Gallery
from lookalike.gallery.audit.findings import Audit
from samples import photograph, reduced, save
from terminal import fields, here
from tinted import kind_of, tinted

COUNT = 24


def data_set(root: Path) -> None:
    """set/train and set/test with three classes, a leak, a copy, and images with something the matter."""
    train = root / "set" / "train"
    for n in range(COUNT):
        save(root / "set" / ("test" if n % 4 == 0 else "train") / kind_of(n) / f"{n:02}.png", tinted(n, 160, 120))
    cat, coffee = reduced("chelsea"), photograph("coffee.png")
    save(train / "red" / "cat.jpg", cat, quality=92)
    save(root / "set" / "test" / "red" / "cat_again.jpg", cv2.resize(cat, None, fx=0.7, fy=0.7), quality=80)
    save(train / "red" / "coffee.jpg", coffee, quality=90)
    save(train / "green" / "coffee_crop.jpg", np.ascontiguousarray(coffee[40:360, 60:560]), quality=85)
    save(train / "blue" / "dark.jpg", (photograph("rocket.jpg") * 0.2).astype(np.uint8))
    save(train / "blue" / "blurred.jpg", cv2.GaussianBlur(photograph("astronaut.png"), (0, 0), 5))
    save(train / "blue" / "blank.png", np.full((120, 160, 3), 240, np.uint8))
    save(train / "green" / "tiny.png", tinted(99, 20, 15))
    save(train / "green" / "wide.png", tinted(98, 480, 40))
    (train / "green" / "cut.jpg").write_bytes((train / "red" / "coffee.jpg").read_bytes()[:9000])


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data set, and a gallery of it that its audit has made."""
    folder = tmp_path_factory.mktemp("audit")
    data_set(folder)
    ran = here("audit", folder / "set", "--gallery", folder / "g", "--report", folder / "page.html", "--json")
    assert ran.code == 1
    (folder / "audit.json").write_text(ran.out)
    return folder


@pytest.fixture(scope="module")
def audit(root: Path) -> dict[str, Any]:
    import json

    found: dict[str, Any] = json.loads((root / "audit.json").read_text())
    return found


def names(found: list[dict[str, Any]]) -> list[str]:
    return [Path(one["path"]).name for one in found]


def test_one_of_everything(audit: dict[str, Any]) -> None:
    """Each is found, and nothing else is called so."""
    assert list(audit) == fields(Audit)
    assert audit["splits"] == {"test": 7, "train": 26}
    assert [[Path(one["path"]).name for one in leak["images"]] for leak in audit["leaks"]] == [
        ["cat.jpg", "cat_again.jpg"]
    ]
    assert [one["split"] for one in audit["leaks"][0]["images"]] == ["train", "test"]
    assert [{Path(path).name for path in (one["keep"], *one["others"])} for one in audit["duplicates"]] == [
        {"coffee.jpg", "coffee_crop.jpg"}
    ]
    assert names(audit["blank"]) == ["blank.png"]
    assert names(audit["dark"]) == ["dark.jpg"]
    assert "blurred.jpg" in names(audit["blurred"])
    assert {"cat.jpg", "coffee.jpg", "coffee_crop.jpg"}.isdisjoint(names(audit["blurred"]))
    assert names(audit["odd_sizes"])[0] == "tiny.png"
    assert names(audit["odd_shapes"]) == ["wide.png"]
    assert names(audit["failed"]) == ["cut.jpg"]
    assert "coffee.jpg" in names(audit["outliers"])
    assert all(one["value"] > one["limit"] for one in audit["outliers"])
    assert set(audit["class_balance"]["counts"]) == {"red", "green", "blue"}
    assert audit["label_errors"] is not None
    assert audit["notes"] == []


def test_page(root: Path) -> None:
    """Each section is there, with the images in it, and its links lead somewhere."""
    page = (root / "page.html").read_text()
    for kind in ("leaks", "classes", "outliers", "blank-images", "dark-images", "blurred-images", "odd-sizes"):
        assert f'id="{kind}"' in page
        assert f'href="#{kind}"' in page
    assert "test and train" in page
    assert 'title="' + str(root / "set" / "test" / "red" / "cat_again.jpg") in page


def test_words_and_exit_codes(root: Path, tmp_path: Path) -> None:
    """A gallery that was kept is used again; a wrong folder is a mistake in the call; a data set without anything
    unreadable exits with 0, unless it is to fail on what is found."""
    ran = here("audit", root / "set", "--gallery", root / "g")
    assert ran.code == 1
    assert "cat_again.jpg" in ran.out
    assert here("audit", root / "nowhere").code == 2
    assert here("audit", root / "set", "--against", root / "set" / "test", "--gallery", root / "g").code == 2
    for n in range(3):
        save(tmp_path / "few" / f"{n}.png", tinted(n))
    save(tmp_path / "few" / "blank.png", np.zeros((60, 80, 3), np.uint8))
    quiet = here("audit", tmp_path / "few", "--gallery", tmp_path / "g")
    assert quiet.code == 0
    assert "not checked: leakage" in quiet.out
    assert here("audit", tmp_path / "few", "--gallery", tmp_path / "g", "--fail-on", "blank").code == 1
    assert here("audit", tmp_path / "few", "--gallery", tmp_path / "g", "--fail-on", "leaks").code == 0


def test_against_and_labels(tmp_path: Path) -> None:
    """Another folder leaks as a split does, and a CSV says the classes; the gallery's labels stay as they are."""
    save(tmp_path / "set" / "cat.jpg", reduced("chelsea"), quality=92)
    save(tmp_path / "set" / "cup.jpg", reduced("coffee"), quality=92)
    save(tmp_path / "bench" / "cat.png", reduced("chelsea")[:, ::-1].copy())
    (tmp_path / "labels.csv").write_text("path,label\nset/cat.jpg,cat\nset/cup.jpg,cup\nset/gone.jpg,cup\n")
    arguments = ("audit", tmp_path / "set", "--against", tmp_path / "bench", "--labels", tmp_path / "labels.csv")
    ran = here(*arguments, "--gallery", tmp_path / "g", "--json")
    assert ran.code == 1
    assert [sorted(one["split"] for one in leak["images"]) for leak in ran.json["leaks"]] == [["bench", "set"]]
    assert ran.json["class_balance"]["counts"] == {"cat": {"set": 1}, "cup": {"set": 1}}
    assert "labels.csv:4" in ran.json["failed"][0]["path"]
    with Gallery.open(tmp_path / "g") as opened:
        assert opened.labels() == []


def test_a_gallery_of_other_images_is_refused(root: Path, tmp_path: Path) -> None:
    """An audit is of a data set, and not of what else a gallery holds; nothing was added to it."""
    save(tmp_path / "a.png", tinted(1))
    ran = here("audit", tmp_path, "--gallery", root / "g")
    assert ran.code == 2
    assert "holds nothing but the data set" in ran.err
    with Gallery.open(root / "g") as opened:
        assert opened.rows_at([tmp_path / "a.png"]) == {}


def test_page_of_a_clean_data_set(tmp_path: Path) -> None:
    """Where nothing is found the page says so, of leaks and of copies."""
    for n in range(4):
        save(tmp_path / "set" / f"{n}.png", tinted(n))
    ran = here("audit", tmp_path / "set", "--report", tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert ran.code == 0
    assert "There are no splits to compare." in page
    assert "No duplicates found." in page
    assert "leakage: no splits" in page
