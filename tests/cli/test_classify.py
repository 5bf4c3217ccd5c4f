"""lookalike classify: a model's labels, printed or kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from lookalike.gallery import Gallery
from lookalike.types import ClassifyReport, Label
from networks import install, means
from terminal import fields, here, process
from tinted import install_classifier, kind_of, tinted_folder

COUNT = 6


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model, photos/ and g, a gallery of them."""
    monkeypatch.setenv("LOOKALIKE_MODELS", str(tmp_path / "models"))
    monkeypatch.delenv("LOOKALIKE_GALLERY", raising=False)
    install_classifier(tmp_path / "models")
    with Gallery.create(tmp_path / "g", ["colour"]) as opened:
        opened.add(tinted_folder(tmp_path / "photos", COUNT))
    return tmp_path


def test_json(folder: Path) -> None:
    """One document with the library's fields; nothing else on either stream."""
    ran = process("classify", "-g", folder / "g", "-m", "means", "--json")
    assert (ran.code, ran.err) == (0, "")
    assert list(ran.json) == fields(ClassifyReport)
    assert (ran.json["labelled"], ran.json["counts"]) == (COUNT, {"blue": 2, "green": 2, "red": 2})


def test_words(folder: Path) -> None:
    """A count per label, and what became of the images; a second run has nothing to do."""
    ran = here("classify", "-g", folder / "g", "-m", "means")
    assert (ran.code, ran.err) == (0, "")
    assert "green" in ran.out
    assert f"{COUNT} labelled, 0 unsure, 0 asked about before, 0 failed, by means " in ran.out
    assert f"0 labelled, 0 unsure, {COUNT} asked" in here("classify", "-g", folder / "g", "-m", "means").out


def test_a_search_afterwards(folder: Path) -> None:
    """`search --where` goes by the labels."""
    here("classify", "-g", folder / "g", "-m", "means")
    where = "label = 'green' and label_probability > 0.4"
    found = here(
        "search", folder / "photos" / "00.png", "-g", folder / "g", "--by", "colour", "--where", where, "--json"
    )
    assert {Path(hit["path"]).stem for hit in found.json["queries"][0]["hits"]} == {
        f"{n:02}" for n in range(COUNT) if kind_of(n) == "green"
    }


def test_images_without_a_gallery(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each file's labels, as JSON or as words; what cannot be read is listed, and nothing is kept."""
    monkeypatch.setenv("LOOKALIKE_GALLERY", str(folder / "g"))
    good, bad = folder / "photos" / "01.png", folder / "bad.png"
    bad.write_text("no image")
    ran = here("classify", good, "-m", "means", "--top", 2, "--json")
    assert (ran.code, list(ran.json), ran.json["failed"]) == (0, ["images", "failed"], [])
    (image,) = ran.json["images"]
    assert list(image) == ["path", "labels"]
    assert [list(one) for one in image["labels"]] == [fields(Label)] * 2
    assert image["labels"][0]["label"] == kind_of(1)
    ran = here("classify", bad, good, folder / "gone.png", "-m", "means")
    assert ran.code == 1
    assert ran.out.count("\n") == 1
    assert f"{kind_of(1)} " in ran.out
    assert "bad.png" in ran.err
    assert "gone.png" in ran.err
    with Gallery.open(folder / "g") as gallery:
        assert gallery.labels() == []


def test_a_folder_without_a_gallery(folder: Path) -> None:
    """Every image below it, and no other file; a file beside it is taken as well."""
    (folder / "photos" / "notes.txt").write_text("no image")
    one = folder / "photos" / "01.png"
    ran = here("classify", folder / "photos", one, "-m", "means", "--json")
    assert (ran.code, ran.json["failed"]) == (0, [])
    assert [image["path"] for image in ran.json["images"]] == [
        *(str(folder / "photos" / f"{n:02}.png") for n in range(COUNT)),
        str(one),
    ]
    assert [image["labels"][0]["label"] for image in ran.json["images"]] == [*map(kind_of, range(COUNT)), kind_of(1)]
    assert here("classify", folder / "photos", "-m", "means").out.count("\n") == COUNT


def test_what_is_left_out_of_a_folder(folder: Path) -> None:
    """Trash and patterns are left out and told; of a gallery, --where chooses."""
    (folder / "photos" / ".Trash-1000").mkdir()
    (folder / "photos" / ".Trash-1000" / "x.png").write_bytes((folder / "photos" / "00.png").read_bytes())
    ran = here("classify", folder / "photos", "-m", "means", "--exclude", "0[12].png")
    assert ran.out.count("\n") == COUNT - 2
    assert ran.err == "left out: 2 excluded by a pattern, 1 trash\n"
    assert here("classify", "-g", folder / "g", "-m", "means", "--exclude", "*").code == 2


def test_unsure(folder: Path) -> None:
    """A model that is unsure says so."""
    install_classifier(folder / "models", abstain_below=1.0)
    ran = here("classify", folder / "photos" / "01.png", "-m", "means")
    assert (ran.code, "unsure: no label" in ran.out) == (0, True)
    assert f"0 labelled, {COUNT} unsure" in here("classify", "-g", folder / "g", "-m", "means").out


def test_another_level(folder: Path) -> None:
    """--least overrules the card: what was left unlabelled is labelled when it is asked about again."""
    install_classifier(folder / "models", abstain_below=1.0)
    call = ("classify", "-g", folder / "g", "-m", "means", "--least", 0.2, "--json")
    assert here(*call[:5]).code == 0
    assert (here(*call).json["labelled"], here(*call, "--redo").json["labelled"]) == (0, COUNT)
    one = here("classify", folder / "photos" / "01.png", "-m", "means", "--least", 0.2, "--json").json
    assert len(one["images"][0]["labels"]) == 1
    assert here("classify", "-g", folder / "g", "-m", "means", "--least", 1.5).code == 2


def test_a_file_that_is_gone(folder: Path) -> None:
    """It is listed, the others are labelled, and the code says so."""
    (folder / "photos" / "02.png").unlink()
    ran = here("classify", "-g", folder / "g", "-m", "means")
    assert ran.code == 1
    assert f"{COUNT - 1} labelled, 0 unsure, 0 asked about before, 1 failed" in ran.out
    assert "02.png: vanished" in ran.err


def test_mistakes(folder: Path) -> None:
    """No model of this name, one without labels, other classes, nothing to classify, both at once: code 2, and why."""
    install(folder / "plain", "plain", means())
    gallery, image = ["-g", folder / "g"], folder / "photos" / "00.png"
    assert here("classify", *gallery, "-m", "means").code == 0
    install_classifier(folder / "models", names=["a", "b", "c"])
    for arguments, why in (
        ([*gallery, "-m", "nobody"], "no model 'nobody'"),
        ([*gallery, "-m", folder / "plain" / "plain.toml"], "is no classifier"),
        ([*gallery, "-m", "means"], "--replace"),
        (["-m", "means"], "name images, or a gallery"),
        ([image, *gallery, "-m", "means"], "not both"),
        ([image, "--where", "label is null", "-m", "means"], "not both"),
        ([image], "--model"),
    ):
        ran = here("classify", *arguments)
        assert (ran.code, ran.out) == (2, ""), arguments
        assert why in ran.err
    assert here("classify", *gallery, "-m", "means", "--replace").code == 0


def test_models_show_tells_the_classes(folder: Path) -> None:
    """`models show` names the classes, in words and as JSON."""
    assert "3 classes (red, green, blue), or nothing below 0.4" in here("models", "show", "means").out
    assert here("models", "show", "means", "--json").json["labels"]["names"] == ["red", "green", "blue"]
    assert folder.exists()
