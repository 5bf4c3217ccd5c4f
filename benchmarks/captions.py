"""Retrieval by captions: among the photographs of a set, the one that a caption was written for.

By words without a download, and by every network that ``--by`` names, which must be among the user's models
(``lookalike models import``). DATA holds words/msed/test (or msed/test, or test itself): images 1.jpg, 2.jpg, ... and
test.csv, whose n-th row has the ``Caption`` of the n-th image (MSEDdataset/MSED). A caption that several images have
stands for no one of them and is left out.

The shipped tags of words were fitted on the captions of this very set. DATA may hold words/without-msed-test/tags.npz,
which were not: ``recipes/word_tags.py DATA GALLERY... --without msed/test --out FILE``.
"""

from __future__ import annotations

import csv
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from benchmarks.harness import Options, run, table
from lookalike.gallery import Gallery
from lookalike.gallery.search.model_text_search import WORDS
from lookalike.intervals import share_interval
from lookalike.words.tag_head import tag_head
from lookalike.words.tokens import LONGEST

TITLE = "Captions: the photograph that one was written for"
PLACES = ("words/msed/test", "msed/test", "test")
DEPTHS = (1, 5, 10)
DESCRIPTORS = ("content", "colour")  # what words go by
OTHER_TAGS = "words/without-msed-test"
FLATTERED = (
    "The shipped tags of `words` were fitted on the titles and captions of this very set (`words/tags.toml`), so they "
    "are flattered; a head of tags that was fitted without this part says what a new library may expect."
)


@dataclass(frozen=True)
class Captioned:
    """A photograph and what was written for it."""

    image: Path
    caption: str


@dataclass(frozen=True)
class Retrieved:
    """Of each caption the place of its photograph among the first ten, from 1 on, None if it is not there; how many
    have a word that was understood; milliseconds of each search."""

    places: Sequence[int | None]
    understood: int
    times: Sequence[float]


def captioned(data: Path, most: int) -> tuple[list[Path], list[Captioned]]:
    """At most ``most`` photographs, and those of them that have a caption of their own."""
    folder = next((data / place for place in PLACES if (data / place).is_dir()), None)
    if folder is None:
        raise SystemExit(f"{data}: holds none of {', '.join(PLACES)}")
    with (folder / f"{folder.name}.csv").open(newline="", encoding="utf-8", errors="replace") as file:
        said = [(row.get("Caption") or "").strip()[:LONGEST] for row in csv.DictReader(file)]
    pairs = [(folder / "images" / f"{number}.jpg", text) for number, text in enumerate(said, 1)]
    pairs = [(image, text) for image, text in pairs if image.exists()][:most]
    often = Counter(text for _, text in pairs)
    return [image for image, _ in pairs], [Captioned(image, text) for image, text in pairs if text and often[text] == 1]


def retrieve(gallery: Gallery, queries: Sequence[Captioned], by: str) -> Retrieved:
    """Each caption as a search by words, whatever the probabilities."""
    places, times, understood = [], [], 0
    gallery.search_text("a photo", by=by)  # what is loaded once
    for query in queries:
        began = time.perf_counter()
        answer = gallery.search_text(query.caption, DEPTHS[-1], least=0.0, by=by)
        times.append(1000 * (time.perf_counter() - began))
        understood += bool(answer.understood)
        found = [hit.path for hit in answer.hits]
        places.append(found.index(str(query.image)) + 1 if str(query.image) in found else None)
    return Retrieved(places, understood, times)


def recall(places: Sequence[int | None], depth: int) -> str:
    """Per cent of the photographs that are among the first ``depth``, and between which bounds it lies at 95 %."""
    found = share_interval(sum(place is not None and place <= depth for place in places), len(places))
    return f"{100 * found.value:.1f} ({100 * found.low:.1f}..{100 * found.high:.1f})"


def measure(options: Options) -> str:
    images, queries = captioned(options.data, options.size(10_000, 100))
    with tempfile.TemporaryDirectory(prefix="lookalike-bench-") as name:
        with Gallery.create(Path(name) / "g", (*DESCRIPTORS, *options.by)) as gallery:
            gallery.add([str(image) for image in images])
            found = {f"`{by}`": retrieve(gallery, queries, by) for by in (WORDS, *options.by)}
        other = options.data / OTHER_TAGS
        if other.is_dir():
            with tags_of(other), Gallery.open(Path(name) / "g") as gallery:
                found["`words`, its tags fitted without these captions"] = retrieve(gallery, queries, WORDS)
    return f"{_table(found, len(images))}\n\n{_note(len(queries), len(images), options.by)}"


@contextmanager
def tags_of(folder: Path) -> Iterator[None]:
    """Words go by the tags.npz of this folder meanwhile."""
    tag_head.cache_clear()
    with mock.patch("importlib.resources.files", return_value=folder):
        tag_head()
    yield
    tag_head.cache_clear()


def _table(found: Mapping[str, Retrieved], images: int) -> str:
    header = ("by", "captions understood", *(f"recall@{depth}, %" for depth in DEPTHS), "a search, ms, median")
    rows = [
        (by, str(one.understood), *(recall(one.places, depth) for depth in DEPTHS),
         f"{statistics.median(one.times):.1f}")
        for by, one in found.items()
    ]  # fmt: skip
    return table(header, [*rows, ("by chance", "", *(f"{100 * min(depth / images, 1):.2f}" for depth in DEPTHS), "")])


def _note(queries: int, images: int, by: Sequence[str]) -> str:
    others = "" if by else " Other networks: `--by NAME`, once imported."
    return (
        f"{queries:,} captions that only one photograph has, among all {images:,} photographs of MSED's test part; "
        f"a caption of which nothing is understood finds nothing. In brackets: between which bounds a recall lies at "
        f"95 %. {FLATTERED}{others}"
    )


if __name__ == "__main__":
    run(TITLE, measure, by=True)
