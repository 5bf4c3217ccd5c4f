"""A network's classes: known probabilities, when it says nothing, and what a card with labels must have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lookalike.descriptors.neural import model_store
from lookalike.descriptors.neural.classifier import classifier, classify, source_of
from lookalike.descriptors.neural.model_card import read_card
from lookalike.errors import ModelCardInvalid, ModelDamaged, UserError
from lookalike.imaging import from_array
from networks import (
    CLASSES,
    SIDE,
    card,
    chances_of,
    changed,
    install,
    labelled_card,
    means,
    with_logits,
    with_parts,
    write_card,
)
from tinted import install_classifier, tinted

GREY = np.full((SIDE, SIDE, 3), 90, np.uint8)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for the user's models."""
    monkeypatch.setenv("LOOKALIKE_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


def installed(folder: Path, model: Any = None, **changes: Any) -> model_store.ModelCard:
    install_classifier(folder, model, **changes)
    return model_store.find("means")


@pytest.mark.parametrize("count", ["n", 1])
def test_known_probabilities(folder: Path, count: int | str) -> None:
    """softmax(logits / temperature), as computed by hand; in batches and one by one; the best label is the colour."""
    images = [tinted(seed, SIDE, SIDE) for seed in range(20)]
    made = with_logits(means(count=count), count)
    classified = classify([from_array(pixels) for pixels in images], installed(folder, made, abstain_below=0.0))
    np.testing.assert_allclose([chances_of(pixels) for pixels in images], classified.probabilities, atol=1e-5)
    assert [CLASSES[seed % 3] for seed in range(20)] == [classified.top(row)[0].label for row in range(20)]


def test_the_best_first(folder: Path) -> None:
    """As many labels as are asked for, the most probable first, each with its probability and its source."""
    found = installed(folder)
    pixels = tinted(0, SIDE, SIDE)
    labels = classify([from_array(pixels)], found).top(0, 2)
    order = np.argsort(-chances_of(pixels))[:2]
    assert [CLASSES[n] for n in order] == [one.label for one in labels]
    assert [pytest.approx(chances_of(pixels)[n], abs=1e-5) for n in order] == [one.probability for one in labels]
    assert {source_of(found)} == {one.source for one in labels}
    assert len(classify([from_array(tinted(0))], found).top(0, 9)) == 3


def test_it_abstains(folder: Path) -> None:
    """Below abstain_below nothing is said: three equal classes have a third each."""
    for least, said in ((0.3, 1), (0.34, 0)):
        found = classify([from_array(GREY)], installed(folder, abstain_below=least))
        assert len(found.top(0)) == said


def test_what_is_no_number_says_nothing(folder: Path) -> None:
    """An image whose logits are NaN gets zeros and no label, whatever the threshold; its neighbours get theirs."""
    found = installed(folder, with_logits(means(floor=0.2)), abstain_below=0.0)
    black, bright = np.zeros_like(GREY), np.full_like(GREY, 200)
    classified = classify([from_array(black), from_array(bright)], found)
    assert classified.probabilities[0].tolist() == [0.0, 0.0, 0.0]
    assert classified.top(0) == ()
    assert len(classified.top(1)) == 1


def test_nothing_to_classify(folder: Path) -> None:
    """No images, no rows; the columns are there."""
    assert classify([], installed(folder)).probabilities.shape == (0, 3)


def test_sources(folder: Path) -> None:
    """The source names the model and changes with its file, its classes, temperature and threshold; not with words."""
    first = source_of(installed(folder))
    assert first.startswith("means ")
    others = [labelled_card(temperature=1.0), labelled_card(abstain_below=0.5), labelled_card(names=["a", "b", "c"])]
    for content in others:
        install(folder, model=with_logits(means()), content=content)
        assert source_of(model_store.find("means")) != first
    install(folder, model=with_logits(means(floor=-2)), content=labelled_card())
    assert source_of(model_store.find("means")) != first
    install(folder, model=with_logits(means()), content={**labelled_card(), "weaknesses": ["other words"]})
    assert source_of(model_store.find("means")) == first


def test_a_model_by_name_or_by_path(folder: Path, tmp_path: Path) -> None:
    """The name of an added model, the path of a card, or of the ONNX file beside it."""
    path = install(tmp_path / "elsewhere", "other", with_logits(means()), labelled_card("other"))
    assert [classifier(path), classifier(path.with_suffix(".onnx"))] == [read_card(path)] * 2
    assert installed(folder) == classifier("means")
    with pytest.raises(UserError, match="no model 'other'"):
        classifier("other")


def test_a_model_without_labels(folder: Path) -> None:
    """It is refused with its card, and with what is missing."""
    install(folder)
    with pytest.raises(UserError, match=r"'means' is no classifier.*means\.toml, has no table \[labels\]"):
        classifier("means")
    with pytest.raises(UserError, match="is no classifier"):
        classify([from_array(GREY)], model_store.find("means"))
    with pytest.raises(UserError, match="without labels"):
        model_store.network(model_store.find("means")).logits([from_array(GREY)])


WRONG = [
    ("labels", "dogs", "a table"),
    ("labels.output", "tnit", "one of the outputs: tint, places"),
    ("labels.output", None, "is missing"),
    ("labels.names", None, "is missing"),
    ("labels.names", "red", "a list of texts"),
    ("labels.names", ["red"], "at least two"),
    ("labels.names", ["red", "blue", "red"], "each once"),
    ("labels.names", ["red", " "], "none of them empty"),
    ("labels.temperature", 0, "above 0"),
    ("labels.temperature", "hot", "finite number"),
    ("labels.temperature", float("nan"), "finite number"),
    ("labels.abstain_below", 1.01, "between 0 and 1"),
    ("labels.abstain_below", -0.1, "between 0 and 1"),
    ("labels.colour", "red", "unknown field; there are labels.names"),
]


@pytest.mark.parametrize(("field", "value", "why"), WRONG)
def test_a_wrong_field_is_named(tmp_path: Path, field: str, value: Any, why: str) -> None:
    """Which field of [labels], and what it must be."""
    path = write_card(tmp_path / "means.toml", changed(labelled_card(), field, value))
    with pytest.raises(ModelCardInvalid) as raised:
        read_card(path)
    assert str(raised.value).startswith(f"{path}: {field}")
    assert why in str(raised.value)


def test_what_may_be_missing(tmp_path: Path) -> None:
    """Without a temperature logits are as they are; without a threshold it always speaks; without the table, never."""
    content = changed(changed(labelled_card(), "labels.temperature", None), "labels.abstain_below", None)
    labels = read_card(write_card(tmp_path / "a.toml", content)).labels
    assert labels is not None
    assert (labels.temperature, labels.abstain_below) == (1.0, 0.0)
    assert read_card(write_card(tmp_path / "b.toml", card())).labels is None


def test_the_file_must_have_what_the_card_says(folder: Path) -> None:
    """A card with labels wants the logits, one for each name; the error names both."""
    install(folder, model=means(), content=labelled_card())
    with pytest.raises(ModelCardInvalid, match="output 'tint_logits'; it has 'tint', 'places'"):
        model_store.verify(model_store.find("means"))
    install(folder, model=with_logits(means()), content=labelled_card(names=["a", "b"]))
    with pytest.raises(ModelCardInvalid, match=r"\(n, 3\); by labels\.names of its card it is \(N, 2\)"):
        model_store.verify(model_store.find("means"))


def test_logits_that_no_card_speaks_of(folder: Path) -> None:
    """A file may give logits and parts of which its card says nothing: it is a descriptor as any other."""
    install(folder, model=with_logits(with_parts(means())))
    model_store.verify(model_store.find("means"))


def test_a_trial_run(folder: Path) -> None:
    """A model whose logits are not finite for an ordinary image is damaged; a sound one is not."""
    model_store.verify(installed(folder))
    broken = with_logits(means())
    broken.graph.initializer[-1].float_data[:] = []
    broken.graph.initializer[-1].raw_data = np.asarray(np.nan, np.float32).tobytes()
    with pytest.raises(ModelDamaged, match="'tint_logits' is not finite"):
        model_store.verify(installed(folder, broken))


def test_the_vectors_stay_the_same(folder: Path) -> None:
    """Labels are no part of a descriptor's fingerprint: a gallery stays valid when only they change."""
    before = [output.fingerprint for output in installed(folder).outputs]
    assert before == [output.fingerprint for output in installed(folder, temperature=9.0).outputs]
