"""How well people are told apart: LFW's protocol, all pairs, and the errors of groups, counted by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lookalike.descriptors.neural import model_store
from lookalike.errors import UserError
from lookalike.evaluation.face_protocol import _best_threshold, _threshold, evaluate_faces
from portraits import NAME, drawn_face, drawn_portrait, install_portraits
from samples import save
from terminal import here


@pytest.fixture(autouse=True)
def network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(model_store.VARIABLE, str(tmp_path / "models"))
    install_portraits(tmp_path / "models")


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """Four people, three images each; the last of d shows no face."""
    folder = tmp_path / "people"
    for seed, name in enumerate("abcd", 1):
        for number in range(1, 4):
            face = {} if (name, number) == ("d", 3) else {(1, 1): drawn_face(seed, number)}
            save(folder / name / f"{name}_{number:04d}.png", drawn_portrait(face))
    return folder


def test_all_pairs_of_a_folder_per_person(people: Path) -> None:
    """12 images: 12 pairs of one person, of which two have no face, and 54 of two people."""
    report = evaluate_faces(people, by=NAME)
    assert (report.images, report.people, report.same, report.different) == (12, 4, 12, 54)
    assert [Path(one).stem for one in report.no_face] == ["d_0003"]
    assert (report.tar.value, report.tar.count) == (10 / 12, 12)
    assert 0.1 < report.threshold < 1.5
    chances = [1 / (1 + np.exp(report.slope * distance - report.intercept)) for distance in (0.05, 1.0)]
    assert chances[0] > 0.8 > 0.2 > chances[1]


def test_the_protocol_of_lfw(people: Path, tmp_path: Path) -> None:
    """Two folds of one pair of each kind; every pair is told right."""
    file = tmp_path / "pairs.txt"
    file.write_text("2\t1\na\t1\t2\na\t1\tb\t1\nc\t1\t3\nc\t2\td\t1\n")
    report = evaluate_faces(people, file, by=NAME)
    assert (report.folds, report.same, report.different, report.accuracy, report.tar.value) == (2, 2, 2, 1.0, 1.0)
    for text, message in (
        ("2\t1\na\t1\t2\n", "says 2 folds of 1 pairs of each kind, and has 1 pairs"),
        ("1\na\t1\t9\na\t1\tb\t1\n", "there is no image a_0009"),
        ("what\n", r"not in the form of LFW's pairs\.txt"),
        ("", r"not in the form of LFW's pairs\.txt"),
    ):
        file.write_text(text)
        with pytest.raises(UserError, match=message):
            evaluate_faces(people, file, by=NAME)


def test_the_errors_of_each_group(people: Path, tmp_path: Path) -> None:
    """In the group of d, two pairs of one person are refused; no pair of two people is accepted in either."""
    file = tmp_path / "groups.csv"
    file.write_text("person,group\na,one\nb,one\nc,two\nd,two\n")
    one, two = evaluate_faces(people, by=NAME, groups=file).groups
    assert (one.group, one.people, one.same, one.different) == ("one", 2, 6, 9)
    assert (one.false_non_match.value, two.false_non_match.value) == (0, 2 / 6)
    assert (one.false_match.value, two.false_match.value) == (0, 0)
    ran = here("faces", "evaluate", people, "--by", NAME, "--groups", file)
    assert ran.code == 0, ran.err
    assert "33.33%" in ran.out
    file.write_text("person,group\nnobody,one\n")
    with pytest.raises(UserError, match="there is no folder of nobody"):
        evaluate_faces(people, by=NAME, groups=file)


def test_a_folder_of_one_person_is_refused(people: Path) -> None:
    """There is nobody to tell them from."""
    with pytest.raises(UserError, match="at least two people"):
        evaluate_faces(people / "a", by=NAME)


def test_thresholds_are_those_counted_by_hand() -> None:
    """One in 1,000 of 2,000 pairs of two people is two; the best threshold lies half-way to the next pair."""
    different = np.linspace(0.5, 1.5, 2_000)
    assert (different <= _threshold(different)).sum() == 2
    distances, same = np.array([0.1, 0.9, 0.2, 0.6]), np.array([True, False, True, False])
    assert _best_threshold(distances, same) == pytest.approx(0.4)
