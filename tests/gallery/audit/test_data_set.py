"""Splits and classes by folders."""

from __future__ import annotations

import pytest

from lookalike.errors import UserError
from lookalike.gallery.audit.data_set import Membership, memberships


def belongs(*names: str, against: str | None = None) -> dict[str, tuple[str, str]]:
    paths = [f"/data/{name}" for name in names]
    found = memberships(paths, "/data/set", against)
    return {path.removeprefix("/data/"): (one.split, one.label) for path, one in found.items()}


def test_a_folder_per_split_and_a_folder_per_class() -> None:
    """Whatever the order of the two, and however a split is written."""
    assert belongs("set/train/rose/a.png", "set/Validation/rose/b.png", "set/tulip/test/c.png") == {
        "set/train/rose/a.png": ("train", "rose"),
        "set/Validation/rose/b.png": ("val", "rose"),
        "set/tulip/test/c.png": ("test", "tulip"),
    }


def test_one_folder_named_like_a_split_is_a_class() -> None:
    """It takes two to leak from the one into the other."""
    assert belongs("set/test/a.png", "set/exam/b.png", "set/c.png") == {
        "set/test/a.png": ("", "test"),
        "set/exam/b.png": ("", "exam"),
        "set/c.png": ("", ""),
    }


def test_against_is_a_split_of_its_own() -> None:
    """Both are called as their folders, or as their paths where both have one name; what lies elsewhere is left out."""
    assert belongs("set/rose/a.png", "bench/b.png", "other/c.png", against="/data/bench") == {
        "set/rose/a.png": ("set", "rose"),
        "bench/b.png": ("bench", ""),
    }
    assert belongs("set/a.png", "old/set/b.png", against="/data/old/set") == {
        "set/a.png": ("/data/set", ""),
        "old/set/b.png": ("/data/old/set", ""),
    }
    split = memberships(["/data/set/train/a.png", "/data/set/val/b.png", "/data/new/c.png"], "/data/set", "/data/new")
    assert list(split.values()) == [Membership("train", ""), Membership("val", ""), Membership("new", "")]


@pytest.mark.parametrize("against", ["/data/set/test", "/data", "/data/set"])
def test_a_folder_within_the_other_is_an_error(against: str) -> None:
    """Each image would belong to both."""
    with pytest.raises(UserError, match="the one lies in the other"):
        memberships([], "/data/set", against)
