"""Labels that are likely wrong, against an oracle of loops over all images."""

from __future__ import annotations

import math
import shutil
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

import lookalike as la
from lookalike.descriptors import get
from lookalike.distance import euclidean
from lookalike.errors import UserError
from lookalike.gallery import Gallery
from lookalike.gallery.labels.label_errors import FADING, MAJORITY
from networks import CLASSES
from samples import save
from tinted import install_classifier, kind_of, tinted, tinted_folder

COUNT = 30
WRONG = {4: "blue", 11: "red"}


@pytest.fixture
def gallery(tmp_path: Path) -> Iterator[Gallery]:
    """Thirty images of three kinds, labelled by a person, two of them wrongly."""
    with Gallery.create(tmp_path / "g", ["colour", "structure"]) as opened:
        opened.add(tinted_folder(tmp_path / "photos", COUNT))
        label(opened, tmp_path, {f"{n:02}.png": WRONG.get(n, kind_of(n)) for n in range(COUNT)})
        yield opened


def label(gallery: Gallery, folder: Path, labels: dict[str, str]) -> None:
    (folder / "labels.csv").write_text("\n".join(["path,label", *(f"{n},{result}" for n, result in labels.items())]))
    assert gallery.label_from_csv(folder / "labels.csv").failed == ()


def test_the_wrong_ones_are_found(gallery: Gallery) -> None:
    """Both wrong labels are found by colour, come first, and what they should be is told."""
    found = gallery.label_errors(by="colour", k=5)
    assert {Path(one.path).stem: one.suggested for one in found[:2]} == {f"{n:02}": kind_of(n) for n in WRONG}
    assert {one.label.label for one in found[:2]} == set(WRONG.values())
    assert all(one.label.source == "csv" for one in found)


def test_against_loops(gallery: Gallery, tmp_path: Path) -> None:
    """Neighbours, votes and order are those of plain loops over every pair of images."""
    k, names = 4, [f"{n:02}" for n in range(COUNT)]
    vectors = la.describe([tmp_path / "photos" / f"{name}.png" for name in names], "colour")
    distance = euclidean(vectors.astype("float16"), vectors.astype("float16"))
    kinds = [WRONG.get(n, kind_of(n)) for n in range(COUNT)]
    expected = {}
    for a in range(COUNT):
        near = sorted((float(distance[a, b]), b) for b in range(COUNT) if b != a)[:k]
        votes: dict[str, float] = defaultdict(float)
        for far, b in near:
            votes[kinds[b]] += math.exp(-(far - near[0][0]) / (FADING * get("colour").card.median_negative_distance))
        best = max(votes, key=lambda kind: votes[kind])
        share = votes[best] / sum(votes.values())
        if best != kinds[a] and share > MAJORITY:
            expected[names[a]] = (best, pytest.approx(share, abs=2e-3), {names[b] for _, b in near})
    found = gallery.label_errors(by="colour", k=k)
    actual = {Path(s.path).stem: (s.suggested, s.share, {Path(n.path).stem for n in s.neighbours}) for s in found}
    assert expected == actual
    assert [one.probability for one in found] == sorted((one.probability for one in found), reverse=True)
    assert all(0 <= one.own_share < one.share <= 1 for one in found)
    assert all(one.neighbours[0].distance <= one.neighbours[-1].distance for one in found)


def test_what_is_likely_wrong_needs_no_majority(gallery: Gallery) -> None:
    """Where next to nothing is asked of a label to be likely wrong, those are listed as well whose neighbours are for
    the most part called the same."""
    majority = {one.path for one in gallery.label_errors(by="colour", k=5, precision=1.0)}
    found = gallery.label_errors(by="colour", k=5, precision=1e-9)
    more = [one for one in found if one.path not in majority]
    assert majority < {one.path for one in found}
    assert all(one.likely and 0 < one.share <= MAJORITY for one in more)
    assert all(one.suggested != one.label.label for one in found)


def test_identical_files(gallery: Gallery, tmp_path: Path) -> None:
    """Byte-identical copies of the same wrong label are no witnesses for one another; with another label they are one
    against it."""
    for number in range(6):
        shutil.copy(tmp_path / "photos" / "04.png", tmp_path / "photos" / f"copy{number}.png")
    gallery.add(tmp_path / "photos")
    label(gallery, tmp_path, {f"copy{number}.png": "blue" for number in range(5)} | {"copy5.png": "green"})
    found = {Path(one.path).stem: one for one in gallery.label_errors(by="colour", k=5)}
    assert found["04"].suggested == kind_of(4)
    assert found["04"].neighbours[0].distance == 0
    assert Path(found["04"].neighbours[0].path).stem == "copy5"
    assert not {f"copy{number}" for number in range(5)} & set(found)


def test_of_one_source(gallery: Gallery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The labels of one source alone are looked at if it is named."""
    monkeypatch.setenv("LOOKALIKE_MODELS", str(tmp_path / "models"))
    install_classifier(tmp_path / "models", abstain_below=0.0)
    gallery.classify("means")
    wrong = {f"{n:02}" for n in WRONG}
    assert wrong <= {Path(one.path).stem for one in gallery.label_errors(by="colour", k=5)}
    assert not wrong & {Path(one.path).stem for one in gallery.label_errors(by="colour", k=5, source="means")}


def test_too_little_to_go_by(gallery: Gallery, tmp_path: Path) -> None:
    """No labels, one kind alone, too few images, an unknown descriptor: told, with what to do."""
    with pytest.raises(UserError, match="more than 30 of them; there are 30"):
        gallery.label_errors(k=30)
    for given in ({"by": "copy"}, {"k": 0}, {"precision": 0.0}, {"precision": 1.01}):
        with pytest.raises(UserError):
            gallery.label_errors(**given)
    gallery.forget_labels("csv")
    with pytest.raises(UserError, match=r"there are 0 labelled images.*use classify or labels import"):
        gallery.label_errors()
    label(gallery, tmp_path, {f"{n:02}.png": CLASSES[0] for n in range(COUNT)})
    with pytest.raises(UserError, match="two labels or more"):
        gallery.label_errors(by="colour")


def test_content_is_the_default(tmp_path: Path) -> None:
    """Where `content` is held, it says what is near."""
    with Gallery.create(tmp_path / "c", ["colour", "content"]) as gallery:
        for number in range(6):
            save(tmp_path / "p" / f"{number}.png", tinted(number))
        gallery.add(tmp_path / "p")
        label(gallery, tmp_path, {f"{n}.png": kind_of(n) for n in range(6)})
        assert gallery.label_errors(k=3) == gallery.label_errors(k=3, by="content")
