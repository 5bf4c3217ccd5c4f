"""What is evaluated: queries, distractors, what is left out, and scores that are known beforehand."""

from __future__ import annotations

import multiprocessing
import shutil
from pathlib import Path

import numpy as np
import pytest

from lookalike.descriptors import describe_all, get, min_side, names
from lookalike.descriptors.fusion import BLEND
from lookalike.distance import METRICS
from lookalike.errors import UserError
from lookalike.evaluation import class_of, evaluate_classes, evaluate_copies
from lookalike.evaluation.embeddings import chosen, distances, jpeg, workers
from lookalike.evaluation.ranking_metrics import first_relevant_rank
from lookalike.imaging import load
from lookalike.imaging.manipulations import EDITS, apply
from samples import drawn, folder_of, save

HASHES = ["structure", "pdq"]


def files_of(folder: Path) -> list[str]:
    return sorted(str(path) for path in folder.rglob("*") if path.is_file())


@pytest.fixture
def photos(tmp_path: Path) -> list[str]:
    return files_of(folder_of(tmp_path / "photos", 10))


@pytest.fixture
def kinds(tmp_path: Path) -> Path:
    """Two classes: four red and six blue images, separated by colour alone; and one file in no class."""
    for number in range(10):
        pixels = drawn(number) // 4
        pixels[..., 0 if number < 4 else 2] += 180
        save(tmp_path / "kinds" / ("red" if number < 4 else "blue") / "deep" / f"{number}.png", pixels)
    save(tmp_path / "kinds" / "loose.png", drawn(99))
    return tmp_path / "kinds"


# --- copies


def test_a_fifth_is_kept_apart(photos: list[str]) -> None:
    """Of ten images two are distractors and eight the library; each query is searched in every edit."""
    steps: list[tuple[int, int]] = []
    report = evaluate_copies(photos, HASHES, queries=3, progress=lambda *step: steps.append(step))
    assert (report.library, report.queries, report.distractors, report.identical, report.failed) == (8, 3, 2, 0, ())
    assert [one.by for one in report.scores] == HASHES
    assert (report.negative_pairs, report.allowed_false_matches) == (3 * len(EDITS) * 7 + 2 * 8, 0)
    assert (steps[-1], len(steps)) == ((10 + 3 * len(EDITS),) * 2, 13)
    for one in report.scores:
        assert list(one.by_edit) == list(EDITS)
        assert one.recall == pytest.approx(np.mean(list(one.by_edit.values())))
        assert one.by_edit["jpeg-90"] == 1
        assert 0 < one.recall_at_1 <= one.recall_at_10 <= 1


def test_scores_are_what_describing_by_hand_gives(tmp_path: Path) -> None:
    """With distractors given and all of the library as queries, recall@1 and recall equal a plain computation."""
    indexed, others = (files_of(folder_of(tmp_path / name, 5, first)) for name, first in (("a", 0), ("b", 50)))
    (one,) = evaluate_copies(indexed, ["structure"], distractors=others, queries=99, seed=4).scores
    images = [load(path, min_side=512) for path in indexed]
    copies = [jpeg(apply(edit, image.pixels, 4)) for image in images for edit in EDITS]
    side = min_side(["structure"])
    library, distractors, queries = (
        describe_all([load(source, min_side=side) for source in sources], ["structure"])["structure"]
        for sources in (indexed, others, copies)
    )
    metric, least = METRICS["hamming"], get("structure").card.min_contrast
    near = np.where(queries.contrast[:, None] < least, np.inf, metric(queries.vectors, library.vectors))
    own = np.repeat(np.eye(5, dtype=bool), len(EDITS), axis=0)
    limit = metric(distractors.vectors, library.vectors).min()
    assert one.threshold == limit
    assert one.recall == pytest.approx((near[own] < limit).mean())
    assert one.recall_at_1 == pytest.approx((first_relevant_rank(near, own) == 1).mean())


def test_the_seed_decides(photos: list[str]) -> None:
    """The same seed gives the same answer, in one process or in two; another one draws others."""
    once, again = (evaluate_copies(photos, HASHES, queries=2, seed=1, processes=count) for count in (1, 2))
    assert once == again
    assert once != evaluate_copies(photos, HASHES, queries=2, seed=2)


def test_the_same_bytes_count_once(photos: list[str], tmp_path: Path) -> None:
    """A second copy of a file is no image of its own, and one that the library holds is no distractor."""
    twice = [shutil.copy(photos[0], tmp_path / "twice.jpg")]
    others = [*files_of(folder_of(tmp_path / "others", 2, 70)), shutil.copy(photos[1], tmp_path / "distractor.jpg")]
    report = evaluate_copies([*photos, *twice], ["structure"], distractors=[*others, photos[2]], queries=1)
    assert (report.library, report.distractors, report.identical) == (10, 2, 2)


def test_failures_are_listed(photos: list[str], tmp_path: Path) -> None:
    """A file that is no image is a failure; one too small to be edited still is in the library."""
    bad, small = tmp_path / "bad.jpg", save(tmp_path / "small.png", drawn(1, 20, 6))
    bad.write_text("no image")
    others = files_of(folder_of(tmp_path / "others", 1, 70))
    report = evaluate_copies([*photos[:2], str(bad), str(small)], ["structure"], distractors=others)
    assert (report.library, report.queries) == (3, 2)
    assert [failure.path for failure in report.failed] == [str(bad), str(small)]
    assert "20 x 6 pixels: too small" in report.failed[1].reason


