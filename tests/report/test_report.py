"""The report as text: escaped, self-contained, written whole or not at all, in honest words."""

from __future__ import annotations

import base64
import hashlib
import io
import re
import tracemalloc
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from lookalike.errors import UserError
from lookalike.report import (
    GroupView,
    Image,
    LabelErrorView,
    PairView,
    SearchView,
    Summary,
    thumbnail,
    write_report,
)
from lookalike.report.html_report import box_style, human_bytes, percent, visible
from lookalike.types import Box, Failure, Hit

THUMBNAIL = thumbnail(np.full((6, 8, 3), 120, np.uint8))
HOSTILE = (
    "<script>alert(1)</script>.jpg",
    "\"><img src=x onerror='alert(2)'>.jpg",
    "two\nlines.jpg",
    "{{ 7 * 7 }}.jpg",
    "beach 🏖️ été.jpg",
    b"latin-\xe9.jpg".decode("utf-8", "surrogateescape"),
    "evil\u202egpj.exe",
)


class Page(HTMLParser):
    """The tags with their attributes, and the text, as a browser would read them."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(source)
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def image(path: str = "/photos/a.jpg", width: int = 400, height: int = 300, size: int = 1_200_000) -> Image:
    return Image(path, THUMBNAIL, width, height, size, "JPEG")


def full_page(folder: Path, names: Sequence[str] = ("b.jpg",)) -> str:
    """A page with one of each section; the names appear in every place that shows a name."""
    others = [image(f"/photos/{name}", 200, 150, 500_000) for name in names]
    path = folder / "report.html"
    write_report(
        path,
        summary=Summary(names[0], ((names[0], names[0]),), tuple(Failure(f"/photos/{n}", n) for n in names)),
        groups=[GroupView(image(), tuple((other, "re-encoded", 0.997) for other in others))],
        searches=[SearchView(others[0], tuple((o, Hit(o.path, 0.25, 0.9, "crop")) for o in others), "copy")],
        comparisons=[
            PairView(image(), o, "edited", 0.5, {names[0]: 0.5}, {names[0]: 0.7}, edits=names, explanation=THUMBNAIL)
            for o in others
        ],
    )
    return path.read_text(encoding="utf-8")


def elements(page: Page) -> list[str]:
    """Every tag but the two that a name with a slash or an underscore rightly adds."""
    return [tag for tag, _ in page.tags if tag not in ("span", "wbr")]


def test_a_hostile_name_arrives_as_text(tmp_path: Path) -> None:
    """Tags, quotes, template code, newlines, emoji and broken bytes in names add no element and no attribute."""
    calm = Page(full_page(tmp_path, [f"{i}.jpg" for i in range(len(HOSTILE))]))
    page = Page(full_page(tmp_path, HOSTILE))
    assert elements(calm) == elements(page)
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
    assert f"/photos/{HOSTILE[0]}" in [a.get("title") for a in page.all("p")]
    for shown in ("two↵lines.jpg", "{{ 7 * 7 }}.jpg", "beach 🏖️ été.jpg", "latin-�.jpg", "evil�gpj.exe"):
        assert shown in page.text


def test_only_names_that_read_as_they_are_can_be_copied(tmp_path: Path) -> None:
    """A path with a newline, a lost byte or a reordering mark has no data-path, so no list can hold a wrong name."""
    copies = [a for a in Page(full_page(tmp_path, HOSTILE)).all("figure") if a["class"] == "tile copy"]
    expected = [f"/photos/{HOSTILE[i]}" for i in (0, 1, 3, 4)]
    assert expected == [a["data-path"] for a in copies if "data-path" in a]


def test_the_page_needs_nothing_from_outside(tmp_path: Path) -> None:
    """No address of another place is in the page, and its policy forbids every request."""
    source = full_page(tmp_path)
    page = Page(source)
    links = [a[key] for _, a in page.tags for key in ("src", "href", "srcset", "action", "poster") if a.get(key)]
    assert all(str(link).startswith(("data:image/", "#")) for link in links)
    assert not re.search(r"https?://|@import|url\(", source)
    policy = next(a["content"] for a in page.all("meta") if a.get("http-equiv") == "Content-Security-Policy")
    assert str(policy).startswith("default-src 'none'; img-src data:;")


def test_the_policy_names_the_one_script(tmp_path: Path) -> None:
    """The policy holds the SHA-256 of the page's only script, so an injected one would not run."""
    scripts = re.findall(r"<script>(.*?)</script>", full_page(tmp_path), re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(scripts[0].encode()).digest()).decode()
    assert len(scripts) == 1
    assert f"script-src 'sha256-{digest}';" in full_page(tmp_path)


def test_an_empty_report_says_so(tmp_path: Path) -> None:
    """Without anything found the page says that there are no duplicates and no failed files."""
    write_report(tmp_path / "r.html", summary=Summary("Nothing"))
    page = Page((tmp_path / "r.html").read_text(encoding="utf-8"))
    assert "No duplicates found." in page.text
    assert "None. Every file could be read." in page.text


