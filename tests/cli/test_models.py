"""lookalike models: list, show, add, remove, verify."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import lookalike as la
from lookalike.descriptors import get
from lookalike.descriptors.neural import model_store
from lookalike.descriptors.neural.model_store import ModelCard, ModelInfo
from lookalike.types import to_json
from networks import card, changed, install, means
from samples import drawn, save
from terminal import fields, here, process


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for the user's models; none is shipped."""
    monkeypatch.setenv("LOOKALIKE_MODELS", str(tmp_path / "models"))
    monkeypatch.setattr(model_store, "SHIPPED", tmp_path / "shipped")
    return tmp_path / "models"


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A model that is still to be added: its ONNX file."""
    return install(tmp_path / "outside").with_suffix(".onnx")


def damage(folder: Path, name: str = "means") -> None:
    file = folder / f"{name}.onnx"
    file.write_bytes(file.read_bytes() + b"\0")


def test_none() -> None:
    """Without models the list is empty; for people, stderr tells where they would lie."""
    ran = here("models", "list", "--json")
    assert (ran.code, ran.err, ran.json) == (0, "", {"models": [], "refused": []})
    ran = here("models", "list")
    assert (ran.code, ran.out) == (0, "")
    assert "models" in ran.err
    assert here("models", "verify", "--json").json == {"verified": [], "failed": []}


def test_list_json(folder: Path) -> None:
    """The library's fields and figures, of each model."""
    install(folder)
    ran = here("models", "list", "--json")
    assert (ran.code, ran.err) == (0, "")
    (entry,) = ran.json["models"]
    assert list(entry) == fields(ModelInfo)
    assert entry == to_json(model_store.info(model_store.find("means")))


def test_list_words(folder: Path, tmp_path: Path) -> None:
    """A line per model: name, descriptors, dim, size, whose it is, and whether its file is whole."""
    install(folder)
    entry = changed(card("first"), "outputs", {"hue": card()["outputs"]["tint"]})
    install(tmp_path / "shipped", "first", content=entry)
    damage(folder)
    ran = here("models", "list")
    assert ran.code == 1
    first, own = (next(line for line in ran.out.splitlines() if name in line.split()) for name in ("first", "means"))
    assert all(word in first for word in ("first", "hue", "4", " B ", "shipped", "ok"))
    assert all(word in own for word in ("means", "tint, places", "4, 192", " B ", "own", "damaged"))


def test_a_bad_card_is_listed(folder: Path) -> None:
    """What cannot be used is told on stderr and in JSON, with exit code 1; the others are listed."""
    install(folder)
    (folder / "bad.toml").write_text("nonsense")
    ran = here("models", "list", "--json")
    assert ran.code == 1
    assert [one["name"] for one in ran.json["models"]] == ["means"]
    assert ran.json["refused"][0]["path"] == str(folder / "bad.toml")
    assert "bad.toml: the card is not TOML" in ran.err


def test_show(folder: Path) -> None:
    """The whole card, and its state; JSON holds every field of the card and the fingerprints."""
    install(folder)
    ran = here("models", "show", "means", "--json")
    assert (ran.code, ran.err) == (0, "")
    assert set(fields(ModelCard)) | set(fields(ModelInfo)) | {"fingerprints"} == set(ran.json)
    assert ran.json["fingerprints"]["tint"] == get("tint").card.fingerprint
    assert ran.json["outputs"][1]["name"] == "places"
    words = here("models", "show", "means").out
    for word in ("CC0-1.0", "32 x 32 pixels, uint8", "tint: 4 numbers, euclidean", "sees nothing but colour", "0.25",
                 "begun with  noughts (MIT), a drawer", "changed  dusted"):  # fmt: skip
        assert word in words
    damage(folder)
    assert here("models", "show", "means").code == 1


def test_added_used_removed(folder: Path, outside: Path, tmp_path: Path) -> None:
    """From the command line alone: add a model, describe an image with it, remove it."""
    ran = here("models", "add", outside)
    assert (ran.code, ran.out, ran.err) == (0, "added means: tint, places\n", "")
    image = save(tmp_path / "a.png", drawn(1))
    ran = process("describe", image, "--by", "tint", "--json")
    assert (ran.code, ran.err) == (0, "")
    np.testing.assert_allclose(ran.json["images"][0]["vector"], la.describe([image], "tint")[0], atol=1e-5)
    assert here("models", "remove", "means", "--json").json == {"name": "means", "path": str(folder / "means.toml")}
    ran = here("describe", image, "--by", "tint")
    assert (ran.code, ran.out) == (2, "")
    assert "no descriptor 'tint'; there are colour" in ran.err


def test_a_card_elsewhere(outside: Path, tmp_path: Path) -> None:
    """--card names a card that does not lie beside the file."""
    card = outside.with_suffix(".toml").rename(tmp_path / "other.toml")
    ran = here("models", "add", outside)
    assert ran.code == 2
    assert "means.toml: no such card" in ran.err
    assert here("models", "add", outside, "--card", card, "--json").json["name"] == "means"


def test_verify(folder: Path) -> None:
    """Sound models on stdout, the others on stderr with the reason; one or all."""
    install(folder)
    ran = process("models", "verify", "means")
    assert (ran.code, ran.out, ran.err) == (0, "ok  means\n", "")
    damage(folder)
    for arguments in ([], ["means"]):
        ran = here("models", "verify", *arguments, "--json")
        assert ran.code == 3
        assert ran.json["verified"] == []
        assert [one["path"] for one in ran.json["failed"]] == [str(folder / "means.toml")]
        assert "damaged or swapped model file" in ran.json["failed"][0]["reason"]
    assert "damaged or swapped" in here("models", "verify").err


@pytest.mark.parametrize("verb", ["show", "remove", "verify"])
def test_an_unknown_model(folder: Path, verb: str) -> None:
    """Exit code 2, and the names that there are."""
    install(folder)
    ran = here("models", verb, "nonsense")
    assert (ran.code, ran.out) == (2, "")
    assert "no model 'nonsense'; there are: means" in ran.err


def test_exit_codes(folder: Path, outside: Path, tmp_path: Path) -> None:
    """3 for a file that is missing or damaged, 2 for a card that does not fit, a name that is taken, no such file."""
    image = save(tmp_path / "a.png", drawn(1))
    assert here("models", "add", tmp_path / "none.onnx", "--card", outside.with_suffix(".toml")).code == 2
    damage(outside.parent)
    assert here("models", "add", outside).code == 3
    install(outside.parent, model=means(side=64))
    assert here("models", "add", outside).code == 2
    assert here("models", "verify", "--json").json == {"verified": [], "failed": []}
    install(folder)
    (folder / "means.onnx").unlink()
    ran = process("describe", image, "--by", "tint")
    assert ran.code == 3
    assert "the model file is not there" in ran.err
    assert "Traceback" not in ran.err
    assert process("models").code == 2


@pytest.mark.parametrize("verb", ["list", "show", "add", "remove", "verify"])
def test_every_verb_is_documented(verb: str) -> None:
    """Each says what it does, and so does each of its options."""
    ran = here("models", verb, "--help")
    assert (ran.code, ran.err) == (0, "")
    assert "--json" in ran.out
    assert verb in here("models", "--help").out
