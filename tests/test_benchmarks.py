"""Every benchmark runs, and its two sides agree; how fast they are is not a test's business."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.all import SCRIPTS
from benchmarks.boxes import overlap
from benchmarks.content_retrieval import average_precision
from benchmarks.copy_recall import dealt, threshold
from benchmarks.harness import ROOT, Options, in_turn, spread, table, write_section
from benchmarks.relations import area, recall
from benchmarks.sides.mobilenet import squeezed
from benchmarks.unseen import photographs
from benchmarks.video_compare import segment_scores
from browsers import chromium
from lookalike.types import Box, Segment
from samples import drawn, folder_of, save

COLUMNS = {
    "index_speed": ("images/s", "imagehash.phash, 2 processes", "lookalike index"),
    "search_speed": ("gallery / bare, 1 thread", "IndexFlat", "IndexBinaryFlat", "recall@10"),
    "recommend_speed": ("by hand, median", "recall@10 of the exact", "| none | 400 |"),
    "duplicates_speed": ("seconds", "pairs found", "| 1,000 | gallery |"),
    "million": (
        "| `copy` |",
        "| `structure` |",
        "recall@10",
        "search_many, ms each",
        "While another process added 5,120",
    ),
    "engines": (
        "gallery / directly",
        "| PostgreSQL | 256 floats | none |",
        "| PostgreSQL | 256 bits | 10 |",
        "recall@10",
    ),
    "growth": ("cold search, s", "| 200 |", "| 400 |"),
    "edits_recall": ("phash-256", "pdqhash", "**all edits**", "micro-AP", "| rotate-5 |"),
    "copy_recall": ("structure", "blend", "MobileNet", "**all edits**", "micro-AP", "| rotate-5 |"),
    "content_retrieval": ("mAP, %", "recall@1, %", "| clothing | MobileNet |", "| flowers | structure |"),
    "words": ("precision of the first ten, %", "nothing shown, rightly", "| penguin |", "| **all** |"),
    "word_places": ("IoU, mean", "Nearest proposal: "),
    "captions": ("recall@1, %", "| `words` |", "| by chance |", "6 photographs"),
    "label_suspects": ("likely wrong", "of the wrong found, %", "| clothing | 0 |", "| flowers | 10 | alike |"),
    "label_next": ("classes seen, chosen", "accuracy, chosen, %", "| flowers | 4 |"),
    "audit": ("| clothing | blurred, 3 px |", "| flowers | leak |", "confident learning", "of the untouched, %"),
    "model_speed": ("images/s", "seconds to the answer", "| lookalike index |", "| lookalike compare |", "bytes"),
    "small_machines": ("`copy`, 8 bits, as it ships", "`regions`, single, stored in half", "| `lookalike index` |"),
    "robustness": ("| the image itself |", "| FGSM, 2/255 |", "| PGD, 4/255 |", "recall with views, %"),
    "calibration": ("copies seen", "in truth", "precision seen", "| mirrored |"),
    "relations": ("| same scene |", "right of the one, %", "copies seen", "| SSIM |", "| SIFT + RANSAC |", "95 % ms"),
    "boxes": ("| a crop of 10% |", "| pasted, 1/4 of the width |", "| region removed |", "SSIM < 0.5"),
    "verified_recall": (
        "copy alone",
        "verified, nearest 20",
        "**all edits**",
        "| verifying a candidate |",
        "| rotate-5 |",
    ),
    "verified_speed": (
        "| a copy is held |",
        "| none is held |",
        "95 % ms",
        "first is the original, %",
        "bytes an image",
    ),
    "region_recall": ("| selective search, fast, 32 |", "| grid of five sizes, 32 |", "from 7 %", "times as long as"),
    "sub_image": ("| `regions` |", "| whole images by PDQ |", "crop-resistant hash", "object, 10 %", "IoU"),
    "recommend_gain": ("nDCG@10", "| `content` alone |", "| `recommend`, default weights |", "learnt: "),
    "product_retrieval": ("nDCG@10", "| clothing | `content` |", "| clothing | MobileNet |"),
    "street_to_shop": ("as another shop shows it", "| colour histogram (`colour`) |", "| MobileNet |"),
    "second_chance": ("by regions", "verified", "| crop to 2 % |", "**harder ones**"),
    "service_load": ("| a file, one after the other | 8 |", "99th percentile", "| a file, 20 a second |"),
    "service_soak": ("| 0 |", "| 6 |", "From the first tenth to the end"),
    "service_fuzz": ("| all but the event stream |", "no 5xx"),
    "private_search": ("| copy |", "private: described here", "times as long"),
    "page_load": ("| the page can be used, first visit |", "asks 0 other hosts"),
    "false_copies": ("pairs at .99", "by phash", "would be cleared by default", "| memes | 4 |"),
    "clearing": ("| of these no copies | 0 |", "edited copies that went", "| not as before after undo | 0 |"),
    "video_compare": (
        "offset right, %",
        "| **all edits** |",
        "| same camera at other times |",
        "Seconds of both videos",
    ),
    "video_library": ("key frames an hour", "| 1 |", "| 2 |"),
    "video_sound": ("| **all edits** |", "| another part of the same piece | 2 |", "minutes. Seconds of both"),
    "faces": ("accepted of one person", "group photographs in which a person is twice | 0 |", "one among"),
    "regions_speed": ("90th percentile", "index, bytes each", "recall@10", "| 100 |", "| 300 |"),
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Drawn images in the layout of our sets, with labels for two of them."""
    folder = tmp_path_factory.mktemp("data")
    folder_of(folder / "views" / "castle", count=3, first=600)
    for number, name in enumerate(("seneca", "bsds", "clothing", "codec/CID22", "codec/kodak")):
        folder_of(folder / name, count=12, first=100 * number)
    for number, name in enumerate(("receipts", "memes")):
        folder_of(folder / "hard" / name, count=4, first=2000 + 100 * number)
    for number, name in enumerate(("rose", "tulip")):
        folder_of(folder / "flowers" / name, count=8, first=1000 + 100 * number)
    rows = [f"{200 + n:04},{n % 3},{'Hat' if n % 2 else 'Shoes'},False" for n in range(12)]
    for number in range(3):
        save(folder / "coco128" / "images" / "val2017" / f"{number}.jpg", drawn(900 + number, 320, 240))
    labels = folder / "coco128" / "object_detection" / "labels" / "val2017"
    labels.mkdir(parents=True)
    for number in range(3):
        (labels / f"{number}.txt").write_text("0 0.5 0.5 0.4 0.25\n1 0.3 0.3 0.2 0.25\n")
    for number in range(1, 7):
        save(folder / "words" / "msed" / "test" / "images" / f"{number}.jpg", drawn(3000 + number))
    said = [f"Photograph {n},{'Two dogs' if n < 2 else f'A cat and {n} cars'}" for n in range(6)]
    (folder / "words" / "msed" / "test" / "test.csv").write_text("\n".join(["Title,Caption", *said]))
    (folder / "clothing" / "images.csv").write_text("\n".join(["image,sender_id,label,kids", *rows]))
    return folder


