"""The filter language: what it accepts, what SQL it becomes, and what it refuses."""

from __future__ import annotations

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookalike.errors import UserError
from lookalike.gallery.storage.filters import FIELDS, parse

ROWS = [
    {
        "name": "/p/a.jpg",
        "format": "JPEG",
        "width": 100,
        "height": 50,
        "bytes": 9,
        "taken": None,
        "camera": "X1",
        "frames": 1,
        "damage": None,
    },
    {
        "name": "/p/b.png",
        "format": "PNG",
        "width": 300,
        "height": 200,
        "bytes": 99,
        "taken": "2020-01-02",
        "camera": None,
        "frames": None,
        "damage": "scans are missing",
    },
    {
        "name": "/old/it's.gif",
        "format": "GIF",
        "width": 1,
        "height": 1,
        "bytes": 1,
        "taken": "1999-01-01",
        "camera": "Y",
        "frames": 12,
        "damage": None,
    },
]


def matching(text: str) -> list[int]:
    condition = parse(text)
    database = sqlite3.connect(":memory:")
    columns = list(ROWS[0])
    database.execute(f"CREATE TABLE p (id INTEGER PRIMARY KEY, {', '.join(columns)})")
    database.execute("CREATE TABLE labels (image_id, label, probability, source)")
    labels = [(1, "dog", 0.9, "m 1"), (1, "cat", 0.1, "m 1"), (2, "fox", 1.0, "m 1"), (2, "cat", 1.0, "folders")]
    database.executemany("INSERT INTO labels VALUES (?, ?, ?, ?)", labels)
    marks = ",".join("?" * len(columns))
    database.executemany(f"INSERT INTO p ({','.join(columns)}) VALUES ({marks})", [tuple(r.values()) for r in ROWS])
    found = database.execute(f"SELECT id FROM p WHERE {condition.sql} ORDER BY id", condition.values).fetchall()
    database.close()
    return [row[0] for row in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("width >= 100", [1, 2]),
        ("width > 100 or height = 1", [2, 3]),
        ("width >= 1 and width <= 100 and format != 'GIF'", [1]),
        ("format in ('PNG', 'GIF')", [2, 3]),
        ("not format = 'JPEG'", [2, 3]),
        ("NOT (width = 1 OR width = 100)", [2]),
        ("taken is null", [1]),
        ("camera is not null and taken >= '1999-01-01'", [3]),
        ("not taken = '2020-01-02'", [1, 3]),
        ("path like '/p/%'", [1, 2]),
        ("path like '/P/\\_%' or path like '%.GIF'", [3]),
        ("path like '/p/a\\.jpg'", [1]),
        ("path = '/old/it''s.gif'", [3]),
        ('path = "/old/it\'s.gif"', [3]),
        ("aspect = 2 or megapixels > 0.05", [1, 2]),
        ("bytes = 9 or bytes = 99 and format = 'GIF'", [1]),
        ("label = 'dog' and label_probability > 0.8", [1]),
        ("label = 'cat'", [2]),
        ("frames > 1", [3]),
        ("frames is null", [2]),
        ("damage is not null and damage like '%missing%'", [2]),
    ],
)
def test_selects_what_it_says(text: str, expected: list[int]) -> None:
    """Every operator selects the rows that a reader of the filter would; an absent value is never equal."""
    assert matching(text) == expected


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("width >", "ends too early"),
        ("width = 1; DROP TABLE p", "^"),
        ("sha = 'x'", "no field 'sha'"),
        ("width = 'x'", "a number"),
        ("format = 3", "text in quotes"),
        ("width like '1%'", "is a number"),
        ("", "ends too early"),
        ("(" * 5000, "longer than"),
    ],
)
def test_says_what_it_does_not_understand(text: str, result: str) -> None:
    """A filter that is no filter is the user's error, with a hint where."""
    with pytest.raises(UserError, match="where") as caught:
        parse(text)
    assert result in str(caught.value)


@given(st.text(alphabet="'\"%;-_ ()=<>abx0", max_size=40))
def test_values_are_bound_never_written(value: str) -> None:
    """Whatever stands between quotes comes back as a value, never as a part of the SQL."""
    condition = parse("path = '" + value.replace("'", "''") + "'")
    assert (condition.sql, condition.values) == ("p.name = ?", (value,))


@given(st.text(max_size=60))
def test_any_text_parses_or_is_refused(text: str) -> None:
    """No text at all makes the parser fail in another way than with UserError."""
    try:
        condition = parse(text)
    except UserError:
        return
    assert condition.sql.count("?") == len(condition.values)


def test_whole_numbers_are_bound_as_such() -> None:
    """PostgreSQL looks up a column of integers in its index by an integer alone."""
    condition = parse("bytes < 200000 and width in (640, 1.5) and fps > 29.97 and height != 90071992547409930")
    assert [(value, type(value)) for value in condition.values] == [
        (200_000, int), (640, int), (1.5, float), (29.97, float), (9.007199254740993e16, float)
    ]  # fmt: skip


def test_every_field_is_a_column(tmp_path) -> None:
    """Each field of the language exists in the real schema."""
    from lookalike.gallery.storage.database import Database

    database = Database.create(tmp_path / "g.sqlite")
    for sql, _ in FIELDS.values():
        assert database.all(f"SELECT {sql} FROM images p") == []
    database.close()
