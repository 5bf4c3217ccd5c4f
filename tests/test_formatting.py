"""Numbers and relations as people read them."""

from __future__ import annotations

import pytest

from lookalike.formatting import plural, relation_text


def test_plural() -> None:
    """One of a thing has no "s"; thousands are grouped; a word may have a plural of its own."""
    assert [plural(n, "file") for n in (0, 1, 2, 1234)] == ["0 files", "1 file", "2 files", "1,234 files"]
    assert [plural(n, "copy", "copies") for n in (1, 2)] == ["1 copy", "2 copies"]


@pytest.mark.parametrize(
    ("relation", "edits", "turn", "text"),
    [
        ("identical", (), "upright", "identical"),
        ("mirrored", ("mirrored",), "mirrored", "mirrored"),
        ("mirrored", ("mirrored", "blurred"), "flipped", "mirrored: flipped, blurred"),
        ("rotated", ("rotated",), "rotated 90", "rotated 90"),
        ("crop", ("padded",), "upright", "crop: padding added around it"),
        ("edited", ("caption", "recoloured"), "upright", "edited: caption, recoloured"),
        ("crop", ("cropped",), "rotated 180", "crop: rotated 180, cropped"),
    ],
)
def test_a_relation_says_nothing_twice(relation: str, edits: tuple[str, ...], turn: str, text: str) -> None:
    """The relation, how it lies, and what was done, each once."""
    assert relation_text(relation, edits, turn) == text
