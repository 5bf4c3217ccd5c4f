"""Every benchmark runs, and its two sides agree; how fast they are is not a test's business."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.all import SCRIPTS
from benchmarks.harness import ROOT, Options, in_turn, spread, table, write_section
from samples import drawn, folder_of, save

COLUMNS = {
    "index_speed": ("pictures/s", "imagehash.phash, 2 processes", "lookalike index"),
    "search_speed": ("gallery / bare, 1 thread", "IndexFlat", "IndexBinaryFlat", "recall@10"),
    "duplicates_speed": ("seconds", "pairs found", "| 1,000 | gallery |"),
    "growth": ("cold search, s", "| 200 |", "| 400 |"),
    "edits_recall": ("phash-256", "pdqhash", "**all edits**", "micro-AP", "| rotate-5 |"),
    "calibration": ("copies seen", "in truth", "precision seen", "| mirrored |"),
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Drawn pictures in the layout of our sets."""
    folder = tmp_path_factory.mktemp("data")
    for number, name in enumerate(("seneca", "bsds", "clothing", "codec/CID22", "codec/kodak")):
        folder_of(folder / name, count=12, first=100 * number)
    return folder


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_benchmark_prints_its_table_and_its_sides_agree(name: str, data: Path) -> None:
    """Each script's own assertions hold it to that: as many pictures, the same neighbours, the same pairs."""
    command = [sys.executable, "-m", f"benchmarks.{name}", "--data", str(data), "--quick"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
    assert (done.returncode, done.stderr) == (0, "")
    for text in ("- machine: ", "- versions: Python", "| --- |", *COLUMNS[name]):
        assert text in done.stdout


def test_a_section_of_the_results_is_rewritten_in_its_place(tmp_path: Path) -> None:
    """The other sections stay as they are."""
    file = tmp_path / "results.md"
    for name, section in (("a", "one"), ("b", "two"), ("a", "three")):
        write_section(file, name, section)
    text = file.read_text()
    assert "one" not in text
    assert text.index("<!-- a -->\n\nthree\n\n<!-- /a -->") < text.index("<!-- b -->\n\ntwo\n\n<!-- /b -->")


def test_sides_take_turns() -> None:
    """So that what disturbs the machine disturbs both."""
    calls: list[str] = []
    in_turn({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, rounds=2)
    assert calls == ["a", "b", "a", "b"]


def test_numbers_are_told_as_median_and_range() -> None:
    """Worked out by hand."""
    assert spread([9, 1, 2]) == "2.00 (1.00..9.00)"
    assert table(("a", "b"), [("x", 1)]) == "| a | b |\n| --- | ---: |\n| x | 1 |"


def test_a_folder_of_ones_own_is_dealt_out(tmp_path: Path) -> None:
    """No photograph is both in the library and among those that were not seen."""
    for number in range(5):
        save(tmp_path / f"{number}.jpg", drawn(number, 32, 32))
    options = Options(tmp_path, quick=True)
    library, unseen = (options.photographs(name) for name in ("library", "unseen"))
    assert [file.name for file in library] == ["0.jpg", "2.jpg", "4.jpg"]
    assert [file.name for file in unseen] == ["1.jpg", "3.jpg"]
