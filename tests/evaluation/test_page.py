"""The page: every figure is there, nothing comes from elsewhere, and names arrive as text."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image as Pillow

from lookalike.errors import UserError
from lookalike.evaluation import ClassReport, ClassScore, CopyReport, CopyScore, FewLabels, charts
from lookalike.evaluation.page import Row, best, examples, percent, write_page
from lookalike.imaging.manipulations import EDITS
from lookalike.types import Failure
from samples import drawn, save

HOSTILE = "<script>alert(1)</script>\n.jpg"


class Page(HTMLParser):
    """The tags with their attributes, and the text."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += [data.strip()] if data.strip() else []

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def copies(example: str) -> CopyReport:
    curve = ((0.0, 1.0), (0.5, 0.5))
    by_edit = {name: place / 100 for place, name in enumerate(EDITS)}
    one = CopyScore("copy", 0.911, 0.922, 0.933, 0.25, 0.944, 0.955, 0.966, 0.077, by_edit, curve, curve)
    two = replace(one, by="pdq", micro_average_precision=0.5, equal_error_rate=0.3)
    return CopyReport(1234, 56, 78, 3, 9_999, 1 / 500, 0, 0, example, (one, two), ())


def classes() -> ClassReport:
    few = (FewLabels(1, 0.31, 0.021), FewLabels(5, 0.52, 0.013))
    one = ClassScore("content", 0.61, 0.72, 0.83, few, {"cats": 0.7, HOSTILE: 0.4})
    blend = replace(one, by="blend", few_labels=(), by_class={"cats": 0.3, HOSTILE: 0.2})
    chance = ClassScore("chance", 0.15, 0.16, 0.17, (FewLabels(1, 0.5, 0), FewLabels(5, 0.5, 0)), {"cats": 0.1})
    return ClassReport(20, 18, {"cats": 9, HOSTILE: 10, "alone": 1}, 0, 2, 0, (one, blend), chance, ())


@pytest.fixture
def example(tmp_path: Path) -> str:
    return str(save(tmp_path / "example.png", drawn(1)))


def written(path: Path, report: CopyReport | ClassReport, failed: tuple[Failure, ...] = ()) -> tuple[str, Page]:
    write_page(path, report, failed)
    text = path.read_text("utf-8")
    return text, Page(text)


def test_copies(tmp_path: Path, example: str) -> None:
    """Each score stands in the summary, each edit with its recall and a small JPEG in the coloured table."""
    _, page = written(tmp_path / "page.html", copies(example))
    assert {"94.4", "93.3", "91.1", "92.2", "95.5", "96.6", "7.7", "1,234", "56", "78"} <= set(page.words)
    assert set(EDITS) <= set(page.words)
    images = [str(one["src"]) for one in page.all("img")]
    assert len(images) == len(EDITS)
    for source in images:
        start, _, data = source.partition(",")
        assert start == "data:image/jpeg;base64"
        assert max(Pillow.open(io.BytesIO(base64.b64decode(data))).size) <= 84
    assert len([one for one in page.all("polyline") if "curve" in str(one["class"])]) == 4
    heat = [str(one["style"]) for one in page.all("td") if str(one.get("style", "")).startswith("--v")]
    assert sorted(heat) == sorted(f"--v:{place / 100:.3f}" for place in range(len(EDITS)) for _ in range(2))


def test_classes(tmp_path: Path) -> None:
    """Each score with its deviation, chance beside them, a bar for each; what had no query is a dash."""
    text, page = written(tmp_path / "page.html", classes())
    assert {"61.0", "72.0", "83.0", "31.0", "± 2.1", "52.0", "± 1.3", "chance", "15.0", "–"} <= set(page.words)
    bars = [one for one in page.all("rect") if one.get("y") and one.get("height") == str(charts.BAR)]
    assert len(bars) == 4 + 2 + 4
    assert "alone (1)" in page.words
    assert "2 files lie in no sub-folder" in text


def test_nothing_from_elsewhere(tmp_path: Path, example: str) -> None:
    """No script, no address, and a policy that would refuse both; what the browser loads are data URIs."""
    for report in (copies(example), classes()):
        text, page = written(tmp_path / "page.html", report)
        assert page.all("script") == []
        assert not re.search(r"(https?:)?//[a-z]", text)
        assert "default-src 'none'" in str(page.all("meta")[1]["content"])
        loaded = [str(value) for _, tag in page.tags for key, value in tag.items() if key in ("src", "href")]
        assert all(value.startswith("data:image/") for value in loaded)


def test_names_arrive_as_text(tmp_path: Path, example: str) -> None:
    """Names of classes and files, and reasons, are escaped, and what cannot be shown is replaced."""
    failed = (Failure(f"/photos/{HOSTILE}", "<b>bad</b>"),)
    for report in (copies(example), classes()):
        text, page = written(tmp_path / "page.html", report, failed)
        assert page.all("script") == page.all("b") == []
        assert "/photos/<script>alert(1)</script>↵.jpg" in page.words
        assert "1 files could not be used" in text


def test_the_best_of_a_column() -> None:
    """The largest, or the smallest where lower is better; None has no part in it, and nothing is the best of a single
    row."""
    rows = [Row("a", (0.5, 0.1)), Row("b", (0.7, None)), Row("c", (0.6, 0.2))]
    assert (best(rows, 0, False), best(rows, 1, True), best(rows[:1], 0, False)) == (0.7, 0.1, None)
    assert [percent(share) for share in (0, 1, 0.5, 0.9996)] == ["0", "100", "50.0", "100.0"]


def test_the_place(tmp_path: Path, example: str) -> None:
    """A place that cannot be written is the user's mistake; nothing is left behind."""
    for place in (tmp_path / "none" / "x.html", tmp_path):
        with pytest.raises(UserError, match="Name another file"):
            write_page(place, copies(example))
    assert [path.name for path in tmp_path.iterdir()] == ["example.png"]


def test_an_example_that_is_gone(tmp_path: Path) -> None:
    """Without the file that was edited, the page is written without examples."""
    assert examples(str(tmp_path / "gone.jpg"), 0) == {}
    _, page = written(tmp_path / "page.html", copies(str(tmp_path / "gone.jpg")))
    assert page.all("img") == []


def test_curves_lie_where_the_numbers_say() -> None:
    """Corners of both charts by hand: (0, 0) and (1, 1); on the logarithmic axis a tenth is one mark before 1."""
    left, right = charts.LEFT, charts.WIDTH - charts.RIGHT
    top, bottom = charts.TOP, charts.HEIGHT - charts.BOTTOM
    (line,) = charts.precision_recall([("a", [(0, 0), (1, 1)])]).lines
    assert line.points == f"{left:.1f},{bottom:.1f} {right:.1f},{top:.1f}"
    chart = charts.roc([("a", [(0, 0), (0.1, 1), (1, 1)])], negatives=1000)
    tenth = left + (right - left) * 2 / 3
    assert chart.lines[0].points == f"{left:.1f},{bottom:.1f} {tenth:.1f},{top:.1f} {right:.1f},{top:.1f}"
    assert [tick.text for tick in chart.x_ticks] == ["1", "10⁻¹", "10⁻²", "10⁻³"]
    names = [str(number) for number in range(10)]
    lines = charts.precision_recall([(name, [(0, 0)]) for name in names]).lines
    assert [(one.name, one.colour, one.dashed) for one in lines] == [(n, int(n) % 8, int(n) >= 8) for n in names]
