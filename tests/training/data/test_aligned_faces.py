"""Portraits become aligned faces, once each; who shows no face is told."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from lookalike.descriptors import face_network
from lookalike.descriptors.neural import model_store
from lookalike.descriptors.neural.face_model import FaceNetwork
from lookalike.errors import UserError
from lookalike.training.data.aligned_faces import NO_FACE, align_people
from portraits import NAME, drawn_face, drawn_portrait, install_portraits
from samples import save


@pytest.fixture(name="network")
def _network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FaceNetwork:
    monkeypatch.setenv(model_store.VARIABLE, str(tmp_path / "models"))
    install_portraits(tmp_path / "models")
    return face_network(NAME)


def test_the_face_of_each_portrait_is_cut_out(tmp_path: Path, network: FaceNetwork) -> None:
    """The face itself, at the side that is wanted; a second call makes what is new, and drops what is gone."""
    people = tmp_path / "people"
    for who in (1, 2):
        for number in range(2):
            save(people / f"p{who}" / f"{number}.png", drawn_portrait({(number, 1): drawn_face(who, number)}))
    save(people / "p1" / "wall.png", drawn_portrait({}))
    save(people / "p2" / "bad.png", drawn_portrait({(1, 1): drawn_face(2, 5, "turned")}))
    (people / "p2" / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    first = align_people(people, network, tmp_path / "aligned", 96)
    made = sorted(file.relative_to(first.folder).as_posix() for file in first.folder.glob("*/*"))
    assert made == ["p1/0.png.png", "p1/1.png.png", "p2/0.png.png", "p2/1.png.png"]
    reasons = {Path(one.path).name: one.reason for one in first.failed}
    assert {name: reasons[name] for name in ("wall.png", "bad.png")} == {"wall.png": NO_FACE, "bad.png": NO_FACE}
    assert set(reasons) == {"wall.png", "bad.png", "broken.jpg"}
    cut = cv2.imread(str(first.folder / "p2" / "1.png.png"))[..., ::-1].astype(float)
    assert np.abs(cut - drawn_face(2, 1).astype(float)).mean() < 6
    before = (first.folder / "p1" / "0.png.png").stat().st_mtime_ns
    (people / "p1" / "1.png").unlink()
    save(people / "p2" / "9.png", drawn_portrait({(1, 1): drawn_face(2, 9)}))
    again = align_people(people, network, tmp_path / "aligned", 96)
    assert (again.folder / "p1" / "0.png.png").stat().st_mtime_ns == before
    assert not (again.folder / "p1" / "1.png.png").exists()
    assert (again.folder / "p2" / "9.png.png").exists()
    save(people / "p1" / "0.png", drawn_portrait({(0, 0): drawn_face(7)}))
    os.utime(people / "p1" / "0.png", ns=(before + 10**9, before + 10**9))
    align_people(people, network, tmp_path / "aligned", 96)
    anew = cv2.imread(str(first.folder / "p1" / "0.png.png"))[..., ::-1].astype(float)
    assert np.abs(anew - drawn_face(7).astype(float)).mean() < 6


def test_a_table_is_no_folder_of_people(tmp_path: Path, network: FaceNetwork) -> None:
    """It says what is needed."""
    with pytest.raises(UserError, match="a sub-folder for each person"):
        align_people(tmp_path / "people.csv", network, tmp_path, 64)
