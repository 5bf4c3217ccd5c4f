"""What a person's labels teach about the probability that an image shows a text, by a network that knows colours."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

pytest.importorskip("tokenizers", reason="the extra `text` is not installed")

from colour_words import NAME, install_colour_words
from lookalike.cli import cli
from lookalike.errors import UserError
from lookalike.gallery import Gallery
from lookalike.gallery.calibration.text_calibration import calibration_error
from samples import drawn, save

TINTS = {"red": (150, 85, 85), "green": (85, 150, 85), "blue": (85, 85, 150), "dark": (60, 60, 60)}
EACH = 12


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of pale images for each colour; every third is in a wrong one, so that nothing is sure."""
    folder, names = tmp_path_factory.mktemp("labelled"), list(TINTS)
    for place, name in enumerate(names):
        for number in range(EACH):
            shown = TINTS[names[(place + (number % 3 == 2)) % len(names)]]
            pixels = np.clip(0.3 * (drawn(EACH * place + number, 48, 48).astype(float) - 128) + shown, 0, 255)
            save(folder / name / f"{name}-{number}.png", pixels.astype(np.uint8))
    return folder


@pytest.fixture
def gallery(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gallery]:
    monkeypatch.setenv("LOOKALIKE_MODELS", str(tmp_path / "models"))
    install_colour_words(tmp_path / "models")
    with Gallery.create(tmp_path / "g", [NAME, "structure"]) as opened:
        opened.add(photos)
        yield opened


def probabilities(gallery: Gallery, text: str) -> dict[str, float]:
    hits = gallery.search_text(text, 100, least=0).hits
    return {hit.path: hit.probability for hit in hits}


def test_labels_teach_what_is_sure(gallery: Gallery, photos: Path) -> None:
    """Of all labels in all images, as many are said to be right as are; the order of each text's answers stays; what
    was taught can be forgotten, and outlives what edits teach about copies."""
    before = {name: probabilities(gallery, name) for name in TINTS}
    gallery.label_from_folders(photos)
    report = gallery.tune_texts()
    after = {name: probabilities(gallery, name) for name in TINTS}
    assert (report.by, report.images, report.labels, report.kept) == (NAME, len(TINTS) * EACH, len(TINTS), True)
    assert report.error_after < report.error_before
    assert sum(sum(one.values()) for one in after.values()) == pytest.approx(report.images, rel=1e-3)
    for name, said in before.items():
        known = list(said)
        assert sorted(known, key=said.__getitem__) == sorted(known, key=after[name].__getitem__)
    gallery.forget_calibration()
    assert probabilities(gallery, "red") == after["red"]
    assert gallery.forget_tuning() == 1
    assert probabilities(gallery, "red") == before["red"]


def test_the_command_says_what_was_learnt(gallery: Gallery, photos: Path) -> None:
    """And, where there are no labels yet, what is lacking."""
    command: list[Any] = ["tune", "--gallery", str(gallery.path), "--labels"]
    lacking = CliRunner().invoke(cli, command)
    assert isinstance(lacking.exception, UserError)
    assert "there are 0 with 0" in str(lacking.exception)
    gallery.label_from_folders(photos)
    done = CliRunner().invoke(cli, command, standalone_mode=False)
    assert "hues: 4 labels of 48 images. Calibration error" in done.output
    assert "It helped, and is kept." in done.output


def test_labels_that_mean_nothing_teach_nothing(gallery: Gallery, photos: Path) -> None:
    """Of the right images each is called by another's colour: the network is no help, and nothing is kept."""
    names = list(TINTS)
    lines = [f"{photos}/{name}/{name}-{n}.png,{names[n % 4]}" for name in names for n in range(EACH)]
    table = gallery.path.parent / "labels.csv"
    table.write_text("\n".join(["path,label", *lines]))
    gallery.label_from_csv(table)
    before = probabilities(gallery, "red")
    with pytest.raises(UserError, match="no nearer"):
        gallery.tune_texts()
    assert probabilities(gallery, "red") == before


def test_a_network_without_texts(gallery: Gallery) -> None:
    with pytest.raises(UserError, match="reads no texts"):
        gallery.tune_texts("structure")


def test_the_calibration_error_is_the_mean_gap() -> None:
    """By hand: of four that are said to be 0.25 probable one is right, of two at 0.85 none: 0 and 0.85 of a third."""
    said = np.array([[0.25, 0.25], [0.25, 0.25], [0.85, 0.85]])
    true = np.array([[True, False], [False, False], [False, False]])
    assert calibration_error(said, true) == pytest.approx(2 * 0.85 / 6)
