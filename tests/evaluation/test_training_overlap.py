"""Whoever measures a network on images that it was trained on is told so."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from lookalike.descriptors.neural import model_store
from lookalike.descriptors.neural.image_digests import image_digests, short_digests, write_digests
from lookalike.evaluation.training_overlap import TrainingOverlap, training_overlaps
from networks import card, install
from samples import drawn, save
from terminal import here


@pytest.fixture
def kinds(tmp_path: Path) -> Path:
    """Two classes of three images."""
    for number in range(6):
        save(tmp_path / "kinds" / "ab"[number % 2] / f"{number}.png", drawn(number))
    return tmp_path / "kinds"


@pytest.fixture
def model(tmp_path: Path, kinds: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A network that was trained on three of the images, one more held out: its file of digests."""
    monkeypatch.setenv("LOOKALIKE_MODELS", str(tmp_path / "models"))
    monkeypatch.setattr(model_store, "SHIPPED", tmp_path / "shipped")
    digests = short_digests([hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(kinds.rglob("*.png"))])
    file = install(tmp_path / "models").with_suffix(".digests")
    entry = write_digests(image_digests([*digests[:3], 1, 2], digests[3:4]), file)
    table = {"file": entry.file, "sha256": entry.sha256, "trained": entry.trained, "held_out": entry.held_out}
    install(tmp_path / "models", content={**card(), "image_digests": table})
    return file


@pytest.mark.usefixtures("model")
@pytest.mark.parametrize("protocol", ["classes", "copies"])
def test_trained_on(protocol: str, kinds: Path, tmp_path: Path) -> None:
    """How many of the images, beside those that were held out, in words, in JSON and on the page; a hash has none."""
    call = ("evaluate", kinds, "--by", "tint,colour", "--protocol", protocol, "--queries", 1)
    ran = here(*call, "--json", "--report", tmp_path / "page.html")
    sentence = "tint: 3 of the 6 images were trained on, so its figures are too good; 1 were held out by its training"
    assert f"warning: {sentence}, 2 it has never seen" in ran.err
    expected = {"by": "tint", "model": "means", "images": 6, "trained": 3, "held_out": 1, "unknown": ""}
    assert ran.json["training_overlap"] == [expected]
    assert f"<strong>{sentence}, 2 it has never seen.</strong>" in (tmp_path / "page.html").read_text()
    assert sentence in here(*call).err


@pytest.mark.usefixtures("model")
def test_held_out_alone(kinds: Path) -> None:
    """Images that its training held out may be measured on: a note, no warning."""
    digests = [hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(kinds.rglob("*.png"))]
    (one,) = training_overlaps(["tint"], digests[3:])
    assert (one.trained, one.held_out, one.is_warning) == (0, 1, False)
    assert one.sentence.startswith(
        "tint: none of the 3 images was trained on; 1 were held out by its training, 2 it has"
    )


def test_what_cannot_be_told(model: Path, kinds: Path) -> None:
    """Where the file of digests is gone, the figures stand, with the warning that nobody knows what they are worth."""
    model.unlink()
    ran = here("evaluate", kinds, "--by", "tint", "--json")
    assert (ran.code, ran.json["training_overlap"][0]["trained"]) == (0, 0)
    assert "warning: tint: which images its network was trained on cannot be told" in ran.err
    assert training_overlaps(["colour"], []) == ()
    assert TrainingOverlap("a", "a", 5, 0, 0).sentence.endswith("0 were held out by its training, 5 it has never seen")
