"""Regions at the command line: found, drawn, added to a gallery, told."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image as Pillow

from lookalike.descriptors.neural import model_store
from regional import NAME, install_quarters
from samples import drawn, folder_of, save
from terminal import here


@pytest.fixture(autouse=True)
def network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(model_store.VARIABLE, str(tmp_path / "models"))
    install_quarters(tmp_path / "models")


def test_added_found_and_told(tmp_path: Path) -> None:
    """A gallery without regions says how to add them; then a part finds its image with the box, and info tells."""
    photos, gallery = folder_of(tmp_path / "photos", 6), tmp_path / "g"
    part = save(tmp_path / "part.png", drawn(2)[:60, 80:])
    assert here("index", photos, "--gallery", gallery, "--descriptors", "structure").code == 0
    refused = here("search", part, "--gallery", gallery, "--by", NAME)
    assert refused.code != 0
    assert f"--with {NAME}" in refused.err
    added = here("index", "--gallery", gallery, "--with", NAME)
    assert added.code == 0
    assert f"{NAME}: computed for 6 images without it" in added.out
    page = tmp_path / "page.html"
    ran = here("search", part, "--gallery", gallery, "--by", NAME, "--rerank", "0", "--json", "--report", page)
    best = ran.json["queries"][0]["hits"][0]
    assert (Path(best["path"]).stem, best["box_in"]) == ("0002", "image")
    assert [round(best["box"][key]) for key in ("x", "y", "width", "height")] == [80, 0, 80, 60]
    assert "left:50.00%;top:0.00%;width:50.00%;height:50.00%" in page.read_text("utf-8")
    assert f"{NAME} of 6 images" in here("info", "--gallery", gallery).out


def test_described_and_drawn(tmp_path: Path) -> None:
    """The boxes are told in pixels, and drawn on one image; several images, or another descriptor, are refused."""
    one = save(tmp_path / "one.png", drawn(1))
    out = tmp_path / "out.png"
    ran = here("describe", one, "--by", NAME, "--draw", out, "--json")
    assert ran.code == 0, ran.err
    (described,) = ran.json["images"]
    assert [round(described["regions"][2]["box"][key]) for key in ("x", "y", "width", "height")] == [80, 0, 80, 60]
    assert [region["class"] for region in described["regions"]] == [None, "person", "car", "person", "car"]
    with Pillow.open(out) as image:
        assert image.size == (160, 120)
    assert "80,0,80,60" in here("describe", one, "--by", NAME).out
    assert "one by one" in here("describe", one, one, "--by", NAME, "--draw", out).err
    assert "gives none" in here("describe", one, "--draw", out).err


def test_a_blank_query_is_no_failure(tmp_path: Path) -> None:
    """It finds nothing and is told why; what was to be verified and could not be is marked without asking for it."""
    photos, gallery = folder_of(tmp_path / "photos", 3), tmp_path / "g"
    here("index", photos, "--gallery", gallery, "--descriptors", NAME)
    blank = Pillow.new("RGB", (80, 60), (90, 90, 90))
    blank.save(tmp_path / "blank.png")
    ran = here("search", tmp_path / "blank.png", "--gallery", gallery, "--by", NAME)
    assert (ran.code, ran.out) == (0, "")
    assert "blank" in ran.err
    (photos / "0001.jpg").unlink()
    part = save(tmp_path / "part.png", drawn(1)[:60, 80:])
    assert "(not verified)" in here("search", part, "--gallery", gallery, "--by", NAME).out
    assert "(not verified)" not in here("search", part, "--gallery", gallery, "--by", NAME, "--rerank", "0").out
