"""Results as plain values, for JSON, notebooks and tables."""

from __future__ import annotations

import csv
import json
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

import lookalike as la
from lookalike.csvfile import write_csv
from lookalike.errors import UserError
from lookalike.types import Box, Comparison, Group, Hit, Pair, to_json

ODD = "/p/<script>alert('x')</script> & \"y\".jpg"
HIT = Hit(ODD, np.float32(0.25), 0.9, "crop", Box(1.0, 2.0, 30.0, 40.0), "image", 12, ("cropped", "blurred"), True)
COMPARISON = Comparison("edited", 0.75, {"copy": 0.5, "colour": float("nan")}, transform=np.eye(3), odds=float("inf"))
PAIR = Pair("/p/a.jpg", ODD, 0.125, 1.0, "identical")
RESULTS = (HIT, COMPARISON, PAIR, Group("/p/a.jpg", (ODD,), (PAIR,)))


@pytest.mark.parametrize("result", RESULTS, ids=lambda one: type(one).__name__)
def test_to_dict_is_json(result: Hit | Comparison | Pair | Group) -> None:
    """Every field by its name; strict JSON takes it, without NaN, infinity, numpy or tuples, and gives it back."""
    fields = result.to_dict()
    assert list(fields) == list(result.__dataclass_fields__)
    assert json.loads(json.dumps(fields, allow_nan=False)) == fields


def test_what_is_not_finite_is_none() -> None:
    """JSON knows no NaN and no infinity, in arrays neither."""
    assert to_json([np.array([1.5, np.nan]), np.float64("inf"), {"x": -np.inf}, np.int64(3)]) == [
        [1.5, None],
        None,
        {"x": None},
        3,
    ]
    assert (COMPARISON.to_dict()["odds"], COMPARISON.to_dict()["distances"]) == (None, {"copy": 0.5, "colour": None})
    assert COMPARISON.to_dict()["transform"] == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]


class Tags(HTMLParser):
    """The tags of a page, and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002  the parser's signature
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("result", RESULTS, ids=lambda one: type(one).__name__)
def test_a_notebook_shows_a_small_table(result: Hit | Comparison | Pair | Group) -> None:
    """Names and values and nothing else: a file name cannot bring tags along; what is long or empty is left out."""
    page = Tags()
    page.feed(result._repr_html_())
    assert set(page.tags) == {"table", "tr", "th", "td"}
    assert (ODD in page.text) == (result is not COMPARISON)
    assert "transform" not in page.text
    assert "None" not in page.text


def test_a_box_is_told_by_its_numbers() -> None:
    """Nested values stand in their cell by name."""
    assert "<td>x: 1, y: 2, width: 30, height: 40</td>" in HIT._repr_html_()
    assert "<td>0.25</td>" in HIT._repr_html_()


def test_a_table_of_results(tmp_path: Path) -> None:
    """A line each, nested fields as columns of their own, whatever the name of the file."""
    bytes_name = b"caf\xe9.jpg".decode("utf-8", "surrogateescape")
    la.write_csv(tmp_path / "hits.csv", [HIT, Hit(bytes_name, 0.5, 0.1, "unrelated")])
    with (tmp_path / "hits.csv").open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        first, second = csv.DictReader(file)
    assert (first["path"], first["distance"], first["box.width"], first["edits"]) == (
        ODD,
        "0.25",
        "30.0",
        "cropped; blurred",
    )
    assert (second["path"], second["box.width"], second["verified"]) == (bytes_name, "", "False")
    write_csv(tmp_path / "c.csv", [COMPARISON])
    head, line = (tmp_path / "c.csv").read_text().splitlines()
    assert "distances.copy,distances.colour" in head
    assert line.startswith("edited,0.75,0.5,,")
    with pytest.raises(UserError, match="cannot be written"):
        write_csv(tmp_path / "none" / "x.csv", [HIT])
