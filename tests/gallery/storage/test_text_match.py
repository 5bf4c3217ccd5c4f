"""``like``: SQLite's own is the oracle where it knows the letters."""

from __future__ import annotations

import sqlite3
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookalike.gallery.storage.text_match import ESCAPE, fits, folded, matches

DATABASE = sqlite3.connect(":memory:", check_same_thread=False)


@given(st.text(alphabet="aAb%_\\.\n", max_size=12), st.text(alphabet="aAbB%_.\n", max_size=12))
def test_it_is_as_sqlites_own(pattern: str, text: str) -> None:
    """Wildcards, escapes and the case of ASCII letters; a pattern that ends in a lone escape is no pattern."""
    if (len(pattern) - len(pattern.rstrip(ESCAPE))) % 2 == 0:
        expected = DATABASE.execute("SELECT ? LIKE ? ESCAPE ?", (text, pattern, ESCAPE)).fetchone()[0]
        assert matches(pattern, text) == bool(expected)


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("%ÉTÉ%", "/photos/été/a.jpg", True),
        ("%été%", normalize("NFD", "/photos/ÉTÉ/a.jpg"), True),
        (normalize("NFD", "%été%"), "/photos/Été/a.jpg", True),
        ("МОСКВА%", "москва.jpg", True),
        ("ΑΘΗΝΑ_", "αθηνας", True),
        ("straße", "STRASSE", True),
        ("100\\%é", "100%É", True),
        ("100\\%é", "1000é", False),
        ("%été%", "/photos/hiver", False),
    ],
)
def test_every_script(pattern: str, text: str, expected: bool) -> None:
    """Case and composition do not matter, escapes do."""
    assert matches(pattern, text) is expected


def test_no_text_is_neither() -> None:
    """As everywhere in SQL."""
    assert matches("%é%", None) is None


def test_no_pattern_takes_for_ever() -> None:
    """Hundreds of wildcards over a text that nearly fits come to an end, for a filter may come over HTTP."""
    assert not matches("%é" * 800 + "x", "é" * 1500)


@given(st.text("aB%_\\é́ß", max_size=6), st.text("abBé́ẞSs", max_size=8))
def test_a_folded_text_is_matched_as_any_other(pattern, text):
    """The quick way says what the other one says."""
    assert fits(pattern)(folded(text)) == matches(pattern, text)