def test_label_errors(tmp_path: Path) -> None:
    """Each label error with what its neighbours say and how many, escaped; no section of duplicates beside it."""
    near = ((image("/photos/b.jpg"), "<b>daisy</b>"), (image("/photos/c.jpg"), "rose"))
    label_error = LabelErrorView(image(), "rose", "<b>daisy</b>", 0.934, 0.75, False, near)
    for label_errors in ([label_error], []):
        write_report(tmp_path / "r.html", summary=Summary("S"), label_errors=label_errors)
        page = Page((tmp_path / "r.html").read_text(encoding="utf-8"))
        assert "No duplicates found." not in page.text
        assert ("rose → <b>daisy</b>? worth a look: 75.0 % probably wrong, 93.4 % of the votes" in page.text) == bool(
            label_errors
        )
        assert ("None found. Every label agrees" in page.text) != bool(label_errors)
        assert page.all("b") == []
        assert len([a for a in page.all("figure") if a["class"] == "tile keep"]) == len(label_errors)


def test_a_search_without_hits_says_so(tmp_path: Path) -> None:
    """A query that found nothing is shown with that answer, and no empty duplicates section beside it."""
    write_report(tmp_path / "r.html", summary=Summary("S"), searches=[SearchView(image(), (), "copy")])
    text = Page((tmp_path / "r.html").read_text(encoding="utf-8")).text
    assert "Nothing found." in text
    assert "No duplicates found." not in text


def test_many_failures_are_folded(tmp_path: Path) -> None:
    """Up to eight failed files stand open; more are folded away, and all of them are there."""
    for count, folded in ((8, 0), (9, 1)):
        failures = tuple(Failure(f"/p/{i}.jpg", "empty file") for i in range(count))
        write_report(tmp_path / "r.html", summary=Summary("F", (), failures))
        page = Page((tmp_path / "r.html").read_text(encoding="utf-8"))
        assert (folded, count) == (len(page.all("details")), page.text.count("empty file"))


def test_paths_are_relative_to_their_common_folder(tmp_path: Path) -> None:
    """The page names the common folder once and shows the rest; the full path is in the title."""
    group = GroupView(image("/home/anna/photos/a.jpg"), ((image("/home/anna/photos/old/b.jpg"), "crop", 0.9),))
    write_report(tmp_path / "r.html", summary=Summary("P"), groups=[group])
    page = Page((tmp_path / "r.html").read_text(encoding="utf-8"))
    assert "Paths are relative to /home/anna/photos" in page.text
    assert "old/ b.jpg" in page.text
    assert [a["title"] for a in page.all("p") if "title" in a] == [group.keep.path, group.others[0][0].path]


def test_folders_with_nothing_in_common_are_shown_in_full(tmp_path: Path) -> None:
    """Relative and absolute paths mixed, or only the root in common: no folder is named."""
    for other in ("b.jpg", "/elsewhere/b.jpg"):
        group = GroupView(image("/home/a.jpg"), ((image(other), "crop", 0.9),))
        write_report(tmp_path / "r.html", summary=Summary("P"), groups=[group])
        text = Page((tmp_path / "r.html").read_text(encoding="utf-8")).text
        assert "Paths are relative" not in text
        assert "/home/ a.jpg" in text


def test_sums_and_counts_are_those_of_the_copies(tmp_path: Path) -> None:
    """The head of the duplicates adds up the others, not those that are kept."""
    text = Page(full_page(tmp_path, ("b.jpg", "c.jpg"))).text
    assert "1 group of copies. 2 files could be removed, 1.0 MB freed." in text


class Many(Sequence[GroupView]):
    """Two thousand groups with thumbnails of 10 kB that exist only while they are looked at."""

    def __len__(self) -> int:
        return 2000

    def __getitem__(self, index: Any) -> Any:
        if index >= len(self):
            raise IndexError
        uri = "data:image/webp;base64," + str(index % 10) * 10_000
        a, b = (Image(f"/p/{index}{x}.jpg", uri, 40, 30, 1000, "JPEG") for x in "ab")
        return GroupView(a, ((b, "re-encoded", 0.99),))


def test_thousands_of_groups_take_little_memory(tmp_path: Path) -> None:
    """A page of 40 MB is written with less than 8 MB of memory, and holds every group."""
    tracemalloc.start()
    write_report(tmp_path / "r.html", summary=Summary("Many"), groups=Many())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (tmp_path / "r.html").stat().st_size > 40_000_000
    assert peak < 8_000_000
    assert (tmp_path / "r.html").read_bytes().count(b'<article class="card group') == 2000


