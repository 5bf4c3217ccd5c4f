"""lookalike faces: compare, at the command line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lookalike.descriptors.neural import model_store
from portraits import DETECTOR, NAME, drawn_face, drawn_portrait, install_portraits
from samples import save
from terminal import here


@pytest.fixture(autouse=True)
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(model_store.VARIABLE, str(tmp_path / "models"))
    install_portraits(tmp_path / "models")


@pytest.fixture
def portraits(tmp_path: Path) -> tuple[Path, Path, Path]:
    """Two of one person, and one of two others."""
    a, b = (save(tmp_path / f"{n}.png", drawn_portrait({(1, 1): drawn_face(1, n)})) for n in range(2))
    return a, b, save(tmp_path / "two.png", drawn_portrait({(0, 0): drawn_face(2), (1, 1): drawn_face(3)}))


def test_compared_in_words_and_json(tmp_path: Path, portraits: tuple[Path, Path, Path]) -> None:
    """The probability, what else was seen, and a page with the drawing."""
    a, b, two = portraits
    page = tmp_path / "page.html"
    ran = here("faces", "compare", a, b, "--by", NAME, "--report", page)
    assert ran.code == 0, ran.err
    assert re.search(r"one person with probability > 99\.9 % \(distance 0\.0\d\d\)", ran.out)
    assert "data:image/webp" in page.read_text("utf-8")
    assert "one person with &gt; 99.9 %" in page.read_text("utf-8")
    other = here("faces", "compare", a, two, "--by", NAME)
    assert "two.png shows 2 faces; the largest was compared" in other.out
    fields = here("faces", "compare", a, two, "--by", NAME, "--json").json
    assert fields["probability"] < 0.1
    assert (fields["a_faces"], fields["b_faces"], fields["a"]["flaw"]) == (1, 2, None)
    assert len(fields["a"]["landmarks"]) == 5


def test_mistakes_are_named(tmp_path: Path, portraits: tuple[Path, Path, Path]) -> None:
    """No face: 1, as for a file that fails; a report over one of the images, and no such network: 2."""
    a, b, _ = portraits
    wall = save(tmp_path / "wall.png", drawn_portrait({}))
    ran = here("faces", "compare", a, wall, "--by", NAME)
    assert (ran.code, ran.err) == (1, f"lookalike: {wall}: no face is found in it\n")
    assert here("faces", "compare", a, b, "--by", NAME, "--report", a).code == 2
    ran = here("faces", "compare", a, b)
    assert ran.code == 2
    assert "lookalike models add faces --from" in ran.err


def test_a_known_model_is_added_from_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Terms and weaknesses are told; a call that mixes both ways is a mistake."""
    monkeypatch.setattr(model_store, "KNOWN", tmp_path / "known")
    monkeypatch.setenv(model_store.VARIABLE, str(tmp_path / "empty"))
    card = install_portraits(tmp_path / "known")
    ran = here("models", "add", NAME, "--from", card.with_suffix(".onnx"), tmp_path / "known" / DETECTOR)
    assert ran.code == 0, ran.err
    assert f"added {NAME}: {NAME}" in ran.out
    assert "terms: CC0-1.0" in ran.out
    assert "mind: sees nothing but colour" in ran.out
    assert here("models", "add", NAME, card).code == 2
    assert here("models", "verify").out.endswith(f"ok  {NAME}\n")
    assert here("models", "show", NAME).out.count("found by") == 1


def test_a_library_is_grouped_named_searched_and_forgotten(tmp_path: Path) -> None:
    """The whole way at the command line, in words and as JSON."""
    photos, gallery = tmp_path / "photos", tmp_path / "g"
    for who in (1, 2):
        for number in range(3):
            save(photos / f"{who}-{number}.png", drawn_portrait({(1, 1): drawn_face(who, number)}))
    assert here("index", photos, "--gallery", gallery, "--descriptors", NAME).code == 0
    assert "no persons" in here("faces", "list", "--gallery", gallery).err
    grouped = here("faces", "group", "--gallery", gallery)
    assert "2 persons in 6 faces; 0 alone, 0 too bad to be compared" in grouped.out
    persons = here("faces", "list", "--gallery", gallery, "--json").json["persons"]
    number = next(one["number"] for one in persons if "1-0" in str(one["faces"]))
    assert here("faces", "name", number, "Ada", "--gallery", gallery).out == "3 faces: Ada\n"
    assert here("faces", "name", photos / "2-0.png#1", "--nobody", "--gallery", gallery).out == "1 face: nobody\n"
    assert here("faces", "name", "2", "--gallery", gallery).code == 2
    listed = here("faces", "list", "Ada", "--gallery", gallery).out
    assert listed.count("user") == 3
    found = here("faces", "search", photos / "1-0.png", "--gallery", gallery, "-k", "4")
    assert found.out.count("Ada") == 3
    hit = here("faces", "search", photos / "1-0.png", "--gallery", gallery, "--json").json["hits"][0]
    assert (hit["person"], hit["face"]["number"], round(hit["face"]["box"]["width"])) == ("Ada", 1, 96)
    assert here("faces", "forget", "Ada", "--gallery", gallery).code == 2
    gone = here("faces", "forget", "Ada", "--gallery", gallery, "--yes")
    assert re.search(r"forgotten: 3 faces in 3 images; no part of a vector is left in .*B of files", gone.out)
    assert here("faces", "list", "Ada", "--gallery", gallery).code == 2
