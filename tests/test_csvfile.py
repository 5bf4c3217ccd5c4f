"""Tables that people write."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from lookalike.csvfile import Line, Named, read_csv
from lookalike.errors import UserError


def written(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(
    "text",
    [
        "a,b\nx,y\n\nz,w\n",
        "b;c;A\r\ny;;x\r\n\r\nw;;z\r\n",
        '\ufeff"a"," b "\n"x",y\n , \nz,"w"',
    ],
)
def test_ways_to_write_it(tmp_path: Path, text: str) -> None:
    """Commas or semicolons, any order of columns, quotes, a byte order mark, empty lines, no last line end."""
    lines = read_csv(written(tmp_path / "t.csv", text), ["a", "b"])
    assert [Line(2, ("x", "y")), Line(4, ("z", "w"))] == lines


def test_odd_values(tmp_path: Path) -> None:
    """Commas and line ends in quotes, missing values, and bytes that are no UTF-8 arrive as they are."""
    lines = read_csv(written(tmp_path / "t.csv", b'a,b\n"1,\n2",x\ny\n\xe9,z\n'), ["a", "b"])
    assert [("1,\n2", "x"), ("y", ""), (b"\xe9".decode("utf-8", "surrogateescape"), "z")] == [o.values for o in lines]


@pytest.mark.parametrize("text", ["", "x,y\n1,2\n", "a\n1\n", "photos/1.jpg,rose\n"])
def test_no_header(tmp_path: Path, text: str) -> None:
    """A file whose first line does not name the columns is refused; the error says which are wanted."""
    with pytest.raises(UserError, match=r"t\.csv: its first line must name the columns a, b"):
        read_csv(written(tmp_path / "t.csv", text), ["a", "b"])


def test_no_file(tmp_path: Path) -> None:
    """A file that is not there, or is a folder, is the user's mistake."""
    for path in (tmp_path / "no.csv", tmp_path):
        with pytest.raises(UserError, match="cannot be read"):
            read_csv(path, ["a"])


def test_what_a_table_means_by_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path as seen from the table, then from the current folder, an absolute one, or a name that only one has."""
    monkeypatch.chdir(tmp_path)
    paths = [str(tmp_path / name) for name in ("t/a.jpg", "a.jpg", "b/a.jpg", "b/only.jpg")]
    named = Named(paths, str(tmp_path / "t"))
    named_as = ["a.jpg", "b/a.jpg", str(tmp_path / "a.jpg"), "only.jpg", "../b/only.jpg"]
    assert [paths[0], paths[2], paths[1], paths[3], paths[3]] == [named.path(one) for one in named_as]
    for wrong, why in (("no.jpg", "not among"), ("", "no path")):
        with pytest.raises(UserError, match=why):
            named.path(wrong)
    apart = str(tmp_path / "b" / unicodedata.normalize("NFD", "é.jpg"))
    named = Named([apart], str(tmp_path))
    assert [named.path(one) for one in ("b/é.jpg", "é.jpg", apart)] == [apart] * 3
    with pytest.raises(UserError, match="2 images have this name; give the path"):
        Named([str(tmp_path / "p/a.jpg"), str(tmp_path / "q/a.jpg")], str(tmp_path)).path("a.jpg")