def test_a_report_that_fails_leaves_the_old_one(tmp_path: Path) -> None:
    """When the making breaks half-way, the earlier page stays as it was and no other file is left."""
    path = tmp_path / "r.html"
    write_report(path, summary=Summary("Old"))
    before = path.read_bytes()

    class Broken(Many):
        def __len__(self) -> int:
            return 50

        def __getitem__(self, index: Any) -> Any:
            self.asked = getattr(self, "asked", 0) + 1
            if self.asked > 90:
                raise RuntimeError("the disk went away")
            return super().__getitem__(index)

    with pytest.raises(RuntimeError, match="the disk went away"):
        write_report(path, summary=Summary("New"), groups=Broken())
    assert before == path.read_bytes()
    assert [path] == list(tmp_path.iterdir())


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """A missing folder, or a folder in the place of the file, is the user's mistake and is named."""
    with pytest.raises(UserError, match=r"missing/r\.html"):
        write_report(tmp_path / "missing" / "r.html", summary=Summary("T"))
    with pytest.raises(UserError, match="Name another file"):
        write_report(tmp_path, summary=Summary("T"))


@pytest.mark.parametrize(
    ("probability", "relation", "words"),
    [
        (1.0, "identical", "100 %"),
        (1.0, "re-encoded", "> 99.9 %"),
        (0.99951, "re-encoded", "> 99.9 %"),
        (0.9994, "re-encoded", "99.9 %"),
        (0.9996, "identical", "> 99.9 %"),
        (0.997, "crop", "99.7 %"),
        (0.5, "", "50.0 %"),
        (0.00049, "", "< 0.1 %"),
        (0.0, "unrelated", "< 0.1 %"),
        (float("nan"), "", "unknown"),
    ],
)
def test_a_probability_is_never_rounded_to_certainty(probability: float, relation: str, words: str) -> None:
    """One decimal, but "100 %" only for identical files, and never 0 %."""
    assert words == percent(probability, relation)


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (9_949, "9.9 kB"),
        (9_950, "10 kB"),
        (999_499, "999 kB"),
        (999_500, "1.0 MB"),
        (1_234_567, "1.2 MB"),
        (34_000_000, "34 MB"),
        (5_600_000_000, "5.6 GB"),
        (1_234_000_000_000_000, "1,234 TB"),
    ],
)
def test_bytes_are_in_human_units(count: int, words: str) -> None:
    """Steps of 1000, two digits at least, and no "1000 kB" at the edges."""
    assert words == human_bytes(count)


def test_visible_leaves_ordinary_text_alone() -> None:
    """Letters of any script, emoji with joiners and spaces stay; what cannot be seen is replaced."""
    for text in ("плёнка 写真.jpg", "👩‍👧 a b.jpg", ""):
        assert text == visible(text)
    assert visible("a\x00b\u2066c\ud800") == "a�b�c�"


def test_the_kept_one_says_why(tmp_path: Path) -> None:
    """The reason that was found for keeping it stands beside it, as text."""
    group = GroupView(image(), ((image("/b", 200, 150, 500), "edited", 0.9),), "the other <is> greyed")
    write_report(tmp_path / "report.html", summary=Summary("Duplicates"), groups=[group])
    assert '<span class="why">the other &lt;is&gt; greyed</span>' in (tmp_path / "report.html").read_text()


def test_a_box_is_drawn_in_the_larger_image() -> None:
    """A box is given in percent of the larger image, cut at its edges, and not drawn in the smaller."""
    large, small = image(width=400, height=200), image(width=100, height=100)
    box = Box(100, -20, 400, 120)
    assert box_style(box, large, small) == "left:25.00%;top:0.00%;width:75.00%;height:50.00%"
    assert box_style(box, small, large) == ""
    assert box_style(None, large, small) == ""


def test_an_image_without_a_safe_thumbnail_has_words_instead(tmp_path: Path) -> None:
    """An empty thumbnail, or an address instead of a data URI, is replaced by words."""
    for odd in ("", "https://example.org/a.jpg", "javascript:alert(1)"):
        group = GroupView(Image("/p/a.jpg", odd, 1, 1, 1, ""), ((image("/p/b.jpg"), "crop", 0.9),))
        write_report(tmp_path / "r.html", summary=Summary("T"), groups=[group])
        page = Page((tmp_path / "r.html").read_text(encoding="utf-8"))
        assert "no preview of a.jpg" in page.text
        assert len(page.all("img")) == 1


@pytest.mark.parametrize(
    ("size", "expected"),
    [((600, 900), (320, 213)), ((900, 600), (213, 320)), ((40, 30), (30, 40)), ((1, 5000), (320, 1))],
)
def test_a_thumbnail_keeps_the_aspect_and_never_grows(size: tuple[int, int], expected: tuple[int, int]) -> None:
    """The longer side becomes 320 pixels, unless it is shorter; the image is a data URI of few kB."""
    uri = thumbnail(np.random.default_rng(1).integers(0, 256, (*size, 3)).astype(np.uint8))
    head, data = uri.split(",")
    assert head == "data:image/webp;base64"
    with Pillow.open(io.BytesIO(base64.b64decode(data))) as image_:
        assert expected == image_.size