def test_too_few_images(photos: list[str], tmp_path: Path) -> None:
    """Fewer than two for the library, no distractor, or none that can be edited: an error that says how many."""
    for files, others in (([], None), (photos[:2], None), (photos[:1], photos[1:]), (photos, []), (photos, photos)):
        with pytest.raises(UserError, match="too few images"):
            evaluate_copies(files, ["structure"], distractors=others)
    same = [*photos[:1], shutil.copy(photos[0], tmp_path / "twice.jpg")]
    with pytest.raises(UserError, match="1 for the library and 1 distractors"):
        evaluate_copies(same, ["structure"], distractors=photos[1:2])
    small = [str(save(tmp_path / f"{number}.png", drawn(number, 9, 4))) for number in (1, 2)]
    with pytest.raises(UserError, match=r"none of the 2 .* too small"):
        evaluate_copies(small, ["structure"], distractors=photos)


def test_names() -> None:
    """By default all that there is and the blend, each once; an unknown name and none are the caller's mistakes."""
    assert chosen(None) == (*names(), BLEND)
    assert chosen(["pdq", "blend", "pdq"]) == ("pdq", "blend")
    for wrong in (["nonsense"], []):
        with pytest.raises(UserError, match="structure"):
            chosen(wrong)


def test_blank_images_match_nothing(photos: list[str], tmp_path: Path) -> None:
    """What has too little to say is infinitely far from everything, in the blend too."""
    blank = str(save(tmp_path / "blank.png", np.zeros((80, 80, 3), np.uint8)))
    others = files_of(folder_of(tmp_path / "others", 1, 70))
    report = evaluate_copies([*photos[:2], blank], ["structure", BLEND], distractors=others)
    for one in report.scores:
        assert one.by_edit["jpeg-90"] == pytest.approx(2 / 3)


def test_everything_at_infinity_is_still_an_answer(photos: list[str], tmp_path: Path) -> None:
    """Where every distractor is infinitely far, any distance counts as found, and the threshold is None."""
    blank = str(save(tmp_path / "blank.png", np.zeros((80, 80, 3), np.uint8)))
    (one,) = evaluate_copies(photos, ["structure"], distractors=[blank], queries=2).scores
    assert one.threshold is None
    assert one.by_edit["jpeg-90"] == 1


# --- classes


def test_classes_that_differ_by_colour(kinds: Path) -> None:
    """Colour separates red from blue without a mistake; sizes, the loose file and what chance has are reported."""
    report = evaluate_classes(str(kinds), files_of(kinds), ["colour", BLEND])
    assert (report.images, report.queries, report.unlabelled) == (10, 10, 1)
    assert dict(report.classes) == {"blue": 6, "red": 4}
    colour, blend = report.scores
    assert (colour.mean_average_precision, colour.recall_at_1, colour.recall_at_10) == (1, 1, 1)
    assert dict(colour.by_class) == {"blue": 1, "red": 1}
    assert [(few.examples, few.mean, few.deviation) for few in colour.few_labels] == [(1, 1, 0), (5, 1, 0), (20, 1, 0)]
    assert blend.few_labels == ()
    assert report.chance.recall_at_1 == pytest.approx((6 * 5 / 9 + 4 * 3 / 9) / 10)
    assert {few.mean for few in report.chance.few_labels} == {0.5}


def test_some_of_the_classes_ask(kinds: Path) -> None:
    """--queries draws so many that ask; a class of one image asks nothing but stands in the way."""
    save(kinds / "alone" / "x.png", drawn(50))
    report = evaluate_classes(str(kinds), files_of(kinds), ["structure"], queries=3, seed=5)
    assert (report.images, report.queries, report.classes["alone"]) == (11, 3, 1)
    assert "alone" not in report.scores[0].by_class
    assert report == evaluate_classes(str(kinds), files_of(kinds), ["structure"], queries=3, seed=5)


def test_too_few_classes(kinds: Path, tmp_path: Path) -> None:
    """One class, or only one of two images that can be read, is an error that says how many there are."""
    for files in ([], [path for path in files_of(kinds) if "red" in path]):
        with pytest.raises(UserError, match="too few classes"):
            evaluate_classes(str(kinds), files, ["structure"])
    for number in (1, 2):
        save(tmp_path / "two" / "a" / f"{number}.png", drawn(number))
        (tmp_path / "two" / "b").mkdir(exist_ok=True)
        (tmp_path / "two" / "b" / f"{number}.png").write_text("no image")
    with pytest.raises(UserError, match="1 of them two or more"):
        evaluate_classes(str(tmp_path / "two"), files_of(tmp_path / "two"), ["structure"])


def test_class_names() -> None:
    """The first folder below names the class; what lies beside or above has none."""
    assert [class_of("/d", path) for path in ("/d/a/x.jpg", "/d/a/b/x.jpg", "/d/x.jpg", "/e/x.jpg")] == [
        "a", "a", None, None,
    ]  # fmt: skip


# --- processes


def test_an_interrupt_ends_the_workers(photos: list[str]) -> None:
    """Left by Ctrl-C, the pool drops what was not begun and goes away."""

    def interrupted() -> None:
        with workers(len(photos), 2) as mapped:
            next(iter(mapped(str.upper, photos)))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert multiprocessing.active_children() == []


def test_distances_are_infinite_for_what_says_nothing() -> None:
    """Rows and columns of low quality are infinite, all others are the metric's own."""
    from lookalike.evaluation.embeddings import Vectors

    rng = np.random.default_rng(0)
    quality = np.array([1, 0, 1], np.float32)
    some = Vectors({"pdq": rng.integers(0, 256, (3, 32), dtype=np.uint8)}, {"pdq": quality})
    found = distances("pdq", some, some)
    assert np.isinf(found[1]).all()
    assert np.isinf(found[:, 1]).all()
    assert found[0, 2] == METRICS["hamming"](some.of["pdq"], some.of["pdq"])[0, 2]
