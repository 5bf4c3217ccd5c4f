"""Which images a model was trained on: written, read, checked, and carried along with the model."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from lookalike.descriptors.neural import model_store
from lookalike.descriptors.neural.image_digests import image_digests, read_digests, short_digests, write_digests
from lookalike.descriptors.neural.model_store import read_card
from lookalike.errors import ModelCardInvalid, ModelDamaged, ModelMissing, UserError
from networks import card, changed, install, write_card


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for the user's models; none is shipped."""
    monkeypatch.setenv("LOOKALIKE_MODELS", str(tmp_path / "models"))
    monkeypatch.setattr(model_store, "SHIPPED", tmp_path / "shipped")
    return tmp_path / "models"


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A model that is still to be added, with two images trained on and one held out: its ONNX file."""
    entry = write_digests(image_digests([7, 3], [9]), install(tmp_path / "outside").with_suffix(".digests"))
    table = {"file": entry.file, "sha256": entry.sha256, "trained": 2, "held_out": 1}
    return install(tmp_path / "outside", content={**card(), "image_digests": table}).with_suffix(".onnx")


def test_eight_bytes_an_image(tmp_path: Path) -> None:
    """Sorted numbers of 8 bytes, low byte first, those trained on before those held out; each once."""
    entry = write_digests(image_digests([2**64 - 1, 5, 5], [258, 5]), tmp_path / "x.digests")
    data = (tmp_path / "x.digests").read_bytes()
    assert data == b"\5" + b"\0" * 7 + b"\xff" * 8 + b"\2\1" + b"\0" * 6
    assert (entry.trained, entry.held_out, entry.sha256) == (2, 1, hashlib.sha256(data).hexdigest())
    read = read_digests(tmp_path / "x.digests", entry)
    assert (read.trained.tolist(), read.held_out.tolist()) == ([5, 2**64 - 1], [258])


def test_a_digest_is_the_beginning_of_the_files_sha256() -> None:
    """The first 16 of 64 hexadecimal digits."""
    sha256 = hashlib.sha256(b"an image").hexdigest()
    assert short_digests([sha256]).tolist() == [int.from_bytes(hashlib.sha256(b"an image").digest()[:8], "big")]


def test_it_comes_along_and_goes_along(outside: Path, folder: Path) -> None:
    """A model that is added brings the file, show and verify know it, and removing takes it away."""
    added = model_store.add(outside, outside.with_suffix(".toml"))
    assert model_store.trained_on(added).trained.tolist() == [3, 7]
    model_store.verify(added)
    assert sorted(path.name for path in folder.iterdir()) == ["means.digests", "means.onnx", "means.toml"]
    model_store.remove("means")
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(("data", "error"), [(None, ModelMissing), (b"12345678" * 3, ModelDamaged)])
def test_what_became_of_the_file_is_told(outside: Path, folder: Path, data: bytes | None, error: type) -> None:
    """Gone, or with other bytes: nothing is added; and of a model that was added, verify and state say so."""
    added, file = model_store.add(outside, outside.with_suffix(".toml")), folder / "means.digests"
    file.unlink()
    if data:
        file.write_bytes(data)
    with pytest.raises(error, match=r"means\.digests"):
        model_store.verify(added)
    assert model_store.info(added).state == ("damaged" if data else "missing")
    model_store.remove("means")
    outside.with_suffix(".digests").unlink()
    if data:
        outside.with_suffix(".digests").write_bytes(data)
    with pytest.raises(ModelDamaged if data else UserError, match=r"means\.digests"):
        model_store.add(outside, outside.with_suffix(".toml"))
    assert list(folder.iterdir()) == []


def test_other_numbers_than_the_card_says(outside: Path) -> None:
    """The right bytes with a card that counts wrongly are an error, never half an answer."""
    read = read_card(outside.with_suffix(".toml"))
    wrong = {"file": "means.digests", "sha256": read.image_digests.sha256, "trained": 2, "held_out": 2}
    install(outside.parent, content={**card(), "image_digests": wrong})
    with pytest.raises(ModelDamaged, match=r"24 bytes are not the 2 \+ 2 images"):
        model_store.trained_on(read_card(outside.with_suffix(".toml")))


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("file", "../x.digests", "without a path"),
        ("file", "means.onnx", r"ends in \.digests"),
        ("sha256", "12", "64 hexadecimal digits"),
        ("trained", -1, "0 or more"),
        ("held_out", None, "is missing"),
        ("colour", "red", "unknown field"),
    ],
)
def test_a_wrong_entry_is_named(tmp_path: Path, field: str, value: object, why: str) -> None:
    """Each field of the card's table is checked."""
    table = {"file": "means.digests", "sha256": "0" * 64, "trained": 2, "held_out": 1}
    content = changed({**card(), "image_digests": table}, f"image_digests.{field}", value)
    with pytest.raises(ModelCardInvalid, match=f"image_digests.{field} .*{why}"):
        read_card(write_card(tmp_path / "means.toml", content))
