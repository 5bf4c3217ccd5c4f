"""A descriptor of somebody else's package, through the command line as it is installed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from outsider import NAME, install_package
from samples import drawn, folder_of, save
from terminal import process


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """The environment of a machine on which the package is installed."""
    site = install_package(tmp_path / "site", {NAME: "Greyness", "failing": "out_of_order"})
    return {"PYTHONPATH": os.pathsep.join([str(site), *filter(None, [os.environ.get("PYTHONPATH")])])}


def test_index_and_search(env: dict[str, str], tmp_path: Path) -> None:
    """A gallery keeps its vectors; a darker copy is nearest, by it alone and in a weighted sum. Without a calibration
    nothing but the same bytes is called a copy."""
    folder, gallery = folder_of(tmp_path / "photos", 6), tmp_path / "g"
    ran = process("index", folder, "-g", gallery, "--descriptors", f"{NAME},structure", "--json", env=env)
    assert (ran.code, ran.json["added"]) == (0, 6)
    query = save(tmp_path / "query.png", (0.9 * drawn(3)).astype(np.uint8))
    found = process("search", query, "-g", gallery, "--by", NAME, "--json", env=env).json["queries"][0]["hits"]
    assert Path(found[0]["path"]).name == "0003.jpg"
    assert [hit["distance"] for hit in found] == sorted(hit["distance"] for hit in found)
    assert {(hit["relation"], hit["probability"]) for hit in found} == {("unrelated", 0.0)}
    ran = process("search", folder / "0004.jpg", "-g", gallery, "--by", NAME, "--json", env=env)
    same = ran.json["queries"][0]["hits"]
    assert (Path(same[0]["path"]).name, same[0]["relation"]) == ("0004.jpg", "identical")
    ran = process("search", query, "-g", gallery, "--by", f"{NAME}=1,structure=1", "--json", env=env)
    summed = ran.json["queries"][0]["hits"]
    assert Path(summed[0]["path"]).name == "0003.jpg"
    assert process("duplicates", "-g", gallery, "--by", NAME, env=env).code == 2


def test_evaluate(env: dict[str, str], tmp_path: Path) -> None:
    """It is scored beside ours: re-encoded copies of a few drawings are found by it."""
    folder = folder_of(tmp_path / "photos", 12)
    ran = process("evaluate", folder, "--by", f"{NAME},structure", "--queries", 3, "--json", env=env)
    assert ran.code == 0
    scores = {score["by"]: score for score in ran.json["scores"]}
    assert list(scores) == [NAME, "structure"]
    assert scores[NAME]["by_edit"]["jpeg-90"] == 1.0


def test_a_broken_one_stops_nobody(env: dict[str, str], tmp_path: Path) -> None:
    """Asked for by name it is an error that names the package; everything else goes on, and a list leaves it out."""
    photo = save(tmp_path / "a.png", drawn(1))
    ran = process("describe", photo, "--by", "failing", env=env)
    assert ran.code == 3
    assert "'failing' of the package outsider-descriptor 2.1 cannot be used: RuntimeError: no licence found" in ran.err
    assert process("describe", photo, "--by", NAME, env=env).code == 0
    assert process("describe", photo, "--by", "structure", env=env).code == 0
    unknown = process("describe", photo, "--by", "nonsense", env=env)
    assert (unknown.code, f", {NAME}\n" in unknown.err) == (2, True)


def test_import_looks_at_no_package(env: dict[str, str]) -> None:
    """`import lookalike` and our own descriptors import neither the package nor the scanner of packages."""
    script = """
import sys
import lookalike
from lookalike.descriptors import get
assert get("structure").card.name == "structure"
assert not {"outsider_descriptor", "importlib.metadata"} & set(sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", script], env=os.environ | env, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
