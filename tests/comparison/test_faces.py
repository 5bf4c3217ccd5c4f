"""Two portraits are of one person or not; what cannot be compared is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lookalike.comparison.faces import compare_faces
from lookalike.descriptors.neural import model_store
from lookalike.errors import NoFace, UserError
from portraits import NAME, Kind, drawn_face, drawn_portrait, install_portraits
from samples import save


@pytest.fixture(autouse=True)
def network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(model_store.VARIABLE, str(tmp_path / "models"))
    install_portraits(tmp_path / "models")


def alone(seed: int, variant: int = 0, kind: Kind = "sound") -> np.ndarray:
    return drawn_portrait({(1, 1): drawn_face(seed, variant, kind)})


def test_one_person_and_two() -> None:
    """The probability is the card's curve at the distance of the two vectors."""
    same, other = compare_faces(alone(1), alone(1, 7), NAME), compare_faces(alone(1), alone(2), NAME)
    assert same.distance < 0.1 < 0.8 < other.distance
    for one in (same, other):
        assert one.probability == pytest.approx(1 / (1 + np.exp(20 * one.distance - 10)))
    assert (same.a.box.x, same.a.box.y, same.a.box.width) == pytest.approx((96, 96, 96), abs=0.01)
    assert (same.a_faces, same.b_faces, same.turned) == (1, 1, ())


def test_of_several_faces_the_largest_good_one_counts() -> None:
    """A bad one beside it is counted, and not compared."""
    group = drawn_portrait({(0, 0): drawn_face(3, 0, "turned"), (2, 2): drawn_face(1, 4)})
    compared = compare_faces(alone(1), group, NAME)
    assert compared.b_faces == 2
    assert compared.b.box.x == pytest.approx(192, abs=0.01)
    assert compared.distance < 0.1


def test_a_portrait_on_its_side_is_turned() -> None:
    """The drawn network sees nothing off its grid, as a true one sees little of a face that lies on its side: 304
    pixels high, a portrait is on the grid as it stands, and off it once it is turned."""
    lying = np.ascontiguousarray(np.rot90(alone(1, 3)[:304], -1))
    compared = compare_faces(alone(1), lying, NAME)
    assert compared.turned == ("b",)
    assert compared.distance < 0.1


@pytest.mark.parametrize(
    ("kind", "words"),
    [("small", "too small"), ("turned", "turned too far aside"), ("blurred", "too blurred")],
)
def test_a_bad_face_is_said(tmp_path: Path, kind: Kind, words: str) -> None:
    """And not compared: it would be like any other such one."""
    file = save(tmp_path / "bad.png", alone(1, 0, kind))
    with pytest.raises(NoFace, match=rf"bad\.png: its face is {words} \(\d+ pixels\)"):
        compare_faces(alone(1), file, NAME)


def test_no_face_is_said(tmp_path: Path) -> None:
    """With the file's name."""
    file = save(tmp_path / "wall.png", drawn_portrait({}))
    with pytest.raises(NoFace, match=r"wall\.png: no face is found in it"):
        compare_faces(alone(1), file, NAME)


def test_without_a_network_it_is_said_how_one_is_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lookalike ships none."""
    monkeypatch.setenv(model_store.VARIABLE, str(tmp_path / "none"))
    with pytest.raises(UserError, match=r"there is none\. Lookalike ships none: docs/how-to/faces\.md"):
        compare_faces(alone(1), alone(1))
