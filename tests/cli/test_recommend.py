"""lookalike index --catalogue, and lookalike recommend, at the command line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from samples import save
from terminal import here

COLOURS = {"red": (200, 30, 30), "crimson": (180, 25, 45), "blue": (30, 30, 200)}
TABLE = """id,title,file,price
r,Red shirt,red.png,10
c,Silk dress,crimson.png,ask
b,Blue shirt,blue.png,12
n,Hat,no.png,1
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A folder of three textured images and their table."""
    for seed, (name, colour) in enumerate(COLOURS.items()):
        noise = np.random.default_rng(seed).integers(-20, 21, (12, 12, 3)).repeat(8, 0).repeat(8, 1)
        save(tmp_path / f"{name}.png", np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8))
    (tmp_path / "items.csv").write_text(TABLE)
    return tmp_path


def test_a_catalogue_is_taken_in_and_recommended_from(shop: Path) -> None:
    """The whole way in words and as JSON; what the table has wrong is told and is an exit code of 1."""
    gallery = shop / "g"
    ran = here("index", "--catalogue", shop / "items.csv", "--gallery", gallery, "--descriptors", "colour,texture")
    assert ran.code == 1
    assert "catalogue: 4 added, 0 updated, 0 unchanged, 2 failed" in ran.out
    for words in ("price 'ask' is no number", "no.png: not among", "without an image: 1 item: n"):
        assert words in ran.err
    listed = here("recommend", shop / "red.png", "--gallery", gallery, "--by", "colour").out
    assert listed.index("Red shirt") < listed.index("Silk dress") < listed.index("Blue shirt")
    asked = here("recommend", "--id", "r", "--gallery", gallery, "--where", "item.price < 50", "--json").json
    assert [one["id"] for one in asked["items"]] == ["b"]
    assert asked["items"][0]["score"] == pytest.approx(sum(asked["items"][0]["parts"].values()))
    assert here("recommend", "--gallery", gallery).code == 2
    assert here("recommend", "--id", "x", "--gallery", gallery).code == 2


def test_clicks_are_taken_at_the_command_line_and_too_few_are_refused(shop: Path) -> None:
    """One way among those of tune, and the reason is said."""
    gallery = shop / "g"
    here("index", "--catalogue", shop / "items.csv", "--gallery", gallery, "--descriptors", "colour")
    (shop / "clicks.csv").write_text("item,other,verdict\nr,c,clicked\nr,b,passed\n")
    refused = here("tune", "--gallery", gallery, "--clicks", shop / "clicks.csv")
    assert refused.code == 2
    assert "20 pairs of either kind; there are 1 clicked and 1 passed" in refused.err
    assert here("tune", "--gallery", gallery, "--clicks", shop / "clicks.csv", "--verdicts").code == 2
