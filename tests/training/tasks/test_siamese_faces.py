"""A network of faces of one's own: trained on aligned faces, exported with its detector, and used as any other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lookalike.comparison.faces import compare_faces
from lookalike.descriptors import face_network
from lookalike.descriptors.neural import model_store
from lookalike.descriptors.neural.model_store import read_card
from lookalike.errors import UserError
from lookalike.training.export.artifacts import export_model
from lookalike.training.tasks.siamese import SiameseSettings, train_siamese
from portraits import DETECTOR, NAME, drawn_face, drawn_portrait, install_portraits
from samples import save

SMALL = SiameseSettings(
    side=48, steps=15, batch=12, images_per_class=3, dim=16, init="scratch", lr=3e-3, loss="arcface", faces=NAME
)


@pytest.fixture(name="people")
def _people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Seven persons; of the first nine portraits, of the others three."""
    monkeypatch.setenv(model_store.VARIABLE, str(tmp_path / "models"))
    install_portraits(tmp_path / "models")
    for who in range(7):
        for number in range(9 if who == 0 else 3):
            portrait = drawn_portrait({(1, 1): drawn_face(who, number)})
            save(tmp_path / "people" / f"p{who}" / f"{number}.png", portrait)
    save(tmp_path / "people" / "p1" / "wall.png", drawn_portrait({}))
    return tmp_path / "people"


def test_it_is_trained_exported_and_compares_faces(people: Path, tmp_path: Path) -> None:
    """The card has the detector and a curve; added, it tells persons apart that it was never shown."""
    made = train_siamese(people, SMALL, tmp_path / "run", lambda *_: None)
    assert [Path(one.path).name for one in made.failed] == ["wall.png"]
    assert made.details["held_out"] == "classes"
    assert made.metrics["AUC"] > 0.7
    out = tmp_path / "out" / "mine.onnx"
    out.parent.mkdir()
    export_model(made, "mine", out, None, "people")
    assert (out.parent / DETECTOR).is_file()
    card = read_card(out.with_suffix(".toml"))
    assert card.faces is not None
    assert (card.faces.output, card.faces.embedding, card.faces.detector.file) == ("mine", "mine", DETECTOR)
    assert card.faces.fitted_on == "2 people of people, held out"
    assert "the detector: that of 'portraits'" in card.licence
    model_store.add(out, out.with_suffix(".toml"))
    assert face_network("mine").card.fingerprint != face_network(NAME).card.fingerprint
    same, other = (
        compare_faces(people / "p0" / "0.png", people / second / "1.png", by="mine") for second in ("p0", "p5")
    )
    assert same.distance < other.distance
    assert 0 < same.probability < 1
    model_store.remove("mine")
    assert (tmp_path / "models" / DETECTOR).is_file()
    model_store.remove(NAME)
    assert list((tmp_path / "models").iterdir()) == []


def test_what_does_not_go_with_faces(people: Path, tmp_path: Path) -> None:
    """A loss of Euclidean distances, drawings, and a network that there is not."""
    for chosen, message in (
        ({"loss": "triplet"}, "--loss margin, arcface or nt-xent"),
        ({"drawings": True}, "of photographs"),
        ({"faces": "noses"}, "no network of faces 'noses'"),
    ):
        with pytest.raises(UserError, match=message):
            train_siamese(people, replace(SMALL, **chosen), tmp_path / "run", lambda *_: None)
