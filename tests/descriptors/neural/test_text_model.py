"""A text tower, its tokenizer and its names: what a text's vector is, and what is told of files that do not fit."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("tokenizers", reason="the extra `text` is not installed")

from colour_words import LENGTH, NAME, NAMES, install_colour_words, text_card, text_vector
from lookalike.descriptors import text_network
from lookalike.descriptors.neural import model_store
from lookalike.descriptors.neural.model_card import read_card
from lookalike.errors import MissingDependency, ModelCardInvalid, ModelDamaged, ModelMissing
from networks import changed, install, means, write_card


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the user's models that holds the network."""
    monkeypatch.setenv("LOOKALIKE_MODELS", str(tmp_path / "models"))
    install_colour_words(tmp_path / "models")
    return tmp_path / "models"


@pytest.mark.usefixtures("models")
def test_a_text_is_a_vector() -> None:
    """Within the prompt, in any case; what is too long is cut off, and no text at all is no error."""
    network = text_network(NAME)
    assert network is not None
    texts = ["red", "a Green thing", "blue and dark", "", "{} red", " ".join(["so"] * LENGTH) + " red"]
    found = network.encode(texts)
    assert found.shape == (6, 3)
    for vector, text in zip(found[:5], texts, strict=False):
        assert vector == pytest.approx(text_vector(text), abs=1e-6)
    assert found[5] == pytest.approx(text_vector(""), abs=1e-6)
    assert network.encode([]).shape == (0, 3)
    assert network.tokens(["a photo of red"]).tolist() == [[1, 1, 1, 2, 0, 0, 0, 0]]


@pytest.mark.usefixtures("models")
def test_many_texts_are_as_each_alone() -> None:
    """However many passes they take."""
    network = text_network(NAME)
    assert network is not None
    texts = ["red", "green", "blue"] * 50
    assert np.array_equal(network.encode(texts), np.concatenate([network.encode([text]) for text in texts]))


@pytest.mark.usefixtures("models")
def test_names_are_kept_in_half_precision() -> None:
    """And of unit length all the same."""
    network = text_network(NAME)
    assert network is not None
    names = network.names()
    assert names.names == tuple(NAMES)
    assert np.linalg.norm(names.vectors, axis=1) == pytest.approx(1, abs=1e-6)


def test_only_its_own_descriptor_reads_texts(models: Path) -> None:
    """Not those of other models, nor hashes."""
    install(models, "means", means())
    assert [text_network(name) for name in ("tint", "structure")] == [None, None]


def test_added_verified_and_removed_with_all_its_files(models: Path, tmp_path: Path) -> None:
    """Every file that the card names goes along, and goes away again."""
    (models / f"{NAME}.toml").rename(models / "kept")
    card = install_colour_words(tmp_path / "outside")
    for file in models.iterdir():
        file.unlink()
    added = model_store.add(card.with_suffix(".onnx"), card)
    assert sorted(file.name for file in models.iterdir()) == sorted(
        [f"{NAME}.onnx", f"{NAME}.toml", *(one.file for one in added.text.files)] if added.text else []
    )
    model_store.verify(model_store.find(NAME))
    total = sum(file.stat().st_size for file in models.iterdir() if file.suffix != ".toml")
    assert model_store.info(added).bytes == total
    model_store.remove(NAME)
    assert list(models.iterdir()) == []


@pytest.mark.parametrize("file", ["tower", "tokenizer", "names"])
@pytest.mark.parametrize("damage", ["missing", "damaged"])
def test_a_file_that_is_not_the_cards(models: Path, file: str, damage: str) -> None:
    """Is told by its name, by `verify` and in the list of models."""
    card = model_store.find(NAME)
    assert card.text is not None
    place = models / getattr(card.text, file).file
    if damage == "missing":
        place.unlink()
    else:
        place.write_bytes(place.read_bytes() + b" ")
    assert model_store.info(card).state == damage
    with pytest.raises(ModelMissing if damage == "missing" else ModelDamaged, match=place.name):
        model_store.verify(card)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("text.output", "tint", "must be one of the outputs"),
        ("text.length", 0, "1 or more"),
        ("text.scale", -1, "above 0"),
        ("text.prompt", "a photo", "must hold {} once"),
        ("text.prompt", "{} of {0}", "must hold {} once"),
        ("text.tower.file", f"{NAME}.onnx", "another file"),
        ("text.tokenizer.file", "tokens.txt", "ends in .json"),
        ("text.names.sha256", "12", "64 hexadecimal"),
        ("text.colour", "red", "unknown field"),
        ("text.tower.colour", "red", "unknown field"),
        ("text.tokenizer", None, "text.tokenizer is missing"),
        (f"outputs.{NAME}.metric", "euclidean", "metric 'cosine'"),
        ("input.fit", "stretch", "'squeeze' or 'crop'"),
        ("input.fit", "crop", "Pillow"),
        ("input.resize", 40, "unknown field"),
    ],
)
def test_a_card_that_makes_no_sense(models: Path, field: str, value: Any, words: str) -> None:
    """The field is named, and what is wrong with it."""
    with pytest.raises(ModelCardInvalid, match=words):
        read_card(write_card(models / "other.toml", changed(text_card(models), field, value)))


def test_a_tokenizer_of_another_length(models: Path) -> None:
    """Its own padding and the card's length must agree."""
    content = changed(text_card(models), "text.length", LENGTH + 1)
    install(models, NAME, None, content)
    card = model_store.find(NAME)
    with pytest.raises(ModelCardInvalid, match="pad and cut texts to 9 tokens"):
        model_store.text(card).encode(["red"])


@pytest.mark.usefixtures("models")
def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sentence names the extra that brings the library."""
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(MissingDependency, match=r"lookalike\[text\]"):
        model_store.text(model_store.find(NAME)).encode(["red"])
