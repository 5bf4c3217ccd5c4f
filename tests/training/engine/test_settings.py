"""Settings: a recipe file says what the switches say, and what will not do is named."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from lookalike.errors import UserError
from lookalike.training.engine.settings import Settings, check_settings, read_settings
from lookalike.training.tasks.autoencoder import AutoencoderSettings
from lookalike.training.tasks.classifier import ClassifierSettings
from lookalike.training.tasks.siamese import SiameseSettings

KINDS = (ClassifierSettings, SiameseSettings, AutoencoderSettings)
RECIPES = Path(__file__).parents[3] / "recipes"


@pytest.mark.parametrize("kind", KINDS)
def test_defaults_are_allowed(kind: type[Settings]) -> None:
    """Every field says what it means, and its default is within its own bounds."""
    check_settings(kind())
    assert [one.name for one in fields(kind) if not one.metadata["help"]] == []


def test_a_recipe_is_read(tmp_path: Path) -> None:
    """What the file names is taken, the rest is the default."""
    (tmp_path / "r.toml").write_text('loss = "margin"\nrotation_classes = true\nside = 48\nlr = 1\n')
    settings = read_settings(tmp_path / "r.toml", SiameseSettings)
    assert (settings.loss, settings.rotation_classes, settings.side, settings.lr, settings.images_per_class) == (
        "margin",
        True,
        48,
        1,
        SiameseSettings().images_per_class,
    )


def test_the_omniglot_recipe_is_one() -> None:
    """The recipe in the repository has known settings."""
    assert read_settings(RECIPES / "omniglot.toml", SiameseSettings).drawings


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("speed = 3", "speed"),
        ("side = 8", r"side must lie in 32\.\.512"),
        ("side = 64.0", "side must be a whole number"),
        ('loss = "best"', "loss must be one of"),
        ("rotation_classes = 1", "rotation_classes must be true or false"),
        ("lr = nan", "lr must lie"),
        ("rate = 1", "unknown field 'rate'"),
        ("side = = 3", "cannot be read"),
    ],
)
def test_what_will_not_do(text: str, named: str, tmp_path: Path) -> None:
    """An unknown field, a value out of range or of another type, no TOML: an error that names file and field."""
    (tmp_path / "r.toml").write_text(text)
    with pytest.raises(UserError, match=named) as settings:
        read_settings(tmp_path / "r.toml", SiameseSettings)
    assert "r.toml" in str(settings.value)


def test_the_schedule() -> None:
    """Epochs become batches, unless steps are given; a run is validated about ten times."""
    assert Settings(epochs=3, batch=10).schedule(100).steps == 30
    assert Settings(steps=7).schedule(100).steps == 7
    assert Settings(steps=200).schedule(100).validate_every == 20