LONG = {name for name in SCRIPTS if name.startswith("service_")} | {"engines"}  # servers, perhaps under load
LONG |= {"audit", "second_chance", "sub_image", "verified_recall", "verified_speed"}  # hundreds of verified searches
LONG |= {"million"}  # twelve processes and a server
LONG |= {"private_search"}  # a browser that compiles a runtime
LONG |= {"small_machines"}  # a process for each network, precision and number of threads


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.full] * (name in LONG)) for name in SCRIPTS])
def test_every_benchmark_prints_its_table_and_its_sides_agree(name: str, data: Path) -> None:
    """Each script's own assertions hold it to that: as many images, the same neighbours, the same pairs."""
    if name == "robustness":
        pytest.importorskip("torch", reason="an attack needs gradients")
    if name in ("page_load", "private_search"):
        chromium()
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


def test_segment_scores_are_those_of_vcsl() -> None:
    """Worked out by hand: 8 of 10 seconds found are true on both sides, and 8 of 16; nothing found is no precision."""
    found = Segment(2, 12, 0, 10, 1.0, "edited", 0.9)
    precision, recall = segment_scores([found], [(4, 20, 2, 18)])
    assert (precision, recall) == (pytest.approx(0.64), pytest.approx(0.25))
    assert segment_scores([], [(4, 20, 2, 18)]) == (0, 0)


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


