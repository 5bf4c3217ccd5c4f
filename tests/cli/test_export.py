"""lookalike export: every table in every format, read back by what others read it with."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import numpy as np
import pytest
from pyarrow import parquet

from lookalike.errors import MissingDependency
from lookalike.gallery import Gallery
from lookalike.report.table_files import check_ending
from lookalike.types import Label
from samples import drawn, folder_of, reduced, save
from terminal import here


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four images, two of them copies; a label, a verdict, and a blank image without a vector."""
    folder = tmp_path_factory.mktemp("export")
    photos = folder_of(folder / "photos", 2)
    save(photos / "cat.png", reduced("chelsea"))
    save(photos / "cat.jpg", reduced("chelsea"), quality=90)
    save(photos / "blank.png", np.full((80, 80, 3), 200, np.uint8))
    with Gallery.create(folder / "g", ["structure", "pdq", "copy"]) as gallery:
        gallery.add(photos)
        gallery.put_labels({str(photos / "cat.png"): [Label("cat", 1.0, "csv"), Label("pet", 0.25, "other")]})
        gallery.add_verdicts([(photos / "cat.png", photos / "cat.jpg")], "same")
    return folder


def exported(folder: Path, table: str, name: str, *more: str) -> Path:
    ran = here("export", table, "--gallery", folder / "g", "--out", folder / name, *more, "--json")
    assert (ran.code, ran.json["table"]) == (0, table)
    return Path(ran.json["path"])


def lines(file: Path) -> list[dict[str, str]]:
    with file.open(newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.parametrize("by", ["copy", "pdq"])
def test_vectors_in_every_format(folder: Path, by: str) -> None:
    """The same paths and numbers; bits as hexadecimal digits in CSV, as bytes elsewhere."""
    arrays = np.load(exported(folder, "vectors", f"{by}.npz", "--by", by))
    table = parquet.read_table(exported(folder, "vectors", f"{by}.parquet", "--by", by))
    rows = lines(exported(folder, "vectors", f"{by}.csv", "--by", by))
    paths = arrays["path"].tolist()
    assert table["path"].to_pylist() == paths == [row["path"] for row in rows]
    assert str(folder / "photos" / "cat.png") in paths
    assert str(folder / "photos" / "blank.png") not in paths
    assert np.array_equal(np.array(table[by].to_pylist()), arrays[by])
    if by == "pdq":
        assert arrays[by].dtype == np.uint8
        assert [bytes.fromhex(row[by]) for row in rows] == [row.tobytes() for row in arrays[by]]
    else:
        assert np.array([row[by].split() for row in rows], np.float32) == pytest.approx(arrays[by], rel=1e-6)
    assert len(lines(exported(folder, "vectors", "few.csv", "--by", by, "--where", "format = 'JPEG'"))) == sum(
        path.endswith("jpg") for path in paths
    )


def test_labels_and_verdicts(folder: Path) -> None:
    """Every label of an image with its source; verdicts as `tune --pairs` reads them."""
    labels = parquet.read_table(exported(folder, "labels", "labels.parquet")).to_pylist()
    cat = str(folder / "photos" / "cat.png")
    assert labels == [
        {"path": cat, "label": "cat", "probability": 1.0, "source": "csv"},
        {"path": cat, "label": "pet", "probability": 0.25, "source": "other"},
    ]
    (verdict,) = lines(exported(folder, "verdicts", "verdicts.csv"))
    assert {Path(verdict["a"]).name, Path(verdict["b"]).name} == {"cat.png", "cat.jpg"}
    assert (verdict["verdict"], len(verdict["a_sha256"])) == ("same", 64)


def test_groups_and_pairs(folder: Path) -> None:
    """What `duplicates` finds: members with the one that is kept, and what each copy is a copy of."""
    groups = np.load(exported(folder, "groups", "groups.npz"))
    assert sorted(Path(path).name for path in groups["path"]) == ["cat.jpg", "cat.png"]
    assert (groups["group"].tolist(), sorted(groups["keep"].tolist())) == ([1, 1], [False, True])
    (pair,) = lines(exported(folder, "pairs", "pairs.csv"))
    assert {Path(pair["a"]).name, Path(pair["b"]).name} == {"cat.jpg", "cat.png"}
    assert float(pair["probability"]) > 0.99
    assert pair["a"] == groups["path"][groups["keep"]][0]


def test_empty_tables_have_their_columns(tmp_path: Path) -> None:
    """In every format."""
    with Gallery.create(tmp_path / "g", ["structure"]) as gallery:
        gallery.add(save(tmp_path / "one.png", drawn(1)).parent)
    for table in ("labels", "verdicts", "groups", "pairs"):
        for ending in ("csv", "npz", "parquet"):
            ran = here("export", table, "--gallery", tmp_path / "g", "--out", tmp_path / f"t.{ending}", "--json")
            assert (ran.code, ran.json["rows"]) == (0, 0)
            assert len(ran.json["columns"]) > 2
    assert (tmp_path / "t.csv").read_text() == "group,a,b,relation,probability\n"


def test_mistakes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another ending, another descriptor, a place that is none, and no pyarrow: nothing is written."""
    assert "told by the file's ending" in here("export", "labels", "--gallery", folder / "g", "--out", "x.txt").err
    wrong = here("export", "vectors", "--gallery", folder / "g", "--out", folder / "x.csv", "--by", "clip")
    assert (wrong.code, (folder / "x.csv").exists()) == (2, False)
    assert here("export", "labels", "--gallery", folder / "g", "--out", folder / "no" / "x.csv").code == 2
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingDependency, match=r"lookalike\[export\]"):
        check_ending("x.parquet")
