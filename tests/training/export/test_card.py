"""What is written on a card is what is read from it."""

from __future__ import annotations

from pathlib import Path

import pytest

from lookalike.descriptors.neural.image_digests import DigestsFile
from lookalike.descriptors.neural.model_card import BaseModel
from lookalike.descriptors.neural.model_store import read_card
from lookalike.descriptors.neural.onnx_model import Labels
from lookalike.descriptors.neural.region_model import RegionOutput
from lookalike.training.export.card import CardContents, OutputSpec, write_card


def test_a_card_is_read_as_it_was_written(tmp_path: Path) -> None:
    """Every value arrives, with quotes, backslashes, line breaks, emoji and control characters."""
    odd = 'a "quoted" \\ back\nslash 🐈 é \x7f \x01'
    written = CardContents(
        name="shoes-1.2",
        sha256="0123456789abcdef" * 4,
        licence=f"licence {odd}",
        source=f"source {odd}",
        side=144,
        outputs={"shoe.copy": 0.987, "shoe": 1.002},
        training=[(f"data {odd}", f"terms {odd}"), ("more", "yours")],
        measured={f"recall {odd}": 0.8125, "first": 1.0, "tiny": 1e-7},
        weaknesses=[f"weak {odd}", "weaker"],
        base_models=[BaseModel(f"base {odd}", "MIT", f"from {odd}", "folded"), BaseModel("its base", "BSD", "a", "b")],
    )
    write_card(written, tmp_path / "shoes.onnx")
    card = read_card(tmp_path / "shoes.toml")
    assert (card.name, card.file, card.sha256) == (written.name, "shoes.onnx", written.sha256)
    assert (card.licence, card.source, card.weaknesses) == (written.licence, written.source, tuple(written.weaknesses))
    assert {output.name: output.median_negative_distance for output in card.outputs} == written.outputs
    assert [(output.dim, output.metric, output.version) for output in card.outputs] == [(256, "cosine", 1)] * 2
    assert (card.input.name, card.input.side, card.input.layout, card.input.type) == ("image", 144, "NHWC", "uint8")
    assert [(one.data, one.terms) for one in card.training] == written.training
    assert list(card.base_models) == written.base_models
    assert card.measured == written.measured


def test_a_file_of_digests(tmp_path: Path) -> None:
    """The entry that names the images arrives as it was."""
    entry = DigestsFile("a.digests", "ab" * 32, 12, 0)
    write_card(CardContents("a", "0" * 64, "MIT", "mine", 32, {"a": 1.0}, image_digests=entry), tmp_path / "a.onnx")
    assert read_card(tmp_path / "a.toml").image_digests == entry


def test_a_card_that_says_little(tmp_path: Path) -> None:
    """Training, figures and weaknesses may be absent."""
    write_card(CardContents("a", "0" * 64, "MIT", "mine", 32, {"a": 1.0}), tmp_path / "a.onnx")
    card = read_card(tmp_path / "a.toml")
    assert (card.training, dict(card.measured), card.weaknesses) == ((), {}, ())


def test_a_classifier(tmp_path: Path) -> None:
    """Labels arrive as they are, odd names and small thresholds too; an output may have its own dim and metric."""
    labels = Labels("kind", ('a "b" \\ c', "🐈", "plain"), 1.31, 0.1 + 0.2)
    outputs = {"kind": OutputSpec(12.5, 64, "euclidean"), "copy.kind": 1.0}
    write_card(CardContents("a", "0" * 64, "MIT", "mine", 32, outputs, labels=labels), tmp_path / "a.onnx")
    card = read_card(tmp_path / "a.toml")
    assert labels == card.labels
    result = [(output.name, output.dim, output.metric, output.median_negative_distance) for output in card.outputs]
    assert result == [("kind", 64, "euclidean", 12.5), ("copy.kind", 256, "cosine", 1.0)]


@pytest.mark.parametrize("names", [(), ('a "b" \\ c', "🐈")])
def test_a_detector(names: tuple[str, ...], tmp_path: Path) -> None:
    """What it gives arrives as it is, with names of its classes and without."""
    regions = RegionOutput("things", 32, (48, 80), names)
    write_card(CardContents("a", "0" * 64, "MIT", "mine", 240, {"things": 0.9}, regions=regions), tmp_path / "a.onnx")
    assert read_card(tmp_path / "a.toml").regions == regions