def test_an_average_precision_is_the_mean_of_the_precisions_at_what_is_right() -> None:
    """Right at places 1 and 3: (1/1 + 2/3) / 2; right at place 2 only: 1/2."""
    hits = np.array([[True, False, True], [False, True, False]])
    assert average_precision(hits) == pytest.approx([5 / 6, 1 / 2])


def test_the_threshold_lets_one_foreign_query_in_500_through() -> None:
    """Of 500 queries whose nearest lie at 0.5, 1.5, 2.5 ..., one lies below it."""
    nearest = np.arange(500) + 0.5
    strange = np.stack([nearest + 7, nearest], axis=1).astype(np.float32)
    assert (nearest < threshold(strange)).sum() == 1


def test_photographs_that_are_asked_for_are_not_among_the_foreign(data: Path) -> None:
    """And both are the same every time."""
    sources, distractors = dealt(Options(data, quick=True))
    assert (len(sources), len(distractors)) == (3, 3)
    assert not set(sources) & set(distractors)
    assert (sources, distractors) == dealt(Options(data, quick=True))


def test_copies_are_told_from_others_as_counted_by_hand() -> None:
    """Of six pairs of a copy and another, the copy is above in three and level in one; of 500 others one is above."""
    copies, others = np.array([1.0, 3.0, 5.0], np.float32), np.array([1.0, 4.0], np.float32)
    assert area(copies, others) == pytest.approx((0.5 + 1 + 2) / 6)
    many = np.arange(500, dtype=np.float32)
    assert recall(np.array([498.0, 498.5, 600.0], np.float32), many) == pytest.approx(2 / 3)


def test_boxes_overlap_by_their_common_part_of_all_that_they_cover() -> None:
    """Two squares of 4 side by side, one moved by half: 8 of 24; apart: nothing."""
    assert overlap(Box(0, 0, 4, 4), Box(2, 0, 4, 4)) == pytest.approx(8 / 24)
    assert overlap(Box(0, 0, 4, 4), Box(5, 0, 4, 4)) == 0


def test_only_the_last_quarter_of_what_was_fitted_on_is_asked_about(data: Path) -> None:
    """Counted, and against the same permutation; sets that were not fitted on are there whole."""
    found = photographs(Options(data, quick=False))
    order = np.random.default_rng(2026).permutation(12)
    files = sorted((data / "bsds").iterdir())
    assert [files[n] for n in order[9:]] == found["bsds"]
    assert len(found["codec/kodak"]) == 12


def test_images_for_the_network_beside_ours_are_squeezed_to_a_square() -> None:
    """Area means when shrinking by a whole factor: each pixel is the mean of its two by three."""
    pixels = drawn(3, 48, 32)
    blocks = pixels.reshape(16, 2, 16, 3, 3).astype(float).mean(axis=(1, 3))
    assert np.abs(squeezed(pixels, 16) - blocks).max() <= 0.5 + 1e-6
    assert squeezed(pixels, 40).shape == (40, 40, 3)


def test_quick_figures_never_get_into_the_results(data: Path) -> None:
    """They may come from a stand-in with random weights."""
    command = [sys.executable, "-m", "benchmarks.content_retrieval", "--data", str(data), "--quick", "--results"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert "not allowed with argument" in done.stderr
