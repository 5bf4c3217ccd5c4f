"""Recipes: TOML that is read strictly."""

from __future__ import annotations

from pathlib import Path

import pytest

from lookalike.errors import UserError
from lookalike.training.engine.recipe import Augmentation, Phase, Recipe, Source, read_recipe

ROOT = Path(__file__).parents[3]
GOOD = """
seed = 3
side = 64

[[sources]]
root = "a/b"

[[sources]]
root = "c"
weight = 0.5

[[phases]]
size = 32
batch = 8
steps = 5
augmentation = { colour = 0.9 }
"""


def test_what_a_recipe_says(tmp_path: Path) -> None:
    """Every key arrives in its field; what is not said has the default."""
    (tmp_path / "r.toml").write_text(GOOD)
    assert read_recipe(tmp_path / "r.toml") == Recipe(
        3,
        (Source("a/b"), Source("c", 0.5)),
        (Phase(32, 8, 5, augmentation=Augmentation(colour=0.9)),),
        side=64,
    )


def test_the_shipped_recipe() -> None:
    """The recipe of the shipped network can be read, and has something to do."""
    recipe = read_recipe(ROOT / "recipes" / "copy.toml")
    assert recipe.steps == sum(phase.steps for phase in recipe.phases) > 100


def test_as_long_as_there_is_time() -> None:
    """Two phases of 10 steps, which take 2 and 4 seconds, in half of the minute that they would need: 5 of each."""
    recipe = Recipe(0, (Source("a"),), (Phase(32, 8, 10), Phase(64, 8, 10)))
    assert [phase.steps for phase in recipe.within(30, [2, 4]).phases] == [5, 5]
    assert [phase.steps for phase in recipe.within(0.1, [2, 4]).phases] == [1, 1]


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("seed = 3", "seed = 3\nsped = 4", "unknown field 'sped'"),
        ("weight = 0.5", "weight = 0.5\ncolour = 1", "colour"),
        ("batch = 8", "batch = 8\nspread = 0.5", "unknown field 'spread'"),
        ("{ colour = 0.9 }", "{ hue = 0.9 }", "hue"),
        ("{ colour = 0.9 }", "0.9", "augmentation"),
        ("seed = 3", "", "seed"),
        ('root = "c"', "", "root"),
        ("steps = 5", "", "steps"),
        ("[[phases]]", "[phases]", "phases"),
        ("[[phases]]", "[[sources]]", "unknown field 'augmentation'"),
        ("seed = 3", "seed = ", "line 2"),
    ],
)
def test_a_wrong_recipe(tmp_path: Path, old: str, new: str, named: str) -> None:
    """An unknown field, a missing one, a table of the wrong kind and what is no TOML: the error names file and key."""
    file = tmp_path / "wrong.toml"
    assert old in GOOD
    file.write_text(GOOD.replace(old, new))
    with pytest.raises(UserError) as raised:
        read_recipe(file)
    assert str(file) in str(raised.value)
    assert named in str(raised.value)


def test_no_recipe(tmp_path: Path) -> None:
    """A file that is not there, one that is no text, and one that is empty."""
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    (tmp_path / "empty.toml").touch()
    for name in ("none.toml", "bytes.toml", "empty.toml"):
        with pytest.raises(UserError, match=name):
            read_recipe(tmp_path / name)
