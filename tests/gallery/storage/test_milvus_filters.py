"""What filters and addresses become for Milvus, without a server."""

from __future__ import annotations

import pytest

from lookalike.errors import UserError
from lookalike.gallery.storage import filters
from lookalike.gallery.storage.milvus.address import Address, address
from lookalike.gallery.storage.milvus.conditions import KINDS, expression, holds, is_column
from lookalike.gallery.storage.milvus.expressions import TEXT_NULL, quoted

NULL = quoted(TEXT_NULL)


def tree(text: str) -> object:
    return filters.tree(text, filters.FIELDS)


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("width >= 30", "(width >= 30.0) and (width != -1.0)"),
        ("format = 'JPEG'", f'(format == "JPEG") and (format != {NULL})'),
        ("not camera is null", f"not (camera == {NULL})"),
        ("frames is not null", "frames != -1.0"),
        ("format in ('A', 'B')", f'(format in ["A", "B"]) and (format != {NULL})'),
        (
            "width > 1 or height < 2",
            "((width > 1.0) and (width != -1.0) or (height < 2.0) and (height != -1.0))",
        ),
    ],
)
def test_comparisons_of_columns_are_expressions(where: str, expected: str) -> None:
    assert is_column(tree(where))
    assert expression(tree(where)) == expected


def test_a_value_is_quoted_whatever_it_holds() -> None:
    """It cannot end its own quotes, and what UTF-8 cannot say is replaced."""
    hostile = '" or id > 0 or path == "\\'
    assert quoted(hostile) == r'"\" or id > 0 or path == \"\\"'
    assert expression(tree("""path = '" or 1 == 1 or "'""")).startswith(r'(path == "\" or 1 == 1 or \"")')
    assert quoted("a\nb\udce9") == '"a\\nb?"'


@pytest.mark.parametrize(
    "where", ["path like '%a%'", "label = 'x'", "faces > 1", "shows('dog')", "width > 1 and person = 'A'"]
)
def test_what_milvus_cannot_say_is_told(where: str) -> None:
    assert not is_column(tree(where))


def test_the_same_is_held_against_rows_that_are_not_there_yet() -> None:
    """A null fulfils no comparison, and so its negation."""
    known = {"width": 30.0, "camera": None}
    for where, expected in {
        "width = 30 and not camera = 'X'": True,
        "camera != 'X'": False,
        "camera is null or width > 90": True,
        "width in (1, 30)": True,
    }.items():
        assert holds(tree(where), known.__getitem__, KINDS.__getitem__) is expected, where


def test_columns_are_fields_of_the_language() -> None:
    assert dict(KINDS) == {name: filters.FIELDS[name][1] for name in KINDS}


def test_addresses() -> None:
    assert address("milvus://db/photos") == Address("db", 19530, "photos")
    assert address("milvus://me:p%40ss@db:19999/my_photos?timeout=5") == Address(
        "db", 19999, "my_photos", "me", "p@ss", 5.0
    )
    assert address("milvus://me:secret@db/photos").shown == "milvus://db:19530/photos"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("milvus://db", "milvus://host:19530/name"),
        ("milvus://db/../etc", "milvus://host"),
        ("milvus://db/a__b", "single underscores"),
        ("milvus://db/photos?timeout=never", "timeout"),
        ("milvus://db/photos?colour=red", "no option colour"),
        ("milvus://db/photos?lost=all", "lost=forget"),
        ("milvus://db:99999/photos", "[Pp]ort"),
    ],
)
def test_addresses_that_are_none(url: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        address(url)
